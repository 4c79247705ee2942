"""The ratios that repscope promises, each measured side by side, alternating, medians.

    python benchmarks/ratios.py [--rounds 5]

On a machine where something else runs the numbers mean nothing: the spread beside each says whether to believe it.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np


def process(*arguments: str) -> Callable[[], float]:
    """Seconds of a whole process."""

    def run() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began

    return run


def forward() -> Callable[[], float]:
    """Seconds of one float32 forward of a ViT-L/14 on one image of 224 pixels."""
    import torch

    from repscope.encoders.vit import Architecture, ViT

    shape = Architecture(width=1024, depth=24, heads=16, hidden=4096, patch=14, grid=(16, 16), layer_scale=True)
    network, image = ViT(shape).eval(), torch.randn(1, 3, 224, 224)

    def run() -> float:
        began = time.perf_counter()
        with torch.inference_mode():
            network(image)
        return time.perf_counter() - began

    return run


def measures() -> Callable[[], float]:
    """Seconds of all readings and all pair measures with their nulls, 4 encoders of 256 patches and 1024 numbers."""
    from repscope import metrics
    from repscope.analyses._numbers import read
    from repscope.analyses._pairs import Meetings
    from repscope.analyses._study import View
    from repscope.frames import Frame

    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, 16, 16, 1024)) * np.linspace(2, 0.1, 1024)
    fields = (np.cumsum(np.cumsum(noise, 1), 2) / 8 + noise).astype(np.float32)
    views = [View(field, None, None, Frame(), -1) for field in fields]

    def run() -> float:
        began = time.perf_counter()
        rows = [metrics.Rows(view.patches) for view in views]
        for each in rows:
            read(each, metrics.readings())
        meetings = Meetings(len(views), metrics.pairs())
        meetings.meet(views, rows)
        for measure in metrics.pairs():
            for i, j in combinations(range(len(views)), 2):
                meetings.numbers(measure, i, j)
                meetings.numbers(measure, j, i)
        return time.perf_counter() - began

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    photo = str(samples_first())
    trials = [
        ("repscope --help over python -c pass", 20, process("-m", "repscope", "--help"), process("-c", "pass")),
        (
            "compare of the embedded encoders on one photo, cold, over import torch, numpy",
            3,
            process("-m", "repscope", "compare", photo),
            process("-c", "import torch, numpy"),
        ),
        ("all readings and pair measures with nulls, 4 encoders, over a ViT-L/14 forward", 1, measures(), forward()),
    ]
    for title, bar, one, other in trials:
        one(), other()
        pairs = [(one(), other()) for _ in range(rounds)]
        ratios = sorted(a / b for a, b in pairs)
        a, b = (statistics.median(times) for times in zip(*pairs, strict=True))
        middle = statistics.median(ratios)
        print(
            f"{title}: {middle:.2f} (bar {bar}; {ratios[0]:.2f} to {ratios[-1]:.2f}); {a:.3f} s over {b:.3f} s",
            flush=True,
        )


def samples_first() -> object:
    from repscope.images.samples import samples

    return samples()[0]


if __name__ == "__main__":
    main()
