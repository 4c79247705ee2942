"""Worker: one side in a process of its own; it computes only when asked.

    python worker.py ours dinov2-vit-l14 DIR
    python worker.py products

One JSON object a line comes in, and one goes out: `{"batch": 8}` asks for the seconds of one forward, `{"keep": FILE}`
for the tokens of one image, `{"product": NAME}` for the seconds of a product. What goes wrong is said under "error".
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SIDE = 2048


def pixels(batch: int, size: int, frames: int) -> np.ndarray:
    """Noise, the same for every side; a clip is one frame repeated."""
    drawn = np.random.default_rng(0).normal(size=(batch, 3, size, size)).astype(np.float32)
    return np.repeat(drawn[:, :, None], frames, 2) if frames else drawn


class Looking:
    """A side with its encoder."""

    def __init__(self, side: str, name: str, place: str):
        from sides import SIDES

        self.look, self.hello = SIDES[side](name, Path(place))

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        shown = pixels(asked["batch"], asked["size"], asked["frames"])
        begun = time.perf_counter()
        said = self.look(shown)
        seconds = time.perf_counter() - begun
        if "keep" in asked:
            np.save(asked["keep"], said)
        return {"seconds": seconds}


class Products:
    """Matrix products of torch: the small one that is always the same, and those that others are held against."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(CORES)
        self.hello = f"torch {torch.__version__}"
        made = torch.Generator().manual_seed(0)
        a, b = (torch.randn(SIDE, SIDE, generator=made) for _ in range(2))
        small = torch.randn(1024, 1024, generator=made)
        half, other = a.bfloat16(), b.bfloat16()
        try:
            blocks = torch.ops.mkldnn._reorder_linear_weight(other)
        except RuntimeError:  # no bfloat16 here
            blocks = None
        self.kinds = {
            "fixed": lambda: torch.mm(small, small),
            "bfloat16": lambda: torch.mm(half, other),
            "float32": lambda: torch.mm(a, b),
            "in blocks": lambda: (
                torch.mm(half, other)
                if blocks is None
                else torch.ops.mkldnn._linear_pointwise(half, blocks, None, "none", [], "")
            ),
        }

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Median of some, after one that wakes the threads."""
        import torch

        product, took = self.kinds[asked["product"]], []
        with torch.inference_mode():
            product()
            for _ in range(asked.get("times", 5)):
                begun = time.perf_counter()
                product()
                took.append(time.perf_counter() - begun)
        return {"seconds": float(np.median(took))}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")  # libraries that print must not be taken for answers
    os.dup2(2, 1)

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=answers, flush=True)

    try:
        made = Products() if sys.argv[1] == "products" else Looking(*sys.argv[1:])
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}".strip().splitlines()[0]})
        return
    say({"hello": made.hello})
    for line in sys.stdin:
        try:
            say(made.answer(json.loads(line)))
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}".strip().splitlines()[0]})


if __name__ == "__main__":
    main()
