"""Machine: what does the work, how fast it can, and whether it does at all."""

import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from repscope.analyses._finding import Finding, answered, broken, look
from repscope.threads import GROUP, products, quota, room, usable

TORCH = "Install it first and pinned: pip install -c constraints.txt torch."
NAMES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX"}


def machine() -> Iterator[Finding]:
    """Python, torch, cores, memory, instructions, devices, precision, and a first look."""
    yield Finding("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.executable}")
    yield from answered("memory", memory)
    trouble = _torch()
    yield trouble
    if trouble.state == "broken":
        return
    for what, question in (
        ("cores", cores),
        ("instructions", instructions),
        ("prepacked weights", prepacked),
        ("CUDA", cuda),
        ("MPS", mps),
        ("precision", precision),
        ("a first look", looked),
    ):
        yield from answered(what, question)


def _torch() -> Finding:
    try:
        import torch

        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        return Finding("torch", f"{torch.__version__}, built with {built}")
    except Exception as error:  # a library that lacks another, a wheel for another machine
        return broken("torch", f"cannot be imported: {type(error).__name__}, {error}", TORCH)


def cores() -> Finding:
    """Cores, and whether torch starts as many threads."""
    threads, may, share = products(), usable(), quota()
    limit = f", a container's limit of {share:g}" if share is not None else ""
    found = f"{os.cpu_count()} cores, {may} for this process{limit}; torch takes {threads}"
    fit = room(may, share)
    if threads > fit:
        return look("cores", found, f"More threads than cores wait for each other: set OMP_NUM_THREADS={fit}.")
    if said := os.environ.get("OMP_NUM_THREADS"):
        found += f" (OMP_NUM_THREADS={said})"
    return Finding("cores", found)


def memory(group: Path = GROUP) -> Finding:
    """Bytes of the machine, and of a container where it is given less."""
    if not hasattr(os, "sysconf"):
        return Finding("memory", "not told by this system")
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = (group / "memory.max").read_text().strip() if (group / "memory.max").is_file() else "max"
    room = min(there, int(limit)) if limit.isdecimal() else there
    found = f"{there / 1e9:.1f} GB" + (f", a container's limit of {room / 1e9:.1f} GB" if room < there else "")
    if room < 3e9:
        return look(
            "memory", found, "An encoder of 300 million parameters takes 1.2 GB in float32: choose smaller ones."
        )
    return Finding("memory", found)


def instructions() -> Finding:
    """Those of the processor that its products gain by."""
    from repscope.encoders.precision import instructions as told

    has = told()
    if platform.machine().lower() not in ("x86_64", "amd64", "i386", "i686"):
        return Finding("instructions", f"{platform.machine()}; those of x86 do not apply")
    found = ", ".join(f"{name} {'yes' if key in has else 'no'}" for key, name in NAMES.items())
    if "avx2" not in has:
        return look(
            "instructions", found, "Products are several times slower: a virtual machine may hide what there is."
        )
    return Finding("instructions", found)


def prepacked() -> Finding:
    """Whether oneDNN takes weights laid out once, with GELU in the same step."""
    import torch

    from repscope.encoders.vit.packed import packable

    takes = {kind: packable(getattr(torch, kind)) for kind in ("float32", "bfloat16")}
    found = ", ".join(f"{kind} {'yes' if yes else 'no'}" for kind, yes in takes.items())
    if not takes["float32"]:
        return look(
            "prepacked weights", found, "Encoders run a little slower; torch's own CPU wheels for x86 have oneDNN."
        )
    return Finding("prepacked weights", f"{found}, with GELU in the same step")


def cuda() -> Finding:
    """Graphics processors of NVIDIA's that torch can use."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return Finding("CUDA", ", ".join(names), "Used by `load(..., device='cuda')` and by `pretrain`.")
    if torch.version.cuda is None and any(Path(place).exists() for place in ("/dev/nvidia0", "/dev/nvidiactl")):
        return look("CUDA", "a GPU is there, and this torch is built without CUDA", "Install the torch for your CUDA.")
    if torch.version.cuda is not None:
        return look(
            "CUDA", "torch is built for it and finds no GPU", "Check `nvidia-smi`; without a GPU nothing is lost."
        )
    return Finding("CUDA", "no GPU")


def mps() -> Finding:
    """Apple's graphics processor."""
    import torch

    return Finding("MPS", "yes; `pretrain` takes it" if torch.backends.mps.is_available() else "no")


def precision() -> Iterator[Finding]:
    """What `auto` comes to on each device that is here, and why."""
    import torch

    from repscope.encoders.precision import NARROW, auto

    devices = [
        "cpu",
        *(["cuda"] if torch.cuda.is_available() else []),
        *(["mps"] if torch.backends.mps.is_available() else []),
    ]
    for device in devices:
        chosen = auto(device)
        narrow = f"; float32 for encoders under {NARROW} wide" if chosen.precision != "float32" else ""
        yield Finding(f"precision auto on {device}", f"{chosen.precision}: {chosen.why}{narrow}")


def looked() -> Finding:
    """An encoder that comes with the package looks at a photo that does."""
    from repscope.encoders import load
    from repscope.images import gather

    began = time.monotonic()
    try:
        photos, _ = gather([])
        tokens = load("tiny-random")(photos[:1])[0]
    except Exception as error:
        again = "Install repscope again: pip install --force-reinstall --no-deps repscope."
        return broken("a first look", f"tiny-random cannot look at a photo: {type(error).__name__}, {error}", again)
    down, across = tokens.patches.shape[1:3]
    return Finding("a first look", f"tiny-random saw {down} x {across} patches in {time.monotonic() - began:.1f} s")
