"""Encoders: who looks. `load` makes one from a name, `NAME@DIR`, or a folder."""

from typing import TYPE_CHECKING, Any

from repscope.encoders.contract import Contract, Preprocessing
from repscope.encoders.load import available, cached, load

if TYPE_CHECKING:
    from repscope.encoders.encoder import Encoder

__all__ = ["Contract", "Encoder", "Preprocessing", "available", "cached", "load"]


def __getattr__(name: str) -> Any:
    if name != "Encoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from repscope.encoders.encoder import Encoder  # brings numpy, which a listing of contracts does without

    return Encoder
