"""The one vision transformer: published families and the lab's own run through it."""

from collections.abc import Callable, Sequence
from copy import copy

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention, silu

from repscope.encoders.vit import positions
from repscope.encoders.vit.architecture import Architecture

ACTIVATION: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": gelu,
    "gelu-tanh": lambda x: gelu(x, approximate="tanh"),
    "gelu-quick": lambda x: x * torch.sigmoid(1.702 * x),
}


class Attention(nn.Module):
    """Multi-head self-attention with fused queries, keys and values."""

    def __init__(self, a: Architecture):
        super().__init__()
        self.heads = a.heads
        self.turn = positions.turn_neighbours if a.position == "rotary-video" else positions.turn_halves
        self.qkv = nn.Linear(a.width, 3 * a.width, bias=a.qkv_bias)
        self.output = nn.Linear(a.width, a.width)

    def split(self, x: Tensor, rotary: positions.Rotary | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (B, heads, N, head width); positions turn the first two."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if rotary is not None:
            query, key = self.rotated(query, *rotary), self.rotated(key, *rotary)
        return query, key, value

    def rotated(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        prefix = x.shape[-2] - cosine.shape[-2]  # CLS and registers have no place
        still, patches = x[..., :prefix, :], x[..., prefix:, :]
        patches = patches * cosine + self.turn(patches) * sine
        return torch.cat([still, patches.to(x.dtype)], -2) if prefix else patches.to(x.dtype)

    def weights(self, x: Tensor, rotary: positions.Rotary | None) -> Float[Tensor, "B heads N N"]:
        """Attention after its softmax; row i says where token i looks, and sums to 1."""
        query, key = (part.float() for part in self.split(x, rotary)[:2])
        return (query @ key.mT * query.shape[-1] ** -0.5).softmax(-1)

    def received(self, x: Tensor, rotary: positions.Rotary | None, prefix: int, cls: bool) -> Float[Tensor, "B P"]:
        """What each patch receives from the CLS token, or from all patches in the mean; mean over heads."""
        query, key = (part.float() for part in self.split(x, rotary)[:2])
        asking = query[:, :, :1] if cls else query[:, :, prefix:]
        said = x.new_zeros(len(x), key.shape[-2], dtype=torch.float32)
        for head in range(self.heads):  # one by one: a video encoder's weights are hundreds of megabytes each
            weights = (asking[:, head] @ key[:, head].mT * query.shape[-1] ** -0.5).softmax(-1)
            said += weights.mean(1)
        return said[:, prefix:] / self.heads

    def forward(self, x: Tensor, rotary: positions.Rotary | None) -> Tensor:
        query, key, value = self.split(x, rotary)
        if torch.is_grad_enabled() and x.device.type == "cpu":  # the fused form's backward is slow there
            mixed = (query @ key.mT * query.shape[-1] ** -0.5).softmax(-1) @ value
        else:
            mixed = scaled_dot_product_attention(query, key, value)
        return self.output(mixed.transpose(1, 2).flatten(2))


class Perceptron(nn.Module):
    """Two linear layers and an activation; `swiglu` gates one half of the first by the other."""

    def __init__(self, a: Architecture):
        super().__init__()
        self.gated = a.activation == "swiglu"
        self.activation = silu if self.gated else ACTIVATION[a.activation]
        self.inner = nn.Linear(a.width, a.hidden * (1 + self.gated))
        self.outer = nn.Linear(a.hidden, a.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inner(x)
        if self.gated:
            gate, x = x.chunk(2, -1)
            return self.outer(self.activation(gate) * x)
        return self.outer(self.activation(x))


class Block(nn.Module):
    """Pre-norm residual block: attention, then perceptron, each scaled where the family does."""

    def __init__(self, a: Architecture):
        super().__init__()
        self.norm1 = nn.LayerNorm(a.width, eps=a.epsilon)
        self.attention = Attention(a)
        self.norm2 = nn.LayerNorm(a.width, eps=a.epsilon)
        self.perceptron = Perceptron(a)
        self.scale1 = nn.Parameter(torch.ones(a.width)) if a.layer_scale else None
        self.scale2 = nn.Parameter(torch.ones(a.width)) if a.layer_scale else None

    def forward(self, x: Tensor, rotary: positions.Rotary | None = None) -> Tensor:
        change = self.attention(self.norm1(x), rotary)
        x = x + (change if self.scale1 is None else self.scale1 * change)
        change = self.perceptron(self.norm2(x))
        return x + (change if self.scale2 is None else self.scale2 * change)


class ViT(nn.Module):
    """A vision transformer with every layer and attention map in reach.

    Layer 0 is the embedding, layer k the residual stream after block k, and layer -1 the output:
    after the last block and, where the architecture has one, the final norm. Sequences are
    (B, N, D) with CLS first, then registers, then patches in raster order (time first for video).
    """

    still: nn.Module | None

    def __init__(self, architecture: Architecture):
        super().__init__()
        a = self.architecture = architecture
        self.patch = nn.Linear(3 * a.tubelet * a.patch**2, a.width, bias=a.patch_bias)
        self.cls = nn.Parameter(torch.zeros(a.width)) if a.cls else None
        self.registers = nn.Parameter(torch.zeros(a.registers, a.width)) if a.registers else None
        places = a.grid[0] * a.grid[1] + int(a.cls)
        self.position = nn.Parameter(torch.zeros(places, a.width)) if a.position == "learned" else None
        self.pre_norm = nn.LayerNorm(a.width, eps=a.epsilon) if a.pre_norm else None
        self.blocks = nn.ModuleList(Block(a) for _ in range(a.depth))
        self.norm = nn.LayerNorm(a.width, eps=a.epsilon) if a.final_norm else None
        self.__dict__["still"] = None  # the patch projection of clips that do not move, where there is one; no weights

    def grid(self, pixels: Tensor) -> tuple[int, int]:
        """Patch rows and columns of these pixels."""
        return pixels.shape[-2] // self.architecture.patch, pixels.shape[-1] // self.architecture.patch

    def cut(self, pixels: Tensor) -> Float[Tensor, "B N P"]:
        """Patches as vectors, in the order (channel, [time], row, column) of a convolution's weight.

        Pixels are (B, 3, H, W), or (B, 3, T, H, W) for video. Rows and columns that do not fill a
        patch are left out at the bottom and right, as a convolution leaves them out.
        """
        p, u = self.architecture.patch, self.architecture.tubelet
        if pixels.ndim == 4:
            pixels = pixels[:, :, None]
        rows, columns = self.grid(pixels)
        b, c, t, h, w = pixels[..., : rows * p, : columns * p].shape
        cells = pixels[..., :h, :w].reshape(b, c, t // u, u, h // p, p, w // p, p)
        return cells.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(b, -1, c * u * p * p)

    def embed(self, pixels: Tensor) -> Float[Tensor, "B N D"]:
        """Patch embeddings with their positions, before CLS and registers join."""
        a, x = self.architecture, self._projected(pixels)
        if self.position is not None:
            table = self.position[int(a.cls) :]
            x = x + positions.resampled(table, a.grid, self.grid(pixels), a.resample)
        elif a.position == "sincos":
            x = x + positions.sincos(self.grid(pixels), a.grid, a.width).to(x)
        return x

    def _projected(self, pixels: Tensor) -> Float[Tensor, "B N D"]:
        """Patches through their projection; those of frames that are one frame repeated, once."""
        a = self.architecture
        if self.still is None or pixels.ndim != 5 or pixels.stride(2) or pixels.shape[2] % a.tubelet:
            return self.patch(self.cut(pixels))
        rows, p = self.grid(pixels), a.patch
        cells = pixels[:, :, 0, : rows[0] * p, : rows[1] * p].unflatten(2, (rows[0], p)).unflatten(4, (rows[1], p))
        x = self.still(cells.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2))
        return x.repeat(1, pixels.shape[2] // a.tubelet, 1)

    def join(self, x: Tensor) -> Float[Tensor, "B N D"]:
        """CLS and registers put in front."""
        prefix: list[Tensor] = []
        if self.cls is not None:
            prefix.append(self.cls[None] if self.position is None else self.cls[None] + self.position[:1])
        if self.registers is not None:
            prefix.append(self.registers)
        if prefix:
            x = torch.cat([torch.cat(prefix).expand(len(x), -1, -1), x], 1)
        return x if self.pre_norm is None else self.pre_norm(x)

    def rotary(self, pixels: Tensor) -> positions.Rotary | None:
        """The angles of these pixels' patches, or None where positions are added instead."""
        a = self.architecture
        if a.position == "rotary":
            tables = positions.rotary(self.grid(pixels), a.head_width)
        elif a.position == "rotary-video":
            time = pixels.shape[2] // a.tubelet if pixels.ndim == 5 else 1
            tables = positions.rotary_video(time, self.grid(pixels), a.head_width)
        else:
            return None
        return tables[0].to(pixels.device), tables[1].to(pixels.device)

    def under(self, architecture: Architecture) -> "ViT":
        """The same weights, not copied, under another architecture that they fit: fewer blocks, say."""
        other = copy(self)
        other.architecture = architecture
        return other

    def normed(self, x: Tensor) -> Tensor:
        return x if self.norm is None else self.norm(x)

    def forward(
        self, pixels: Tensor, layers: Sequence[int] = (-1,), received: dict[int, Tensor] | None = None
    ) -> list[Float[Tensor, "B N D"]]:
        """The sequences at each asked layer, in the order asked; blocks past the last one do not run.

        `received`, where it is given, is filled: for each asked layer but 0 what each patch receives (B, P) of the
        attention in the block before it.
        """
        depth, rotary, x = self.architecture.depth, self.rotary(pixels), self.join(self.embed(pixels))
        kept = {0: x} if 0 in layers else {}
        for k in range(1, 1 + (depth if -1 in layers else max(layers))):
            following = [layer for layer in layers if layer == k or (layer == -1 and k == depth)]
            if received is not None and following:
                received |= dict.fromkeys(following, self._received(x, k, rotary))
            x = self.blocks[k - 1](x, rotary)
            if k in layers:
                kept[k] = x
        if -1 in layers:
            kept[-1] = self.normed(x)
        return [kept[k] for k in layers]

    def _received(self, x: Tensor, block: int, rotary: positions.Rotary | None) -> Float[Tensor, "B P"]:
        layer, a = self.blocks[block - 1], self.architecture
        return layer.attention.received(layer.norm1(x), rotary, a.prefix, a.cls)  # type: ignore[union-attr, operator]

    def attention(self, pixels: Tensor, block: int) -> Float[Tensor, "B heads N N"]:
        """The attention of block 1..L on these pixels, after its softmax."""
        (x,) = self.forward(pixels, (block - 1,))
        layer = self.blocks[block - 1]
        return layer.attention.weights(layer.norm1(x), self.rotary(pixels))  # type: ignore[union-attr, operator]

    def encode(self, pixels: Tensor, keep: Int[Tensor, "B K"] | None = None) -> Float[Tensor, "B N D"]:
        """The output where only the patches in `keep` are shown, as masked objectives do."""
        if keep is None:
            return self(pixels)[0]
        rotary = self.rotary(pixels)
        if rotary is not None:
            rotary = rotary[0][keep][:, None], rotary[1][keep][:, None]
        return self.through(gather(self.embed(pixels), keep), rotary)

    def through(
        self, patches: Float[Tensor, "B K D"], rotary: positions.Rotary | None = None
    ) -> Float[Tensor, "B N D"]:
        """The output for patches already embedded, with their positions, whatever image or clip they are of."""
        x = self.join(patches)
        for block in self.blocks:
            x = block(x, rotary)
        return self.normed(x)


def gather(x: Float[Tensor, "B N D"], index: Int[Tensor, "B K"]) -> Float[Tensor, "B K D"]:
    """Rows of each sequence by their index."""
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[-1]))
