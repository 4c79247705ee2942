"""Codes: the tokens of photos under one encoder, turned onto few axes and rounded to 8 bits, with the loss measured.

The axes are orthonormal, so cosines stay what they are: first the directions of position, then those that several
photos have in common, then each photo's own for what is left. Every patch is rounded at length 1 (its position part
and the rest apart), in steps of 1/127, or 1/112 where bytes are scarce: a cosine of two such patches is off by about
.014, or .017, at most, whatever the encoder. The offset that is taken off before is the mean of the patches that are
not outlying; tokens that are shorter without it keep theirs.
"""

import math
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int8
from numpy.typing import NDArray

from repscope.report import Look, Panel, say
from repscope.report.probe import KINDS, Kind

Array = NDArray[np.float64]
Edges = tuple[float, float, float, float]
FINE, COARSE, BOUND, RANKED = 127, 112, 0.02, 0.05
RANKINGS, MISRANKED = 4, 0.2
COUNTS = (384, 320, 256, 224, 192, 176, 160, 144, 128, 112, 96, 80, 64, 48, 32)
OFFSETS, ALL, OWN = 8, 1 << 16, (240, 224, 208, 192, 160, 128, 96, 64)
TRIED, MEMORY, TINY = 3, 6, 1e-37
BYTES = 60_000 / 256
"""What a patch may cost on the page, in base64, everything that belongs to it included."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One photo under one encoder, as it was said.

    Attributes:
        patches: (H, W, D).
        colours: (H, W, 3) of the PCA map.
        attention: (H, W), or None.
    """

    patches: NDArray[np.floating]
    frame: Edges
    colours: NDArray[np.uint8]
    attention: NDArray[np.floating] | None = None


@dataclass(frozen=True, eq=False)
class _Turned:
    """A photo's tokens on the axes: codes (n, k), scales (2 or 1, n), negative without offset, the offset (k + 1)."""

    codes: Int8[NDArray[np.int8], "n k"]
    scales: Array
    offset: Array


def coded(
    encoder: str, seen: Sequence[Seen], position: Float[Array, "r D"], *, without_position: str, attention: str = ""
) -> Panel:
    """The panel of an encoder: the most axes in common that its bytes allow, and how far similarities are off.

    Args:
        position: Orthonormal directions of position; none where it is not removed.
        without_position: Why it is not removed; empty where it is.
        attention: What the attention maps are, or why there are none.
    """
    tokens = [each.patches.reshape(-1, each.patches.shape[-1]).astype(np.float64) for each in seen]
    axes = _shared(tokens, position) if len(tokens) > 1 else position
    panel = Panel(encoder, position=len(position), without_position=without_position, attention=attention)
    looks, used = _looks(seen, tokens, axes, len(position), FINE)
    if not _fit(looks):
        looks, used = _fitting(seen, tokens, axes, len(position), COARSE)
        coarse = _measured(replace(panel, looks=tuple(looks), shared=used), tokens, position)
        if coarse.error <= BOUND:
            return coarse
        looks, used = _fitting(seen, tokens, axes, len(position), FINE)
        fine = _measured(replace(panel, looks=tuple(looks), shared=used), tokens, position)
        return min(fine, coarse, key=lambda made: made.error)
    return _measured(replace(panel, looks=tuple(looks), shared=used), tokens, position)


def _fitting(
    seen: Sequence[Seen], tokens: Sequence[Array], axes: Array, position: int, levels: int
) -> tuple[list[Look], int]:
    """The looks with the most axes in common that their bytes allow.

    In the end without any but those of position and of the offsets, and then with fewer of each photo's own.
    """
    several = min(len(seen), OFFSETS) if len(axes) > position else 0
    counts = [*(count for count in COUNTS if position + several < count < len(axes)), position + several]
    plan = [*((count, ALL) for count in counts), *((counts[-1], own) for own in OWN)]

    def fits(place: int) -> bool:
        count, own = plan[place]
        return _fit(_looks(seen[:TRIED], tokens[:TRIED], axes[:count], position, levels, own)[0])

    looks, used = list[Look](), 0
    for count, own in plan[bisect_left(range(len(plan) - 1), True, key=fits) :]:
        looks, used = _looks(seen, tokens, axes[:count], position, levels, own)
        if _fit(looks):
            break
    return looks, used


