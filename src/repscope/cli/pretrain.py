"""repscope pretrain"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from repscope.catalogue import names

OBJECTIVES = names("repscope.lab.objectives")
# The lab's own list of recipes would bring torch along; --help does without.
RECIPES = sorted(file.stem for file in (Path(__file__).parents[1] / "lab" / "recipes").glob("*.toml"))


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


RECIPE = f"{' or '.join(RECIPES)}, or the path of a TOML file."
DATA = "Folder with train*.parquet and val*.parquet, folder of images (sub-folders are classes), or a Parquet file."
OBJECTIVE = f"In place of the recipe's: {', '.join(OBJECTIVES)}."
OUT = "Folder of the run; runs/RECIPE-OBJECTIVE where not given."
TEACHER = "For distill: an encoder to learn from, by name, file or folder. Repeatable."
OPTION = "Of the objective, in place of the recipe's, as in --option locals=4. Repeatable."
THREADS = "Processor threads; all where not given, shared among the processes of torchrun."


def pretrain(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help=RECIPE, show_default=False)],
    data: Annotated[Path, typer.Option("--data", help=DATA, show_default=False)],
    objective: Annotated[str | None, typer.Option("--objective", help=OBJECTIVE)] = None,
    epochs: Annotated[
        float | None, typer.Option("--epochs", help="In place of the recipe's; 0 writes the encoder untrained.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help=OUT)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    teacher: Annotated[list[str] | None, typer.Option("--teacher", help=TEACHER)] = None,
    option: Annotated[list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help=OPTION)] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="In place of the recipe's.")] = None,
    device: Annotated[Device, typer.Option("--device", help="auto takes a GPU where there is one.")] = Device.AUTO,
    threads: Annotated[int | None, typer.Option("--threads", help=THREADS)] = None,
) -> None:
    """Train a small encoder on images of your own.

    The same backbone and budget under any objective. The folder of the run holds encoder.safetensors, which every
    command takes as -m DIR, card.md, snapshots in steps, and log.jsonl.
    """
    from repscope.cli._training import Training
    from repscope.lab.options import parsed
    from repscope.lab.pretrain import Request
    from repscope.lab.pretrain import pretrain as trained

    request = Request(
        recipe=recipe,
        data=data,
        objective=objective,
        epochs=epochs,
        seed=seed,
        out=out,
        resume=resume,
        options=parsed(option or []) | ({"teachers": teacher} if teacher else {}),
        device=device.value,
        threads=threads,
    )
    try:
        with Training() as training:
            trained(request, training)
    except KeyboardInterrupt:
        typer.echo("The same command with --resume goes on from the last state that was kept.", err=True)
        raise
