"""Plan: which encoders an experiment trains, differing in objective, part of the data and seed alone."""

import json
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from pathlib import Path

from repscope.errors import UnfitCheckpoint, WrongUsage
from repscope.lab import checkpoint, data
from repscope.lab.recipe import read
from repscope.lab.request import Request, planned

DISTILLED, PROXY = "distill", "proxy"
"""Distillation learns from a proxy, and that from the other objectives' encoders of the same part and seed."""

HELD = "plan.json"
"""What all runs in a folder share."""


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        recipe: Backbone and budget, the same for all.
        data: As `pretrain` takes it.
        out: Folder that holds a folder for each run.
        objectives: Two or more.
        seeds: Runs of each objective on each part; of initialisation, order and views. Objectives share
            them, parts do not.
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
        if PROXY in self.objectives:
            raise WrongUsage("proxy is what distill makes for itself; name distill.")
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
        objective: Or `proxy`, which is distilled like any.
        part: Which part of the data, from 1.
        folder: Of the run.
        teachers: Folders of the runs it learns from.
    """

    objective: str
    part: int
    seed: int
    folder: Path
    teachers: tuple[Path, ...] = ()

    @property
    def done(self) -> bool:
        """Whether it has come to its end: the card is the last that a run writes."""
        return (self.folder / "card.md").is_file()

    def __str__(self) -> str:
        return f"{self.objective}, part {self.part}, seed {self.seed}"


def waves(plan: Plan) -> list[list[Cell]]:
    """All runs of a plan, in groups of which each learns from those before it at most."""
    alone = [name for name in plan.objectives if name != DISTILLED]
    taught = {PROXY: alone, DISTILLED: [PROXY]}
    groups = [alone, [PROXY], [DISTILLED]] if DISTILLED in plan.objectives else [alone]

    def folder(name: str, part: int, seed: int) -> Path:
        return plan.out / f"{name}-part-{part}-seed-{seed}"

    def cell(name: str, part: int, seed: int) -> Cell:
        teachers = tuple(folder(other, part, seed) for other in taught.get(name, ()))
        return Cell(name, part, seed, folder(name, part, seed), teachers)

    return [[cell(*each) for each in product(names, range(1, plan.parts + 1), range(plan.seeds))] for names in groups]


def request(plan: Plan, cell: Cell, threads: int | None = None) -> Request:
    """How a run of the plan is asked of `pretrain`.

    No two parts have a seed in common: what a seed does would else be counted once for each.
    """
    return Request(
        recipe=plan.recipe,
        data=plan.data,
        objective=DISTILLED if cell.objective == PROXY else cell.objective,
        epochs=plan.epochs,
        seed=cell.seed * plan.parts + cell.part - 1,
        out=cell.folder,
        resume=True,
        options={"teachers": [str(teacher) for teacher in cell.teachers]} if cell.teachers else None,
        threads=threads,
        part=(cell.part - 1, plan.parts) if plan.parts > 1 else None,
        judged=False,
    )


def floor(plan: Plan) -> Path:
    """The folder of the recipe's encoder as it is initialised: what all readings are read against."""
    return plan.out / "untrained"


def hold(plan: Plan) -> None:
    """Keep beside the runs what all of them share; raises WrongUsage where runs of another plan are there.

    Seeds and objectives may be added to an experiment; budgets, images and teachers may not differ in it.
    """
    mine, path = _shared(plan), plan.out / HELD
    there: dict[str, object] = {}
    if path.is_file():
        try:
            there |= json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError) as error:
            raise UnfitCheckpoint(f"{path} cannot be read as a plan: {error}. Choose another --out.") from None
        if differing := [name for name, value in mine.items() if name in there and there[name] != value]:
            told = "; ".join(f"{name} {there[name]!r} there, {mine[name]!r} here" for name in differing)
            raise WrongUsage(f"{plan.out} holds runs of another experiment: {told}. Choose another --out.")
    if there | mine != there:
        with checkpoint.aside(path) as part:
            part.write_text(json.dumps(there | mine, indent=1), encoding="utf-8")


def _shared(plan: Plan) -> dict[str, object]:
    recipe, _ = planned(request(plan, waves(plan)[0][0]))
    values = {name: value for name, value in recipe.to_dict().items() if name not in ("objective", "options", "seed")}
    values["options"] = read(plan.recipe).options  # of all objectives: others may be added later
    if DISTILLED in plan.objectives:
        values["teachers"] = sorted(name for name in plan.objectives if name != DISTILLED)
    return json.loads(json.dumps({"images": _images(plan.data), "parts": plan.parts, **values}))


def _images(place: Path) -> str:
    """What is trained on, wherever it lies: its files' names and sizes."""
    train = data.found(place).train
    digest = blake2b(digest_size=6)
    for file in train.files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
    return f"{len(train):,} in files {digest.hexdigest()}"
