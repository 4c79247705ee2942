"""objectives: of runs that differ in objective, data and seed alone, which of these do the readings see?"""

from collections.abc import Sequence
from typing import Any

from repscope.analyses import _tables
from repscope.analyses._claims import CLAIMS, Claim
from repscope.analyses._objective_blocks import Answer
from repscope.analyses._provenance import provenance
from repscope.analyses._runs import Design, Run, Seen
from repscope.analyses._study import Progress, Study
from repscope.encoders import Encoder
from repscope.report import Report

__all__ = ["Run", "objectives"]


def objectives(
    images: Any,
    runs: Sequence[Run],
    beside: Sequence[Encoder] = (),
    *,
    claims: Sequence[Claim] = CLAIMS,
    progress: Progress | None = None,
) -> Report:
    """How much of each reading's variance lies between objectives, conditions and seeds; what becomes of claims.

    Args:
        images: Photos on which all are read; none of them trained on. From ten on anything is claimed.
        runs: One for every objective under every condition with every seed; seeds pair them.
        beside: Other encoders, read along without seeds.
        claims: Which objective is said to be at the end of which reading.

    Raises WrongUsage for runs that do not fill such a design.
    """
    design = Design.of(runs)
    study = Study.of(images, [*(run.encoder for run in design.runs), *beside], progress=progress)
    seen = Seen(design, len(study.encoders))
    for photo, views in study.look():
        seen.take(photo, [by_layer[0] for by_layer in views])
    title = (
        f"{len(runs)} runs: {', '.join(design.objectives)}; {len(design.seeds)} seeds, {len(design.conditions)} "
        f"conditions ({', '.join(design.conditions)}), on {_tables.counted(seen.photos)}"
    )
    told = [{"objective": run.objective, "condition": run.condition, "seed": run.seed} for run in design.runs]
    skipped = tuple((each.source, each.reason) for each in study.skipped)
    names = [encoder.contract.name for encoder in study.encoders[len(runs) :]]
    blocks = Answer(seen, claims).blocks(names)
    return Report(title, tuple(blocks), provenance(study, "objectives", runs=told), skipped)
