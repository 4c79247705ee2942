"""Family: how one kind of published checkpoint becomes a transformer of ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from repscope.encoders.contract import Contract, Preprocessing
from repscope.encoders.vit.architecture import Activation, Architecture

if TYPE_CHECKING:
    from torch import Tensor

Config = Mapping[str, Any]
"""A checkpoint's config.json."""

LEFT_OUT = ""
"""Where a key goes that belongs to no encoder: a head, a decoder, a mask token."""

ACTIVATION: dict[str, Activation] = {"gelu": "gelu", "gelu_pytorch_tanh": "gelu-tanh", "quick_gelu": "gelu-quick"}


@dataclass(frozen=True, kw_only=True)
class Family:
    """Everything that is said once for all sizes of a published encoder.

    Attributes:
        name: Of the file in `families/` it is defined in.
        title: As its authors write it.
        models: The published checkpoints that can be asked for by name.
        model_types: What `model_type` says in the config.json of its checkpoints.
        architecture: Reads that config. Whatever it raises becomes UnfitCheckpoint.
        preprocessing: The family's transform where a folder brings none.
        pool: The embedding its authors use.
        keys: Checkpoint key -> ours. `#` stands for a block's number, `*` for any rest. Separate
            `attention.query`, `.key` and `.value` are fused, and so are `perceptron.gate` and `.up`.
        prefixes: What may stand before a key, depending on the class that saved it.
        without_key_bias: The key projection has no bias; ours is zero.
        amend: Last changes to the weights by our names, in place.
        frames: Frames a still image is repeated to; 0 where the encoder reads images.
    """

    name: str
    title: str
    models: tuple[Contract, ...] = ()
    model_types: tuple[str, ...] = ()
    architecture: Callable[[Config], Architecture]
    preprocessing: Callable[[Architecture], Preprocessing]
    pool: Literal["cls", "mean"]
    keys: Mapping[str, str]
    prefixes: tuple[str, ...] = ()
    without_key_bias: bool = False
    amend: "Callable[[dict[str, Tensor]], None] | None" = None
    frames: int = 0


def square(value: Any) -> int:
    """A side given as 14 or as [14, 14].

    >>> square([14, 14])
    14
    """
    sides = {value} if isinstance(value, int) else {*value}
    if len(sides) != 1:
        raise ValueError(f"{value} is no square")
    return sides.pop()


def grid(config: Config, size: str = "image_size") -> tuple[int, int]:
    """Patch rows and columns at the native size."""
    native, patch = config[size], square(config["patch_size"])
    rows, columns = (native, native) if isinstance(native, int) else native
    return rows // patch, columns // patch
