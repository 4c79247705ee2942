"""Parity: every block and the output against the class of transformers, in float32, on this machine, now.

The same pixels go through both: a photo through our preprocessing, so that it is the network that is compared. At each
layer the error is the largest, over tokens, of |ours - theirs| / |theirs| (length of the difference over length of
their token), CLS and registers included, and for a video encoder every frame. Two right implementations differ by the
rounding of sums in another order, 2e-7 to 5e-6 from 3 blocks to 32; a mistake in a key, a position or a bias that is
not zero by 1e-1, in the form of an activation by 3e-4 where weights were trained.

What weights make small is not seen: an epsilon of 1e-5 for 1e-6 (1e-6 to 2e-5), GELU's form in an encoder of random
weights (9e-6), a bias that is zero. The first two are facts that `layout` holds against a config.json; weights that are
zero throughout are named.

It misleads where both sides read the same damaged file: two tensors exchanged *in the file* are exchanged for both.
That is for the checks `files` and `published`. Of families without a class in transformers: EUPE is compared with
DINOv3's class, encoders of the lab with I-JEPA's, their weights renamed from the file by other rules than ours.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.checks._check import Check, Finding
from repscope.checks._reference import Reference, comparable, reference
from repscope.checks._subject import Subject
from repscope.errors import Unsupported
from repscope.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 5e-5
"""Ten times what rounding came to where it was measured, a sixth of the least mistake that was found by it."""


def _run(subject: Subject) -> Iterator[Finding]:
    """One photo through both, the one's weights let go before the other's are read."""
    try:
        checkpoint, contract = comparable(subject.checkpoint), subject.contract  # before anything that takes time
        photo = subject.photos[0]
        layers = [*range(contract.architecture.depth + 1), -1]
        ours = dict(zip(layers, subject.tokens(photo, layers), strict=True))
        pixels = subject.encoder.shown([photo]).pixels
        subject.release()
        theirs = reference(checkpoint, contract)
    except Unsupported as error:
        yield Finding(about="Parity with transformers", verdict="unchecked", said=str(error))
        return
    still = pixels[:, :, 0] if pixels.ndim == 5 else pixels
    yield from _compared(ours, theirs, still)
    yield from _zeros(theirs)


def _zeros(theirs: Reference) -> Iterator[Finding]:
    """Biases that are zero, as freshly drawn ones are: nobody sees whether they are used."""
    zero = [name for name, weight in theirs.model.named_parameters() if name.endswith("bias") and not weight.any()]
    if zero:
        said = f"{len(zero)} are zero throughout, as in weights that were never trained, the first {zero[0]}"
        yield Finding(about="use of all biases", verdict="unchecked", said=said, source=theirs.title)


def _compared(ours: dict[int, Tokens], theirs: Reference, pixels: "Tensor") -> Iterator[Finding]:
    depth = max(ours)
    if theirs.depth != depth:
        said = f"{depth} blocks here, {theirs.depth} there"
        yield Finding(about="Blocks", verdict="failed", said=said, source=theirs.title)
        return
    errors: dict[int, float] = {}
    shapes: dict[int, str] = {}

    def listen(layer: int, sequence: "Tensor") -> None:
        one, other = sequence_of(ours[layer]), sequence[0].float().numpy()
        if one.shape != other.shape:
            shapes[layer] = f"{len(one)} tokens of {one.shape[1]} here, {len(other)} of {other.shape[1]} there"
        errors[layer] = apart(one, other) if one.shape == other.shape else np.inf

    theirs.hear(pixels, listen)
    worst = max(range(1, depth + 1), key=lambda k: np.nan_to_num(errors[k], nan=np.inf))
    told = (("Embedding", 0, ""), (f"Blocks 1 to {depth}", worst, f", after block {worst}"), ("Output", -1, ""))
    for about, layer, where in told:
        error = errors[layer]
        said = f"largest relative error of a token{where}"
        yield Finding(
            about=about,
            verdict="verified" if error <= TOLERANCE else "failed",
            said=shapes.get(layer, said),
            measured=float(error) if np.isfinite(error) else None,
            at_most=TOLERANCE,
            unit="of a token's length",
            source=theirs.title,
        )


def sequence_of(tokens: Tokens) -> Float[NDArray[np.floating], "N D"]:
    """The first photo's tokens as one sequence: CLS, registers, patches in raster order, time first."""
    patches = tokens.patches if tokens.frames is None else tokens.frames
    parts = [tokens.registers[0], patches[0].reshape(-1, tokens.width)]
    return np.concatenate(parts if tokens.cls is None else [tokens.cls[:1], *parts])


def apart(ours: Float[NDArray[np.floating], "N D"], theirs: Float[NDArray[np.floating], "N D"]) -> float:
    """The largest difference of a token, in lengths of theirs; nan where either is not finite.

    >>> apart(np.array([[3.0, 4.1], [1, 0]]), np.array([[3.0, 4.0], [1, 0]])).__round__(3)
    0.02
    """
    lengths = np.linalg.norm(theirs.astype(np.float64), axis=-1)
    least = np.finfo(np.float64).tiny
    return float((np.linalg.norm(ours - theirs.astype(np.float64), axis=-1) / np.maximum(lengths, least)).max())


parity = Check(
    name="parity",
    asks="Every block and the output agree with the class of transformers in float32, on the same pixels.",
    run=_run,
)
