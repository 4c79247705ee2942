"""Mapped: the tensors of a safetensors file where they lie on disk, and their pages given back once they were used."""

import mmap
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from repscope.encoders import weights

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@final
class Mapped:
    """A file's tensors, read when they are first touched.

    What was touched stays in this process's memory until `release`, which costs nothing but reading it again: a file
    that is converted piece by piece never has to be in memory whole.

    Attributes:
        tensors: By name. Writing to one changes this process's copy of the page and never the file.

    Raises from safetensors, OSError and ValueError where the file is damaged or holds what torch has no type for.
    """

    def __init__(self, path: Path):
        from safetensors import safe_open

        with safe_open(path, "pt") as file:  # it holds sizes and offsets against each other and the file
            names = list(file.keys())
        said = weights.header(path)
        with path.open("rb") as file:
            start = 8 + int.from_bytes(file.read(8), "little")
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.tensors = {name: self._tensor(name, said[name], start) for name in names}

    def _tensor(self, name: str, said: dict, start: int) -> Tensor:
        if said["dtype"] not in DTYPES:
            raise ValueError(f"{name} is of type {said['dtype']}; known are {', '.join(DTYPES)}")
        dtype, shape = DTYPES[said["dtype"]], said["shape"]
        begin, end = said["data_offsets"]
        if begin == end:
            return torch.empty(shape, dtype=dtype)
        count = (end - begin) // dtype.itemsize
        return torch.frombuffer(self._memory, dtype=dtype, count=count, offset=start + begin).view(shape)

    def release(self) -> None:
        """Give back the pages that were touched."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._memory.madvise(mmap.MADV_DONTNEED)
