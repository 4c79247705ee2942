"""Columns: what the columns of a set are called, and what they hold."""

from collections.abc import Sequence

from repscope.images.unique import unique

ROW = ("id", "source", "label", "sha256", "index", "width", "height")
"""What is known of every image, whatever the encoders: index is its place in the source."""

POOLS = ("cls", "mean")


def column(encoder: str, layer: int, what: str) -> str:
    """The column of an encoder's output, or of one of its layers.

    >>> column("tiny-dino", -1, "mean"), column("tiny-dino", 3, "token_norm")
    ('tiny-dino/mean', 'tiny-dino/layer3/token_norm')
    """
    return f"{encoder}/{what}" if layer == -1 else f"{encoder}/layer{layer}/{what}"


def short(names: Sequence[str]) -> list[str]:
    """Names of encoders as columns have them: the ends of paths, as long as tells them apart.

    >>> short(["tiny-dino", "/runs/dino/encoder.safetensors", "dinov2-vit-s14@/weights/dinov2"])
    ['tiny-dino', 'encoder.safetensors', 'dinov2-vit-s14']
    """
    return unique([_parts(name) for name in names])


def _parts(name: str) -> tuple[str, ...]:
    before, at, after = name.partition("@")
    path = [part for part in (after if at else name).replace("\\", "/").split("/") if part]
    return (*path, before) if at else tuple(path) or (name,)