def _measured(panel: Panel, tokens: Sequence[Array], position: Array) -> Panel:
    """With the largest errors of a cosine, of all pairs of patches: within each photo, and between any two."""
    within, across, ranks = [0.0], [0.0] if len(tokens) > 1 else [], [0.0]
    tried = range(0, len(tokens), -(-len(tokens) // RANKINGS)) if len(tokens) > 1 else ()
    for kind in _kinds(panel):
        exact = [unit(each, kind, position).astype(np.float32) for each in tokens]
        coded = [panel.unit(i, kind) for i in range(len(tokens))]
        rows = [each.astype(np.float32) for each in coded]
        within += [float(np.abs(c @ c.T - e @ e.T).max()) for c, e in zip(rows, exact, strict=True)]
        cut = [each[:, : panel.shared] for each in rows]
        across += [
            float(np.abs(cut[i] @ cut[j].T - exact[i] @ exact[j].T).max()) for i, j in combinations(range(len(cut)), 2)
        ]
        ranks += [_misranked(panel, photo, coded, exact) for photo in tried]
    return replace(
        panel,
        error=_up(max(within)),
        across=_up(max(across)) if across else None,
        ranks=_up(max(ranks)) if across else None,
        without_percentile=_unranked(across, max(ranks)),
    )


def _misranked(
    panel: Panel, photo: int, coded: Sequence[NDArray[np.floating]], exact: Sequence[NDArray[np.floating]]
) -> float:
    """The largest error of a percentile within a photo, of all pairs of its patches; both are (n, k) by photo."""
    own, wanted, places = coded[photo], exact[photo], panel.sampled(photo)
    reference = np.stack([coded[other][place, : panel.shared] for other, place in places])
    orders = (
        np.sort(own[:, : panel.shared] @ reference.T, 1),
        np.sort(wanted @ np.stack([exact[other][place] for other, place in places]).T, 1),
    )
    values = (own @ own.T).clip(-1, 1), (wanted @ wanted.T).clip(-1, 1)
    worst = 0
    for patch in range(len(own)):
        ranks = [
            np.searchsorted(order[patch], value[patch], "right") for order, value in zip(orders, values, strict=True)
        ]
        worst = max(worst, int(np.abs(np.delete(ranks[0] - ranks[1], patch)).max(initial=0)))
    return worst / len(places)


def _up(error: float) -> float:
    """To three decimals, never down: what is called the largest error must not be less than it is."""
    return math.ceil(error * 1000 - 1e-9) / 1000


def _unranked(across: Sequence[float], ranks: float) -> str:
    """Why similarities cannot be ranked among other photos' patches; empty where they can."""
    if not across:
        return "a percentile is among the patches of other photos: give two photos or more."
    if max(across) > RANKED:
        return f"similarities between photos are off by up to {say(max(across))} here: too much to rank them."
    if ranks > MISRANKED:
        return f"percentiles are off by up to {100 * ranks:.0f} points here: too many patches are alike to rank them."
    return ""


def _kinds(panel: Panel) -> list[Kind]:
    return [kind for kind in KINDS if kind != "position removed" or not panel.without_position]


def _shared(tokens: Sequence[Array], position: Array) -> Float[Array, "D D"]:
    """Position's directions, then those in which several photos' patches lie, the most important first.

    The squared cosines between photos sum to the trace of sum over A != B of C_A C_B, with C the products of a
    photo's patches of length 1: its eigenvectors lose the least of them. Offsets come before, for raw cosines.
    """
    width = tokens[0].shape[1]
    rows = [np.concatenate([unit(each, kind, position) for kind in ("raw", "centred")]) for each in tokens]
    products = [each.T @ each for each in rows]
    total = np.sum(products, axis=0)
    common = total @ total - np.sum([each @ each for each in products], axis=0)
    offsets = np.stack([_middle(each) for each in tokens])
    offsets = offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), np.finfo(float).tiny)
    common = common + np.abs(common).sum() * offsets.T @ offsets
    beside = np.eye(width) - position.T @ position
    common = beside @ common @ beside
    # position's directions are set apart: others may be as empty, behind a LayerNorm one always is
    values, vectors = np.linalg.eigh(common - 2 * np.linalg.norm(common) * position.T @ position)
    others = np.arange(len(position), width)
    return np.concatenate([position, vectors.T[others[np.argsort(-np.abs(values[others]), kind="stable")]]])


def _looks(
    seen: Sequence[Seen], tokens: Sequence[Array], axes: Array, position: int, levels: int, own: int = ALL
) -> tuple[list[Look], int]:
    """Every photo on these axes and on so many of its own at most, and how many of these say something."""
    turned = [_turned(each, axes, position, levels, own) for each in tokens]
    used = max(_used(each, len(axes)) for each in turned)
    return [_look(each, _kept(t, used, len(axes))) for each, t in zip(seen, turned, strict=True)], used


def _fit(looks: Sequence[Look]) -> bool:
    return bool(looks) and all(_bytes(look) <= BYTES * look.grid[0] * look.grid[1] for look in looks)


