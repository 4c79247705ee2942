"""layout: a weight that is missing, too many, misshapen, of a wrong type or not finite, and a contract that lies."""

from dataclasses import replace

import pytest
import torch
from exported import PROCESSOR, matrix, write
from safetensors.torch import load_file, save_file
from trial import asked, changed, facts, failed, lying, only, verdicts

from repscope.checks.layout import beside
from repscope.encoders import available
from repscope.encoders.families.lab import EMBEDDED
from repscope.errors import UnfitCheckpoint

NAME = "dinov2-vit-s14"
PUBLISHED = [each for each in available().values() if each.family != "lab"]
FIRST = "encoder.layer.0.attention.attention.query.weight"


@pytest.mark.parametrize("contract", PUBLISHED, ids=lambda each: each.name)
def test_every_contract_has_the_published_shape(contract):
    """No weights: what was noted apart from the contracts agrees with all of them."""
    from repscope.checks.layout import _contract

    known = facts("layouts")["encoders"].get(contract.name)
    (found,) = _contract(contract, known)
    assert found.verdict == ("unchecked" if contract.family == "vit" else "verified")


@pytest.mark.parametrize("contract", [each for each in PUBLISHED if each.family != "vit"], ids=lambda each: each.name)
def test_every_count_is_the_published_one_less_what_is_left_out(contract):
    known = facts("layouts")["encoders"][contract.name]
    a = contract.architecture
    shape = {"width": a.width, "depth": a.depth, "hidden": a.hidden}
    assert contract.parameters + sum(beside(what, shape) for what in known["beside"]) == known["parameters"]


def test_random_weights_of_the_right_shape_are_verified(copy):
    assert set(verdicts(asked("layout", f"{NAME}@{copy}")).values()) == {"verified"}


def test_a_folder_by_itself_has_no_published_shape_but_all_else(copy):
    found = verdicts(asked("layout", str(copy)))
    assert [about for about, verdict in found.items() if verdict == "unchecked"] == [
        "shape and tokens of the contract",
        "parameters, as published",
    ]
    assert "failed" not in found.values()


@pytest.mark.parametrize("name", ["tiny-mae", "tiny-vjepa"])
def test_what_comes_with_the_package_is_sound(name):
    assert not failed(asked("layout", name))


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({FIRST: None}, "missing"),
        ({"encoder.layer.0.extra.weight": torch.zeros(2)}, "unexpected"),
        ({"embeddings.cls_token": torch.zeros(1, 1, 385)}, "another shape"),
        ({"encoder.layer.12.norm1.weight": torch.zeros(384)}, "unexpected"),
    ],
)
def test_keys_that_do_not_fit_fail(copy, tensors, said):
    changed(copy, tensors)
    found = asked("layout", f"{NAME}@{copy}")
    assert failed(found) == ["keys and shapes"]
    assert said in only(found, "keys and shapes").said


@pytest.mark.parametrize("kind", [torch.float64, torch.int8, torch.int64, torch.float8_e4m3fn])
def test_a_wrong_type_fails(copy, kind):
    value = torch.ones(384, 384).to(kind)
    changed(copy, {FIRST: value})
    found = asked("layout", f"{NAME}@{copy}")
    assert failed(found) == ["types of the weights"]
    assert f"query.weight is {str(kind).removeprefix('torch.')}" in only(found, "types").said


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_sixteen_bits_are_weights_too(copy, kind):
    changed(copy, {FIRST: torch.ones(384, 384).to(kind)})
    found = asked("layout", f"{NAME}@{copy}")
    assert not failed(found)
    assert str(kind).removeprefix("torch.") in only(found, "types").said


def test_what_is_left_out_may_be_of_any_type(copy):
    changed(copy, {"embeddings.mask_token": torch.zeros(1, 384, dtype=torch.int64)})
    assert not failed(asked("layout", f"{NAME}@{copy}"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_one_value_that_is_not_finite_fails(copy, value):
    weight = torch.zeros(384, 384)
    weight[200, 3] = value
    changed(copy, {FIRST: weight})
    found = asked("layout", f"{NAME}@{copy}")
    assert failed(found) == ["values are finite"]
    assert FIRST in only(found, "finite").said


def test_a_sum_too_large_for_float32_is_no_value_that_is_not_finite(copy):
    changed(copy, {FIRST: torch.full((384, 384), 3e38)})
    assert not failed(asked("layout", f"{NAME}@{copy}"))


@pytest.mark.parametrize(
    "lie", [{"heads": 12}, {"depth": 11}, {"registers": 4}, {"cls": False}, {"patch": 16}, {"width": 768, "heads": 6}]
)
def test_a_contract_that_lies_about_the_shape_fails(monkeypatch, copy, lie):
    contract = available()[NAME]
    lying(monkeypatch, replace(contract, architecture=replace(contract.architecture, **lie)))
    (copy / "config.json").unlink()  # it would contradict, before anything is asked
    found = asked("layout", f"{NAME}@{copy}")
    assert "shape and tokens of the contract" in failed(found)
    (lied, *_) = lie
    assert f"{lied} is" in only(found, "shape and tokens").said


def test_a_contract_that_lies_about_the_count_fails(monkeypatch, copy):
    lying(monkeypatch, replace(available()[NAME], parameters=22_056_193))
    assert failed(asked("layout", f"{NAME}@{copy}")) == ["parameters, as the contract has them"]


def test_a_configuration_that_contradicts_the_contract_breaks_it_off(copy):
    config = copy / "config.json"
    config.write_text(config.read_text().replace('"num_attention_heads": 6', '"num_attention_heads": 12'))
    with pytest.raises(UnfitCheckpoint, match="heads is 12, not 6"):
        asked("layout", f"{NAME}@{copy}")


def test_heads_that_nothing_tells_are_not_verified(copy):
    (copy / "config.json").unlink()
    found = only(asked("layout", f"{NAME}@{copy}"), "heads")
    assert found.verdict == "unchecked"
    assert "no config.json" in found.said


def test_a_pickled_file_is_read_as_well(tmp_path):
    held = load_file(EMBEDDED / "tiny-mae.safetensors")
    file = tmp_path / "eupe.pt"
    torch.save(held, file)
    with pytest.raises(UnfitCheckpoint):
        asked("layout", f"eupe-vit-t16@{tmp_path / 'nothing'}")
    found = asked("layout", f"eupe-vit-t16@{file}")
    assert "keys and shapes" in failed(found)
    assert only(found, "types").verdict == "verified"


def test_an_export_is_looked_at_as_far_as_it_goes(tmp_path):
    file = write(tmp_path / "e.onnx", matrix(), before=1, metadata={"preprocessing": PROCESSOR})
    found = asked("layout", str(file))
    assert only(found, "tokens it makes").verdict == "verified"
    assert only(found, "keys and types").verdict == "unchecked"


def test_a_file_of_the_lab_without_metadata_tells_no_heads(tmp_path):
    save_file(load_file(EMBEDDED / "tiny-mae.safetensors"), tmp_path / "tiny-mae.safetensors")
    found = only(asked("layout", f"tiny-mae@{tmp_path}"), "heads")
    assert found.verdict == "unchecked"
