"""Bars: what is promised of a machine with AMX, what was measured here, and why where it is missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quiet import Ratio, kept, median, ratio

LARGE, HUGE, BASE, VIDEO = "dinov2-vit-l14", "ijepa-vit-h14", "eupe-vit-b16", "vjepa2-vitl-img16-256"
AGAINST = {1: 4.0, 8: 6.0}
"""Times as fast as ONNX Runtime float32, by batch; promised of ViT-L."""
SHARES = {(LARGE, 1): 0.75, (LARGE, 8): 0.9, (HUGE, 1): 0.75, (HUGE, 8): 0.9, (BASE, 8): 0.75, (VIDEO, 1): 0.5}
"""Of the same minute's bfloat16 product."""
FIRST, DECK, ANALYSIS = 1.5, 0.3, 0.15

REASONS = {
    "against": "AVX-512's bfloat16 instructions do twice the work of its float32 ones, AMX's five to ten times; "
    "products cannot gain what they do not have here.",
    "share": "what is no product (norms, softmax, sums of attention) takes its time beside the products.",
    "first tokens": "the bar reckons with a forward at AMX's speed; here the forward alone is a large part of it.",
    "deck": "the forwards take most of both, and here bfloat16 gains two times, not five to ten.",
    "analysis": "readings, nulls and drawing are mostly one core's work, and take as long whatever the encoder's size.",
    "memory": "libraries and pages of mapped files are counted too.",
}


@dataclass(frozen=True)
class Bar:
    """One promise: `least` where more is better."""

    title: str
    bar: float
    least: bool
    found: Ratio | None
    reason: str

    @property
    def met(self) -> bool | None:
        if self.found is None:
            return None
        return self.found.median >= self.bar if self.least else self.found.median <= self.bar


def counted(rounds: Sequence[Mapping[str, float]], best: float) -> list[Mapping[str, float]]:
    """The rounds that count, by the fixed product's best of the whole run."""
    marks = kept([each["fixed"] for each in rounds], best)
    return [each for each, mark in zip(rounds, marks, strict=True) if mark]


def shared(answer: Mapping[str, Any], batch: int, side: str, product: str, best: float) -> Ratio | None:
    """Multiply-adds a second of a side, over those of a product in the same round."""
    work = answer["multiply_adds"] * batch / 2048**3
    rounds = [
        {"peak": each[f"product {product} {batch}"] * work, "side": each[f"{side} {batch}"]}
        for each in counted(answer["rounds"], best)
        if f"{side} {batch}" in each and f"product {product} {batch}" in each
    ]
    return ratio(rounds, "peak", "side")


def bars(raw: Mapping[str, Any]) -> list[Bar]:
    """Every promise that this run measured."""
    best, found = raw["best"], list[Bar]()
    answers = {answer["name"]: answer for answer in raw["encoders"]}
    if LARGE in answers:
        for batch, bar in AGAINST.items():
            times = ratio(counted(answers[LARGE]["rounds"], best), f"onnx_runtime {batch}", f"ours {batch}")
            title = f"{LARGE}, batch {batch}: times as fast as ONNX Runtime float32"
            found.append(Bar(title, bar, True, times, REASONS["against"]))
    for (name, batch), bar in SHARES.items():
        if name in answers:
            share = shared(answers[name], batch, "ours", "bfloat16", best)
            title = f"{name}, batch {batch}: share of the bfloat16 product"
            found.append(Bar(title, bar, True, share, REASONS["share"]))
    if raw.get("first"):
        times = ratio(counted(raw["first"]["rounds"], best), "first tokens", "import torch")
        found.append(
            Bar("fresh process to first tokens, over `import torch`", FIRST, False, times, REASONS["first tokens"])
        )
    return found + (_of_deck(raw["deck"], best) if raw.get("deck") else [])


def _of_deck(deck: Mapping[str, Any], best: float) -> list[Bar]:
    rounds = counted(deck["rounds"], best)
    most = 1.3 * deck["weights"] + 1.5e9
    peak = ratio([each | {"most": most} for each in map(dict, rounds)], "peak report", "most")
    spent = deck["shares"]
    own = sum(seconds for name, seconds in spent.items() if name not in ("looking", "looking again", "all"))
    share = own / spent["all"]
    return [
        Bar(
            "the deck's four, cold, to a report, over ONNX Runtime's cold outputs",
            DECK,
            False,
            ratio(rounds, "report", "onnx"),
            REASONS["deck"],
        ),
        Bar(
            "analysis, rendering and writing, of that run",
            ANALYSIS,
            False,
            Ratio(share, share, share, 1),
            REASONS["analysis"],
        ),
        Bar(
            f"peak memory of that run, of {most / 1e9:.2f} GB "
            f"(1.3 x the largest weights in bfloat16, and 1.5 GB); {(median(rounds, 'peak report') or 0) / 1e9:.2f} GB",
            1.0,
            False,
            peak,
            REASONS["memory"],
        ),
    ]
