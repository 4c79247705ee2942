"""objectives: of runs that differ in objective, data and seed alone, which of these do the readings see?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._claims import CLAIMS, LIKENESS, Claim
from repscope.analyses._objective_blocks import Answer
from repscope.analyses._provenance import provenance
from repscope.analyses._runs import Design, Run, Seen
from repscope.analyses._study import Progress, Study, View
from repscope.encoders import Encoder
from repscope.errors import UnfitTokens, UnknownName
from repscope.images import Photo
from repscope.report import Note, Report

__all__ = ["Run", "objectives"]


def objectives(
    images: Any,
    runs: Sequence[Run],
    beside: Sequence[Encoder] = (),
    *,
    claims: Sequence[Claim] = CLAIMS,
    picture: Any = None,
    progress: Progress | None = None,
) -> Report:
    """How much of each reading's variance lies between objectives, conditions and seeds; what becomes of claims.

    Args:
        images: Photos on which all are read; none of them trained on. From ten on anything is claimed.
        runs: One for every objective under every condition with every seed; seeds pair them.
        beside: Other encoders, read along without seeds.
        claims: Which objective is said to be at the end of which reading.
        picture: A photo to make the PCA maps of, and to read for nothing else; else the first of `images`.

    An objective of which some run gives the same token for every patch is left out, and that is said: such
    runs have no readings, and what is left would not be compared like with like. So is such an encoder beside.

    Raises WrongUsage for runs that do not fill such a design, UnknownName for claims of what is not read, and
    UnfitTokens where fewer than two objectives are left.
    """
    known = [*(reading.name for reading in metrics.readings()), LIKENESS]
    for claim in claims:
        if claim.reading not in known:
            raise UnknownName("reading", claim.reading, known)
    design = Design.of(runs)
    study = Study.of(images, [*(run.encoder for run in design.runs), *beside], progress=progress)
    without: dict[str, str] = {}
    if ended := study.collapsed():
        count = len(design.runs)
        without = {design.runs[place].objective: reason for place, reason in ended.items() if place < count}
        left = [run for run in design.runs if run.objective not in without]
        if len(set(design.objectives) - set(without)) < 2:
            raise UnfitTokens(f"Fewer than two objectives are left to compare. {' '.join(without.values())}")
        others = [encoder for place, encoder in enumerate(beside, count) if place not in ended]
        without |= {study.encoders[place].contract.name: ended[place] for place in ended if place >= count}
        design, study = Design.of(left), replace(study, encoders=(*(run.encoder for run in left), *others))
    seen = Seen(design, len(study.encoders))
    if picture is not None:
        seen.pictured = next(_viewed(Study.of(picture, [run.encoder for run in design.runs], strict=True)))
    for photo, views in _viewed(study):
        seen.take(photo, views)
    count = len(design.runs)
    title = (
        f"{count} runs: {', '.join(design.objectives)}; {len(design.seeds)} seeds, "
        f"{_tables.counted(len(design.conditions), 'condition')} ({', '.join(design.conditions)}), "
        f"on {_tables.counted(seen.photos)}"
    )
    told = [{"objective": run.objective, "condition": run.condition, "seed": run.seed} for run in design.runs]
    skipped = tuple((each.source, each.reason) for each in study.skipped)
    names = [encoder.contract.name for encoder in study.encoders[count:]]
    notes = [Note(f"Without {name}: {reason}", "warning") for name, reason in without.items()]
    blocks = (*notes, *Answer(seen, claims).blocks(names))
    shown = {"id": seen.pictured[0].id, "sha256": seen.pictured[0].sha256} if seen.pictured else None
    made = provenance(study, "objectives", None, runs=told, without=list(without), picture=shown)
    return Report(title, blocks, made, skipped)


def _viewed(study: Study) -> Iterator[tuple[Photo, list[View]]]:
    """Each photo under every encoder at its output."""
    return ((photo, [by_layer[0] for by_layer in views]) for photo, views in study.look())
