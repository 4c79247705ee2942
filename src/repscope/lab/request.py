"""Request: what a person asked of a run, and the plan that it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repscope.errors import UnknownName, WrongUsage
from repscope.lab import objectives, options, recipe
from repscope.lab.objectives import Objective
from repscope.lab.recipe import Recipe


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Attributes:
        recipe: Name, or path of a TOML file.
        data: A folder, or a Parquet file.
        objective: In place of the recipe's.
        epochs, seed: In place of the recipe's.
        out: Folder of the run; `runs/<recipe>-<objective>` where not given.
        resume: Whether to go on with the run in that folder.
        options: Of the objective, over those of the recipe.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: Of this process.
        part: Which of how many equal parts of the training images, from 0; all where not given.
        judged: Whether to measure k-NN accuracy in the end, where there are labels.
    """

    recipe: str
    data: Path
    objective: str | None = None
    epochs: float | None = None
    seed: int | None = None
    out: Path | None = None
    resume: bool = False
    options: Mapping[str, Any] | None = None
    device: str = "auto"
    threads: int | None = None
    part: tuple[int, int] | None = None
    judged: bool = True


def planned(request: Request) -> tuple[Recipe, type[Objective]]:
    """The recipe with everything that was asked in it, and the objective's class.

    Options go into the recipe, so that a run that is resumed with others is known as another run.
    Those of the recipe's other objectives are checked too: a name that is none would be passed over
    in silence. Raises UnknownName, WrongUsage.
    """
    plan = recipe.read(request.recipe)
    asked = {"objective": request.objective, "epochs": request.epochs, "seed": request.seed}
    plan = replace(plan, **{name: value for name, value in asked.items() if value is not None})
    kind = objectives.catalogue[plan.objective]
    if plan.batch < kind.least:
        raise WrongUsage(
            f"{plan.objective} sets the images of a batch against each other and wants {kind.least} or more; the "
            f"recipe {plan.name} has batch = {plan.batch}."
        )
    mine = plan.options.get(plan.objective, {}) | dict(request.options or {})
    tables = plan.options | {plan.objective: mine}
    return replace(plan, options={name: _checked(name, table) for name, table in tables.items()}), kind


def _checked(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    if name not in objectives.catalogue:
        raise UnknownName("objective with [options]", name, objectives.catalogue)
    return options.checked(name, objectives.catalogue[name], table)
