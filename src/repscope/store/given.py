"""Given: embeddings that somebody has in memory, as a set to be asked."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators import Moments
from repscope.errors import UnfitData, UnfitTokens, UnreadableImage
from repscope.images import Photo
from repscope.store.embedded import Array, Embedded, Names, Sample, of_kind


@final
class Given(Embedded):
    """Arrays of any origin: of a folder of `.npy` files, of another library, of a test.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(6, 4))
    >>> images = Given({"mine": x, "theirs": x[:, :2]}, labels=["cat"] * 3 + ["dog"] * 3)
    >>> len(images), images.encoders, images.embedding("theirs").shape
    (6, ('mine', 'theirs'), (6, 2))

    Args:
        embeddings: Encoder -> (N, D), or encoder -> {layer: (N, D)}.
        labels: The class of each image, None for one without.
        ids: A name for each image; their numbers where not given.
        photos: The images themselves, for questions that show them.
        readings: Encoder -> metric -> (N,) readings of each image's patches.
        samples: Encoder -> patch grids of a few images.
        name: What to call the set.

    Raises UnfitData where the arrays do not go together, UnfitTokens for numbers that are not finite.
    """

    def __init__(
        self,
        embeddings: Mapping[str, Array | Mapping[int, Array]],
        labels: Sequence[Any] | None = None,
        ids: Sequence[str] | None = None,
        photos: Sequence[Photo] | None = None,
        readings: Mapping[str, Mapping[str, Array]] | None = None,
        samples: Mapping[str, Sample] | None = None,
        name: str = "arrays",
    ):
        if not embeddings:
            raise UnfitData("A set wants the embeddings of one encoder at least; got none.")
        self.name, self.encoders = name, tuple(embeddings)
        self._embeddings = {
            encoder: {
                layer: _checked(encoder, x)
                for layer, x in (given if isinstance(given, Mapping) else {-1: given}).items()
            }
            for encoder, given in embeddings.items()
        }
        self._photos, self._readings, self._samples = photos, readings or {}, samples or {}
        lengths = {len(x) for layers in self._embeddings.values() for x in layers.values()}
        lengths |= {len(each) for each in (labels, ids, photos) if each is not None}
        if len(lengths) > 1:
            raise UnfitData(
                f"Embeddings, labels, ids and photos want a row per image each; got {sorted(lengths)} rows."
            )
        self._count = lengths.pop()
        self._ids = _texts(ids if ids is not None else [p.id for p in photos] if photos else range(self._count))
        if len(set(self._ids)) < self._count:
            raise UnfitData("Ids must differ, so that a row belongs to one image; some are the same.")
        known = labels is not None and any(label is not None for label in labels)
        self._labels = _texts(labels) if known and labels is not None else None

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> Names:
        return self._ids

    @property
    def sources(self) -> Names:
        return _texts([p.source or p.id for p in self._photos]) if self._photos else self._ids

    @property
    def digests(self) -> Names:
        return _texts([p.sha256 for p in self._photos] if self._photos else [""] * self._count)

    @property
    def labels(self) -> Names | None:
        return self._labels

    def layers(self, encoder: str) -> tuple[int, ...]:
        return tuple(self._embeddings[self.known(encoder)])

    def pools(self, encoder: str, layer: int = -1) -> tuple[str, ...]:
        of_kind("layer of this set", layer, self.layers(encoder))
        return ("mean",)

    def embedding(self, encoder: str, pool: str | None = None, layer: int = -1) -> Float[Array, "N D"]:
        of_kind("pool of this set", pool or "mean", self.pools(encoder, layer))
        return self._embeddings[encoder][layer]

    def readings(self, encoder: str, layer: int = -1) -> Mapping[str, Float[Array, " N"]]:
        return self._readings.get(self.known(encoder), {}) if layer == -1 else {}

    def moments(self, encoder: str, of: str = "patches", layer: int = -1) -> Moments:
        of_kind("moments of this set", of, ("mean",))
        return Moments().of(self.embedding(encoder, layer=layer))

    def sample(self, encoder: str, layer: int = -1) -> Sample:
        known = tuple(self._samples) if layer == -1 else ()
        return self._samples[of_kind("sample of this set", self.known(encoder), known)]

    def photo(self, row: int) -> Photo:
        if self._photos is None:
            raise UnreadableImage(f"{self._ids[row]}: the set is of arrays and has no images; give them as `photos`.")
        return self._photos[row]

    def described(self, encoder: str) -> dict[str, Any]:
        return {"revision": "", "contract": {"name": self.known(encoder)}}

    @property
    def origin(self) -> dict[str, Any]:
        return {"name": self.name, "images": self._count}


def _checked(encoder: str, x: Array) -> Array:
    x = np.asarray(x)
    if x.ndim != 2 or not x.size or not np.issubdtype(x.dtype, np.floating):
        raise UnfitData(f"{encoder}: wanted embeddings (N, D) of floats; got {x.dtype} of shape {x.shape}.")
    if not np.isfinite(x).all():
        raise UnfitTokens(f"{encoder}: {int((~np.isfinite(x)).sum())} of {x.size} numbers are not finite.")
    return x


def _texts(values: Any) -> NDArray[np.object_]:
    return np.array([None if value is None else str(value) for value in values], object)
