"""Which mistake is found by which check: each made on purpose, and nothing found where none was made."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import copy, copytree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import (
    REGISTERS,
    ROTARY,
    TABLE,
    VIDEO,
    Mutation,
    architecture,
    blind,
    by_patch,
    coarse,
    constant,
    cut_short,
    doubled,
    exchanged_blocks,
    exchanged_keys,
    exchanged_norms,
    idle,
    in_file,
    in_memory,
    leaking,
    lost,
    lost_scale,
    misshapen,
    modules,
    negated,
    no_final_norm,
    not_a_number,
    one_layer_early,
    other_activation,
    pixels,
    registers_dropped,
    registers_last,
    sequences,
    shuffled,
    spoilt,
    swapped,
    two_frames,
    weight,
    wrong_epsilon,
    zeroed_keys,
    zeros,
)
from oracle import CASES
from standing import failed, findings, told
from trial import facts, lying, with_facts

from repscope.checks import Subject
from repscope.encoders import available

OF_FILES, ON_TRIAL = ("files", "layout"), ("parity", "alive", "precision")
ASKED = (*OF_FILES, *ON_TRIAL)
"""Checks that every row is put to; a row says of each whether it finds it."""
PINNED = ()
"""Both sides of parity read it alike, and it is alive: only a known SHA-256 (`files`) or published outputs tell."""

QKV, OUTER = (lambda net: net.blocks[1].attention.qkv), (lambda net: net.blocks[1].perceptron.outer)

TABLE_OF_MUTATIONS = (
    # ours: a key taken for another, a forward that is wrong; the file is sound
    Mutation("two blocks exchanged", ROTARY, in_memory(modules(exchanged_blocks)), ("parity",)),
    Mutation("queries and keys exchanged", ROTARY, in_memory(weight(swapped, QKV)), ("parity",)),
    Mutation("the two norms of a block exchanged", ROTARY, in_memory(modules(exchanged_norms)), ("parity",)),
    Mutation("a tensor negated", ROTARY, in_memory(weight(lambda x: -x, OUTER)), ("parity",)),
    Mutation("a tensor zeroed", ROTARY, in_memory(weight(lambda x: 0 * x, OUTER)), ("parity", "alive")),
    Mutation("the keys zeroed", ROTARY, in_memory(weight(zeroed_keys, QKV)), ("parity", "alive")),
    Mutation("weights rounded", ROTARY, in_memory(weight(lambda x: x.bfloat16().float(), OUTER)), ("parity",)),
    Mutation("not a number in a tensor", ROTARY, in_memory(weight(spoilt, OUTER)), ("parity", "alive", "precision")),
    Mutation("no final norm", VIDEO, in_memory(modules(no_final_norm)), ("parity",)),
    Mutation("layer scale lost", REGISTERS, in_memory(lost_scale), ("parity",)),
    Mutation("epsilon of another family", REGISTERS, in_memory(modules(wrong_epsilon)), ("parity",)),
    Mutation("the other GELU", REGISTERS, in_memory(modules(other_activation)), ("parity",)),
    Mutation("an idle block", REGISTERS, in_memory(modules(idle)), ("parity", "alive")),
    Mutation("positions antialiased", TABLE, in_memory(architecture(resample="bicubic-antialias")), ("parity",)),
    Mutation("positions with the offset", TABLE, in_memory(architecture(resample="bicubic-offset")), ("parity",)),
    Mutation("the layer before the output", REGISTERS, in_memory(one_layer_early), ("parity",)),
    Mutation("two frames for sixteen", VIDEO, in_memory(two_frames), ("parity",)),
    Mutation("blue, green, red", REGISTERS, in_memory(pixels(lambda x: x.flip(1))), ("parity",)),
    Mutation("the image transposed", ROTARY, in_memory(pixels(lambda x: x.mT)), ("parity", "alive")),
    Mutation("the grid transposed", REGISTERS, in_memory(by_patch(lambda x: x.transpose(1, 2))), ("parity", "alive")),
    Mutation("the grid mirrored", ROTARY, in_memory(by_patch(lambda x: x.flip(2))), ("parity", "alive")),
    Mutation("the grid shuffled", REGISTERS, in_memory(by_patch(shuffled)), ("parity", "alive")),
    Mutation("registers dropped", REGISTERS, in_memory(registers_dropped), ("parity",)),
    Mutation("registers among the patches", ROTARY, in_memory(sequences(registers_last)), ("parity", "alive")),
    Mutation("photos see each other", ROTARY, in_memory(sequences(leaking)), ("parity", "alive")),
    Mutation("a constant and little else", REGISTERS, in_memory(sequences(constant)), ("parity", "alive")),
    Mutation("rounded more than is documented", ROTARY, in_memory(coarse, rounded=True), ("precision",)),
    # in the file: both sides of parity have it
    Mutation("a file that is nearly blind", REGISTERS, in_file(blind), ("alive",)),
    Mutation("not a number in the file", REGISTERS, in_file(not_a_number), ("layout", *ON_TRIAL)),
    Mutation("zeros in the file", REGISTERS, in_file(zeros), ("alive",)),
    Mutation("a tensor missing", REGISTERS, in_file(lost), ("layout", *ON_TRIAL)),
    Mutation("a tensor of another shape", REGISTERS, in_file(misshapen), ("layout", *ON_TRIAL)),
    Mutation("a tensor in 64 bits", REGISTERS, in_file(doubled), ("layout",)),
    Mutation("a file cut short", REGISTERS, cut_short, ASKED),
    Mutation("queries and keys exchanged in the file", REGISTERS, in_file(exchanged_keys), PINNED),
    Mutation("a tensor negated in the file", REGISTERS, in_file(negated), PINNED),
)

LIES = {
    "a mean of another family": {"mean": (0.5, 0.5, 0.5)},
    "blue, green, red": {"mean": (0.406, 0.456, 0.485), "deviation": (0.225, 0.224, 0.229)},
    "no crop": {"resize": "squash", "edge": 0},
    "a closer crop": {"edge": 292},
    "another filter": {"filter": "bilinear"},
}
"""A contract of DINOv2 that lies about what the encoder is shown: `preprocessing` finds each, without weights."""


@pytest.mark.parametrize("mutation", TABLE_OF_MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_is_found_by_the_checks_that_should(published, mutation, tmp_path):
    subject = mutation.make(published(mutation.case), tmp_path)
    found = {check: failed(check, subject) for check in ASKED}
    caught = {check for check in ASKED if found[check]}
    assert caught == {*mutation.caught_by} & {*ASKED}, {check: told(each) for check, each in found.items()}


@pytest.mark.parametrize("lie", LIES)
def test_a_contract_that_lies_is_found_by_preprocessing(monkeypatch, lie):
    contract = available()["dinov2-vit-s14"]
    assert not failed("preprocessing", Subject(contract.name))
    lying(monkeypatch, replace(contract, preprocessing=replace(contract.preprocessing, **LIES[lie])))
    assert failed("preprocessing", Subject(contract.name))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_file_cut_at_any_byte_is_found_by_files(published, tmp_path_factory, data):
    whole = (published(REGISTERS).folder / "model.safetensors").read_bytes()
    folder = tmp_path_factory.mktemp("cut")
    copy(published(REGISTERS).folder / "config.json", folder)
    at = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 16) | st.integers(len(whole) - 9, len(whole) - 1))
    (folder / "model.safetensors").write_bytes(whole[:at])
    assert failed("files", Subject(str(folder))), f"cut at byte {at} of {len(whole)}"


ONLY_BY_DIGEST = [mutation for mutation in TABLE_OF_MUTATIONS if mutation.caught_by == PINNED]


@pytest.mark.parametrize("mutation", ONLY_BY_DIGEST, ids=lambda mutation: mutation.name)
@pytest.mark.parametrize("sound", [True, False])
def test_what_both_sides_of_parity_have_is_found_by_the_digest(published, mutation, sound, tmp_path, monkeypatch):
    """As weights of the hub whose SHA-256 is known; `published` finds it too."""
    whole = published(mutation.case).folder
    held = whole if sound else Path(mutation.make(published(mutation.case), tmp_path).name)
    digest = sha256((whole / "model.safetensors").read_bytes()).hexdigest()
    small = {"name": "small", "hub": "someone/small", "revision": "0" * 40, "sha256": digest}
    contract = replace(Subject(str(whole)).contract, **small)
    known = {"hub": contract.hub, "revision": contract.revision, "files": {"model.safetensors": {"sha256": digest}}}
    with_facts(monkeypatch, pins={**facts("pins"), "encoders": {"small": {**known, "source": "this test"}}})
    lying(monkeypatch, contract)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    copytree(held, tmp_path / "hub" / "models--someone--small" / "snapshots" / contract.revision)
    assert bool(failed("files", Subject("small"))) != sound


def test_every_check_of_the_table_finds_something():
    assert {check for mutation in TABLE_OF_MUTATIONS for check in mutation.caught_by} >= {*ASKED}


def spared(finding):
    """What sound encoders show, too: bars of bfloat16 where `auto` is float32, what it moves, biases not trained."""
    return finding.about == "use of all biases" or "rests on it" in finding.said or "its interval" in finding.said


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("check", ON_TRIAL)
def test_nothing_is_found_where_nothing_was_changed(published, check, case):
    found = findings(check, Subject(str(published(case).folder)))
    assert found
    assert not [each for each in found if each.verdict == "failed"], told(found)
    # one case's grid is 2 x 2: too few places to tell a mirror image by
    unchecked = [each for each in found if each.verdict == "unchecked" and not spared(each)]
    assert not unchecked or (case == "vit, classifier, other size" and len(unchecked) == 1), told(unchecked)


@pytest.mark.parametrize("name", [name for name in available() if name.startswith("tiny-")])
@pytest.mark.parametrize("check", ON_TRIAL)
def test_nothing_is_found_in_what_comes_with_the_package(check, name):
    found = findings(check, Subject(name))
    assert {each.verdict for each in found if not spared(each)} == {"verified"}, told(found)
