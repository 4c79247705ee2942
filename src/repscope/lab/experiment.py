"""Experiment: the same encoder trained many times, differing in objective, half of the data and seed alone."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from repscope.errors import WrongUsage
from repscope.lab.pretrain import pretrain
from repscope.lab.request import Request, planned

DISTILLED, PROXY = "distill", "proxy"
"""Distillation learns from a proxy, and that from the other objectives' encoders of the same part and seed."""


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        recipe: Backbone and budget, the same for all.
        data: As `pretrain` takes it.
        out: Folder that holds a folder for each run.
        objectives: Two or more.
        seeds: Runs of each objective on each part; of initialisation, order and views.
        parts: Equal parts that the training set is dealt into, each trained on by itself; 1 for the whole.
        epochs: In place of the recipe's: passes over a part.
    """

    recipe: str
    data: Path
    out: Path
    objectives: tuple[str, ...]
    seeds: int = 3
    parts: int = 2
    epochs: float | None = None

    def __post_init__(self) -> None:
        """Raises WrongUsage for what no comparison can be made of."""
        if len(set(self.objectives)) != len(self.objectives):
            raise WrongUsage(f"Name each objective once; got {', '.join(self.objectives)}.")
        if len(self.objectives) == 2 and DISTILLED in self.objectives:
            raise WrongUsage("distill learns from the other objectives of the experiment: name two or more besides it.")
        if len(self.objectives) < 2 or self.seeds < 2:
            raise WrongUsage(
                f"An experiment wants two objectives and two seeds or more; got {len(self.objectives)} and "
                f"{self.seeds}: from one run of each, what an objective does cannot be told from chance."
            )
        if self.parts < 1:
            raise WrongUsage(f"The data are dealt into 1 part or more; got {self.parts}.")


@dataclass(frozen=True)
class Cell:
    """One run of a plan.

    Attributes:
        part: Which part of the data, from 1.
        folder: Of the run.
    """

    objective: str
    part: int
    seed: int
    folder: Path

    @property
    def trained(self) -> str:
        """The objective as `pretrain` knows it."""
        return DISTILLED if self.objective == PROXY else self.objective

    def __str__(self) -> str:
        return f"{self.objective}, part {self.part}, seed {self.seed}"


def waves(plan: Plan) -> list[list[Cell]]:
    """All runs of a plan, in groups of which each learns from those before it at most."""
    alone = [name for name in plan.objectives if name != DISTILLED]
    groups = [alone, [PROXY], [DISTILLED]] if DISTILLED in plan.objectives else [alone]
    return [
        [
            Cell(objective, part, seed, plan.out / f"{objective}-part-{part}-seed-{seed}")
            for objective, part, seed in product(names, range(1, plan.parts + 1), range(plan.seeds))
        ]
        for names in groups
    ]


def request(plan: Plan, cell: Cell, threads: int | None = None) -> Request:
    """How a run of the plan is asked of `pretrain`."""
    alone, *proxies = waves(plan)
    before = {PROXY: alone, DISTILLED: proxies[0] if proxies else []}.get(cell.objective, [])
    teachers = [str(other.folder) for other in before if (other.part, other.seed) == (cell.part, cell.seed)]
    return Request(
        recipe=plan.recipe,
        data=plan.data,
        objective=cell.trained,
        epochs=plan.epochs,
        seed=cell.seed,
        out=cell.folder,
        resume=True,
        options={"teachers": teachers} if teachers else None,
        threads=threads,
        part=(cell.part - 1, plan.parts) if plan.parts > 1 else None,
        judged=False,
    )


def experiment(plan: Plan, workers: int = 1, say: Callable[[str], None] = lambda line: None) -> list[Cell]:  # noqa: ARG005
    """Train every run that is not done yet, `workers` at a time; a run that was stopped goes on.

    What is given back are the runs to be compared: proxies are not among them.

    Raises the RepscopeError of the first run that fails; runs that are under way end first.
    """
    asked = [cell for wave in waves(plan) for cell in wave]
    for cell in asked:
        planned(request(plan, cell))  # refuses what it does not know before anything is trained
    done = 0
    for wave in waves(plan):
        for cell in _trained(plan, wave, workers):
            done += 1
            say(f"{done} of {len(asked)} runs: {cell}")
    return [cell for cell in asked if cell.objective != PROXY]


def _trained(plan: Plan, wave: Sequence[Cell], workers: int) -> Iterator[Cell]:
    """The runs of a wave as they end."""
    if workers == 1:
        for cell in wave:
            pretrain(request(plan, cell))
            yield cell
        return
    threads = max((os.cpu_count() or 1) // workers, 1)
    # a fresh process for each run: a forked one would share the threads of torch
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        under_way: dict[Future[Path], Cell] = {
            pool.submit(pretrain, request(plan, cell, threads)): cell for cell in wave
        }
        try:
            for future in as_completed(under_way):
                future.result()
                yield under_way[future]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