def _turned(tokens: Float[Array, "n D"], axes: Float[Array, "k D"], position: int, levels: int, most: int) -> _Turned:
    """One photo on the axes in common, and on its own for what is left."""
    offset = _middle(tokens)
    # a token nearer to zero than to the offset stays as it is: it would be lost in the offset's rounding
    bare = (tokens**2).sum(1) < ((tokens - offset) ** 2).sum(1)
    spread = np.where(bare[:, None], tokens, tokens - offset)
    if len(axes) < tokens.shape[1]:
        left = spread - spread @ axes.T @ axes
        values, vectors = np.linalg.eigh(left @ left.T) if len(left) < left.shape[1] else np.linalg.eigh(left.T @ left)
        kept = values[::-1] > 1e-12 * (spread**2).sum()
        own = vectors.T[::-1][kept]
        if len(left) < left.shape[1]:
            own = own @ left / np.sqrt(values[::-1][kept])[:, None]
        axes = np.concatenate([axes, own[:most]])
    on = spread @ axes.T
    parts = [on[:, :position], on[:, position:]] if position else [on]
    scales = [np.linalg.norm(part, axis=1, keepdims=True) / levels for part in parts]
    codes = [np.rint(part / np.where(scale > 0, scale, 1)) for part, scale in zip(parts, scales, strict=True)]
    inside = axes @ offset
    outside = np.sqrt(max(offset @ offset - inside @ inside, 0))
    signed = [np.where(bare[:, None], -np.maximum(scale, TINY), scale) for scale in scales]
    return _Turned(np.concatenate(codes, 1).astype(np.int8), np.hstack(signed).T, np.append(inside, outside))


def _middle(tokens: Float[Array, "n D"]) -> Float[Array, " D"]:
    """The mean of the patches no further from the median than thrice the median distance.

    Centred cosines are of what is left without the mean, so the mean is what should be told apart from the codes; but
    a few tokens a hundred times longer than the others would move it so far that these differ by less than a step.
    """
    median = np.median(tokens, axis=0)
    distances = np.linalg.norm(tokens - median, axis=1)
    return tokens[distances <= 3 * np.median(distances)].mean(0)


def _used(turned: _Turned, count: int) -> int:
    """The axes in common up to the last that says something."""
    offset = np.abs(turned.offset[:count]) > 1e-3 * np.linalg.norm(turned.offset)
    said = np.flatnonzero(turned.codes[:, :count].any(0) | offset)
    return int(said[-1]) + 1 if len(said) else 0


def _kept(turned: _Turned, used: int, count: int) -> _Turned:
    """Without axes that say nothing: at the end of those in common, and any of the photo's own."""
    own = np.flatnonzero(turned.codes[:, count:].any(0)) + count
    axes = np.concatenate([np.arange(used), own]).astype(int)
    inside = turned.offset[axes]
    outside = np.sqrt(max((turned.offset**2).sum() - (inside**2).sum(), 0))
    return _Turned(turned.codes[:, axes], turned.scales, np.append(inside, outside))


def _look(seen: Seen, turned: _Turned) -> Look:
    rows, columns = seen.patches.shape[:2]
    return Look(
        grid=(rows, columns),
        frame=seen.frame,
        width=turned.codes.shape[1],
        codes=_packed(np.ascontiguousarray(turned.codes.T).tobytes()),
        scales=turned.scales.astype("<f4").tobytes(),
        offset=turned.offset.astype("<f4").tobytes(),
        lengths=np.linalg.norm(seen.patches.astype(np.float64), axis=-1).astype("<f4").tobytes(),
        colours=np.ascontiguousarray(seen.colours).tobytes(),
        attention=b"" if seen.attention is None else seen.attention.astype("<f4").tobytes(),
    )


def _packed(codes: bytes) -> bytes:
    """zlib for noise whose spread changes: no search for repetitions, small blocks; a tenth of the bytes is saved."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY, zlib.Z_FILTERED)
    return packer.compress(codes) + packer.flush()


def _bytes(look: Look) -> int:
    """Bytes of a look on the page."""
    return sum(
        -(-len(part) // 3) * 4
        for part in (look.codes, look.scales, look.offset, look.lengths, look.colours, look.attention)
    )


def unit(tokens: Float[Array, "n D"], kind: Kind, position: Float[Array, "r D"]) -> Float[Array, "n D"]:
    """Tokens at length 1, as the probe means them: raw, less their mean, or less position's directions too."""
    vectors = tokens if kind == "raw" else tokens - tokens.mean(0)
    if kind == "position removed":
        vectors = vectors - vectors @ position.T @ position
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1)
