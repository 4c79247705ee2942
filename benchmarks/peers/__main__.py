"""repscope beside its peers: ONNX Runtime, OpenVINO, transformers and thingsvision, in turns, on one machine.

    python benchmarks/peers [--weights DIR] [--rounds N] [--quick] --write docs/benchmarks.md

Full-size shapes with random weights are made in --weights where they are absent (some 15 GB with their ONNX files, in
minutes; `--prepare` does only that). Each side is a process that stays alive; at each turn one of them computes. The
page is written from the numbers in benchmarks/peers.json; `--again` writes it anew from them and measures nothing.
The command refuses to begin on a machine where something else is at work; `--anyway` marks the page instead. A
library that is not installed beside repscope may be in another environment: `--openvino PYTHON`, `--thingsvision
PYTHON`.
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from child import Products
from cold import deck, first_tokens
from folders import NAMES, prepare
from forwards import Plan, measure
from quiet import noisy
from sides import SIDES
from told import page

RAW = Path(__file__).resolve().parents[1] / "peers.json"
PARTS = (*NAMES, "first", "deck")


def plans(rounds: int, quick: bool) -> dict[str, Plan]:
    """What is asked of each encoder; slow ones fewer times, and batches of a video encoder not at all."""
    sizes, few, slow = (1, 2, 4, 8, 16), min(rounds, 3), min(rounds, 2)
    made = (
        Plan("dinov2-vit-l14", (1, 8), rounds, sizes, few),
        Plan("eupe-vit-b16", (1, 8), rounds, sizes, few),
        Plan("ijepa-vit-h14", (1, 8), slow),
        Plan("vjepa2-vitl-img16-256", (1,), slow),
    )
    if quick:
        made = tuple(Plan(each.name, (1,), 1, each.sizes[:2], int(bool(each.sizes))) for each in made)
    return {each.name: each for each in made}


def machine() -> dict[str, Any]:
    from importlib.metadata import version

    from repscope.encoders.precision import instructions

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "onnxruntime"))
    told = ", ".join(sorted(instructions() - {"amd"}))
    return {"processor": processor, "cores": os.cpu_count(), "instructions": told, "versions": versions}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Every part that was asked for; weights are made before anything is measured."""
    for name in NAMES:
        if name in options.parts or "deck" in options.parts or (name == NAMES[0] and "first" in options.parts):
            prepare(options.weights, name)
    load = os.getloadavg()[0]
    if noisy(load, os.cpu_count() or 1) and not (options.anyway or options.quick):
        sys.exit(f"The load average is {load:.2f}: something else is at work. Wait, or add --anyway: the page says so.")
    os.environ["REPSCOPE_CACHE"] = str(options.weights / "cache")
    pythons = dict.fromkeys(SIDES, sys.executable)
    pythons |= {"openvino": options.openvino, "thingsvision": options.thingsvision}
    raw: dict[str, Any] = {"date": f"{datetime.date.today()}", "machine": machine(), "load": load}
    raw |= {"command": options.command, "quick": options.quick, "encoders": []}
    products, asked = Products(), plans(options.rounds, options.quick)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            for name in (each for each in asked if each in options.parts):
                print(f"{datetime.datetime.now():%H:%M:%S} {name}", flush=True)
                answer = measure(asked[name], options.weights, pythons, products, Path(scratch))
                raw["encoders"].append(asdict(answer))
            few = 1 if options.quick else min(options.rounds, 3)
            if "first" in options.parts:
                print(f"{datetime.datetime.now():%H:%M:%S} first tokens", flush=True)
                raw["first"] = asdict(first_tokens(options.weights, 2 * few - 1, products))
            if "deck" in options.parts:
                print(f"{datetime.datetime.now():%H:%M:%S} deck", flush=True)
                raw["deck"] = asdict(deck(options.weights, min(few, 2), products, Path(scratch)))
        finally:
            products.end()
    raw["best"] = products.best
    return raw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=Path(tempfile.gettempdir()) / "repscope-peers")
    parser.add_argument("--rounds", type=int, default=3, help="two at most of what is slow")
    parser.add_argument("--quick", action="store_true", help="one round of one image: does it work at all?")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--prepare", action="store_true", help="make the weights and ONNX files, and stop")
    parser.add_argument("--again", action="store_true", help="write the page from the numbers that are there")
    parser.add_argument("--anyway", action="store_true", help="measure where something else is at work, and say so")
    parser.add_argument("--openvino", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--thingsvision", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--raw", type=Path, default=RAW)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    options.parts = options.parts.split(",")
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: parts are {', '.join(PARTS)}")
    if options.rounds < 1:
        parser.error("at least one round is measured")
    options.command = f"python benchmarks/peers {shlex.join(_told(sys.argv[1:]))}"
    if options.prepare:
        for name in NAMES:
            prepare(options.weights, name)
        return
    if not options.again:
        options.raw.write_text(json.dumps(run(options), indent=1) + "\n")
    from repscope.extract import BATCH

    text = page(json.loads(options.raw.read_text()), BATCH)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        print(text)


def _told(arguments: list[str]) -> list[str]:
    """The command without this machine's paths."""
    paths = ("--weights", "--raw", "--openvino", "--thingsvision")
    pairs = zip(arguments, ["", *arguments[:-1]], strict=True)
    return [word for word, before in pairs if word not in paths and before not in paths]


if __name__ == "__main__":
    main()
