"""What `auto` comes to on every kind of machine, and who is told."""

import pytest
import torch

import repscope
from repscope.encoders import precision
from repscope.encoders.precision import NARROW, auto

AMX = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}


@pytest.mark.parametrize(
    ("has", "wanted", "why"),
    [
        (AMX, "bfloat16", "AMX"),
        (AMX - {"amx_bf16"}, "float32", "without AMX is slower"),
        (AMX - {"amx_bf16"} | {"amd"}, "bfloat16", "AMD"),
        ({"avx2", "amd"}, "float32", "no instructions"),
        (set(), "float32", "no instructions"),
    ],
)
def test_it_follows_the_instructions(monkeypatch, has, wanted, why):
    monkeypatch.setattr(precision, "instructions", lambda: frozenset(has))
    assert auto().precision == auto(width=NARROW).precision == wanted
    assert why in auto().why
    assert auto(width=NARROW - 1).precision == "float32"


@pytest.mark.parametrize(("native", "wanted"), [(True, "bfloat16"), (False, "float32")])
def test_a_gpu_is_asked(monkeypatch, native, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert auto("cuda").precision == auto("cuda:1", 1024).precision == wanted
    assert auto("mps").precision == "float32"


def test_what_torch_can_use_counts_and_not_what_the_system_lists(monkeypatch, tmp_path):
    for name, there in (
        ("_is_avx2_supported", True),
        ("_is_avx512_supported", True),
        ("_is_amx_tile_supported", False),
    ):
        monkeypatch.setattr(torch.cpu, name, lambda there=there: there)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    told = tmp_path / "cpuinfo"
    told.write_text("vendor_id\t: AuthenticAMD\nflags\t\t: amx_bf16 avx512_bf16\n")
    assert precision.instructions.__wrapped__(told) == {"avx2", "avx512f", "amd"}
    assert precision.instructions.__wrapped__(tmp_path / "absent") <= {"avx2", "avx512f", "amd"}


def test_a_narrow_encoder_is_float32_on_any_machine(monkeypatch):
    monkeypatch.setattr(precision, "instructions", lambda: frozenset(AMX))
    assert repscope.load("tiny-mae").precision == "float32"


def test_the_command_names_a_precision_that_auto_would_not_choose():
    encoders = [repscope.load(name, "bfloat16") for name in ("tiny-mae", "tiny-random")]
    report = repscope.compare([], encoders)
    assert "--precision bfloat16" in report.provenance["command"]
    assert "--precision" not in repscope.inspect([], repscope.load("tiny-mae")).provenance["command"]


def test_a_wide_encoder_is_what_auto_says(published, monkeypatch):
    monkeypatch.setattr(precision, "NARROW", 16)
    for has, wanted in ((AMX, "bfloat16"), (set(), "float32")):
        monkeypatch.setattr(precision, "instructions", lambda has=has: frozenset(has))
        encoder = repscope.load(str(published("dinov3").folder))
        assert encoder.precision == wanted
        assert repscope.load(str(published("dinov3").folder), "float32").precision == "float32"
