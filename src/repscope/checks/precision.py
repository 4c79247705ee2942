"""Precision: bfloat16 against float32, in tokens, in every reading and in a pair measure.

Of the sample photos, their square shown: the error of patch tokens |x - y| / |y| over all of them, at most .0065; one
minus CKA of the two, at most 1e-6; and how far each reading of the patches moves, relative to its value. A reading
that moves by more than 1 % is named with its number; no bar is set there, for whether it matters depends on its
interval: `compare` and `inspect` read it anew in float32 where it moves by more than a tenth of that.

The pair measure is CKA of the output and the embedding layer, which is not rounded. Where `auto` comes to float32 here,
bfloat16 is a choice of whoever asks for it: bars that it misses are told and fail nothing. Of a video encoder one photo
is looked at. Weights that are noise add much in every block and are rounded more than trained ones.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from repscope import metrics
from repscope.checks._check import Check, Finding
from repscope.checks._subject import Subject
from repscope.encoders.precision import Chosen
from repscope.errors import RepscopeError, UnfitTokens
from repscope.metrics import Pair, Reading, Rows
from repscope.tokens import Tokens

ERROR, UNLIKE, MOVED = 0.0065, 1e-6, 0.01
Value = float | None


def _run(subject: Subject) -> Iterator[Finding]:
    if subject.checkpoint is None:
        said = "another library runs it, in a precision of its own"
        yield Finding(about="bfloat16 against float32", verdict="unchecked", said=said)
        return
    photos = subject.photos[:1] if subject.contract.frames else subject.photos
    embedded, exact = zip(*(subject.tokens(photo, (0, -1)) for photo in photos), strict=True)
    subject.release()
    encoder = subject.usual if subject.chosen.precision == "bfloat16" else subject.loaded("bfloat16")
    near = [encoder([photo])[0] for photo in photos]
    chosen = subject.chosen
    yield Finding(about="Precision that auto uses here", verdict="verified", said=f"{chosen.precision}: {chosen.why}")
    yield from _tokens(near, exact, chosen)
    yield from _readings(near, exact, embedded)


def _tokens(near: Sequence[Tokens], exact: Sequence[Tokens], chosen: Chosen) -> Iterator[Finding]:
    pairs = [(one.patches[0], other.patches[0]) for one, other in zip(near, exact, strict=True)]
    if not all(other.any() for _, other in pairs):
        raise UnfitTokens("all numbers of the patches are 0")
    error = max(float(np.linalg.norm(one - other) / np.linalg.norm(other)) for one, other in pairs)
    cka = metrics.catalogue["linear_cka"]
    assert isinstance(cka, Pair)
    unlike = max(max(1 - cka(*(each.astype(np.float64) for each in pair)), 0.0) for pair in pairs)
    told = (("Patch tokens", "their error", error, ERROR), ("CKA of patch tokens", "1 - CKA", unlike, UNLIKE))
    for about, what, value, bar in told:
        name = f"{about} in bfloat16"
        if value > bar and chosen.precision == "float32":
            said = f"auto uses float32 here, so nothing rests on it; {what} is {value:.2g}, over the bar of {bar:g}"
            yield Finding(about=name, verdict="unchecked", said=said)
            continue
        said = what if value <= bar else f"{what}, and auto uses it here: look in float32 (--precision float32)"
        verdict = "verified" if value <= bar else "failed"
        yield Finding(about=name, verdict=verdict, said=said, measured=value, at_most=bar)


def _readings(near: Sequence[Tokens], exact: Sequence[Tokens], embedded: Sequence[Tokens]) -> Iterator[Finding]:
    photos = f"{len(near)} photo{'s' if len(near) > 1 else ''}"
    cards = metrics.readings(patches=True)
    moves: dict[str, tuple[str, float]] = {}
    rows = [(Rows(one.patches[0]), Rows(other.patches[0])) for one, other in zip(near, exact, strict=True)]
    for card in cards:
        values = [(_read(card, one), _read(card, other)) for one, other in rows]
        _noted(moves, card.title, card.unit, values)
    cka = metrics.catalogue["linear_cka"]
    assert isinstance(cka, Pair)
    values = [
        (cka(one.patches[0], embedding.patches[0]), cka(other.patches[0], embedding.patches[0]))
        for one, other, embedding in zip(near, exact, embedded, strict=True)
    ]
    _noted(moves, "CKA with the embedding layer", "", values)
    still = [move for _, move in moves.values() if move <= MOVED]
    yield Finding(
        about="Readings that bfloat16 leaves alone",
        verdict="verified",
        said=f"{len(still)} of {len(moves)}, each by at most {MOVED:.0%} of its value ({photos})",
        measured=max(still, default=0.0),
        at_most=MOVED,
        unit="of the value",
    )
    for title, (said, move) in sorted(moves.items(), key=lambda item: -item[1][1]):
        if move > MOVED:
            yield Finding(about=f"{title} in bfloat16", verdict="unchecked", said=said, measured=move)


def _read(card: Reading, rows: Rows) -> Value:
    try:
        value = card.of(rows)
    except RepscopeError:  # undefined in either precision, as the report then says
        return None
    return value if np.isfinite(value) else None


def _noted(moves: dict[str, tuple[str, float]], title: str, unit: str, values: Sequence[tuple[Value, Value]]) -> None:
    """The mean over photos where both are defined, and its move relative to it."""
    both = [(one, other) for one, other in values if one is not None and other is not None]
    if not both:
        return
    one, other = (float(np.mean(each)) for each in zip(*both, strict=True))
    move = abs(one - other) / abs(other) if other else float(one != other)
    of = f" {unit}" if unit else ""
    moves[title] = (
        f"whether it matters depends on its interval, for which these are too few photos: {other:.4g}{of} in float32, "
        f"{one:.4g} in bfloat16, {move:.1%} of the value; inspect and compare read it anew in float32 where that is "
        "more than a tenth of its interval",
        move,
    )


precision = Check(
    name="precision",
    asks="bfloat16 moves tokens and readings no further than is documented.",
    run=_run,
)
