"""Embedded: a set of images and what each encoder said of them; what every question about a set is asked of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.accumulators import Moments
from repscope.errors import UnknownName
from repscope.frames import Frame
from repscope.images import Photo

Array = NDArray[np.floating]
Names = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Sample:
    """The patch grids of a few images: the same images for every encoder and layer.

    Attributes:
        rows: (R,) places of the images in the set, ascending.
        patches: (R, H, W, D) float32.
        frames: What of each image they show.
    """

    rows: Int[NDArray[np.intp], " R"]
    patches: Float[Array, "R H W D"]
    frames: tuple[Frame, ...]


class Embedded(ABC):
    """N images in a fixed order; row i of everything here belongs to image i.

    Attributes:
        name: What to call the set on a page.
        encoders: Names of the encoders, in the order they were asked for.
    """

    name: str
    encoders: tuple[str, ...]

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def ids(self) -> Names:
        """(N,) names, unlike each other."""

    @property
    @abstractmethod
    def sources(self) -> Names:
        """(N,) where each image came from."""

    @property
    @abstractmethod
    def digests(self) -> Names:
        """(N,) SHA-256 of each image's bytes; "" where they are not known."""

    @property
    @abstractmethod
    def labels(self) -> Names | None:
        """(N,) the class of each image as text, None for an image without one; None where no image has one."""

    @abstractmethod
    def layers(self, encoder: str) -> tuple[int, ...]:
        """The layers that were kept, in the order asked."""

    @abstractmethod
    def pools(self, encoder: str, layer: int = -1) -> tuple[str, ...]:
        """Which embeddings there are, `cls` or `mean`; the one its authors use first."""

    @abstractmethod
    def embedding(self, encoder: str, pool: str | None = None, layer: int = -1) -> Float[Array, "N D"]:
        """One vector per image, float32 or float16, mapped from disk where it is there; not to be written to.

        Args:
            pool: `cls` or `mean`; the one its authors use where not given.

        Raises UnknownName for an encoder, pool or layer that was not kept.
        """

    @abstractmethod
    def readings(self, encoder: str, layer: int = -1) -> Mapping[str, Float[Array, " N"]]:
        """Metric name -> reading of each image's patches, nan where it has none; empty where none were kept."""

    @abstractmethod
    def moments(self, encoder: str, of: str = "patches", layer: int = -1) -> Moments:
        """Moments over the set of its `patches`, or of `cls` or `mean` embeddings.

        Raises UnknownName for what was not kept.
        """

    @abstractmethod
    def sample(self, encoder: str, layer: int = -1) -> Sample:
        """Patch grids of a few images; raises UnknownName where none were kept."""

    @abstractmethod
    def photo(self, row: int) -> Photo:
        """The image itself, read again; raises UnreadableImage where it is gone or no longer the same."""

    @abstractmethod
    def described(self, encoder: str) -> dict[str, Any]:
        """Contract and revision of an encoder, for the provenance."""

    @property
    @abstractmethod
    def origin(self) -> dict[str, Any]:
        """Where the set came from and how it was encoded, for the provenance."""

    def known(self, encoder: str) -> str:
        """The same name; raises UnknownName for an encoder that the set has nothing of."""
        if encoder not in self.encoders:
            raise UnknownName("encoder of this set", encoder, self.encoders)
        return encoder


def of_kind(kind: str, name: Any, known: Sequence[Any]) -> Any:
    """The same name; raises UnknownName where it is none of those known."""
    if name not in known:
        raise UnknownName(kind, str(name), map(str, known))
    return name
