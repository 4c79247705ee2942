"""Teachers: what a card says of the encoders that another learnt from."""

from collections.abc import Sequence
from pathlib import Path

from repscope.encoders import available
from repscope.lab import card, objectives
from repscope.lab.checkpoint import read_card


def called(name: str) -> str:
    """A teacher's name without where it is: of a file or folder the last that tells it from others.

    >>> called("tiny-mae"), called("runs/tiny-imagenet-dino"), called("runs/small-mae/encoder.safetensors")
    ('tiny-mae', 'tiny-imagenet-dino', 'small-mae')
    """
    if name.partition("@")[0] in available():
        return name.partition("@")[0]
    path = Path(name).absolute()
    return path.parent.name if path.stem == "encoder" else path.stem if path.suffix else path.name


def labels(kind: type[objectives.Objective], teachers: Sequence[str] = ()) -> str:
    """Which use an objective makes of labels, itself or through its teachers."""
    if kind.labelled:
        return card.LABELS
    said = {_labels(teacher) for teacher in teachers}
    if said & {card.LABELS, card.THROUGH}:
        return card.THROUGH
    return card.UNKNOWN if card.UNKNOWN in said else card.NO_LABELS


def _labels(teacher: str) -> str:
    """What a teacher's own card says; one without a card was not made here."""
    contract = available().get(teacher)
    if contract is not None and contract.family != "lab":
        return card.UNKNOWN
    if contract is None and "@" in teacher and not Path(teacher).exists():
        return card.UNKNOWN
    told = read_card(teacher)
    objective = str(told.get("objective"))
    if "labels" in told or objective == card.UNTRAINED:
        return told.get("labels", card.NO_LABELS)
    # a snapshot, or a card of before labels were told
    if objective in objectives.catalogue and not objectives.catalogue[objective].taught:
        return card.LABELS if objectives.catalogue[objective].labelled else card.NO_LABELS
    return card.UNKNOWN
