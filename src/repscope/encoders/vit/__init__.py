"""The vision transformer of this project, and the choices by which families differ."""

from typing import TYPE_CHECKING, Any

from repscope.encoders.vit.architecture import Architecture

if TYPE_CHECKING:
    from repscope.encoders.vit.model import ViT

__all__ = ["Architecture", "ViT"]


def __getattr__(name: str) -> Any:
    if name != "ViT":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from repscope.encoders.vit.model import ViT  # brings torch, which a listing of contracts does without

    return ViT
