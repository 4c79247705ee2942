"""Card: what a file of the lab says of the encoder in it, to machines and to people."""

from collections import Counter
from collections.abc import Sequence
from textwrap import fill
from typing import Any

from repscope.encoders.vit import ViT
from repscope.lab.recipe import Recipe
from repscope.lab.train import Trained
from repscope.monitor.neighbours import Votes

UNTRAINED = "untrained"

NO_LABELS, LABELS, THROUGH, UNKNOWN = "unused", "used", "used by a teacher", "not known of a teacher"
"""What a run may have had of its images' labels."""

LABELLED = {
    NO_LABELS: "without their labels",
    LABELS: "with their labels",
    THROUGH: "with labels, through a teacher that was trained on some",
    UNKNOWN: "without their labels; whether a teacher had labels is not known here",
}

PAGE = """# {title}

{kind} of {parameters:,} parameters: {width} wide, {depth} deep, {rows} x {columns} patches of {patch} pixels in
images of {size}. Its file, `encoder.safetensors`, holds float16 weights, its architecture and the values below.

| | |
|---|---|
{table}

## k-NN accuracy

{accuracy}

## What it is not good for

{limits}

## How to look inside

    repscope inspect PHOTO... -m encoder.safetensors
"""


TRAINED_LIMITS = """\
It was made to demonstrate and to test: a small transformer, and images of {size} pixels. It is no encoder to build
on, and what is measured on it says nothing of its objective at the size and budget of the published models. One seed
was trained: a difference from another encoder of the lab may be chance."""

UNTRAINED_LIMITS = """\
It has learnt nothing. It is the floor: what a measurement says of this encoder comes from the architecture, the
initialisation and the images, and a trained encoder should be read against it."""


def written(
    recipe: Recipe,
    trained: Trained,
    *,
    objective: str,
    data: str,
    images: int,
    views: Sequence[int] = (),
    labels: str = NO_LABELS,
    teachers: Sequence[str] = (),
    dial: Sequence[float] = (),
    collapse: str = "",
) -> dict[str, Any]:
    """The card as plain values, in the order they are read; `measured` adds what is known at the end.

    Args:
        recipe: Of the run.
        trained: What it has made.
        objective: Its name.
        data: What the training set is called, without where it is.
        images: How many it has.
        views: Of each image in one presentation: their sides in pixels; each frame of a clip is one.
        labels: Which use was made of them.
        teachers: Names of the encoders it learnt from.
        dial: Epochs the run was set to, where they changed on the way.
        collapse: What the monitor called in the end.
    """
    card: dict[str, Any] = {
        "objective": objective if trained.steps else UNTRAINED,
        "recipe": recipe.name,
        "epochs": _plain(trained.epochs),
        "presentations": trained.steps * recipe.batch,
        "views": list(views),
        "seed": recipe.seed,
        "precision": trained.precision,
        "optimiser": recipe.optimiser,
        "data": data,
        "images": images,
        "labels": labels,
    }
    if teachers:
        card["teachers"] = list(teachers)
    if len(dial) > 1:
        card["dial"] = [_plain(epochs) for epochs in dial]
    if collapse:
        card["collapse"] = collapse
    if not trained.steps:  # what no step was taken with
        for name in ("views", "optimiser", "labels", "teachers"):
            card.pop(name, None)
    return card


def measured(votes: Votes | None, floor: Votes | None) -> dict[str, Any]:
    """k-NN of the encoder, where there are labels, and of the same encoder untrained."""
    card: dict[str, Any] = {}
    if votes is not None:
        low, high = votes.interval
        card |= {
            "knn_accuracy": round(votes.accuracy, 4),
            "knn_interval": [round(low, 4), round(high, 4)],
            "knn_chance": round(votes.chance, 4),
            "knn_k": votes.k,
            "knn_classes": votes.classes,
            "knn_bank": votes.bank,
            "knn_queries": votes.queries,
        }
    if floor is not None:
        card["knn_untrained"] = round(floor.accuracy, 4)
    return card


def page(card: dict[str, Any], encoder: ViT) -> str:
    """The card for people, Markdown, of the same values."""
    a = encoder.architecture
    trained = card["objective"] != UNTRAINED
    return PAGE.format(
        title=f"{card['objective']} on {card['data']}" if trained else "An untrained encoder",
        kind="A vision transformer" if trained else "A vision transformer as it was initialised, never trained,",
        parameters=sum(p.numel() for p in encoder.parameters()),
        width=a.width,
        depth=a.depth,
        rows=a.grid[0],
        columns=a.grid[1],
        patch=a.patch,
        size=a.grid[0] * a.patch,
        table="\n".join(f"| {said} | {value} |" for said, value in _rows(card)),
        accuracy=_accuracy(card),
        limits=(TRAINED_LIMITS if trained else UNTRAINED_LIMITS).format(size=a.grid[0] * a.patch),
    )


def _rows(card: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("objective", card["objective"]),
        ("recipe", card["recipe"]),
        ("seed", str(card["seed"])),
        ("precision", f"{card['precision']} products, float32 weights"),
    ]
    if card["objective"] == UNTRAINED:
        return rows
    rows += [
        ("optimiser", card["optimiser"]),
        ("data", f"{card['data']}, {card['images']:,} images, {LABELLED[card['labels']]}"),
        *([("teachers", ", ".join(card["teachers"]))] if "teachers" in card else []),
        ("epochs", f"{card['epochs']:g}"),
        ("images shown", f"{card['presentations']:,}, each as {_views(card['views'])}"),
    ]
    if "collapse" in card:
        rows.append(("WARNING", card["collapse"]))
    if "dial" in card:
        lengths = ", then ".join(f"{epochs:g}" for epochs in card["dial"])
        told = f"set to {lengths} epochs; at each change its learning rate and averages went over to the new schedule"
        rows.append(("interrupted", told))
    return rows


def _views(sides: Sequence[int]) -> str:
    """
    >>> _views([64]), _views([48, 48, 24])
    ('1 view of 64 pixels', '2 views of 48 pixels and 1 view of 24 pixels')
    """
    counts = Counter(sides)
    return " and ".join(f"{n} view{'s' * (n > 1)} of {side} pixels" for side, n in counts.items())


def _accuracy(card: dict[str, Any]) -> str:
    if "knn_accuracy" not in card:
        return (
            "Not measured: it wants labels, and validation images beside the training images; runs of an experiment "
            "leave it out."
        )
    low, high = card["knn_interval"]
    trained = card["objective"] != UNTRAINED
    how = (
        f"Of {card['knn_queries']:,} validation images, as many were named rightly by their {card['knn_k']} nearest "
        f"among {card['knn_bank']:,} training images of {card['knn_classes']:,} classes: mean of the output's patch "
        "tokens, centred by the bank's mean, cosine, votes weighted by exp(cosine / .07). The interval is over "
        "validation images only."
    )
    lines = [
        "| | of the validation images |",
        "|---|---|",
        f"| this encoder | {card['knn_accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}) |",
        *([f"| the same, untrained | {card['knn_untrained']:.1%} |"] if trained else []),
        f"| chance | {card['knn_chance']:.1%} |",
        "",
        fill(how, 118),
    ]
    return "\n".join(lines)


def _plain(epochs: float) -> float:
    """A whole number as one."""
    return int(epochs) if epochs == int(epochs) else round(epochs, 3)
