"""Alive: an encoder answers to the picture, at its place, and to nothing else.

Asked in the precision that `auto` comes to here, the square of each picture shown, so that no resize is between. A
video encoder is shown each picture for one tubelet, which asks the same of it in an eighth of the time; whether its
blocks are idle is asked of all of its frames.

- *Weights*: every number finite, no weight matrix of one value throughout (queries, keys and values by themselves).
- *Pictures move tokens*: `_response.sensitivity` of the patches, over a gradient, a checkerboard and a centre square,
  and over a photo, black and noise. The picture's share of all that varies is at least .1 (of positions alone it is
  0), and its size beside the numbers themselves at least .2. A retracted export of EUPE, whose patches hardly depended
  on the picture, has .118 by its published outputs of the same three pictures, the corrected one .369, DINOv2, I-JEPA
  and V-JEPA 2 .43 to .88. The CLS token has the same bar: .180 there, .464 in the corrected one.
- *Each patch answers for its place*: every patch of a photo is made white (black where it was light) in one of five
  pictures, a fifth of them in each. At least four of five tokens move most in the picture in which their own place was
  marked: by chance it is one in five, for a grid that is transposed, mirrored, shuffled or frozen little more.
- *Patches differ in many ways*: the effective rank of a photo's centred patches is at least 1.1.
- *Photos do not see each other*: in another batch and order, tokens differ by rounding only.
- *No block is idle*: each moves its input, and patches differ from each other after it.

It misleads in both directions where thresholds do: it finds an encoder that is broken, not one that is poor. How the
bars were chosen: docs/decisions/0022-what-alive-means.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from repscope import metrics
from repscope.checks._check import Check, Finding
from repscope.checks._marked import drawn, marked, plain
from repscope.checks._response import PICTURES, answering, dealt, sensitivity
from repscope.checks._subject import Subject
from repscope.checks._tensors import damaged
from repscope.encoders.encoder import Shown
from repscope.errors import RepscopeError, UnfitTokens, Unsupported
from repscope.images.photo import Photo
from repscope.metrics import Reading
from repscope.tokens import Tokens

if TYPE_CHECKING:
    from repscope.encoders.encoder import Staged

SHARE, SIZE = 0.1, 0.2
ROUNDING = {"float32": 1e-4, "bfloat16": 1e-2}
"""How far tokens may move with the batch: its size decides in which order sums are taken and what is rounded."""
IDLE = 1e-7
LEAST = 3
"""Rows of a grid from which on places can be told from their mirror images."""
ANSWER = 0.8
"""Of all patches: those that answer for their own place."""
WAYS = 1.1


@dataclass(frozen=True, eq=False)
class _Asked:
    """The encoder on trial, and the pictures that several questions are asked about, looked at once."""

    subject: Subject

    @property
    def encoder(self) -> "Staged":
        return self.subject.usual

    @property
    def side(self) -> int:
        return self.encoder.contract.preprocessing.size

    @cached_property
    def pictures(self) -> list[Photo]:
        return plain(self.side, self.subject.photos[0])

    @cached_property
    def said(self) -> Tokens:
        return self.look(self.pictures)

    def look(self, pictures: list[Photo]) -> Tokens:
        """What the encoder says; a video encoder is shown a picture for one tubelet, an eighth of the work or less."""
        shown, contract = self.encoder.shown(pictures), self.encoder.contract
        if contract.frames:
            shown = Shown(shown.pixels[:, :, : contract.architecture.tubelet], shown.frames)
        return self.encoder.tokens(shown)[0]


def _run(subject: Subject) -> Iterator[Finding]:
    asked = _Asked(subject)
    questions = {
        "Weights": partial(_weights, asked.encoder),
        "Pictures move tokens": partial(_moved, asked),
        "Each patch answers for its place": partial(_placed, asked),
        "Photos do not see each other": partial(_apart, asked),
        "No block is idle": partial(_busy, subject),
    }
    for about, ask in questions.items():
        try:
            yield from ask()
        except Unsupported as error:
            yield Finding(about=about, verdict="unchecked", said=str(error))
        except RepscopeError as error:
            yield Finding(about=about, verdict="failed", said=str(error))


def _weights(encoder: "Staged") -> Iterator[Finding]:
    network = getattr(encoder, "network", None)
    parameters = getattr(getattr(network, "model", network), "named_parameters", None)
    if parameters is None:
        raise Unsupported("its weights are in a graph that another library runs")
    ill, count = damaged(parameters())
    said = "; ".join(ill[:6]) if ill else f"{count} tensors, all finite, no matrix of one value"
    yield Finding(about="Weights", verdict="failed" if ill else "verified", said=said)


def _moved(asked: _Asked) -> Iterator[Finding]:
    shapes = asked.look(drawn(asked.side))
    sets = {"three drawn pictures": shapes, "a photo, black and noise": asked.said}
    for named, tokens in sets.items():
        parts = {"Patches": tokens.patches} | ({} if tokens.cls is None else {"CLS": tokens.cls})
        for part, values in parts.items():
            found = sensitivity(values)
            said = "size of the picture's part beside the numbers themselves"
            yield _enough(f"{part} move with {named}", said, found.size, SIZE, source=EXPORTS)
            if part == "Patches":
                said = "the picture's share of all that varies"
                yield _enough(f"{part} vary with {named}", said, found.share, SHARE, source=EXPORTS)


EXPORTS = "the published outputs of a sound and of a broken export of the same encoder"


def _enough(about: str, said: str, value: float, bar: float, unit: str = "", source: str = "") -> Finding:
    verdict = "verified" if value >= bar else "failed"
    return Finding(about=about, verdict=verdict, said=said, measured=value, at_least=bar, unit=unit, source=source)


def _placed(asked: _Asked) -> Iterator[Finding]:
    contract, (rows, columns) = asked.encoder.contract, asked.encoder.contract.grid
    if min(rows, columns) < LEAST:
        raise Unsupported(f"a grid of {rows} x {columns} has too few places to tell it from its mirror image")
    parts = dealt(rows, columns)
    after = asked.look(marked(asked.pictures[0].pixels, parts, contract.architecture.patch))
    right = answering(asked.said.patches[0], after.patches, parts)
    said = f"the share that moves most in the one of {PICTURES} pictures in which its own place is marked; "
    said += f"chance is {1 / PICTURES:g}{_where(right)}"
    yield _enough("Each patch answers for its place", said, float(right.mean()), ANSWER, "of the patches")
    rank = metrics.catalogue["effective_rank"]
    assert isinstance(rank, Reading)
    ways, said = rank(asked.said.patches[0].astype(np.float64)), "effective rank of a photo's centred patches"
    yield _enough("Patches differ in many ways", said, ways, WAYS, "dimensions")


def _where(right: np.ndarray) -> str:
    """The rows in which half of the patches or more do not answer."""
    dead = np.flatnonzero(right.mean(1) <= 0.5)
    more = f" and {len(dead) - 8} more" if len(dead) > 8 else ""
    return f"; most of rows {', '.join(map(str, dead[:8]))}{more} do not" if len(dead) else ""


def _apart(asked: _Asked) -> Iterator[Finding]:
    photo, _, noise = asked.pictures
    together, other, encoder = asked.said, asked.look([noise, photo]), asked.encoder
    error = 0.0
    for name in ("patches", "registers", "cls"):
        one, two = getattr(together, name), getattr(other, name)
        if one is not None and one.size:
            for here, there in ((0, 1), (2, 0)):
                length = float(np.linalg.norm(one[here]))
                if not length:
                    raise UnfitTokens(f"all numbers of the {name} are 0")
                error = max(error, float(np.linalg.norm(one[here] - two[there])) / length)
    bar = ROUNDING[encoder.precision]
    yield Finding(
        about="Photos do not see each other",
        verdict="verified" if error <= bar else "failed",
        said=f"how far tokens move in another batch and order, in {encoder.precision}",
        measured=error,
        at_most=bar,
        unit="of the tokens' length",
    )


def _busy(subject: Subject) -> Iterator[Finding]:
    depth = subject.contract.architecture.depth
    said = subject.tokens(subject.photos[0], [*range(depth + 1), -1])
    changes: list[float] = []
    for k, (before, after) in enumerate(pairwise(said[:-1]), 1):
        changes.append(float(np.linalg.norm(after.patches - before.patches) / np.linalg.norm(before.patches)))
        if changes[-1] <= IDLE:
            raise UnfitTokens(f"block {k} changes nothing")
    for tokens in said:
        rows = tokens.patches.reshape(-1, tokens.width).astype(np.float64)
        if np.linalg.norm(rows - rows.mean(0)) <= IDLE * np.linalg.norm(rows):
            raise UnfitTokens(f"all patches are alike at layer {tokens.layer}")
    least = int(np.argmin(changes)) + 1
    yield Finding(
        about="No block is idle",
        verdict="verified",
        said=f"how far each of {depth} blocks moves its input; block {least} does least",
        measured=min(changes),
        at_least=IDLE,
        unit="of the tokens' length",
    )


alive = Check(
    name="alive",
    asks="It answers to the picture, at its place, to no other picture, with every block.",
    run=_run,
)
