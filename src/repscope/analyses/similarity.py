"""similarity: how alike do encoders arrange a set of images, and the patches within them?"""

from collections.abc import Callable, Sequence
from itertools import combinations, combinations_with_replacement

import numpy as np

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._numbers import TRUSTED, separate
from repscope.analyses._pairs import Meetings, measures_of
from repscope.analyses._sampled import met, samples_of
from repscope.analyses._set_layers import LayersMet
from repscope.analyses._set_pairs import WITHIN, SetPairs
from repscope.analyses._sets import Steps, answered, asked, copies, encoders_of, enough, pooled
from repscope.analyses._study import Progress
from repscope.metrics import Pair
from repscope.report import Block, Heatmap, Note, Number, Report, Table, say, spread
from repscope.store import Embedded

LEAST = 20
"""Images under which a set is not compared: the jackknife's groups would be of one."""


def similarity(
    images: Embedded,
    encoders: Sequence[str] | None = None,
    *,
    pool: str | None = None,
    layer: int = -1,
    layers: bool = False,
    also: Sequence[str] = (),
    within: int = WITHIN,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Every pair measure of every two encoders: over the images' embeddings, and over patches where they were kept.

    Intervals of embeddings are delete-a-group jackknife over images, those of patches bootstrap over
    images; nulls put one encoder's images in another order, or shift its patches and cross its images.

    Args:
        encoders: Which of the set's; all where none are named. With `layers`, one will do.
        pool: `cls` or `mean`; the one each encoder's authors use where not given.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output.
        layers: Also CKA of all layers that were kept against all.
        also: Pair measures that are shown only on request: `linear_cka_biased`.
        within: Images that nulls and intervals of embeddings are drawn from, those whose ids hash lowest.
        seed: Of the nulls' orders.
        progress: Called with steps done and steps in all.

    Raises UnknownName, WrongUsage for too few encoders, UnfitData for fewer than 20 images.
    """
    names = encoders_of(images, encoders, least=1 if layers else 2)
    enough(images, LEAST, "similarity")
    measures, pools = measures_of(also), pooled(images, names, pool, layer)
    embeddings = [images.embedding(name, pools[name], layer) for name in names]
    crossings = list(combinations_with_replacement(names, 2)) if layers else []
    steps = Steps(SetPairs.steps(measures, len(images), within) + 2 * len(crossings) + 1, progress)
    blocks: list[Block] = [*copies(images)]
    found: list[Note] = []
    if len(names) > 1:
        over = SetPairs(embeddings, measures, images.ids.tolist(), within, seed, steps)
        found = _findings(names, over)
        blocks += [_matrix(f"{m.title}: embeddings", names, m, over.number) for m in measures]
        blocks += _patches(images, names, measures, layer)
        steps()
    if layers:
        across = LayersMet(images, {name: pools[name] for name in names}, seed, steps)
        blocks += [across.heatmap(one, other) for one, other in crossings]
    blocks.append(_who(images, names, pools, embeddings, layer))
    options = {"pool": pool, "layer": layer, "layers": layers, "also": list(also), "within": within, "seed": seed}
    return answered(asked(images, names, layer), [*found, *blocks], images, "similarity", names, **options)


def _matrix(
    title: str, names: Sequence[str], measure: Pair, number: Callable[[Pair, int, int], Number], caption: str = ""
) -> Heatmap:
    cells = tuple(
        tuple(_itself(measure) if i == j else number(measure, i, j) for j in range(len(names)))
        for i in range(len(names))
    )
    domain = (0.0, 1.0) if measure.better == "higher" else (0.0, float(np.pi / 2))
    said = "" if measure.laws.swap else "The row foretells the column."
    return Heatmap(title, tuple(names), tuple(names), cells, domain, " ".join(filter(None, (said, caption))))


def _itself(measure: Pair) -> Number:
    return Number(
        measure.title,
        measure.best if measure.exact else None,
        unit=measure.unit,
        definition=measure.definition,
        reason="" if measure.exact else "a set with itself is not measured",
    )


def _patches(images: Embedded, names: Sequence[str], measures: Sequence[Pair], layer: int) -> list[Block]:
    """Every measure over the patches of the images whose grids were kept: mean over images."""
    samples, notes = samples_of(images, names, layer)
    if len(samples) < 2:
        return [*notes]
    known = tuple(samples)
    meetings, count, flat = met(images, samples, measures, layer)
    if not count:
        return [*notes, *flat]
    caption = f"Patches of {count} images, mean over images; the stricter of two nulls."
    return [
        *notes,
        *flat,
        *(_matrix(f"{m.title}: patches", known, m, meetings.numbers, caption) for m in measures),
        *_both_nulls(known, measures, meetings),
        _registration(known, meetings),
    ]


def _both_nulls(names: Sequence[str], measures: Sequence[Pair], meetings: Meetings) -> list[Table]:
    pairs = []
    for i, j in meetings.met:
        nulls = [meetings.nulls(m, i, j) if i < j or not m.laws.swap else [] for m in measures]
        pairs.append((f"{names[i]}, {names[j]}", nulls))
    return _tables.nulls_table(pairs, [measure.title for measure in measures])


def _registration(names: Sequence[str], meetings: Meetings) -> Table:
    return _tables.registration(names, {pair: meeting.overlays for pair, meeting in meetings.met.items()})


def _who(images: Embedded, names: Sequence[str], pools: object, embeddings: Sequence[object], layer: int) -> Table:
    rows = tuple(
        (name, pools[name], str(x.shape[1]), ", ".join(map(str, images.layers(name))))  # type: ignore[index, attr-defined]
        for name, x in zip(names, embeddings, strict=True)
    )
    caption = f"One embedding for each of {len(images):,} images, layer {layer}."
    return Table("Encoders", ("encoder", "pool", "width", "layers kept"), rows, caption)


def _findings(names: Sequence[str], over: SetPairs) -> list[Note]:
    """CKA of every two against its null; and which two are most alike, where intervals do not touch."""
    cka = metrics.catalogue["linear_cka"]
    assert isinstance(cka, Pair)
    numbers = {f"{names[i]} and {names[j]}": over.number(cka, i, j) for i, j in combinations(range(len(names)), 2)}
    found = [_alike(pair, number) for pair, number in numbers.items() if number.value is not None and number.null]
    if (apart := separate(numbers)) and over.part.whole >= TRUSTED:
        low, high = (numbers[pair] for pair in apart)
        text = f"{apart[1]} are more alike (CKA {spread(high)}) than {apart[0]} ({spread(low)}); the intervals do not "
        found.append(Note(f"{text}touch.", "finding"))
    return found


def _alike(pair: str, number: Number) -> Note:
    null = number.null
    assert null is not None
    beside = f"other orders of the images reach {say(null.q95)} (p {say(null.p)})"
    if not null.exceeded or number.ci is None or number.ci[0] <= null.q95:
        return Note(f"{pair}: CKA of embeddings {spread(number)} is not surely past its null; {beside}.")
    return Note(f"{pair} arrange the images alike: CKA {spread(number)}; {beside}.", "finding")
