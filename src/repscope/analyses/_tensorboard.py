"""TensorBoard: the images of a map for its Embedding Projector: vectors, names, and a sheet of thumbnails."""

import io
import os
from pathlib import Path
from secrets import token_hex
from shutil import rmtree

import numpy as np
from PIL import Image

from repscope.analyses._embedding_atlas import column, points_of
from repscope.errors import Unwritable, WrongUsage
from repscope.report import Points, Report
from repscope.store import Embedded

SHEET = 8192
"""Pixels of a sprite sheet's side that the projector takes."""


def tensorboard(images: Embedded, report: Report, folder: str | os.PathLike[str]) -> Path:
    """Write `tensors-NAME.tsv` for each encoder, `metadata.tsv`, `sprite.png` and `projector_config.pbtxt`.

    Vectors are the embeddings that the map was made of, in its layer and pool. The sheet has every image in
    row-major order and as many rows as columns, as the projector wants; without a thumbnail for each image
    there is none. Then `tensorboard --logdir FOLDER`.

    Args:
        images: The set that the report is of.
        report: What `map` gave.
        folder: One that is not there, or is empty.

    Written aside and renamed, so it is there whole or not. Raises WrongUsage for a report of another set,
    UnfitData for one without a map, Unwritable.
    """
    points, folder = points_of(report), Path(folder)
    rows = _rows(images, points)
    files = {"metadata.tsv": _metadata(points)}
    configured = []
    sprite, side = _sprite(points)
    if sprite:
        files["sprite.png"] = sprite
    options = report.provenance.get("options", {})
    names: dict[str, str] = {}
    for each in points.maps:
        if each.places:
            names[each.encoder] = column(each.encoder, names.values())
            x = images.embedding(each.encoder, options.get("pool"), options.get("layer", -1))[rows]
            files[f"tensors-{names[each.encoder]}.tsv"] = _vectors(x)
            configured.append(_configured(names[each.encoder], side))
    files["projector_config.pbtxt"] = "".join(configured).encode()
    _written(folder, files)
    return folder


def _rows(images: Embedded, points: Points) -> np.ndarray:
    place = {name: row for row, name in enumerate(images.ids)}
    missing = [name for name in points.ids if name not in place]
    if missing:
        raise WrongUsage(
            f"The report is of another set: {missing[0]!r} is not in {images.name}. Give the set it is of."
        )
    return np.array([place[name] for name in points.ids])


def _vectors(x: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savetxt(out, x, fmt="%.7g", delimiter="\t")
    return out.getvalue()


def _metadata(points: Points) -> bytes:
    """A header and a row for each image: its id and its classes."""
    classes = [each for each in points.colours if each.classes]
    lines = ["\t".join(["id", *(_cell(each.name) for each in classes)])]
    for i, name in enumerate(points.ids):
        found = ["" if np.isnan(each.array[i]) else each.classes[int(each.array[i])] for each in classes]
        lines.append("\t".join(_cell(word) for word in (name, *found)))
    # one column alone has no header there
    return ("\n".join(lines if classes else lines[1:]) + "\n").encode("utf-8", "backslashreplace")


def _cell(text: str) -> str:
    return " ".join(text.split())


def _sprite(points: Points) -> tuple[bytes, int]:
    """The sheet as PNG, square as the projector wants it, and a thumbnail's side; nothing where some have none."""
    sprites, count = points.thumbnails, len(points.ids)
    if sprites is None or len(sprites.shown(count)) < count:
        return b"", 0
    columns = int(np.ceil(count**0.5))
    side = min(sprites.side, SHEET // columns)
    with Image.open(io.BytesIO(sprites.sheet), formats=("WEBP",)) as image:
        sheet = image.convert("RGB")
    square = Image.new("RGB", (columns * side, columns * side))
    for i in range(count):
        top, left = (place * sprites.side for place in divmod(i, sprites.columns))
        tile = sheet.crop((left, top, left + sprites.side, top + sprites.side)).resize((side, side))
        square.paste(tile, (i % columns * side, i // columns * side))
    out = io.BytesIO()
    square.save(out, "PNG")
    return out.getvalue(), side


def _configured(name: str, side: int) -> str:
    sprite = (
        f'  sprite {{\n    image_path: "sprite.png"\n    single_image_dim: {side}\n    single_image_dim: {side}\n  }}\n'
    )
    return (
        f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "tensors-{name}.tsv"\n'
        f'  metadata_path: "metadata.tsv"\n{sprite if side else ""}}}\n'
    )


def _written(folder: Path, files: dict[str, bytes]) -> None:
    aside = folder.with_name(f".{folder.name}.{token_hex(4)}.part")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Unwritable(f"{folder} already holds something. Choose another folder.")
        aside.mkdir(parents=True)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        aside.replace(folder)
    except OSError as error:
        if isinstance(error, Unwritable):
            raise
        raise Unwritable(
            f"Cannot write {folder}: {error.strerror or error}. Choose a place you may write to."
        ) from None
    finally:
        rmtree(aside, ignore_errors=True)
