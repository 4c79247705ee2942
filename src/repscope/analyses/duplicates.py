"""duplicates: which images of a set are there twice, nearly so, or on both sides of a split?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses import _twin_blocks as shown
from repscope.analyses._sets import Steps, answered, counted, encoders_of, equal_digests, together
from repscope.analyses._study import Progress
from repscope.analyses._twin_blocks import Searched
from repscope.analyses._twins import LEAST, Nears, Scatter, twins
from repscope.errors import UnfitData, UnfitTokens, WrongUsage
from repscope.report import Block, Note, Report
from repscope.store import Embedded

ALIKE = 1e-6


def duplicates(
    images: Embedded,
    encoder: str | None = None,
    *,
    against: Embedded | None = None,
    threshold: float | None = None,
    split: Sequence[str | None] | None = None,
    pool: str | None = None,
    layer: int = -1,
    centred: bool = True,
    examples: int = 4,
    progress: Progress | None = None,
) -> Report:
    """Copies byte for byte, groups of near-duplicates under one encoder, and those that cross a split.

    Near-duplicates are images whose embeddings, less their mean, have a cosine of the threshold or more; a
    group is all that such pairs connect. The search is exact. A threshold is of one encoder and one set: .95 of
    one says nothing of another's.

    Args:
        encoder: Which of the set's; the first where none is named.
        against: Another set with the same encoder, to be told apart from this one: what they share is a leak.
        threshold: Cosine; without one it is chosen from the set, as the report says.
        split: The part of each image (train, test), None for one of no part.
        pool: `cls` or `mean`; the one its authors use where not given.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output.
        centred: Whether to take the mean embedding off. Without, cosines are mostly that of the mean with itself.
        examples: Pairs shown of each kind.
        progress: Called with steps done and steps in all.

    Raises UnknownName, WrongUsage for a split and a second set at once or a threshold that is no cosine, UnfitData for
    a split of another length or too few images to choose a threshold from, UnfitTokens for embeddings all alike.
    """
    (name,) = encoders_of(images, encoder or images.encoders[:1])
    if threshold is not None and not -1 < threshold <= 1:
        raise WrongUsage(f"A threshold is a cosine, over -1 and up to 1; got {threshold}.")
    sets = (images,) if against is None else (images, against)
    if against is not None:
        together(images, against, (name,))
    parts = _parts(sets, split)
    bank = _bank(sets, name, pool, layer)
    steps = Steps(3, progress)
    nears = Nears.of(bank, centred)
    steps()
    scatter = Scatter.of(nears)
    if threshold is None and scatter is None:
        raise UnfitData(
            f"A threshold is chosen from {LEAST} images or more that differ; got {len(bank)}. Give one as `threshold`."
        )
    chosen = scatter.threshold() if threshold is None and scatter is not None else float(threshold or 0.0)
    labels = [*dict.fromkeys(part for part in parts if part is not None)]
    code = np.array([labels.index(part) + 1 if part is not None else 0 for part in parts], np.intp)
    found = twins(bank, nears, chosen, centred, code, _copies(sets), examples)
    steps()
    searched = Searched(sets, name, nears, scatter, found, chosen, threshold is not None, labels, code, centred)
    blocks: list[Block] = [
        *shown.findings(searched),
        *shown.counts(searched),
        *shown.leaks(searched),
        *shown.galleries(searched, examples),
        *shown.curves(searched),
        *shown.groups_table(searched),
        Note(shown.COST),
    ]
    blocks += searched.album_notes()
    steps()
    options: dict[str, Any] = {"threshold": chosen, "chosen": threshold is None, "centred": centred, "pool": pool}
    options |= {"layer": layer, "parts": labels, "against": None if against is None else against.origin}
    whole = " and ".join(f"{counted(len(each))} of {each.name}" for each in sets)
    return answered(f"Duplicates among {whole} under {name}", blocks, images, "duplicates", (name,), **options)


def _parts(sets: Sequence[Embedded], split: Sequence[str | None] | None) -> list[str | None]:
    """The part of every image of all sets."""
    if len(sets) == 2:
        if split is not None:
            raise WrongUsage("A split is of one set; two sets are two parts already. Give one of both.")
        one, other = (each.name for each in sets)
        names = (one, other) if one != other else (f"{one} (first)", f"{other} (second)")
        return [part for each, part in zip(sets, names, strict=True) for _ in range(len(each))]
    if split is None:
        return [None] * len(sets[0])
    parts = [None if part is None else str(part) for part in split]
    if len(parts) != len(sets[0]):
        raise UnfitData(f"A split wants a part for each of {len(sets[0])} images; got {len(parts)}.")
    return parts


def _copies(sets: Sequence[Embedded]) -> Int[NDArray[np.intp], " N"]:
    """A number of each image that images of the same bytes share."""
    digests = np.concatenate([each.digests for each in sets])
    made = np.arange(len(digests))
    for rows in equal_digests(digests):
        made[rows] = rows[0]
    return made


def _bank(sets: Sequence[Embedded], name: str, pool: str | None, layer: int) -> Float[NDArray[np.floating], "N D"]:
    """Embeddings of all sets; raises where they do not go together, or nothing varies."""
    found = [each.embedding(each.known(name), pool, layer) for each in sets]
    if len({x.shape[1] for x in found}) > 1:
        raise UnfitData(
            f"{name} has embeddings of {' and '.join(str(x.shape[1]) for x in found)} numbers: not one encoder."
        )
    bank = found[0] if len(found) == 1 else np.concatenate(found)
    if len(bank) < 2:
        raise UnfitData("duplicates wants two images or more; got one.")
    far = max(float(np.abs(bank[k : k + 4096] - bank[0]).max()) for k in range(0, len(bank), 4096))
    if far <= ALIKE * float(np.abs(bank[0]).max()):
        raise UnfitTokens(f"{name} gives every image the same embedding: all would be duplicates.")
    return bank
