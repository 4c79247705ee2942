"""Architecture: every choice by which the vision transformers of this field differ."""

from dataclasses import dataclass
from typing import Literal, get_args

from repscope.errors import WrongUsage

Position = Literal["learned", "sincos", "rotary", "rotary-video"]
Resample = Literal["bicubic", "bicubic-antialias", "bicubic-offset"]
Activation = Literal["gelu", "gelu-tanh", "gelu-quick", "swiglu"]

LARGEST, DEEPEST = 1 << 16, 1000
"""No published transformer comes near these; a damaged file asks for more and would fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The shape of a vision transformer; with a contract, all that is known before its weights.

    Attributes:
        width: D, the numbers in one token.
        depth: L, the number of blocks.
        heads: Attention heads of each block; they divide the width.
        hidden: Width inside the perceptron (of each half, for `swiglu`).
        patch: Side of a square patch, pixels.
        grid: Patch grid (rows, columns) of the positions' native size.
        tubelet: Frames in one patch; above 1 the encoder reads video.
        cls: Whether a CLS token leads the sequence.
        registers: R, register tokens between CLS and patches.
        position: `learned` table, `sincos` computed, `rotary` of normalised coordinates
            (DINOv3), `rotary-video` of integer (time, row, column) (V-JEPA 2).
        resample: How a learned table is carried to another grid.
        activation: Between the two layers of the perceptron.
        qkv_bias, patch_bias, layer_scale: Whether those weights exist.
        pre_norm: A LayerNorm before the first block (CLIP).
        final_norm: A LayerNorm after the last block.
        epsilon: Of every LayerNorm.
    """

    width: int
    depth: int
    heads: int
    hidden: int
    patch: int
    grid: tuple[int, int]
    tubelet: int = 1
    cls: bool = True
    registers: int = 0
    position: Position = "learned"
    resample: Resample = "bicubic"
    activation: Activation = "gelu"
    qkv_bias: bool = True
    patch_bias: bool = True
    layer_scale: bool = False
    pre_norm: bool = False
    final_norm: bool = True
    epsilon: float = 1e-6

    @property
    def prefix(self) -> int:
        """Tokens before the first patch: CLS and registers."""
        return int(self.cls) + self.registers

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def multiply_adds(self, patches: int) -> int:
        """Of one forward over so many patches, over all frames of a clip.

        N (4 D^2 + 2 or 3 D hidden) + 2 N^2 D in each block over N tokens, and the patch projection. Norms, activations
        and the softmax are not counted.
        """
        tokens, perceptron = patches + self.prefix, (3 if self.activation == "swiglu" else 2) * self.hidden
        block = tokens * self.width * (4 * self.width + perceptron) + 2 * tokens**2 * self.width
        return self.depth * block + patches * 3 * self.tubelet * self.patch**2 * self.width

    def __post_init__(self) -> None:
        """Raises WrongUsage for a shape no transformer can have: a damaged file must not get further."""
        self._check_numbers()
        self._check_choices()
        if self.width % self.heads:
            raise WrongUsage(f"{self.heads} heads do not divide a width of {self.width}.")
        turned = {"sincos": self.width, "rotary": self.head_width, "rotary-video": 2 * self.head_width}
        if turned.get(self.position, 0) % 4:
            raise WrongUsage(f"{self.position!r} positions do not go with width {self.width} and {self.heads} heads.")

    def _check_numbers(self) -> None:
        names = ("width", "heads", "hidden", "patch", "tubelet")
        counts = {name: getattr(self, name) for name in names} | dict(zip(("rows", "columns"), self.grid, strict=True))
        for name, count in counts.items():
            if type(count) is not int or not 0 < count <= LARGEST:
                raise WrongUsage(f"A transformer wants whole numbers from 1 to {LARGEST}; {name} is {count!r}.")
        for name, count, least in (("depth", self.depth, 1), ("registers", self.registers, 0)):
            if type(count) is not int or not least <= count <= DEEPEST:
                raise WrongUsage(f"A transformer's {name} is a whole number from {least} to {DEEPEST}, not {count!r}.")
        if not isinstance(self.epsilon, float) or not 0 < self.epsilon < 1:
            raise WrongUsage(f"LayerNorm wants an epsilon between 0 and 1; got {self.epsilon!r}.")

    def _check_choices(self) -> None:
        flags = (True, False)
        choices = dict.fromkeys(("cls", "qkv_bias", "patch_bias", "layer_scale", "pre_norm", "final_norm"), flags)
        choices |= {"position": get_args(Position), "resample": get_args(Resample), "activation": get_args(Activation)}
        for name, known in choices.items():
            value = getattr(self, name)
            if type(value) is not type(known[0]) or value not in known:
                raise WrongUsage(f"An architecture's {name} is one of {', '.join(map(str, known))}, not {value!r}.")
