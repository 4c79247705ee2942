"""A run in a process of its own that ends as the machine ends it: `killed_run.py OBJECTIVE OPTIMISER FOLDER WHEN`.

WHEN is `between`, to train until someone kills it, or `writing`, to die with the third state written and not yet in
its place.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from small_objectives import made
from small_run import SHAPE, drawn

from repscope.lab import train
from repscope.lab.data import TrainingSet
from repscope.lab.recipe import Recipe

PLAN = Recipe(
    name="small", size=16, architecture=SHAPE, epochs=5, batch=16, rate=2e-3, warmup=2, precision="float32", snapshots=0
)


def stripes() -> TrainingSet:
    pixels, labels = drawn(64)
    return TrainingSet(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels))


def trained(name: str, optimiser: str, folder: Path, **options) -> train.Trained:
    plan = replace(PLAN, optimiser=optimiser)
    return train.train(made(name, plan), plan, stripes(), folder, told=name, every=2, **options)


def _die_at_the_third_state() -> None:
    states, replaced = [], Path.replace

    def replacing(self: Path, target: Path) -> Path:
        states.extend([target] * (target.name == "run.state"))
        if len(states) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return replaced(self, target)

    Path.replace = replacing


if __name__ == "__main__":
    torch.set_num_threads(1)
    name, optimiser, folder, when = sys.argv[1:]
    if when == "writing":
        _die_at_the_third_state()
    trained(name, optimiser, Path(folder), say=lambda line: print(line["step"], flush=True))
