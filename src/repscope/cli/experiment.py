"""repscope experiment"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from repscope.cli._options import Answer, Force, Formats, Output, found, loaded, names_of
from repscope.cli._progress import Progress
from repscope.cli.pretrain import DATA, OBJECTIVES, RECIPE

DEFAULT = "dino,ijepa,vjepa,mae,supervised,distill"

NAMES = f"Which are compared, separated by commas, of {', '.join(OBJECTIVES)}."
PHOTOS = "Photos to read all encoders on, ten or more; copies of training images are left out. Repeatable."
OUT = "Folder that holds a folder for each run; runs that are done are not trained again."
PARTS = "Equal parts the training images are dealt into, each trained on by itself."
PICTURE = "A photo to make PCA maps of, and to read for nothing else; the first of --photos where not given."
BESIDE = "Encoders to read along: names, files, folders, separated by commas; those of the package where not given."


def experiment(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help=RECIPE, show_default=False)],
    data: Annotated[Path, typer.Option("--data", help=DATA, show_default=False)],
    photos: Annotated[list[str], typer.Option("--photos", help=PHOTOS, show_default=False)],
    out: Annotated[Path, typer.Option("--out", help=OUT)] = Path("runs/experiment"),
    objective: Annotated[str, typer.Option("--objectives", help=NAMES)] = DEFAULT,
    seeds: Annotated[int, typer.Option("--seeds", help="Runs of each objective on each part.")] = 3,
    parts: Annotated[int, typer.Option("--parts", help=PARTS)] = 2,
    epochs: Annotated[
        float | None, typer.Option("--epochs", help="In place of the recipe's: passes over a part.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Runs trained at a time.")] = 1,
    beside: Annotated[list[str] | None, typer.Option("--beside", help=BESIDE, show_default=False)] = None,
    picture: Annotated[str | None, typer.Option("--picture", help=PICTURE, show_default=False)] = None,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Ask whether it is the objective.

    The same backbone, data and budget under several objectives, several seeds of each, each on several parts of the
    data; the recipe `objectives` is small enough for dozens of runs. How much of the variance of each reading lies
    between objectives, parts and seeds, and what becomes of claims made from one encoder of each. distill learns from a
    proxy, and that from the other runs of its part and seed.
    """
    answer, given = Answer(output, formats, force), found(photos, strict=False)
    if picture is not None:
        found([picture], strict=True)
    from repscope.encoders import available
    from repscope.images import gather
    from repscope.lab.experiment import apart
    from repscope.lab.experiment import experiment as trained
    from repscope.lab.log import course
    from repscope.lab.plan import Plan, floor

    embedded = [name for name, contract in available().items() if contract.family == "lab"]
    others = loaded(names_of(beside) if beside is not None else embedded)
    plan = Plan(recipe, data, out, tuple(names_of([objective])), seeds, parts, epochs)
    photographed, unread = gather(given)
    kept, left = apart(plan, photographed)
    if left:
        typer.echo(f"{len(left)} of {len(photographed)} photos are trained on and left out.", err=True)
    try:
        cells = trained(plan, workers, lambda line: typer.echo(line, err=True))
    except KeyboardInterrupt:
        typer.echo("The same command goes on where the runs were.", err=True)
        raise
    encoders = loaded([str(cell.folder) for cell in cells])
    others = [*loaded([str(floor(plan))]), *others]
    from repscope.analyses.objectives import Run
    from repscope.analyses.objectives import objectives as asked

    runs = [
        Run(encoder, cell.objective, f"part {cell.part}", cell.seed, *course(cell.folder))
        for encoder, cell in zip(encoders, cells, strict=True)
    ]
    with Progress("comparing") as progress:
        report = asked(kept, runs, others, picture=picture, progress=progress)
    skipped = tuple((each.source, each.reason) for each in (*unread, *left))
    answer.show(replace(report, skipped=(*skipped, *report.skipped)))
