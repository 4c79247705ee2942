"""profile: what is the space like that each encoder puts a set of images in?"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from repscope import metrics
from repscope.accumulators import Moments
from repscope.accumulators.reservoir import priority_of
from repscope.analyses import _tables
from repscope.analyses._content import content
from repscope.analyses._extremes import extremes
from repscope.analyses._lengths import embedding_norms, lengths, spectra
from repscope.analyses._numbers import number
from repscope.analyses._pictures import pca_maps
from repscope.analyses._position import LEAST, position_directions
from repscope.analyses._sampled import samples_of
from repscope.analyses._set_readings import moment_numbers, set_numbers
from repscope.analyses._sets import (
    Album,
    Steps,
    answered,
    asked,
    copies,
    counted,
    encoders_of,
    enough,
    kept,
    pooled,
)
from repscope.analyses._study import Progress
from repscope.errors import UnfitTokens
from repscope.metrics import Reading
from repscope.report import Block, Gallery, Note, Number, Picture, Report, Table, spread
from repscope.store import Embedded, Sample

ORDER = (
    *("effective_rank", "rankme", "rankme_centred", "participation_ratio", "stable_rank", "alpha_req"),
    *("components_90", "components_99", "top10_share", "isotropy", "isotropy_centred", "uniformity"),
    *("intrinsic_dimension", "intrinsic_dimension_mle"),
)
"""The readings that come first, in this order."""
FOUND = ("effective_rank", "participation_ratio", "components_90", "isotropy", "intrinsic_dimension")
"""Those that findings are made of: less their mean, the rows of any whole set are isotropic."""


def profile(
    images: Embedded,
    encoders: str | Sequence[str] | None = None,
    *,
    pool: str | None = None,
    layer: int = -1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Readings of the embeddings and patches of a set, position against content, long tokens, and extreme images.

    Intervals of embeddings are delete-a-group jackknife over images; those of readings within images and of
    the sample's patches are over images too; the spectrum of all patches is one sum and has none.

    Args:
        encoders: Which of the set's; all where none are named.
        pool: `cls` or `mean`; the one each encoder's authors use where not given.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output.
        seed: Of the null of the position share.
        progress: Called with steps done and steps in all.

    Raises UnknownName, WrongUsage, UnfitData for fewer than two images, UnfitTokens where no encoder tells any two
    images apart.
    """
    names = encoders_of(images, encoders)
    enough(images, 2, "profile")
    pools, steps, album = pooled(images, names, pool, layer), Steps(3 * len(names) + 1, progress), Album(images)
    embeddings = {name: images.embedding(name, pools[name], layer) for name in names}
    ids = images.ids.tolist()
    numbers = {name: set_numbers(embeddings[name], ids, steps) for name in names}
    if all(each["effective_rank"].value is None for each in numbers.values()):
        raise UnfitTokens(f"{', '.join(names)}: {next(iter(numbers.values()))['effective_rank'].reason}")
    samples, lacking = samples_of(images, names, layer)
    blocks: list[Block] = [
        *_findings(numbers),
        *copies(images),
        _table("Embeddings over the set", numbers, f"One vector for each of {counted(len(images))}."),
        *_embedding_curves(embeddings, numbers),
        *_patches(images, names, layer),
        *_within(images, names, layer),
        *_position(images, samples, seed, steps),
        *lengths(samples, album),
        *extremes(images, names, layer, album),
        *lacking,
        *album.notes(),
    ]
    steps()
    options = {"pool": pool, "layer": layer, "seed": seed}
    return answered(asked(images, names, layer), blocks, images, "profile", names, **options)


def _ordered(keys: Mapping[str, Number]) -> list[str]:
    return [*(key for key in ORDER if key in keys), *(key for key in keys if key not in ORDER)]


def _table(title: str, numbers: Mapping[str, Mapping[str, Number]], caption: str) -> Table:
    """A row per reading, a column per encoder."""
    first = next(iter(numbers.values()))
    rows = tuple((first[key].label, *(each[key] for each in numbers.values())) for key in _ordered(first))
    return Table(title, ("reading", *numbers), rows, caption)


def _embedding_curves(embeddings: dict[str, np.ndarray], numbers: Mapping[str, Mapping[str, Number]]) -> list[Block]:
    known = [name for name in embeddings if numbers[name]["effective_rank"].value is not None]
    found = [(name, Moments().of(embeddings[name]).spectrum) for name in known]
    curves: list[Block] = [spectra("Spectrum of the embeddings", found, "all embeddings")] if found else []
    return [*curves, embedding_norms(embeddings)]


