"""repscope bench"""

from typing import Annotated

import typer

from repscope.cli._options import Answer, Force, Formats, Models, Output, Precision, Rounded, names_of
from repscope.cli._progress import Progress
from repscope.errors import WrongUsage

SHOWN = "tiny-mae"


def bench(
    models: Models = None,
    batches: Annotated[str, typer.Option("--batches", help="Photos in one forward pass, separated by commas.")] = "1,8",
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each is timed.")] = 5,
    random: Annotated[
        bool, typer.Option("--random", help="Draw the weights of a published shape at random: nothing is fetched.")
    ] = False,
    precision: Rounded = Precision.AUTO,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Measure how fast this machine is with these encoders, and where the time goes.

    Images per second, share of the machine's matrix product, time of a new process to its first tokens, memory. For
    a comparison over time keep the JSON.
    """
    answer, names = Answer(output, formats, force), names_of(models) or [SHOWN]
    try:
        sizes = [int(size) for size in batches.split(",")]
    except ValueError:
        raise WrongUsage(f"--batches wants whole numbers such as 1,8; got {batches!r}.") from None
    if min(sizes) < 1:
        raise WrongUsage(f"--batches wants whole numbers of 1 or more; got {batches!r}.")
    from repscope.analyses.bench import bench as measured

    with Progress("timing") as progress:
        report = measured(
            names, batches=sizes, rounds=rounds, precision=precision.value, random=random, progress=progress
        )
    answer.show(report, typed=True)
