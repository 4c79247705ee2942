"""Found: which images a person means by the place that was given."""

from dataclasses import dataclass
from pathlib import Path

from repscope.errors import NoImages, UnfitData
from repscope.lab.data.parquet import ParquetFiles
from repscope.lab.data.photos import photos
from repscope.lab.data.source import Source

WANTED = "a folder with train*.parquet, a folder of images (its sub-folders are classes), or one Parquet file"
VALIDATION = ("val", "validation")


@dataclass(frozen=True)
class Splits:
    """What there is to train on, and to measure on.

    Attributes:
        name: Of the place, without where it is.
        train: What is trained on.
        validation: Kept apart from it; None where there is none.
    """

    name: str
    train: Source
    validation: Source | None = None


def found(place: Path) -> Splits:
    """The images of a folder or a Parquet file, listed but not read.

    A folder with train*.parquet has its validation images in val*.parquet; one with a sub-folder
    `train` has them in `val` or `validation` beside it, with the classes of `train`; in any other,
    all images are trained on. Raises UnfitData for another kind of place, NoImages for one without
    images.
    """
    try:
        return _found(place)
    except OSError as error:
        what = "change who may read it" if isinstance(error, PermissionError) else "mend or remove it"
        raise UnfitData(f"{error.filename or place} cannot be read: {error.strerror}; {what}.") from None


def _found(place: Path) -> Splits:
    if place.suffix == ".parquet" and place.is_file():
        return _checked(Splits(place.stem, ParquetFiles((place,))), place)
    if not place.is_dir():
        what = "is no Parquet file" if place.exists() else "is not there"
        raise UnfitData(f"--data wants {WANTED}; {place} {what}.")
    name = place.resolve().name
    if files := _parquet(place, "train"):
        beside = _parquet(place, "val")
        return _checked(Splits(name, ParquetFiles(files), ParquetFiles(beside) if beside else None), place)
    if not (place / "train").is_dir():
        return _checked(Splits(name, photos(place)), place)
    train = photos(place / "train")
    beside = next((place / each for each in VALIDATION if (place / each).is_dir()), None)
    return _checked(Splits(name, train, photos(beside, train.classes) if beside else None), place)


def _parquet(folder: Path, split: str) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob(f"{split}*.parquet")))


def _checked(splits: Splits, place: Path) -> Splits:
    if not len(splits.train):
        other = place.is_dir() and any(place.glob("*.parquet"))
        hint = " It has other Parquet files; give one of them by its name." if other else ""
        raise NoImages(f"There is no image to train on in {splits.train}; give {WANTED}.{hint}")
    return splits
