"""Pretrain: the whole job of making one encoder, from what a person asked to a card beside its file."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from repscope.encoders.vit import ViT
from repscope.errors import RepscopeError, UnfitData, Unwritable, WrongUsage
from repscope.lab import checkpoint, data, device, processes, train
from repscope.lab.build import build, device_of, precision_of, setting_of
from repscope.lab.data import Splits, TrainingSet
from repscope.lab.data.source import Source
from repscope.lab.listener import Listener, Silent
from repscope.lab.objectives import Objective, Setting
from repscope.lab.outcome import Outcome
from repscope.lab.recipe import Recipe
from repscope.lab.request import Request, planned

EVERY, LINES = 200, 20
"""Steps between two lines of the log; fewer in a run that would have fewer lines than this."""

APART = 10
"""The least steps between two looks of the monitor: those of neighbouring steps would be one look."""

WATCHED, HELD = 512, 256
"""Images the monitor looks at: of the validation images, or of the training images where those are too few."""


def pretrain(request: Request, listener: Listener | None = None) -> Path:
    """Train, measure, and write the encoder and its card; the folder they are in.

    Under `torchrun` each process calls this, and the first one speaks and writes. What cannot work
    is found before a folder is made or an image decoded, as far as it can be known. Raises
    RepscopeErrors.
    """
    plan, kind = planned(request)
    where, threads = device.chosen(request.device), device.threads(request.threads)
    out = request.out or Path("runs") / f"{plan.name}-{plan.objective}"
    with processes.joined(where):
        told = listener if listener is not None and processes.rank() == 0 else Silent()
        _free(out, request.resume)
        if request.resume and not (out / checkpoint.STATE).exists():
            told.said(f"{out} holds no run to go on with: it is begun")
        splits = data.found(request.data)
        objective = _built(kind, plan, _setting(kind, plan, splits, request.part)).to(where)
        with _folder(out):
            images = _read(splits.train, plan, "train", threads, told)
            held = splits.validation if splits.validation is not None and len(splits.validation) else None
            validation = None if held is None else _read(held, plan, "validation", threads, told)
            name = splits.name
            if request.part is not None:
                images, name = images.part(*request.part), f"{name} (part {request.part[0] + 1} of {request.part[1]})"
            trained = _trained(objective, plan, images, validation, out, request.resume, told)
            if processes.rank() == 0:
                judged = validation if request.judged else None
                Outcome(plan, objective, trained, name, images, judged).write(out, told)
    return out


def foreseen(request: Request) -> None:
    """Raise what a run would before an image of it is decoded; nothing is made."""
    plan, kind = planned(request)
    _built(kind, plan, _setting(kind, plan, data.found(request.data), request.part))


def _free(out: Path, resume: bool) -> None:
    """A folder that holds no run that would be lost."""
    try:
        held = next((name for name in (checkpoint.STATE, checkpoint.ENCODER) if (out / name).exists()), None)
    except OSError as error:
        raise _unwritable(out, error) from None
    if held == checkpoint.ENCODER and (out / "card.md").exists():
        raise WrongUsage(
            f"{out} holds a finished encoder without the state of its run: there is nothing to go on from. Choose "
            "another --out."
        )
    if held and not resume:
        raise WrongUsage(f"{out} holds a run already ({held}): add --resume to go on with it, or choose another --out.")


def _unwritable(out: Path, error: OSError) -> Unwritable:
    return Unwritable(f"{out} cannot be written to: {error.strerror}; choose another --out.")


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """The run's folder, made and found to be writable; what was made for it and stayed empty goes again."""
    probe, made = out / f".{os.getpid()}.part", list[Path]()
    try:
        try:
            made += [each for each in (out, *out.parents) if not each.exists()]
            out.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise _unwritable(out, error) from None
        processes.wait()  # so that no process finds what another has begun to write
        yield
    finally:
        for each in made:
            with suppress(OSError):  # it is there no more, or holds the run
                each.rmdir()


def _setting(kind: type[Objective], plan: Recipe, splits: Splits, part: tuple[int, int] | None) -> Setting:
    """What the objective is told of the images: their labels are known before they are decoded."""
    labels = torch.tensor(splits.train.labels())
    if part is not None:
        labels = labels[data.dealt(len(labels), *part)]
    train.steps_of(plan, len(labels))  # refuses a batch that is too large
    classes = data.classes_of(labels)
    if kind.labelled and classes and (labels < 0).any():
        raise UnfitData(f"{plan.objective} wants a label for every image; some in {splits.train} have none.")
    return setting_of(plan, len(labels), classes)


def _read(source: Source, plan: Recipe, split: str, threads: int, told: Listener) -> TrainingSet:
    """One split decoded; of several processes on a machine the first decodes, and the others map what it kept."""
    later = int(os.environ.get("LOCAL_RANK", processes.rank())) > 0
    if later:
        processes.wait()
    images = data.read(source, plan.size, threads=threads, progress=told.read)
    if not later:
        processes.wait()
    labelled = len(images.places)
    known = "" if labelled == len(images) else f", {labelled:,} of them with labels" if labelled else ", without labels"
    told.said(f"{split}: {len(images):,} images{known}")
    return images


def _built(kind: type[Objective], plan: Recipe, setting: Setting) -> Objective:
    """The objective; numbers that torch cannot make a network of are its options'."""
    options = plan.options[plan.objective]
    try:
        with train.roomy("The encoder and what its objective adds", "a smaller architecture, or smaller options"):
            return build(kind, plan, setting, options)
    except RepscopeError:
        raise
    except (RuntimeError, ValueError, ArithmeticError) as error:
        if not options:
            raise
        told = ", ".join(f"{name}={value}" for name, value in options.items())
        raise WrongUsage(f"{plan.objective} cannot be made with {told}: {error}.") from None


class _Steps:
    """A word after every step, and the monitor's readings when it is its turn."""

    def __init__(self, watch: train.Watcher | None, told: Listener, of: int):
        self.watch, self.told, self.of = watch, told, of

    def __call__(self, encoder: ViT, step: int) -> Mapping[str, Any] | None:
        if step:
            self.told.stepped(step, self.of)
        return self.watch(encoder, step) if self.watch else None


def _trained(
    objective: Objective,
    plan: Recipe,
    images: TrainingSet,
    validation: TrainingSet | None,
    out: Path,
    resume: bool,
    told: Listener,
) -> train.Trained:
    steps, _ = train.steps_of(plan, len(images))
    every, where = min(EVERY, max(steps // LINES, 1)), device_of(objective)
    beside = f", {processes.count()} processes" if processes.count() > 1 else ""
    told.said(
        f"{plan.objective}, {plan.epochs:g} epochs of {plan.batch} images a step, {steps:,} steps, "
        f"{precision_of(plan, where)} on {where.type}{beside}"
    )
    watch = _watch(plan, images, validation, out, every) if steps and processes.rank() == 0 else None
    return train.train(
        objective,
        plan,
        images,
        out,
        told=plan.objective,
        resume=resume,
        every=every,
        watch=_Steps(watch, told, steps),
        say=told.logged,
    )


def _watch(
    plan: Recipe, images: TrainingSet, validation: TrainingSet | None, out: Path, every: int
) -> train.Watcher | None:
    """The monitor, of whole images; None where there are too few to say anything."""
    from repscope.lab.watch import LEAST, watcher

    enough = validation is not None and len(validation) >= LEAST
    held = validation.spread(WATCHED) if validation is not None and enough else images.spread(HELD)
    return watcher(plan, held, out, every=max(every, APART))
