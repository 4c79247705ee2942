"""A run of the training loop, and what it leaves in its folder."""

import json
from pathlib import Path
from typing import Any

from small_objectives import made
from torch import Tensor

from repscope.lab import checkpoint, train
from repscope.lab.data import TrainingSet
from repscope.lab.recipe import Recipe


def run(name: str, recipe: Recipe, data: TrainingSet, folder: Path, **options: Any) -> train.Trained:
    return train.train(made(name, recipe), recipe, data, folder, told=name, **options)


def weights(folder: Path) -> dict[str, Tensor]:
    tensors, _ = checkpoint.read_state(folder / "run.state")
    return tensors


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
