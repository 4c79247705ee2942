"""Transformer: photos through a network, and its sequences as tokens laid out like the image."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from repscope.encoders.contract import Contract, Precision
from repscope.encoders.encoder import Framing, Shown
from repscope.errors import NoImages, UnfitTokens, Unsupported, WrongUsage
from repscope.frames import Frame
from repscope.images.photo import Photo
from repscope.tokens import Tokens


class Network(Protocol):
    """What makes sequences (B, N, D) of pixels: our ViT, or another library's model behind the same two calls."""

    def __call__(
        self, pixels: Tensor, layers: Sequence[int], received: dict[int, Tensor] | None = None
    ) -> list[Tensor]:
        """The sequence at each asked layer: CLS, registers, then patches in raster order, time first.

        `received` is filled as by our ViT, where the network can tell.
        """
        ...

    def attention(self, pixels: Tensor, block: int) -> Tensor:
        """The attention (B, heads, N, N) of block 1..L after its softmax."""
        ...


@final
class Transformer:
    """The encoder of every family: it turns photos into pixels and a network's sequences into tokens.

    Attributes:
        contract: What it expects and promises.
        network: Its weights, in evaluation.
        precision: Of its matrix products.
        layout: What its keys and shapes were held against when it was loaded, in words; empty where nothing was.
    """

    def __init__(
        self,
        contract: Contract,
        network: Network,
        origin: Callable[[], str],
        precision: Precision = "float32",
        layout: str = "",
        exact: "Callable[[], Transformer] | None" = None,
    ):
        self.contract, self.network, self._origin, self.layout = contract, network, origin, layout
        self.precision: Precision = precision
        self._exact = exact

    @property
    def revision(self) -> str:
        """Where the weights came from and their SHA-256; the first call reads them all."""
        return self._origin()

    def exact(self) -> "Transformer | None":
        """The same encoder in float32: itself, or loaded anew from where its weights were; None where nobody knows."""
        if self.precision == "float32":
            return self
        return None if self._exact is None else self._exact()

    def under(self, contract: Contract) -> "Transformer":
        """The same network under another contract: another filter, say, more frames, or fewer of its blocks.

        Raises Unsupported for another architecture where another library runs the network.
        """
        exact, network = self._exact, self.network
        other = None if exact is None else lambda: exact().under(contract)
        if contract.architecture != self.contract.architecture:
            ask = getattr(network, "under", None)
            if ask is None:
                raise Unsupported(f"{contract.name} is run by another library, with the blocks it has.")
            network = ask(contract.architecture)
        return Transformer(contract, network, self._origin, self.precision, self.layout, other)

    def __call__(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """Tokens at each asked layer, in the order asked, of all photos as one batch.

        Layer 0 is the embedding, k the residual stream after block k, -1 the output. Raises
        WrongUsage for any other layer, NoImages for no photo, UnfitTokens for tokens that are not
        finite.
        """
        self._check(layers)
        return self.tokens(self.shown(photos, framing), layers) if layers else ()

    def attending(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """As the call, with the attention that each patch receives beside its token, where the network tells it."""
        self._check(layers)
        return self.tokens(self.shown(photos, framing), layers, received=True) if layers else ()

    def shown(self, photos: Sequence[Photo], framing: Framing = "square") -> Shown:
        """The pixels of the photos, repeated in time for a video encoder, and what of each they show.

        Raises NoImages for no photo.
        """
        from repscope.encoders.preprocess import prepared

        if not photos:
            raise NoImages(f"{self.contract.name} was given no photo; give it at least one.")
        pixels, frames = prepared(photos, self.contract.preprocessing, framing)
        if self.contract.frames:
            pixels = pixels[:, :, None].expand(-1, -1, self.contract.frames, -1, -1)
        return Shown(pixels, tuple(whole_patches(frame, self.contract) for frame in frames))

    def tokens(self, shown: Shown, layers: Sequence[int] = (-1,), received: bool = False) -> tuple[Tokens, ...]:
        """Tokens at each asked layer, in the order asked; raises WrongUsage and UnfitTokens."""
        self._check(layers)
        if not layers:
            return ()
        weights: dict[int, Tensor] = {}
        with torch.inference_mode():
            sequences = self.network(shown.pixels, layers, weights) if received else self.network(shown.pixels, layers)
            said = tuple(self._tokens(x, layer, shown.frames) for x, layer in zip(sequences, layers, strict=True))
            return tuple(replace(each, received=self._on_grid(weights.get(each.layer))) for each in said)

    def attention(
        self, photos: Sequence[Photo], block: int, framing: Framing = "square"
    ) -> Float[NDArray[np.float32], "B heads N N"]:
        """Where each token of block 1..L looks: rows sum to 1, CLS and registers come first.

        Raises WrongUsage for a block the encoder does not have.
        """
        depth = self.contract.architecture.depth
        if not 1 <= block <= depth:
            raise WrongUsage(f"{self.contract.name} has no block {block}: its blocks are 1 to {depth}.")
        shown = self.shown(photos, framing)
        with torch.inference_mode():
            return self.network.attention(shown.pixels, block).numpy()

    def _on_grid(self, received: Tensor | None) -> Float[NDArray[np.float32], "B H W"] | None:
        if received is None:
            return None
        return received.numpy().reshape(len(received), -1, *self.contract.grid).sum(1)

    def _check(self, layers: Sequence[int]) -> None:
        depth = self.contract.architecture.depth
        for layer in layers:
            if not -1 <= layer <= depth:
                raise WrongUsage(
                    f"{self.contract.name} has no layer {layer}: 0 is its embedding, 1 to {depth} follow its blocks, "
                    "-1 is its output."
                )

    def _tokens(self, sequence: Tensor, layer: int, frames: tuple[Frame, ...]) -> Tokens:
        a, name = self.contract.architecture, self.contract.name
        values = sequence.numpy()
        if not np.isfinite(values).all():
            raise UnfitTokens(f"{name} says tokens that are not finite at layer {layer}; its weights are damaged.")
        patches, rest = values[:, a.prefix :], values[:, : a.prefix]
        grid, time = self.contract.grid, None
        if self.contract.frames:
            time = patches.reshape(len(values), -1, *grid, a.width)
            patches = time.mean(1)
        return Tokens(
            patches=patches.reshape(len(values), *grid, a.width),
            registers=rest[:, int(a.cls) :],
            cls=rest[:, 0] if a.cls else None,
            layer=layer,
            frame=frames,
            frames=time,
        )


def whole_patches(frame: Frame, contract: Contract) -> Frame:
    """The part of a frame that its patches cover: all of it, unless the patch does not divide the size.

    SigLIP at 384 has 27 patches of 14: the last 6 rows and columns are never looked at.
    """
    size, patch = contract.preprocessing.size, contract.architecture.patch
    share = size // patch * patch / size
    if share == 1:
        return frame
    return Frame(frame.left, frame.top, frame.left + share * frame.width, frame.top + share * frame.height)
