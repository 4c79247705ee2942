"""Encoders: who looks. `load` makes one from a name, `NAME@DIR`, or a folder."""

from repscope.encoders.contract import Contract, Preprocessing
from repscope.encoders.encoder import Encoder
from repscope.encoders.load import load

__all__ = ["Contract", "Encoder", "Preprocessing", "load"]
