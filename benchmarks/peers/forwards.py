"""Forwards: one encoder under every side, in turns, with the products of the same minute between."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from child import Child, Gone, Products
from counted import multiply_adds
from folders import prepare
from sides import SIDES

PRODUCTS = ("bfloat16", "float32", "in blocks")
AGREE = 0.1
"""Largest relative difference of tokens from ONNX Runtime's: a side beyond it has computed something else."""


@dataclass(frozen=True)
class Plan:
    """What is asked about one encoder.

    Attributes:
        batches: Images a forward, for every side.
        sizes: Images a forward, for ours alone: which is the best.
    """

    name: str
    batches: tuple[int, ...]
    rounds: int
    sizes: tuple[int, ...] = ()
    size_rounds: int = 0


@dataclass
class Answer:
    """Every time that was taken, in seconds, round by round, and who was there.

    Attributes:
        hello: What each side said of itself.
        absent: Sides that could not be measured, and why.
        apart: Largest relative difference of each side's tokens from ONNX Runtime's.
        rounds: By name: `SIDE BATCH`, `product KIND`, and `fixed`, which was timed before all others.
    """

    name: str
    multiply_adds: int
    hello: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    apart: dict[str, float] = field(default_factory=dict)
    rounds: list[dict[str, float]] = field(default_factory=list)
    sizes: list[dict[str, float]] = field(default_factory=list)


def measure(plan: Plan, place: Path, pythons: dict[str, str], products: Products, scratch: Path) -> Answer:
    """All sides loaded, looked with once unmeasured, then in turns."""
    from repscope.encoders import available

    prepare(place, plan.name)
    contract = available()[plan.name]
    shape = {"size": contract.preprocessing.size, "frames": contract.frames or 0}
    answer, here = Answer(plan.name, multiply_adds(contract)), dict[str, Child]()
    try:
        for side in SIDES:
            try:
                here[side] = Child(side, plan.name, str(place), python=pythons[side])
                here[side].ask(batch=1, keep=str(scratch / f"{side}.npy"), **shape)
                answer.hello[side] = here[side].hello
            except Gone as gone:
                answer.absent[side] = str(gone)
                _end(here, side)
        answer.apart = apart(scratch, list(here))
        for side, far in answer.apart.items():
            if not 0 <= far <= AGREE:
                answer.absent[side] = f"its tokens are not the others' ({far:.2g})"
                _end(here, side)
        for side in list(here):  # the first of a size makes room and is slower
            for batch in plan.batches:
                with suppress(Gone):  # told in its round
                    here[side].ask(batch=batch, **shape)
        for number in range(plan.rounds):
            answer.rounds.append(_round(plan, here, products, answer, shape, number))
        for side in [each for each in here if each != "ours"]:
            _end(here, side)
        for _ in range(plan.size_rounds):
            times = {"fixed": products.fixed()}
            times |= {f"ours {size}": here["ours"].ask(batch=size, **shape) for size in plan.sizes}
            answer.sizes.append(times)
    finally:
        for side in list(here):
            _end(here, side)
    return answer


def _round(
    plan: Plan, here: dict[str, Child], products: Products, answer: Answer, shape: dict[str, Any], number: int
) -> dict[str, float]:
    """Every side once at every batch, each round begun by another side; products in the middle of it."""
    times = {"fixed": products.fixed()}
    for batch in plan.batches:
        for product in PRODUCTS:
            times[f"product {product} {batch}"] = products.ask(product=product, times=5)
        order = list(here)
        for side in order[number % len(order) :] + order[: number % len(order)]:
            try:
                times[f"{side} {batch}"] = here[side].ask(batch=batch, **shape)
            except Gone as gone:
                answer.absent[side] = f"at batch {batch}: {gone}"
                _end(here, side)
    return times


def _end(here: dict[str, Child], side: str) -> None:
    if side in here:
        here.pop(side).end()


def apart(scratch: Path, sides: list[str]) -> dict[str, float]:
    """How far each side's tokens of one image are from ONNX Runtime's, relative to the largest of those."""
    if "onnx_runtime" not in sides:
        return {}
    wanted = np.load(scratch / "onnx_runtime.npy")
    found = {}
    for side in sides:
        said = np.load(scratch / f"{side}.npy")
        same = said.size == wanted.size
        found[side] = float(np.abs(said.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max()) if same else -1.0
    return found
