"""A report with every kind of block, and with what strangers put into names."""

import numpy as np
import pytest
from dotted import points
from probed import photo, probe

from repscope.report import (
    Curve,
    Gallery,
    Heatmap,
    Line,
    Note,
    Null,
    Number,
    Overlay,
    Picture,
    Report,
    Table,
)

HOSTILE = "<script>alert('x')</script> & \"кошка\" \x1b[2J[red]ø\u202eevil\udcff"
NULL = Null("torus shifts", 0.021, 0.034, 0.001, 999, 0.391)
DEFINITION = "‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), debiased"
CAVEAT = "Rises when few patches are compared."


def grid(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def similarity(value: float | None, low: float = 0.0, high: float = 0.0, **more: object) -> Number:
    ci = None if value is None else (low or value - 0.02, high or value + 0.02)
    return Number("Linear CKA", value, ci, NULL, 256, "patches", "", DEFINITION, (CAVEAT,), **more)  # type: ignore[arg-type]


@pytest.fixture
def report() -> Report:
    names = ("dinov2-small", "dinov3-vitb16", "ijepa-vith14-in22k", "vjepa2-vitl-fpc64-256")
    values = [
        [1.0, 0.613, 0.412, 0.087],
        [0.613, 1.0, 0.334, 0.112],
        [0.412, 0.334, 1.0, 0.5],
        [0.087, 0.112, 0.5, 1.0],
    ]
    index = tuple(float(i) for i in range(1, 121))
    falling = [tuple(3.0 * i**-power for i in index) for power in (0.8, 1.4)]
    edges = tuple(i / 10 for i in range(-5, 10))
    distances = np.hypot(*np.mgrid[-5:11, -4:12])
    return Report(
        title=f"What do four encoders agree on? {HOSTILE}",
        blocks=(
            Note("dinov2-small and dinov3-vitb16 agree most: 0.613.", "finding"),
            Note(f"{HOSTILE} was smaller than an encoder's input.", "warning"),
            similarity(0.613, 0.581, 0.640),
            Number("Nats shared", 1234.5, (1200.0, 1290.0), Null("chance", 0.1, 0.1), 50000, "images", "nats"),
            Number("Effective rank", None, reason="Fewer than two patches.", n=1, of="patches"),
            Number("Not a number", float("nan"), (float("nan"), float("inf"))),
            Gallery(
                f"PCA of the patches of {HOSTILE}",
                (Picture("photo", photo()), Picture("dinov2-small", grid(16)), Picture(HOSTILE, grid(14, 1))),
                "Each encoder's first three components as red, green and blue.",
            ),
            Overlay(
                "Patches like the one marked",
                photo(),
                np.cos(distances / 5).astype(np.float32),
                (-0.4, 1.0),
                (5, 4),
                "cosine",
                "Cosine with the marked patch.",
            ),
            Overlay("Gaps", photo(64, 64), np.array([[0.0, np.nan], [0.5, 1.0]]), (0.0, 1.0)),
            probe(HOSTILE),
            points(HOSTILE),
            Heatmap(
                "Linear CKA of every pair",
                names,
                names,
                tuple(tuple(similarity(value) for value in row) for row in values),
                caption="On the patches all four encoders were shown.",
            ),
            Heatmap("Signed", ("a", HOSTILE), ("x", "y"), ((Number("r", -0.8), Number("r", 0.3)),) * 2, (-1.0, 1.0)),
            Table(
                "Encoders",
                ("encoder", "effective rank", "nearest", "RankMe", "notes"),
                (
                    (
                        names[0],
                        Number("Effective rank", 212.4, (201.0, 224.0), n=50, of="photos"),
                        "cat",
                        "12",
                        HOSTILE,
                    ),
                    (names[3], Number("Effective rank", 43.1, (40.0, 46.2), n=49, of="photos"), "dog", "3", "plain"),
                ),
                "Bootstrap over photos.",
            ),
            Curve(
                "Spectrum",
                (
                    Line(
                        names[0],
                        index,
                        falling[0],
                        tuple(0.8 * v for v in falling[0]),
                        tuple(1.2 * v for v in falling[0]),
                    ),
                    Line(HOSTILE, index, falling[1]),
                ),
                "index",
                "eigenvalue",
                log_x=True,
                log_y=True,
                caption="Descending.",
            ),
            Curve(
                "Cosines",
                (
                    Line("same object", edges, tuple(float(i * i % 17) for i in range(15))),
                    Line("other", edges, tuple(float(14 - i) for i in range(15))),
                ),
                "cosine",
                "pairs of patches",
                style="bars",
            ),
            Note("Made on three photos only."),
        ),
        provenance={"repscope": "0.1.0", "seed": 0, "photos": {HOSTILE: "a" * 64}, "options": {"layers": [-1, 4]}},
        skipped=((f"broken {HOSTILE}.jpg", "Cannot be decoded: truncated."),),
    )
