"""published: outputs recorded from transformers on the same random weights stand in for those that were published."""

import hashlib
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from trial import asked, changed, facts, failed, only, with_facts

from repscope.checks import Finding, Subject, _picture, _shown
from repscope.checks._drawn import FIXTURES, noise, textured
from repscope.checks._signals import off
from repscope.encoders import available

NAME = "dinov2-vit-s14"
IMAGENET = {"mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}
COCO = textured(640, 480)
"""Stands in for the picture, which is not in the package."""


def said(model: Any, pixels: np.ndarray, layer: int = -1) -> np.ndarray:
    with torch.inference_mode():
        out = model(torch.from_numpy(pixels)[None], output_hidden_states=True)
    return (out.last_hidden_state if layer == -1 else out.hidden_states[layer])[0].numpy()


def normalised(picture: np.ndarray) -> np.ndarray:
    mean, deviation = (np.array(IMAGENET[key]) for key in ("mean", "deviation"))
    return ((picture / 255 - mean) / deviation).transpose(2, 0, 1).astype(np.float32)


def cut(picture: np.ndarray) -> np.ndarray:
    """Shortest side 256, bicubic, centre 224: by the published processor."""
    from PIL import Image
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    options = {"image_mean": IMAGENET["mean"], "image_std": IMAGENET["deviation"]}
    made = BitImageProcessorPil(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, **options)
    return made(Image.fromarray(picture), return_tensors="np")["pixel_values"][0]


def signature(x: np.ndarray) -> dict[str, Any]:
    """As its publisher describes it, written down once more."""
    cls, patches = x[0].astype(np.float64), x[1:].astype(np.float64)
    take = lambda v: [float(v.ravel()[i * (v.size - 1) // 7]) for i in range(8)]  # noqa: E731
    return {
        "kind": "signature",
        "patch_mean": patches.sum() / patches.size,
        "patch_std": float(np.sqrt(((patches - patches.mean()) ** 2).mean())),
        "patch_rms": float(np.sqrt((patches**2).sum() / patches.size)),
        "patch_signature": take(patches),
        "cls_l2_norm": float(np.sqrt((cls**2).sum())),
        "cls_signature": take(cls),
    }


@pytest.fixture(scope="module")
def goldens(model) -> list[dict[str, Any]]:
    """All three tiers of one encoder, from transformers; its position embedding is the one without offset."""
    drawn = noise(42, [[3, 224, 224]])
    shared = {"encoder": NAME, "source": "this test", "tolerance": 1e-3}
    x, inner = said(model, drawn), said(model, drawn, 12)
    digest = hashlib.sha256(drawn.tobytes()).hexdigest()
    rule = {"size": 224, "resize": "shortest", "edge": 256, "filter": "bicubic", **IMAGENET}
    seeded = {"seed": 42, "shapes": [[3, 224, 224]], "sha256": digest}
    slices = [{"kind": "slice", "at": [0, 0], "values": x[:3, :4].tolist()}]
    slices += [{"kind": "slice", "at": [-1, 0], "values": x[-1:, :4].tolist()}]
    slices += [{"kind": "mean", "values": x.mean(0)[:9].tolist()}]
    slices += [{"kind": "whole", "rows": [0, 257], "mean": float(x.mean()), "std": float(x.std())}]
    of_coco = said(model, cut(COCO.pixels))
    return [
        {**shared, "id": "noise", "tier": "noise", "input": seeded, "signals": slices, "error": "mean"},
        {
            **{**shared, "id": "before the norm", "tier": "noise", "input": seeded, "layer": "depth"},
            "signals": [{"kind": "slice", "at": [5, 2], "values": inner[5:7, 2:9].tolist()}],
        },
        *(
            {
                **{**shared, "id": name, "tier": "drawn", "input": {"fixture": name, **IMAGENET}},
                "signals": [signature(said(model, normalised(made())))],
            }
            for name, made in list(FIXTURES.items())[:1]  # each looks at 24 blocks
        ),
        {
            **{**shared, "id": "A", "tier": "picture", "input": rule, "resample": "bicubic"},
            "signals": [{"kind": "slice", "at": [0, 0], "values": of_coco[:3, :3].tolist()}],
        },
    ]


@pytest.fixture
def recorded(goldens, monkeypatch):
    """The recorded outputs in place of the published ones, and the picture within reach."""
    with_facts(monkeypatch, published={**facts("published"), "goldens": goldens})
    monkeypatch.setattr(_picture, "picture", lambda given=None: COCO)
    return goldens


def redrawn(folder: Path) -> None:
    """Other random weights of the same shapes."""
    held = load_file(folder / "model.safetensors")
    changed(folder, {name: torch.randn_like(value) * 0.1 for name, value in held.items()})


def vouched(monkeypatch) -> None:
    """Whatever lies there is said to be the published weights."""
    monkeypatch.setattr(import_module("repscope.checks._origin").Origin, "published", property(lambda at: True))


def test_right_weights_meet_all_three_tiers(recorded, copy):
    found = asked("published", f"{NAME}@{copy}")
    assert [each.verdict for each in found] == ["verified"] * 4
    assert {each.source for each in found} == {"this test"}
    assert all(each.measured is not None and each.measured < 1e-4 for each in found)


def test_either_rule_for_positions_is_tried_and_said(recorded, copy):
    found = only(asked("published", f"{NAME}@{copy}"), "COCO")
    assert "its source has the first" in found.said
    assert "met (by" in found.said
    assert "missed (by" in found.said


def test_outputs_of_the_authors_rule_are_verified_as_what_they_are(recorded, copy, monkeypatch):
    """As the other published golden of DINOv2: the rule with the offset, by another path."""
    from repscope.encoders.load import resolved

    checkpoint = resolved(f"{NAME}@{copy}")
    form = replace(checkpoint.contract.architecture, resample="bicubic-offset")
    other = replace(checkpoint, contract=replace(checkpoint.contract, architecture=form)).encoder()
    with torch.inference_mode():
        x = other.network(torch.from_numpy(cut(COCO.pixels))[None], (-1,))[0][0]
    golden = {**recorded[-1], "resample": "bicubic-offset"}
    golden["signals"] = [{"kind": "slice", "at": [0, 0], "values": x[:3, :3].tolist()}]
    with_facts(monkeypatch, published={**facts("published"), "goldens": [golden]})
    (found,) = asked("published", f"{NAME}@{copy}")
    assert found.verdict == "verified"
    assert "its source has the second" in found.said
    assert "missed" in found.said.partition("transformers since 4.46")[0]


def test_other_random_weights_are_not_the_published_ones(recorded, copy):
    changed(
        copy, {name: torch.randn_like(value) * 0.1 for name, value in load_file(copy / "model.safetensors").items()}
    )
    found = asked("published", f"{NAME}@{copy}")
    assert [each.verdict for each in found] == ["unchecked"] * 4
    assert all("not the published weights" in each.said for each in found)


def test_weights_that_must_be_the_published_ones_fail(recorded, copy, monkeypatch):
    changed(
        copy, {name: torch.randn_like(value) * 0.1 for name, value in load_file(copy / "model.safetensors").items()}
    )
    vouched(monkeypatch)
    assert len(failed(asked("published", f"{NAME}@{copy}"))) == 4


def test_a_copy_with_the_published_digest_must_say_what_was_published(recorded, copy, monkeypatch):
    pins, file = facts("pins"), copy / "model.safetensors"
    redrawn(copy)
    pins["encoders"][NAME]["files"] = {file.name: {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}}
    with_facts(monkeypatch, pins=pins, published={**facts("published"), "goldens": recorded[:1]})
    assert failed(asked("published", f"{NAME}@{copy}")) == ["output for seeded noise, seed 42"]


@pytest.mark.parametrize("one", ["query.weight", "key.bias"])
def test_a_tensor_swapped_for_another_of_its_shape_fails(recorded, copy, monkeypatch, one):
    held = load_file(copy / "model.safetensors")
    a, b = (f"encoder.layer.{block}.attention.attention.{one}" for block in (2, 7))
    b = b.replace("key.bias", "value.bias")
    changed(copy, {a: held[b], b: held[a]})
    vouched(monkeypatch)
    assert len(failed(asked("published", f"{NAME}@{copy}"))) == 4


def test_a_published_rule_that_is_shown_otherwise_fails_for_the_picture_alone(recorded, copy, monkeypatch):
    """A wrong crop and a wrong mean, in how the picture is made ready: the other tiers show no photo."""
    for change in ({"edge": 224}, {"mean": [0.5, 0.5, 0.5]}):
        golden = {**recorded[-1], "input": {**recorded[-1]["input"], **change}}
        with_facts(monkeypatch, published={**facts("published"), "goldens": [*recorded[:-1], golden]})
        assert failed(asked("published", f"{NAME}@{copy}")) == ["output for the COCO picture, A"]


def test_weights_that_meet_some_and_miss_others_fail(recorded, copy, monkeypatch):
    golden = {**recorded[0], "signals": [{"kind": "slice", "at": [0, 0], "values": [[9.0]]}]}
    with_facts(monkeypatch, published={**facts("published"), "goldens": [golden, *recorded[1:]]})
    assert failed(asked("published", f"{NAME}@{copy}")) == ["output for seeded noise, seed 42"]


def test_without_the_picture_the_rest_is_still_compared(goldens, copy, monkeypatch):
    with_facts(monkeypatch, published={**facts("published"), "goldens": goldens})
    found = asked("published", f"{NAME}@{copy}")
    assert [each.verdict for each in found] == ["verified"] * 3 + ["unchecked"]
    assert "HF_HUB_OFFLINE" in found[-1].said


def test_noise_that_numpy_draws_otherwise_is_not_compared(recorded, copy, monkeypatch):
    monkeypatch.setattr(_shown, "noise", lambda seed, shapes: noise(seed + 1, shapes))
    found = [each for each in asked("published", f"{NAME}@{copy}") if "noise" in each.about]
    assert [each.verdict for each in found] == ["unchecked"] * 2
    assert "other noise" in found[0].said


def test_a_reference_that_is_not_exact_proves_nothing_when_it_is_missed_by_little(recorded, copy, monkeypatch):
    golden = {**recorded[2], "inexact": "it was enlarged otherwise"}
    with_facts(monkeypatch, published={**facts("published"), "goldens": [golden]})
    assert asked("published", f"{NAME}@{copy}")[0].verdict == "verified"
    golden["signals"] = [{"kind": "signature", "cls_l2_norm": golden["signals"][0]["cls_l2_norm"] + 5e-3}]
    (found,) = asked("published", f"{NAME}@{copy}")
    assert found.verdict == "unchecked"
    assert "enlarged otherwise" in found.said
    vouched(monkeypatch)
    golden["signals"] = [{"kind": "signature", "cls_l2_norm": golden["signals"][0]["cls_l2_norm"] + 5e-2}]
    assert failed(asked("published", f"{NAME}@{copy}"))  # no filter makes so much of it


def test_the_conflict_of_ijepa_is_said(monkeypatch, copy):
    module = import_module("repscope.checks.published")
    monkeypatch.setattr(module, "_tried", lambda *_: [])
    found = list(module.published.run(Subject(f"ijepa-vit-h14@{copy}")))
    assert "contradict each other" in only(found, "I-JEPA").said


@pytest.mark.parametrize("name", ["tiny-mae", "{copy}"])
def test_what_nobody_published_is_said_so(name, copy):
    (found,) = asked("published", name.format(copy=copy))
    assert found.verdict == "unchecked"
    assert "nobody else" in found.said or "NAME@DIR" in found.said


def test_a_film_is_not_run_for_weights_that_already_missed(monkeypatch):
    """Of a video encoder with random weights only the first and cheapest film is looked at."""
    module = import_module("repscope.checks.published")
    seen: list[str] = []

    def answered(encoders, golden, subject):
        seen.append(golden["id"])
        return Finding(about="x", verdict="failed", said="", measured=9.0, at_most=1.0)

    monkeypatch.setattr(module, "_asked", answered)
    films = [{"id": name, "frames": 16, "tier": "drawn"} for name in "abc"]
    list(module._tried(None, films, False))
    assert seen == ["a"]
    list(module._tried(None, films, True))
    assert seen == ["a", "a", "b", "c"]


def test_every_published_output_is_of_a_known_encoder_and_has_its_source():
    for golden in facts("published")["goldens"]:
        a = available()[golden["encoder"]].architecture
        assert golden["source"]
        assert golden["tier"] in ("noise", "drawn", "picture")
        assert 0 < golden["tolerance"] <= 0.1
        rows = 4096
        x = np.zeros((rows, a.width), np.float32)
        value, allowed, name = off(x, a.prefix, a.cls, golden)
        assert allowed < value < np.inf, (golden["encoder"], golden["id"], name)  # zeros meet none; all has its place


def test_noise_is_drawn_as_published():
    for golden in facts("published")["goldens"]:
        if golden["tier"] == "noise":
            drawn = noise(golden["input"]["seed"], golden["input"]["shapes"])
            assert hashlib.sha256(drawn.tobytes()).hexdigest() == golden["input"]["sha256"]


def test_fixtures_are_drawn_by_their_recipe():
    """Pixel by pixel, as the recipe reads."""
    made = {name: draw() for name, draw in FIXTURES.items()}
    for y in range(0, 224, 3):
        for x in range(0, 224, 3):
            light = 224 if (x // 16 + y // 16) % 2 == 0 else 32
            inside = 56 < x < 168 and 56 < y < 168
            assert made["gradient"][y, x].tolist() == [x * 255 // 224, y * 255 // 224, (x + y) * 255 // 448]
            assert made["checkerboard"][y, x].tolist() == [light, 64, 255 - light]
            assert made["centre square"][y, x].tolist() == ([255, 196, 32] if inside else [12, 18, 28])


def test_where_the_mean_difference_was_published_it_is_the_mean_that_counts():
    x = np.zeros((4, 25), np.float32)
    x[0, 0] = 1
    golden = {"tolerance": 0.02, "signals": [{"kind": "slice", "at": [0, 0], "values": [[0.0] * 25] * 4}]}
    assert off(x, 1, True, golden)[0] == 1
    assert off(x, 1, True, {**golden, "error": "mean"})[0] == 0.01


def test_the_worst_is_worst_by_its_own_tolerance():
    signal = {"kind": "signature", "patch_mean": 0.05, "patch_std": 0.01}
    golden = {"tolerance": 1e-3, "tolerances": {"patch_mean": 0.1}, "signals": [signal]}
    assert off(np.zeros((4, 5), np.float32), 1, True, golden) == (0.01, 1e-3, "patch_std")


def test_a_sequence_of_another_shape_is_infinitely_far_off():
    golden = {"tolerance": 1.0, "signals": [{"kind": "slice", "at": [0, 0], "values": [[0.0] * 5]}]}
    assert off(np.zeros((3, 4), np.float32), 1, True, golden)[0] == np.inf
    nan = np.full((3, 5), np.nan, np.float32)
    assert off(nan, 1, True, golden)[0] == np.inf


def test_an_export_of_known_digest_is_held_against_the_outputs_of_its_encoder(monkeypatch, tmp_path):
    from exported import PROCESSOR, expected, matrix, write

    weight, drawn = matrix(), noise(42, [[3, 16, 16]])
    file = write(tmp_path / "model.onnx", weight, before=1, metadata={"preprocessing": PROCESSOR})
    tokens = expected(drawn[None], weight).reshape(16, 6)
    pins = facts("pins")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    pins["exports"] = [{"what": "model.onnx of x/y", "sha256": digest, "encoder": NAME, "source": "this test"}]
    seeded = {"seed": 42, "shapes": [[3, 16, 16]], "sha256": hashlib.sha256(drawn.tobytes()).hexdigest()}
    golden = {"encoder": NAME, "id": "noise", "tier": "noise", "input": seeded, "source": "here", "tolerance": 1e-4}
    larger = {**golden, "id": "larger", "tier": "drawn", "input": {"fixture": "gradient", **IMAGENET}}
    for values, verdict in ((tokens[:2], "verified"), (tokens[1:3], "failed")):
        golden["signals"] = larger["signals"] = [{"kind": "slice", "at": [1, 0], "values": values.tolist()}]
        with_facts(monkeypatch, pins=pins, published={**facts("published"), "goldens": [golden, larger]})
        first, second = asked("published", str(file))
        assert first.verdict == verdict
        assert second.verdict == "unchecked"
        assert "images of 16 pixels only" in second.said
        assert only(asked("files", str(file)), "SHA-256").said == "that of model.onnx of x/y"
