"""What the questions about a set have in common: where the images are, who looks, and where the answer goes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repscope.cli._options import FRAME, Answer, Batch, Frame, Models, Precision, loaded, names_of
from repscope.cli._progress import Progress
from repscope.errors import UnknownName, WrongUsage

if TYPE_CHECKING:
    from repscope.report import Report
    from repscope.store import Stored

SOURCE = "A folder of `repscope embed`, or images: a folder, Parquet, tar archives, a list; a path, or s3://..."

Source = Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)]
Pool = Annotated[str | None, typer.Option("--pool", help="cls or mean; what each encoder's authors use.")]
Layer = Annotated[int, typer.Option("--layer", min=-1, help="0: the embedding, K: after block K, -1: the output.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of everything that is drawn.")]
Shown = tuple[Frame, Precision, int, bool]
Framed = Annotated[Frame, typer.Option("--frame", help=FRAME)]

__all__ = [
    "Asking",
    "Batch",
    "Framed",
    "Layer",
    "Models",
    "Pool",
    "Seed",
    "Source",
    "asking",
    "beside",
    "column",
    "every",
]


@dataclass(frozen=True)
class Asking:
    """A question while it is asked: the set, the encoders it is about, and whoever is told how far it is."""

    images: "Stored"
    names: tuple[str, ...]
    progress: Progress
    answer: Answer

    def show(self, report: "Report") -> None:
        """Write and print the answer, with the line that asks the same again."""
        self.answer.show(report, typed=True)


@contextmanager
def asking(
    source: str,
    models: list[str] | None,
    *,
    label: str,
    to: tuple[Path | None, str | None, bool],
    shown: Shown,
    layers: Any,
) -> Iterator[Asking]:
    """The set that a question is about; images are embedded first, as far as they are not known.

    Args:
        to: Folder, formats and force of the answer.
        shown: Frame, precision, batch and whether fast, for images.
        layers: Those that the question needs of images, or a function of the encoders that says so.
    """
    answer, names = Answer(*to), names_of(models)
    frame, precision, batch, fast = shown
    from repscope.store.stored import is_stored

    if is_stored(source):
        _unused(*shown)
        encoders: Any = ()
    else:
        from repscope.images.sets import image_set

        image_set(source)  # a mistyped path must not cost a download
        encoders = loaded(names, precision)
        layers = layers(encoders) if callable(layers) else layers
    from repscope.analyses._source import embedded

    with ExitStack() as until_told:
        with Progress("embedding") as looking:
            images = until_told.enter_context(
                embedded(
                    source,
                    encoders,
                    names=names,
                    layers=() if callable(layers) else layers,
                    framing=frame.value,
                    batch=batch,
                    fast=fast,
                    progress=looking,
                )
            )
        with Progress(label) as progress:
            yield Asking(images, images.encoders, progress, answer)


def _unused(frame: Frame, precision: Precision, batch: int, fast: bool) -> None:
    """Raises WrongUsage for options that a set which is embedded already has decided."""
    if frame is not Frame.OFFICIAL or precision is not Precision.AUTO or batch != 8 or fast:
        raise WrongUsage(
            "--frame, --precision, --batch and --fast were chosen when the set was embedded; leave them out."
        )


def column(images: "Stored", name: str | None) -> Any:
    """What the source said of every image under this name; None where no name is given. Raises UnknownName."""
    if name is None:
        return None
    for known in (name, f"source_{name}"):  # a column called as one of ours is kept under another name
        if known in images.columns:
            return list(images.column(known))
    if name == "folder":
        return [each.rpartition("/")[0] for each in images.ids]
    if name != "label":
        raise UnknownName("column of the source", name, sorted({*images.columns, "folder", "label"}))
    if images.labels is None:
        raise WrongUsage(f"No image of {images.name} has a label; name another column.")
    return images.labels


@contextmanager
def beside(source: str | None, asked: Asking, shown: Shown, layers: Any) -> "Iterator[Stored | None]":
    """Another set, where one is named: under the encoders of the first and shown as it was."""
    if source is None:
        yield None
        return
    from repscope.analyses._source import embedded, looking
    from repscope.store.stored import is_stored

    first, batch = asked.images, shown[2]
    encoders = [] if is_stored(source) else list(looking(first, asked.names).values())
    with (
        Progress("embedding") as progress,
        embedded(
            source,
            encoders,
            names=asked.names,
            layers=layers,
            framing=first.files.job["framing"],
            batch=batch,
            fast=first.pace == "fast",
            progress=progress,
        ) as images,
    ):
        yield images


def every(encoders: Any) -> list[int]:
    """All layers that all of these encoders have, and the output."""
    return [*range(1 + min(encoder.contract.architecture.depth for encoder in encoders)), -1]
