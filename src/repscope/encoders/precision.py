"""Precision: in which type a machine multiplies fast enough to be worth its rounding."""

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from repscope.encoders.contract import Precision

Asked = Literal["auto", "float32", "bfloat16"]

NARROW = 384
"""Below this width blocks spend their time on other things than products: bfloat16 gains little, and rounds as much."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What `auto` comes to on a device, and why."""

    precision: Precision
    why: str


def auto(device: str = "cpu", width: int | None = None) -> Chosen:
    """The precision of matrix products that is fastest on a device without being reckless.

    bfloat16 where a product of it takes at most half as long as one of float32: AMX, AMD's AVX-512 BF16 (Zen 4 and
    later), CUDA that says it has it. On Intel's AVX-512 BF16 without AMX, and where it is emulated, it is slower than
    float32. It depends on the machine alone, never on a timing, so that a run can be made again.

    Args:
        width: Of the encoder; of a narrow one products are not what takes the time.
    """
    if width is not None and width < NARROW:
        return Chosen("float32", f"an encoder {width} wide, under {NARROW}, gains little from less")
    kind = device.partition(":")[0]
    if kind == "cuda":
        import torch

        fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
        return Chosen("bfloat16", "this GPU multiplies it") if fast else Chosen("float32", "this GPU lacks bfloat16")
    if kind != "cpu":
        return Chosen("float32", f"nothing faster was measured on {kind}")
    return _of_processor(instructions())


def _of_processor(has: frozenset[str]) -> Chosen:
    if "amx_bf16" in has:
        return Chosen("bfloat16", "this processor has AMX")
    if "avx512_bf16" in has and "amd" in has:
        return Chosen("bfloat16", "this processor (AMD, AVX-512 BF16) multiplies it twice as fast as float32")
    if "avx512_bf16" in has:
        return Chosen("float32", "AVX-512 BF16 without AMX is slower than float32 on this processor")
    return Chosen("float32", "this processor has no instructions for bfloat16")


@cache
def instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What of the processor's instructions matters here: `amx_bf16`, `avx512_bf16`, `avx512f`, `avx2`; and `amd`.

    Those that torch can use: a virtual machine may hide them, and an old library may not know them.
    """
    import torch

    told = {  # which it is, torch tells in private alone
        "avx2": "_is_avx2_supported",
        "avx512f": "_is_avx512_supported",
        "avx512_bf16": "_is_avx512_bf16_supported",
        "amx_bf16": "_is_amx_tile_supported",
    }
    found = {name for name, ask in told.items() if getattr(torch.cpu, ask, lambda: False)()}
    return frozenset(found | ({"amd"} if _amd(cpuinfo) else set()))


def _amd(cpuinfo: Path) -> bool:
    try:
        return "AuthenticAMD" in cpuinfo.read_text()[:4096]
    except OSError:  # no Linux
        return "AMD" in platform.processor()
