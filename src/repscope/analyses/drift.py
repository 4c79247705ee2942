"""drift: what changed from one checkpoint of a run to the next?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._checkpoints import Checkpoint, listed
from repscope.analyses._drift_blocks import Similarity, Story, cards
from repscope.analyses._numbers import Value, read
from repscope.analyses._pairs import Meetings
from repscope.analyses._provenance import described, provenance
from repscope.analyses._study import Progress, Study, View, alike, flat, view_of
from repscope.analyses._tables import measured, photo_notes, photos_named
from repscope.encoders import Contract
from repscope.encoders.encoder import Framing
from repscope.errors import UnfitTokens, WrongUsage
from repscope.extract import BATCH, extract
from repscope.metrics import Pair, Reading, Rows
from repscope.report import Number, Report

READINGS = (
    "effective_rank",
    "rankme_centred",
    "mean_cosine",
    "uniformity",
    "spatial_coherence_centred",
    "token_norm",
    "outlier_tokens",
)
SIMILARITIES = ("linear_cka", "mutual_knn")
COLLAPSED = "all patches are alike: the checkpoint gives one token for the whole photo"


def drift(
    images: Any,
    checkpoints: Any,
    *,
    framing: Framing = "official",
    strict: bool = False,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Report:
    """Similarity of each checkpoint to the one before and to the last, readings over time, the largest shift.

    One encoder is held at a time, and the patches of three: the last checkpoint is looked at first.

    Args:
        images: Paths, folders, arrays (H, W, 3) or PIL images; none for the bundled samples.
        checkpoints: Files, folders of checkpoints, names, or encoders from `repscope.load`; two or
            more in all. They are put in natural order, step-2 before step-10.
        framing: `official` uses the encoder's published transform, `square` the central square.
        strict: Fail on the first photo that cannot be used, instead of skipping it by name.
        batch: Photos in one forward pass.
        progress: Called with forward passes of a photo done and in all.

    Raises WrongUsage for fewer than two checkpoints, or some of another family, width or grid;
    UnfitCheckpoint for a file that holds no encoder or a folder without any; NoImages, UnfitTokens.
    """
    chosen = listed(checkpoints)
    if len(chosen) < 2:
        for each in chosen:
            each.sought()
        had = f"only {chosen[0].label}" if chosen else "none"
        raise WrongUsage(
            f"drift wants two checkpoints or more; got {had}: nothing to have drifted from. "
            "Give the folder of a run or more of its files, or look into one encoder with inspect."
        )
    contracts = _of_one_kind(chosen)
    study = _without_flat(Study.of(images, (), framing=framing, strict=strict, batch=batch, progress=progress))
    return _Gathered(study, chosen, contracts).report()


_KIND = {
    "family": lambda contract: contract.family,
    "width": lambda contract: contract.architecture.width,
    "patch grid": lambda contract: "{} x {}".format(*contract.grid),
}


def _of_one_kind(chosen: Sequence[Checkpoint]) -> list[Contract]:
    """Every contract; each encoder is loaded and let go, so that a misfit costs no pass over the photos."""
    contracts = [each.loaded().contract for each in chosen]
    for checkpoint, contract in zip(chosen, contracts, strict=True):
        for name, ask in _KIND.items():
            if ask(contract) != ask(contracts[0]):
                raise WrongUsage(
                    f"drift follows one encoder through its training, but the {name} differs: "
                    f"{ask(contracts[0])} of {chosen[0].label}, {ask(contract)} of {checkpoint.label}. "
                    "Give checkpoints of one run, or set encoders side by side with compare."
                )
    return contracts


def _without_flat(study: Study) -> Study:
    """The study without photos of one colour; raises UnfitTokens where all are."""
    reasons = [flat(photo) for photo in study.photos]
    for photo, reason in zip(study.photos, reasons, strict=True):
        if reason:
            study.skip(photo, reason)
    if all(reasons):
        raise UnfitTokens(f"{study.photos[0].id}: {reasons[0]}")
    return replace(study, photos=tuple(p for p, reason in zip(study.photos, reasons, strict=True) if not reason))


class _Together:
    """Two checkpoints while their photos come by; a photo that either has collapsed on has no similarity."""

    def __init__(self, measures: Sequence[Pair]):
        self.meetings, self.measures, self.met, self.left_out = Meetings(2, measures), measures, 0, 0

    def meet(self, views: tuple[View, View], rows: tuple[Rows | None, Rows | None]) -> None:
        x, y = rows
        if x is None or y is None:
            self.left_out += 1
            return
        self.met += 1
        self.meetings.meet(views, (x, y))

    def similarity(self) -> Similarity:
        if not self.met:
            none = {m.name: Number(m.title, None, definition=m.definition, reason=COLLAPSED) for m in self.measures}
            return Similarity(none, {m.name: [] for m in self.measures})
        numbers = {measure.name: self._number(measure) for measure in self.measures}
        return Similarity(numbers, {measure.name: self.meetings.nulls(measure, 0, 1) for measure in self.measures})

    def _number(self, measure: Pair) -> Number:
        number = self.meetings.numbers(measure, 0, 1)
        if not self.left_out:
            return number
        caveat = f"{self.left_out} of {self.left_out + self.met} photos left out: {COLLAPSED}"
        return replace(number, caveats=(*number.caveats, caveat))


class _Gathered:
    """What is kept of each checkpoint once its weights are gone."""

    def __init__(self, study: Study, chosen: Sequence[Checkpoint], contracts: Sequence[Contract]):
        self.study, self.chosen, self.contracts = study, chosen, contracts
        self.readings: list[Reading] = cards(READINGS, Reading)
        self.measures: list[Pair] = cards(SIMILARITIES, Pair)
        self.described: dict[str, dict[str, Any]] = {}
        self.embeddings: dict[str, Float[NDArray[np.floating], "N D"]] = {}
        self.values: list[dict[str, list[Value]]] = []
        self.collapsed: list[int] = []
        self.to_before: list[Similarity] = []
        self.to_last: list[Similarity] = []
        self.shape = (1, 1, 0)

    def report(self) -> Report:
        """Look at the last checkpoint, then at all others in order, each beside the one before and the last."""
        last, before = self._look(self.chosen[-1]), None
        for checkpoint in self.chosen[:-1]:
            views = self._look(checkpoint)
            if self.shape[:2] != (1, 1):
                self._take(views, before, last)
            before = views
        if self.shape[:2] != (1, 1):
            self._take(last, None, None)
            self.to_before.append(self.to_last[-1])  # the last but one is both
        return self._written()

    def _look(self, checkpoint: Checkpoint) -> list[View]:
        """Every photo, in canonical order, under an encoder that is loaded for it and let go."""
        encoder, study, views = checkpoint.loaded(), self.study, []
        self.described[checkpoint.label] = described(encoder)
        for seen in extract((encoder,), study.photos, study.layers, study.framing, study.batch):
            views += [view_of(seen.tokens[0][0], place, encoder) for place in range(len(seen.photos))]
            if study.progress:
                done = (len(self.described) - 1) * len(study.photos) + len(views)
                study.progress(done, len(self.chosen) * len(study.photos))
        self.embeddings[checkpoint.label] = np.stack([view.embedding for view in views])
        self.shape = views[0].patches.shape
        return views

    def _take(self, views: list[View], before: list[View] | None, last: list[View] | None) -> None:
        """Readings of one checkpoint, and its similarities where there is one before and one last."""
        values: dict[str, list[Value]] = {reading.name: [] for reading in self.readings}
        back, on, collapsed = _Together(self.measures), _Together(self.measures), 0
        for place, view in enumerate(views):
            rows = _rows(view)
            collapsed += rows is None
            for name, value in self._read(view, rows).items():
                values[name].append(value)
            if before is not None:
                back.meet((before[place], view), (_rows(before[place]), rows))
            if last is not None:
                on.meet((view, last[place]), (rows, _rows(last[place])))
        self.values.append(values)
        self.collapsed.append(collapsed)
        self.to_before += [] if before is None else [back.similarity()]
        self.to_last += [] if last is None else [on.similarity()]

    def _read(self, view: View, rows: Rows | None) -> dict[str, Value]:
        """Readings of one photo; of patches that are all alike, those that see their common vector."""
        if rows is not None:
            return read(rows, self.readings)
        seen = read(Rows(view.patches), [reading for reading in self.readings if not reading.laws.shift])
        return {reading.name: seen.get(reading.name, COLLAPSED) for reading in self.readings}

    def _written(self) -> Report:
        study, labels = self.study, [checkpoint.label for checkpoint in self.chosen]
        encoders = [self.described[label] for label in labels]
        story = Story(
            labels=labels,
            photos=len(study.photos),
            measures=self.measures,
            readings=[measured(self.readings, values, self.shape) for values in self.values],
            to_before=self.to_before,
            to_last=self.to_last,
            embeddings=[self.embeddings[label] for label in labels],
            collapsed=self.collapsed or [0] * len(labels),
            contracts=self.contracts,
            revisions=[str(each["revision"]) for each in encoders],
        )
        made = provenance(study, "drift", self._subject(), checkpoints=labels) | {"encoders": encoders}
        skipped = tuple((each.source, each.reason) for each in study.skipped)
        on = photos_named(study, len(study.photos))
        title = f"Drift from {labels[0]} to {labels[-1]}, {len(labels)} checkpoints on {on}"
        return Report(title, (*story.blocks(), *photo_notes(study)), made, skipped)

    def _subject(self) -> list[str] | None:
        """The checkpoints and photos as a command line names them; None where some have no name there."""
        named = [each.given for each in self.chosen if isinstance(each.given, str)]
        if len(named) < len(self.chosen):
            return None
        return [*named, *(word for photo in self.study.given or () for word in ("--data", photo))]


def _rows(view: View) -> Rows | None:
    """The patches as rows; None where nothing but rounding tells them apart."""
    return None if alike(view.patches) else Rows(view.patches)
