"""Watch: the monitor of a run, over its held-out images, its state beside the run's own."""

import json
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint, WrongUsage
from repscope.lab import checkpoint, views
from repscope.lab.build import untrained
from repscope.lab.chance import Chance
from repscope.lab.data import TrainingSet
from repscope.lab.recipe import Recipe
from repscope.monitor import Monitor, Observation
from repscope.monitor.monitor import LEAST

STATE = "monitor.json"
VIEWED, VIEWS = 256, 4
"""Images whose views are compared, and views of each."""


class Watch:
    """A monitor in a run's folder: called after every step, it gives readings for the log where it is its turn.

    The untrained encoder is observed first, so that the run is judged against it. State is written
    with every observation; what was seen after the checkpoint that a run is resumed from is seen again.

    Args:
        monitor: What looks.
        recipe: Of the run.
        folder: Of the run.
    """

    def __init__(self, monitor: Monitor, recipe: Recipe, folder: Path):
        self.monitor, self.recipe, self.state = monitor, recipe, folder / STATE
        self.begun = False

    def __call__(self, encoder: ViT, step: int) -> dict[str, Any] | None:
        if not self.begun:
            self._begin(step)
        observation = self.monitor(encoder, step)
        if observation is None:
            return None
        with checkpoint.aside(self.state) as part:
            part.write_text(json.dumps(self.monitor.state()), encoding="utf-8")
        return line(observation)

    def _begin(self, step: int) -> None:
        """Go on from the state of a run that is resumed; else see to it that the untrained encoder is looked at."""
        self.begun = True
        if step > 1 and self.state.is_file():
            _restore(self.monitor, self.state)
            self.monitor.forget(step)
        elif step:
            self.monitor(untrained(self.recipe), 0)


def watcher(recipe: Recipe, held: TrainingSet, folder: Path, *, every: int) -> Watch | None:
    """A monitor of these held-out images, whole and in four fixed crops; None for too few to say anything."""
    if len(held) < LEAST:
        return None
    prefix = recipe.architecture.prefix
    monitor = Monitor(
        views.normalised(held.pixels[:]),
        labels=held.labels,
        views=crops(held.spread(VIEWED), recipe),
        every=every,
        pool=lambda layers: layers[0][:, prefix:].float().mean(1),
    )
    return Watch(monitor, recipe, folder)


def crops(held: TrainingSet, recipe: Recipe) -> Float[Tensor, "n 4 3 S S"]:
    """Four random parts of each image, mirrored or not: the same in every run."""
    chance = Chance(0, len(held))
    return torch.stack(
        [views.normalised(views.cropped(held.pixels[:], chance, recipe.size, recipe.crop)) for _ in range(VIEWS)], 1
    )


def line(observation: Observation) -> dict[str, Any]:
    """What the log keeps of an observation: every number by its name, and `collapse` in words where there is one."""
    numbers: dict[str, Any] = dict(observation.numbers())
    return numbers | ({"collapse": str(observation.collapse)} if observation.collapse else {})


def _restore(monitor: Monitor, path: Path) -> None:
    try:
        monitor.restore(json.loads(path.read_text(encoding="utf-8")))
    except WrongUsage as error:
        raise WrongUsage(f"{path}: {error} To do so, remove that file.") from None
    except OSError as error:
        raise UnfitCheckpoint(f"{path} cannot be read: {error.strerror}. See that you may read it.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UnfitCheckpoint(
            f"{path} cannot be read as the state of a monitor: {error}. Remove it: the run is then judged anew, "
            "against its untrained encoder."
        ) from None
