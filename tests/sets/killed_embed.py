"""Embeds in children that are killed: `killed_embed.py SOURCE FOLDER KILLS SEED`; then once to the end.

Prints how many shards were done at every kill.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet  # noqa: F401  before there are children: they begin at once
import torch
from colours import Colours

from repscope.extract.sets.embed import embed
from repscope.images import Photo


class Slow(Colours):
    """So slow that a kill comes in the middle."""

    def __call__(self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: str = "square"):
        time.sleep(0.002)
        return super().__call__(photos, layers, framing)


def run(source: Path, folder: Path) -> None:
    embed(source, [Slow(), Slow("b", factor=2)], folder, shard=8, batch=4, threads=1, cache=False)


def wait(folder: Path, chance: random.Random) -> None:
    """Until a shard more is done, mostly, and then for a moment: on a busy machine a child begins late."""
    done, end = len(list(folder.glob("ledger/*"))), time.monotonic() + chance.choice([0.1, 30, 30, 30, 30])
    while len(list(folder.glob("ledger/*"))) <= done and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.03))


if __name__ == "__main__":
    torch.set_num_threads(1)
    source, folder, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(int(sys.argv[4]))
    for _ in range(kills):
        child = os.fork()
        if not child:
            run(source, folder)
            os._exit(0)
        wait(folder, chance)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(len(list(folder.glob("ledger/*.json"))), (folder / "manifest.json").exists(), flush=True)
    run(source, folder)
