"""Peers: which rounds count, what a forward multiplies, when a promise is met, and that the page says it."""

import copy
import re
import sys
from dataclasses import replace

import pytest
import torch
from bars import BASE, DECK, LARGE, Bar, bars, shared
from child import Child, Gone
from counted import multiply_adds
from forwards import PRODUCTS, apart
from quiet import Ratio, kept, median, noisy, ratio
from told import page
from torch.utils.flop_counter import FlopCounterMode

from repscope.encoders import available
from repscope.encoders.contract import Contract
from repscope.encoders.vit import Architecture, ViT

PLAIN = {"width": 24, "depth": 3, "heads": 2, "hidden": 50, "patch": 4, "grid": (4, 4)}
SHAPES = {
    "plain": ({}, 0),
    "registers, no CLS": ({"cls": False, "registers": 3}, 0),
    "gated": ({"activation": "swiglu"}, 0),
    "clip": ({"tubelet": 2, "cls": False, "position": "rotary-video"}, 6),
}


def contract(changes: dict, frames: int) -> Contract:
    known = available()["vjepa2-vitl-img16-256" if frames else "dinov2-vit-s14"]
    shape = Architecture(**{**PLAIN, **changes})
    return replace(known, architecture=shape, preprocessing=replace(known.preprocessing, size=16), frames=frames)


@pytest.mark.parametrize("kind", SHAPES)
def test_multiply_adds_are_those_that_torch_counts(kind):
    changes, frames = SHAPES[kind]
    of = contract(changes, frames)
    pixels = torch.zeros((1, 3, frames, 16, 16) if frames else (1, 3, 16, 16))
    with FlopCounterMode(display=False) as counter:  # with gradients attention is two plain products, which it knows
        ViT(of.architecture)(pixels)
    assert 2 * multiply_adds(of) == counter.get_total_flops()


def test_multiply_adds_of_a_published_shape():
    assert multiply_adds(available()["dinov2-vit-l14"]) == pytest.approx(81.1e9, rel=0.01)


def test_a_round_that_began_beside_other_work_is_dropped():
    assert kept([1.0, 1.3, 1.31, 0.9 * 1.3]) == [True, True, False, True]
    assert kept([1.0], best=0.5) == [False]
    assert (noisy(1.4, 2), noisy(1.41, 2)) == (False, True)


def test_a_ratio_is_of_one_round_and_not_of_medians():
    rounds = [{"a": 1.0, "b": 1.0}, {"a": 20.0, "b": 10.0}, {"a": 9.0, "b": 3.0}, {"a": 1e9}]
    assert ratio(rounds, "a", "b") == Ratio(2.0, 1.0, 3.0, 3)
    assert ratio(rounds, "a", "c") is None
    assert (median(rounds, "b"), median(rounds, "c")) == (3.0, None)


@pytest.mark.parametrize(("least", "value", "met"), [(True, 4, True), (True, 3.9, False), (False, 4.1, False)])
def test_a_promise_is_met_from_its_own_side(least, value, met):
    assert Bar("", 4.0, least, Ratio(value, value, value, 1), "").met is met
    assert Bar("", 4.0, least, None, "").met is None


RAW = {
    "command": "python benchmarks/peers",
    "date": "2026-01-01",
    "machine": {"processor": "X", "cores": 2, "instructions": "avx512f", "versions": "torch 1"},
    "load": 0.1,
    "quick": False,
    "best": 0.01,
    "encoders": [
        {
            "name": LARGE,
            "multiply_adds": 2048**3,
            "hello": {"ours": "auto: bfloat16", "onnx_runtime": "float32"},
            "absent": {"openvino": "No module named 'openvino'"},
            "apart": {"ours": 0.004, "onnx_runtime": 0.0},
            "rounds": [
                {
                    "fixed": fixed,
                    **{f"product {kind} {batch}": 0.5 for kind in PRODUCTS for batch in (1, 8)},
                    "ours 1": 1.0,
                    "onnx_runtime 1": 5.0 * slower,
                    "ours 8": 8.0,
                    "onnx_runtime 8": 40.0 * slower,
                }
                for fixed, slower in ((0.01, 1), (0.011, 1), (0.02, 100))
            ],
            "sizes": [{"fixed": 0.01, "ours 1": 0.5, "ours 8": 2.0, "ours 16": 5.0}],
        }
    ],
    "first": {"rounds": [{"fixed": 0.01, "first tokens": 3.0, "import torch": 1.0}], "shares": {}, "weights": 0},
    "deck": {
        "rounds": [{"fixed": 0.01, "report": 2.0, "onnx": 10.0, "peak report": 2e9, "peak onnx": 4e9}],
        "shares": {"looking": 6.0, "report": 0.5, "rendering and writing": 1.5, "looking again": 1.0, "all": 10.0},
        "weights": 1e9,
    },
}


def test_promises_are_held_against_the_rounds_that_count():
    found = {bar.title: bar for bar in bars(RAW)}
    one, eight = (found[f"{LARGE}, batch {n}: times as fast as ONNX Runtime float32"] for n in (1, 8))
    assert (one.found, one.met) == (Ratio(5.0, 5.0, 5.0, 2), True)
    assert (eight.found, eight.met) == (Ratio(5.0, 5.0, 5.0, 2), False)
    assert shared(RAW["encoders"][0], 8, "ours", "bfloat16", 0.01) == Ratio(0.5, 0.5, 0.5, 2)
    values = {bar.bar: bar.found.median for bar in found.values() if bar.found}
    assert values[DECK] == 0.2
    assert values[0.15] == 0.2
    assert values[1.0] == pytest.approx(2 / 2.8)
    assert not any(BASE in title for title in found)


def test_the_page_says_what_was_met_missed_dropped_and_absent():
    text = page(RAW, 8)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    (one,) = (line for line in rows if "batch 1: times" in line)
    assert one.endswith("| at least 4 | 5.00 (5.00 to 5.00) | met |")
    (eight,) = (line for line in rows if "batch 8: times" in line)
    assert "**missed**" in eight
    assert "Of 6 rounds 1 was dropped." in text
    assert "- OpenVINO bfloat16, dinov2-vit-l14: `No module named 'openvino'`" in text
    assert "| dinov2-vit-l14 | 2.00 | **4.00** | 3.20 | 1 |" in text
    assert "This one has none" in text
    assert not re.search("not quiet|quick run", text)


def test_the_page_is_marked_where_its_numbers_do_not_hold():
    raw = copy.deepcopy(RAW) | {"load": 3.0, "quick": True}
    assert re.search("not quiet.*quick run", page(raw, 8))
    for each in raw["encoders"][0]["rounds"]:
        each["fixed"] = 1.0
    assert page(raw, 8).count("| not measured |") == 4


def test_a_side_that_does_not_come_says_why():
    with pytest.raises(Gone, match=r"KeyError: 'nobody'"):
        Child("nobody", LARGE, "nowhere", python=sys.executable)


def test_tokens_of_another_shape_or_value_are_seen(tmp_path):
    import numpy as np

    for side, said in (("onnx_runtime", np.ones((1, 3, 2))), ("ours", np.full((1, 3, 2), 1.5)), ("x", np.ones(5))):
        np.save(tmp_path / f"{side}.npy", said)
    assert apart(tmp_path, ["onnx_runtime", "ours", "x"]) == {"onnx_runtime": 0.0, "ours": 0.5, "x": -1.0}
