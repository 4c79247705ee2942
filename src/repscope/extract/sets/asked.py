"""Asked: what is to be kept of every image, and how it is shown; the same for every shard of a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.errors import UnknownName, WrongUsage
from repscope.images.pace import Pace, checked
from repscope.metrics import catalogue, readings
from repscope.store.columns import POOLS

Kept = Literal["cls", "mean", "patches", "readings", "moments", "sample"]
KEEP: tuple[Kept, ...] = ("cls", "mean", "readings", "moments", "sample")
"""What is kept where nothing else is said: all but the patches of every image, which are a hundred times the rest."""

WITHIN = (
    "token_norm",
    "token_norm_cv",
    "outlier_tokens",
    "isotropy_centred",
    "spatial_coherence_centred",
    "participation_ratio",
)
"""Readings of each image's patches that cost little beside the encoder."""

SHARD, SHARD_OF_PATCHES, BATCH, SAMPLE = 1024, 64, 8, 64


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    Attributes:
        layers: As an encoder numbers them: 0 the embedding, k after block k, -1 the output.
        keep: Parts of what an encoder says: embeddings (`cls`, `mean`), `patches` of every image, `readings` of each
            image's patches, `moments` of embeddings and patches, and the patches of a `sample` of images.
        readings: Which.
        sample: Images in the sample.
        framing: How photos are shown.
        batch: Images in one forward pass; another batch gives the same to rounding.
        shard: Images in one file at most.
        store: Precision of vectors in files.
        pace: How images are decoded and scaled.
    """

    layers: tuple[int, ...] = (-1,)
    keep: tuple[str, ...] = KEEP
    readings: tuple[str, ...] = WITHIN
    sample: int = SAMPLE
    framing: Framing = "official"
    batch: int = BATCH
    shard: int = 0
    store: Literal["float32", "float16"] = "float32"
    pace: Pace = "exact"

    def checked(self, encoders: Sequence[Encoder]) -> "Asked":
        """The same, in one order; raises WrongUsage and UnknownName for what cannot be kept."""
        for name in self.keep:
            _one_of("part to keep", name, get_args(Kept))
        known = [reading.name for reading in readings(patches=True)]
        for name in self.readings:
            if name not in catalogue:
                raise UnknownName("metric", name, known, "metrics")
            if name not in known:
                raise WrongUsage(f"{name} is no reading of one image's patches; choose from {', '.join(known)}.")
        if not self.layers or not set(self.keep) & {"cls", "mean", "patches"}:
            raise WrongUsage("Nothing would be kept of an image: keep cls, mean or patches, of one layer at least.")
        if min(self.batch, self.sample) < 1 or self.shard < 0:
            raise WrongUsage("A batch, a shard and a sample have 1 image or more.")
        checked(self.pace)
        _one_of("framing", self.framing, get_args(Framing))
        _one_of("precision to store", self.store, ("float32", "float16"))
        for encoder in encoders:
            self._fits(encoder)
        from dataclasses import replace

        return replace(
            self,
            layers=tuple(dict.fromkeys(self.layers)),
            keep=tuple(name for name in get_args(Kept) if name in self.keep),
            readings=tuple(name for name in known if name in self.readings),
            shard=self.shard or (SHARD_OF_PATCHES if "patches" in self.keep else SHARD),
        )

    def _fits(self, encoder: Encoder) -> None:
        contract = encoder.contract
        depth = contract.architecture.depth
        if wrong := [layer for layer in self.layers if not -1 <= layer <= depth]:
            raise WrongUsage(
                f"{contract.name} has no layer {wrong[0]}: 0 is its embedding, 1 to {depth} follow its blocks, "
                "-1 is its output."
            )
        if not self.pools(encoder) and "patches" not in self.keep:
            raise WrongUsage(f"{contract.name} has no CLS token, and nothing else is kept; keep mean.")

    def pools(self, encoder: Encoder) -> tuple[str, ...]:
        """The embeddings that are kept of an encoder, its authors' first."""
        contract = encoder.contract
        kept = [pool for pool in POOLS if pool in self.keep and (pool == "mean" or contract.architecture.cls)]
        return tuple(sorted(kept, key=lambda pool: pool != contract.pool))

    @property
    def sampled(self) -> int:
        """The layer whose patches are sampled: the output, where it is asked for."""
        return -1 if -1 in self.layers else self.layers[-1]


def _one_of(kind: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise UnknownName(kind, name, known)
