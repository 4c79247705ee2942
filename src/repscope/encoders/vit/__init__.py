"""The vision transformer of this project, and the choices by which families differ."""

from repscope.encoders.vit.architecture import Architecture
from repscope.encoders.vit.model import ViT

__all__ = ["Architecture", "ViT"]