def _patches(images: Embedded, names: Sequence[str], layer: int) -> list[Block]:
    """The spectrum of all patches of all images together."""
    moments = {name: kept(lambda name=name: images.moments(name, "patches", layer)) for name in names}
    known = {name: each for name, each in moments.items() if each is not None and each.n > 1}
    if not known:
        return [
            Note(
                "No moments of patches were kept: nothing is said of all patches together. "
                "Embed with `moments` among what --keep names."
            )
        ]
    numbers = {name: moment_numbers(each) for name, each in known.items()}
    table = _table("Patches over the set", numbers, "All patches of all images as one set of vectors.")
    varied = [(name, each.spectrum) for name, each in known.items() if each.spectrum.sum() > 0]
    return [table, *([spectra("Spectrum of the patches", varied, "all patches")] if varied else [])]


def _within(images: Embedded, names: Sequence[str], layer: int) -> list[Block]:
    """Readings of the patches of each image: their means."""
    found: dict[str, dict[str, Number]] = {}
    for name in names:
        readings = images.readings(name, layer)
        found[name] = {key: _mean(key, values) for key, values in readings.items() if key in metrics.catalogue}
    none = [name for name, each in found.items() if not each]
    known = {name: each for name, each in found.items() if each}
    notes = [Note(f"No readings within images were kept of {', '.join(none)}.")] if none else []
    if not known:
        return [*notes]
    shared = set.intersection(*(set(each) for each in known.values()))
    ordered = {name: {key: each[key] for key in each if key in shared} for name, each in known.items()}
    title, caption = "Patches within an image", "Mean over images of each image's own reading, with 95 % interval."
    return [*notes, _table(title, ordered, caption)]


def _mean(key: str, values: np.ndarray) -> Number:
    card = metrics.catalogue[key]
    assert isinstance(card, Reading)
    each = [float(v) if np.isfinite(v) else "undefined for every image" for v in np.asarray(values)]
    made = number(card, each, (len(each), 1), of="images")
    caveats = tuple(c for c in made.caveats if c.startswith(("undefined", "an interval")))  # shapes are not known here
    return Number(
        made.label, made.value, made.ci, None, made.n, made.of, made.unit, made.definition, caveats, made.reason
    )


def _position(images: Embedded, samples: dict[str, Sample], seed: int, steps: Steps) -> list[Block]:
    """Position against content, and what of each place all images have in common."""
    if not samples:
        return []
    made = {}
    for name, sample in samples.items():
        made[name] = content(sample.patches[_by_hash(images, sample.rows)], seed)
        steps()
    keys = ("position", "position_net", "image", "rest", "decoded")
    first = next(iter(made.values()))
    rows = [(first[key].label, *(each[key] for each in made.values())) for key in keys]
    rows.append(("directions of position", *(_directions(sample) for sample in samples.values())))
    few = min(len(sample.rows) for sample in samples.values())
    caption = f"Of a sample of {counted(few)}, whose patch grids were kept. Position, image and the rest sum to 1."
    return [
        Table("Position against content", ("share of variance", *made), tuple(rows), caption),
        *_mean_fields(samples),
    ]


def _directions(sample: Sample) -> Number:
    definition = (
        "Principal directions of the mean field over images that are longer than all but 5 in 100 of those of fields "
        "turned negative at random, one after the other."
    )
    n, of = len(sample.rows), "images"
    if n < LEAST:
        return Number("directions of position", None, definition=definition, reason=f"Wants {LEAST} images; got {n}.")
    value = float(len(position_directions(list(sample.patches))))
    caveats = ("a count that passed a test: no interval",)
    return Number("directions of position", value, n=n, of=of, definition=definition, caveats=caveats)


def _mean_fields(samples: dict[str, Sample]) -> list[Gallery]:
    pictures = tuple(
        Picture(name, pca_maps([sample.patches.mean(0, dtype=np.float64)])[0]) for name, sample in samples.items()
    )
    caption = "Mean over images of the patch at each place, three principal components as colours; colours of two "
    return [Gallery("What each place has in common", pictures, f"{caption}encoders do not compare.")]


def _findings(numbers: Mapping[str, Mapping[str, Number]]) -> list[Note]:
    names = list(numbers)
    if len(names) == 1:
        rank = numbers[names[0]]["effective_rank"]
        return [Note(f"Embeddings of {names[0]} spread over {spread(rank)} effective dimensions.", "finding")]
    return _tables.reading_findings(names, [numbers[name] for name in names], FOUND)


def _by_hash(images: Embedded, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The sample in an order of its own: groups and folds do not hang on that of the source."""
    return np.argsort([priority_of(name) for name in images.ids[rows]], kind="stable")
