"""Cold: whole processes, from nothing to tokens and from nothing to a report, with the files in the page cache."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from child import Products
from folders import NAMES, prepare

HERE = Path(__file__).resolve().parent


@dataclass
class Cold:
    """Seconds and peaks, round by round; peaks in bytes, named `peak ...`.

    Attributes:
        shares: Seconds inside one run more, by what it did.
        weights: Bytes that the largest encoder's weights take in bfloat16.
    """

    rounds: list[dict[str, float]] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)
    weights: int = 0


def process(*arguments: str) -> tuple[float, int]:
    """Seconds and peak resident memory, in bytes, of a whole process."""
    with tempfile.TemporaryFile() as told:  # a pipe that nobody reads would fill
        begun = time.perf_counter()
        child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=told)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            told.seek(0)
            raise RuntimeError(f"{' '.join(arguments)} failed: {told.read().decode()[-500:]}")
    return seconds, used.ru_maxrss * 1024


def first_tokens(place: Path, rounds: int, products: Products) -> Cold:
    """ViT-L's first tokens beside an import of torch."""
    prepare(place, "dinov2-vit-l14")
    ours = (str(HERE / "first_tokens.py"), f"dinov2-vit-l14@{place / 'dinov2-vit-l14'}")
    theirs, cold = ("-c", "import torch"), Cold()
    for arguments in (ours, theirs):
        process(*arguments)  # converts the weights, and reads all files once
    for _ in range(rounds):
        times = {"fixed": products.fixed()}
        times["first tokens"], times["import torch"] = process(*ours)[0], process(*theirs)[0]
        cold.rounds.append(times)
    return cold


def deck(place: Path, rounds: int, products: Products, scratch: Path, names: tuple[str, ...] = NAMES) -> Cold:
    """The deck's four on one photo to a written report, beside ONNX Runtime's four outputs."""
    from repscope.encoders import available
    from repscope.images.samples import samples

    for name in names:
        prepare(place, name)
    models = ",".join(f"{name}@{place / name}" for name in names)
    asked = ("compare", str(samples()[0]), "-m", models, "-o", str(scratch / "report"), "--force")
    contracts = [available()[name] for name in names]
    shapes = [(each.name, str(each.preprocessing.size), str(each.frames or 0)) for each in contracts]
    theirs = (str(HERE / "cold_onnx.py"), str(place), *(word for shape in shapes for word in shape))
    cold = Cold(weights=2 * max(each.parameters for each in contracts))
    process(str(HERE / "shares.py"), str(scratch / "shares.json"), *asked)  # converts what is not, unmeasured
    for number in range(rounds):
        times = {"fixed": products.fixed()}
        times["report"], times["peak report"] = process("-m", "repscope", *asked)
        times["onnx"], times["peak onnx"] = process(*theirs)
        cold.rounds.append(times)
        if not number:
            process(str(HERE / "shares.py"), str(scratch / "shares.json"), *asked)
            cold.shares = json.loads((scratch / "shares.json").read_text())
    return cold
