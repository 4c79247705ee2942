"""Runs: trained encoders that differ in objective, condition and seed alone, and what is seen of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.analyses._numbers import Value, read
from repscope.analyses._study import View
from repscope.encoders import Encoder
from repscope.errors import WrongUsage
from repscope.images import Photo
from repscope.metrics import Pair, Rows
from repscope.statistics.nulls import IMAGES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One trained encoder and what it was trained under.

    Attributes:
        condition: Whatever else was varied on purpose: a half of the data, a depth.
        accuracy: k-NN of held-out images, before training and after; None where it is not known.
        collapse: What the monitor called in the end.
    """

    encoder: Encoder
    objective: str
    condition: str
    seed: int
    accuracy: tuple[float, float] | None = None
    collapse: str = ""

    def __str__(self) -> str:
        return f"{self.objective}, {self.condition}, seed {self.seed}"


@dataclass(frozen=True)
class Design:
    """Runs in order of objective, condition and seed: one of each.

    Raises WrongUsage where some are missing or too many, or where there is nothing to compare.
    """

    runs: tuple[Run, ...]
    objectives: tuple[str, ...]
    conditions: tuple[str, ...]
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Design":
        objectives = tuple(dict.fromkeys(run.objective for run in runs))
        conditions = tuple(dict.fromkeys(run.condition for run in runs))
        seeds = tuple(sorted({run.seed for run in runs}))
        cells = list(product(objectives, conditions, seeds))
        counts = Counter((run.objective, run.condition, run.seed) for run in runs)
        wrong = [f"{counts[cell]} of {cell[0]} on {cell[1]} with seed {cell[2]}" for cell in cells if counts[cell] != 1]
        if len(objectives) < 2 or len(seeds) < 2 or wrong:
            got = f"{len(objectives)} objectives, {len(seeds)} seeds" + (f": {', '.join(wrong)}" if wrong else "")
            raise WrongUsage(
                "This wants two objectives and two seeds or more, and one run of each objective on each condition "
                f"with each seed; got {got}."
            )
        ordered = sorted(runs, key=lambda run: cells.index((run.objective, run.condition, run.seed)))
        return cls(tuple(ordered), objectives, conditions, seeds)

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.objectives), len(self.conditions), len(self.seeds)


class Seen:
    """Every reading of every encoder on every photo, and how alike the runs' patches are."""

    def __init__(self, design: Design, encoders: int):
        self.design, self.readings = design, metrics.readings()
        self.values: list[dict[str, list[Value]]] = [{r.name: [] for r in self.readings} for _ in range(encoders)]
        self.cka = metrics.catalogue["linear_cka"]
        self.alike: list[Array] = []
        self.kept: list[list[Rows]] = []
        self.pictured: tuple[Photo, list[View]] | None = None
        self.shapes: list[tuple[int, int]] = []

    def take(self, photo: Photo, views: list[View]) -> None:
        """One photo as all encoders see it, the runs in the design's order and then the others."""
        rows = [Rows(view.patches) for view in views]
        for values, each in zip(self.values, rows, strict=True):
            for name, value in read(each, self.readings).items():
                values[name].append(value)
        runs = rows[: len(self.design.runs)]
        assert isinstance(self.cka, Pair)
        found = np.eye(len(runs))
        for i, x in enumerate(runs):
            for j, y in enumerate(runs[:i]):
                found[i, j] = found[j, i] = self.cka.of(x, y)
        self.alike.append(found)
        if len(self.kept) < IMAGES:
            self.kept.append([runs[place].lightened() for each in self.first_two() for place in each])
        self.pictured = self.pictured or (photo, views)
        self.shapes = [(len(each), each.width) for each in rows]

    def first_two(self) -> list[tuple[int, int]]:
        """The places of each objective's first two seeds on the first condition."""
        a, b, s = self.design.shape
        return [(k * b * s, k * b * s + 1) for k in range(a)]

    @property
    def photos(self) -> int:
        return len(self.alike)

    def by_run(self, name: str) -> Float[Array, "a b s photos"] | None:
        """A reading of every run, photo by photo; None where some run has none on some photo."""
        values = [self.values[place][name] for place in range(len(self.design.runs))]
        if any(isinstance(value, str) for each in values for value in each):
            return None
        return np.array(values, np.float64).reshape(*self.design.shape, -1)
