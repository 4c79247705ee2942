"""The monitor: a call after each training step, readings of held-out images at every k-th."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from repscope import metrics
from repscope.errors import UnfitData, UnfitTokens, WrongUsage
from repscope.metrics import Rows
from repscope.monitor.collapse import ROUNDING, judged
from repscope.monitor.embed import Pool, embed, undisturbed
from repscope.monitor.neighbours import NEIGHBOURS, Votes, left_out
from repscope.monitor.observation import Observation

if TYPE_CHECKING:
    from repscope.monitor.callback import MonitorCallback

Array = NDArray[np.float64]

READINGS = ("effective_rank", "rankme", "rankme_centred", "isotropy", "deviation", "uniformity", "sigreg")
OF_VIEWS = ("alignment", "lidar", "view_ratio")
LEAST = 8
"""Images under which a spectrum says nothing."""


class Monitor:
    """Readings of held-out images while an encoder trains, and whether it collapses.

    The first call is observed, whatever its step: call it before the first update, so that the run
    is judged against the encoder as it was initialised. A model is put into evaluation mode and back
    into whatever mode each of its parts was in; the state of every random generator is left as
    found. A plain function around a model is called as it is.

    Args:
        images: (n, 3, H, W) floats as the model takes them, held out of training; some hundreds.
        labels: (n,) class of each, -1 where it is not known, for the accuracy of nearest neighbours.
        views: (m, q, 3, H, W) several random views of each of some images, drawn once, for
            alignment and LiDAR.
        every: Steps between two observations.
        pool: From what the model gives to (n, D), where it is neither embeddings nor tokens to average.
        batch: Images in one forward pass.
        seed: Of chance while the model looks.

    Attributes:
        history: Every observation so far.

    Raises UnfitData for images, labels or views of another shape, WrongUsage for `every` or `batch` under 1.

    >>> images = torch.rand(32, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> monitor = Monitor(images, every=10)
    >>> observation = monitor(torch.nn.Flatten(), 0)
    >>> round(observation["effective_rank"]), observation.collapse, monitor(torch.nn.Flatten(), 1)
    (29, None, None)
    """

    def __init__(
        self,
        images: Float[Tensor, "n 3 H W"],
        *,
        labels: Int[Tensor, " n"] | ArrayLike | None = None,
        views: Float[Tensor, "m q 3 H W"] | None = None,
        every: int = 100,
        pool: Pool | None = None,
        batch: int = 256,
        seed: int = 0,
    ):
        _refuse_unless(images, 4, "images (n, 3, H, W)", LEAST)
        if views is not None:
            _refuse_unless(views, 5, "views (m, q, 3, H, W)", 2)
            if views.shape[1] < 2:
                raise UnfitData(f"Alignment wants two views or more of each image; got {tuple(views.shape)}.")
        if every < 1 or batch < 1:
            raise WrongUsage(f"The monitor wants `every` and `batch` of 1 or more; got {every} and {batch}.")
        self.images, self.views = images, views
        self.labels = None if labels is None else _classes(labels, len(images))
        self.every, self.pool, self.batch, self.seed = every, pool, batch, seed
        self.history: tuple[Observation, ...] = ()

    def __call__(self, model: Callable[[Tensor], Any], step: int) -> Observation | None:
        """What is seen at this step; None where it is not its turn.

        A step before the last one observed is that of a run gone back to a checkpoint: what was seen
        after it is forgotten.

        Args:
            model: A module or function from images to embeddings (n, D) or tokens (n, N, D).
            step: Updates so far.

        Raises UnfitTokens for embeddings that are not finite, Unsupported for an output that is
        neither embeddings nor tokens.
        """
        self.forget(step + 1)
        if not self.due(step):
            return None
        if isinstance(model, DistributedDataParallel):
            model = model.module  # the wrapper would wait for processes that do not look
        with undisturbed(model, self.seed):
            rows = self._rows(model, step)
            seen = None if self.views is None else embed(model, self.views.flatten(0, 1), self.pool, self.batch)
        readings, missing = _of_rows(rows)
        if self.views is not None and seen is not None:
            more, lacking = _of_views(seen.reshape(*self.views.shape[:2], -1))
            readings, missing = readings | more, missing | lacking
        votes = None if self.labels is None else _votes(rows.values, self.labels)
        observation = Observation(step, len(rows), rows.width, readings, missing, votes, variance=_variance(rows))
        found = judged([(each.step, each.evidence()) for each in (*self.history, observation)])
        observation = replace(observation, collapse=found)
        self.history = (*self.history, observation)
        return observation

    def due(self, step: int) -> bool:
        """Whether this step will be observed: the first, and one in every stretch of `every`."""
        return not self.history or step // self.every > self.history[-1].step // self.every

    def forget(self, step: int) -> None:
        """What was seen at this step and later: a run that has gone back to a checkpoint comes there again."""
        self.history = tuple(each for each in self.history if each.step < step)

    def callback(self, model: Callable[[Any], Callable[[Tensor], Any]] | None = None) -> "MonitorCallback":
        """This monitor for a Lightning trainer; `model` finds what to observe in the module, itself if None."""
        from repscope.monitor.callback import MonitorCallback

        return MonitorCallback(self, model)

    def state(self) -> dict[str, Any]:
        """Plain values (JSON can hold them) with which a resumed run keeps its first readings."""
        return {"images": self.digest, "history": [each.state() for each in self.history]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; raises WrongUsage for a state of other held-out images."""
        if state["images"] != self.digest:
            raise WrongUsage(
                "This state of a monitor is of other held-out images: its first readings cannot judge these. "
                "Give the images that the run was begun with, or begin without the state."
            )
        self.history = tuple(Observation.from_state(each) for each in state["history"])

    @cached_property
    def digest(self) -> str:
        """Of the images that are looked at."""
        told = blake2b(digest_size=8)
        for part in self.images.split(256):
            told.update(np.ascontiguousarray(part.detach().float().cpu().numpy()).data)
        return told.hexdigest()

    def _rows(self, model: Callable[[Tensor], Any], step: int) -> Rows:
        try:
            return Rows(embed(model, self.images, self.pool, self.batch))
        except UnfitTokens as error:
            raise UnfitTokens(
                f"Embeddings at step {step}: {error} The run has come apart; go back to a checkpoint."
            ) from None


def _refuse_unless(images: Any, axes: int, wanted: str, least: int) -> None:
    fits = isinstance(images, Tensor) and images.ndim == axes and images.is_floating_point() and len(images) >= least
    if not fits:
        got = (
            f"a {images.dtype} tensor of {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        )
        raise UnfitData(f"The monitor wants {wanted}, floats as the model takes them, {least} or more; got {got}.")


def _classes(labels: Any, images: int) -> Int[Tensor, " n"] | None:
    """Whole numbers on the CPU; None where no two images have one."""
    try:
        known = torch.as_tensor(labels).cpu()
    except (TypeError, ValueError):  # names of classes, say
        raise UnfitData(f"Labels want a whole number for each of {images} images; these are none.") from None
    if known.shape != (images,) or known.is_floating_point():
        raise UnfitData(
            f"Labels want a whole number for each of {images} images; got {known.dtype} of {tuple(known.shape)}."
        )
    return known.long() if int((known >= 0).sum()) > 1 else None


def _variance(rows: Rows) -> float:
    """Mean squared distance from the mean; 0 where float32 cannot tell it from none, as where all rows are zero."""
    size = np.square(rows.norms).mean()
    variance = np.square(rows.values - rows.values.mean(0)).sum(1).mean()
    return float(variance) if variance > ROUNDING * size else 0.0


def _of_rows(rows: Rows) -> tuple[dict[str, float], dict[str, str]]:
    return _taken(READINGS, lambda card: card.of(rows))


def _of_views(vectors: Float[Array, "n q D"]) -> tuple[dict[str, float], dict[str, str]]:
    return _taken(OF_VIEWS, lambda card: card(vectors))


def _taken(names: tuple[str, ...], take: Callable[[Any], float]) -> tuple[dict[str, float], dict[str, str]]:
    """Readings by name, and the reasons of those there are not."""
    readings: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            readings[name] = take(metrics.catalogue[name])
        except (UnfitTokens, UnfitData) as error:
            missing[name] = str(error)
    return readings, missing


def _votes(rows: Float[Array, "n D"], labels: Int[Tensor, " n"]) -> Votes:
    known = labels >= 0
    some = torch.from_numpy(rows)[known]
    return left_out(some, labels[known], min(NEIGHBOURS, len(some) - 1))
