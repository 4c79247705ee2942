"""repscope experiment"""

from pathlib import Path
from typing import Annotated

import typer

from repscope.cli._options import Answer, Force, Formats, Output, found, loaded, names_of
from repscope.cli._progress import Progress
from repscope.cli.pretrain import DATA

DEFAULT = "dino,ijepa,vjepa,mae,supervised,distill"

experiment = typer.Typer(
    help="Train the same encoder under several conditions and ask which of them the readings see.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PHOTOS = "Photos to read all encoders on; the bundled samples where none is given. Repeatable."
OUT = "Folder that holds a folder for each run; runs that are done are not trained again."
PARTS = "Equal parts the training images are dealt into, each trained on by itself."


@experiment.command()
def objectives(
    data: Annotated[Path, typer.Option("--data", help=DATA, show_default=False)],
    out: Annotated[Path, typer.Option("--out", help=OUT)] = Path("runs/objectives"),
    recipe: Annotated[str, typer.Option("--recipe", help="Backbone and budget of all runs.")] = "objectives",
    objective: Annotated[str, typer.Option("--objectives", help="Names, separated by commas.")] = DEFAULT,
    seeds: Annotated[int, typer.Option("--seeds", help="Runs of each objective on each part.")] = 3,
    parts: Annotated[int, typer.Option("--parts", help=PARTS)] = 2,
    epochs: Annotated[float | None, typer.Option("--epochs", help="In place of the recipe's; over a part.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Runs trained at a time.")] = 1,
    photos: Annotated[list[str] | None, typer.Option("--photos", help=PHOTOS, show_default=False)] = None,
    beside: Annotated[
        list[str] | None, typer.Option("--beside", help="Encoders to read along: names, files, folders; a,b,c.")
    ] = None,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Is it the objective?

    The same backbone, data and budget under several objectives, several seeds of each, each on several parts of the
    data. How much of the variance of each reading lies between objectives, parts and seeds, and what becomes of claims
    made from one encoder of each. distill learns from the other runs of its part and seed.
    """
    answer, given = Answer(output, formats, force), found(photos, strict=False)
    others = loaded(names_of(beside)) if beside else []
    from repscope.lab.experiment import Plan
    from repscope.lab.experiment import experiment as trained

    plan = Plan(recipe, data, out, tuple(names_of([objective])), seeds, parts, epochs)
    cells = trained(plan, workers, lambda line: typer.echo(line, err=True))
    encoders = loaded([str(cell.folder) for cell in cells])
    from repscope.analyses.objectives import Run
    from repscope.analyses.objectives import objectives as asked

    runs = [
        Run(encoder, cell.objective, f"part {cell.part}", cell.seed)
        for encoder, cell in zip(encoders, cells, strict=True)
    ]
    with Progress("comparing") as progress:
        report = asked(given, runs, others, progress=progress)
    answer.show(report)
