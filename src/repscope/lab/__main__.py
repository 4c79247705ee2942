"""Train one encoder: `python -m repscope.lab mae tiny-imagenet --data DIR --out DIR`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from repscope.errors import RepscopeError, UnfitData, UnknownName, Unwritable, WrongUsage

if TYPE_CHECKING:
    from repscope.lab.data import TrainingSet
    from repscope.lab.objectives import Objective
    from repscope.lab.recipe import Recipe
    from repscope.lab.train import Trained

AFTER = """\
OUT gets encoder.safetensors (for `repscope -m OUT/encoder.safetensors`), card.md, and while it trains state.pt and
log.jsonl. --resume goes on from state.pt; of a run that is at its end it writes encoder and card again.
--epochs 0 writes the encoder as it is initialised: the floor that a trained one is measured against."""

Say = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: exit code 0, 1 for a failed run, 2 for wrong usage; a bug shows its traceback."""
    try:
        made(_options(arguments))
    except RepscopeError as error:
        sys.stderr.write(f"repscope.lab: {error}\n")
        sys.exit(2 if isinstance(error, (WrongUsage, UnknownName)) else 1)
    except KeyboardInterrupt:
        sys.stderr.write("repscope.lab: stopped; the same command with --resume goes on.\n")
        sys.exit(130)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m repscope.lab",
        description=__doc__,
        epilog=AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("objective", help="what the encoder is asked to do: mae, ijepa")
    parser.add_argument("recipe", help="a recipe of the package (tiny-imagenet), or a TOML file")
    parser.add_argument("--data", type=Path, required=True, help="folder with train*.parquet and val*.parquet")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--epochs", type=float, help="in place of the recipe's")
    parser.add_argument("--threads", type=int, help="processor threads; all where not given")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    return parser.parse_args(arguments)


def made(options: argparse.Namespace, say: Say = lambda line: print(line, flush=True)) -> None:
    """Train, measure, and write the encoder and its card."""
    if options.threads is not None and options.threads < 1:
        raise WrongUsage(f"--threads wants 1 or more; got {options.threads}.")

    import torch

    from repscope.lab import data, objectives, recipe, train

    if options.threads:
        torch.set_num_threads(options.threads)
    plan = recipe.read(options.recipe)
    if options.epochs is not None:
        plan = replace(plan, epochs=options.epochs)
    objective = train.build(objectives.catalogue[options.objective], plan)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unwritable(f"{options.out} cannot be made a folder: {error.strerror}; choose another --out.") from None
    images = data.read(_files(options.data, "train"), plan.size)
    say(f"{len(images)} images, {plan.epochs:g} epochs, batch {plan.batch}")
    trained = train.train(objective, plan, images, options.out, resume=options.resume, say=say)
    _write(options, plan, trained, images, type(objective), say)


def _files(folder: Path, split: str) -> list[Path]:
    files = sorted(folder.glob(f"{split}*.parquet"))
    if split == "train" and not files:
        there = "holds none" if folder.is_dir() else "is no folder"
        raise UnfitData(f"--data wants a folder with train*.parquet (and val*.parquet); {folder} {there}.")
    return files


def _write(
    options: argparse.Namespace,
    plan: "Recipe",
    trained: "Trained",
    images: "TrainingSet",
    objective: "type[Objective]",
    say: Say,
) -> None:
    """The encoder and its card, beside each other; k-NN of the weights that the file gives back, and of their floor."""
    from repscope.lab import card, checkpoint, data, knn, train

    encoder, votes, floor = checkpoint.as_written(trained.encoder), None, None
    if files := _files(options.data, "val"):
        queries, bank = data.read(files, plan.size).labelled(), images.labelled()
        if len(queries) and len(bank) >= knn.NEIGHBOURS:
            say(f"k-NN of {len(queries)} validation images among {len(bank)}")
            votes = floor = knn.judged(encoder, bank, queries, plan.precision)
            if trained.steps:
                untrained = checkpoint.as_written(train.build(objective, plan).encoder)
                floor = knn.judged(untrained, bank, queries, plan.precision)
            say(f"accuracy {votes.accuracy:.4f}, untrained {floor.accuracy:.4f}, chance {votes.chance:.4f}")
    dial = train.dial(options.out, trained.per_epoch)
    told = card.written(options.objective, plan, trained, options.data, len(images), dial, votes, floor)
    checkpoint.write_encoder(encoder, options.out / "encoder.safetensors", told)
    (options.out / "card.md").write_text(card.page(told, encoder), encoding="utf-8")
    say(f"Wrote {options.out / 'encoder.safetensors'} and card.md beside it")


if __name__ == "__main__":
    main()
