"""Contract: everything known of an encoder before its weights are loaded."""

from dataclasses import dataclass
from typing import Literal, TypedDict

from repscope.encoders.vit.architecture import Architecture

Filter = Literal["bicubic", "bilinear", "bilinear-float"]
Resize = Literal["shortest", "squash"]
Precision = Literal["float32", "bfloat16"]
"""Of an encoder's matrix products; its tokens are float32 in either."""

Colour = tuple[float, float, float]


class Statistics(TypedDict):
    """Mean and deviation of each colour channel, on the 0..1 scale."""

    mean: Colour
    deviation: Colour


IMAGENET: Statistics = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)}
HALF: Statistics = {"mean": (0.5, 0.5, 0.5), "deviation": (0.5, 0.5, 0.5)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How a photo becomes the pixels an encoder was published with.

    Attributes:
        size: Side of the square the encoder sees, pixels.
        resize: `shortest` scales the shorter side to `edge` and crops the centre; `squash`
            scales both sides to `size` whatever the aspect ratio.
        edge: Length of the shorter side before the crop; unused by `squash`.
        filter: Pillow's antialiased bicubic or bilinear on uint8, or bilinear on floats
            (scaled to 0..1 first, never rounded back to grey levels).
        mean, deviation: Of each colour channel, on the 0..1 scale.
    """

    size: int
    resize: Resize
    filter: Filter
    mean: Colour
    deviation: Colour
    edge: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an encoder expects and promises.

    Attributes:
        name: As given to `-m`.
        family: The file in `encoders/families/` that reads its checkpoints.
        architecture: Shape of the transformer.
        preprocessing: The published transform.
        pool: The embedding its authors use.
        frames: Frames a still image is repeated to, for a video encoder; 0 otherwise.
        parameters: Of the encoder as this project loads it (no masks, heads or predictors).
        hub, revision, file, sha256: Where the published weights are and what they must be.
        licence, reference: As published.
        gated: Whether the hub asks for an accepted licence and a token.
        notes: What a careful reader should know before trusting a number.
    """

    name: str
    family: str
    architecture: Architecture
    preprocessing: Preprocessing
    pool: Literal["cls", "mean"]
    frames: int = 0
    parameters: int = 0
    hub: str = ""
    revision: str = ""
    file: str = "model.safetensors"
    sha256: str = ""
    licence: str = ""
    reference: str = ""
    gated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def grid(self) -> tuple[int, int]:
        """Patch rows and columns at the published size."""
        side = self.preprocessing.size // self.architecture.patch
        return side, side

    @property
    def patches(self) -> int:
        """Patches of one image, those of all groups of frames of a video encoder."""
        groups = self.frames // self.architecture.tubelet if self.frames else 1
        return self.grid[0] * self.grid[1] * groups
