"""Converted weights: the same encoder from the cache, whatever happens to the cache or to the file it was made of."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from repscope.encoders import converted, digests, load, weights
from repscope.encoders.load import resolved
from repscope.encoders.mapped import Mapped
from repscope.encoders.vit.ready import Ready


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(converted, "LEAST", 0)
    return tmp_path / "cache"


@pytest.fixture
def folder(published, tmp_path) -> Path:
    """A copy of a checkpoint that a test may damage."""
    copy = tmp_path / "model"
    copy.mkdir()
    for file in published("dinov2 with registers").folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def said(folder: Path, photos) -> np.ndarray:
    return load(str(folder), "bfloat16")(photos)[0].patches


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "converted").glob("*.safetensors"))


@pytest.mark.parametrize("name", ["dinov2 with registers", "dinov3, gated", "vjepa2", "clip, both towers", "ijepa"])
def test_the_next_load_says_the_same_bits(cache, published, name):
    made = published(name)
    first = load(str(made.folder), "bfloat16")
    (file,) = kept(cache)
    before = file.read_bytes()
    again = load(str(made.folder), "bfloat16")
    for one, other in zip(first(made.photos, (0, 2, -1)), again(made.photos, (0, 2, -1)), strict=True):
        np.testing.assert_array_equal(one.patches, other.patches)
    assert first.revision == again.revision
    assert first.contract == again.contract
    assert kept(cache) == [file]
    assert file.read_bytes() == before


def test_it_is_read_from_there(cache, published, monkeypatch):
    made = published("dinov3")
    wanted = said(made.folder, made.photos)
    monkeypatch.setattr(weights, "read", lambda place: pytest.fail("the checkpoint was read"))
    np.testing.assert_array_equal(said(made.folder, made.photos), wanted)


def test_what_is_kept_is_what_any_reader_of_safetensors_reads(cache, published):
    made = published("dinov2 with registers")
    load(str(made.folder), "bfloat16")
    found = load_file(kept(cache)[0])
    ready = Ready(resolved(str(made.folder)).read()[0], "bfloat16")
    assert found.keys() == set(ready)
    assert all(torch.equal(found[name], ready[name]) and found[name].dtype == ready[name].dtype for name in found)


@pytest.mark.parametrize("where", [0.001, 0.2, 0.5, 0.999])
def test_a_damaged_one_is_made_anew(cache, published, where):
    made = published("dinov2 with registers")
    wanted = said(made.folder, made.photos)
    (file,) = kept(cache)
    whole = file.read_bytes()
    for damaged in (whole[: int(where * len(whole))], _flipped(whole, where), b"", bytes(len(whole))):
        file.write_bytes(damaged)
        np.testing.assert_array_equal(said(made.folder, made.photos), wanted)
        assert kept(cache)[0].read_bytes() == whole


@pytest.mark.parametrize("kind", ["moved", "renamed type"])
def test_bytes_that_moved_and_types_that_changed_are_damage(cache, published, kind):
    made = published("dinov2 with registers")
    wanted = said(made.folder, made.photos)
    (file,) = kept(cache)
    whole = file.read_bytes()
    if kind == "moved":
        middle = len(whole) - 4096
        damaged = whole[: middle - 4096] + whole[middle:] + whole[middle - 4096 : middle]
    else:
        damaged = whole.replace(b'"BF16"', b'"F16" ', 1)
    assert len(damaged) == len(whole)
    assert damaged != whole
    file.write_bytes(damaged)
    np.testing.assert_array_equal(said(made.folder, made.photos), wanted)
    assert kept(cache)[0].read_bytes() == whole


def _flipped(data: bytes, where: float) -> bytes:
    changed = bytearray(data)
    changed[int(where * len(data))] ^= 0x10
    return bytes(changed)


def test_another_file_is_another_encoder(cache, folder, published):
    photos = published("dinov2 with registers").photos
    before = said(folder, photos)
    state = load_file(folder / "model.safetensors")
    state["encoder.layer.0.attention.attention.query.weight"] *= -1
    save_file(state, folder / "model.safetensors")
    assert np.abs(said(folder, photos) - before).max() > 0.01
    assert len(kept(cache)) == 2


def test_where_nothing_can_be_kept_nothing_is(cache, published, monkeypatch):
    made = published("dinov2 with registers")
    monkeypatch.setenv("REPSCOPE_CACHE_LIMIT", "1000")
    wanted = said(made.folder, made.photos)
    assert not kept(cache)
    monkeypatch.setenv("REPSCOPE_CACHE_LIMIT", str(1 << 30))
    monkeypatch.setenv("REPSCOPE_CACHE", str(made.folder / "config.json"))  # no folder, and none can be made there
    np.testing.assert_array_equal(said(made.folder, made.photos), wanted)


def test_a_full_disk_leaves_nothing_behind(cache, published):
    """The system itself refuses: a process that may write no more than a few kilobytes."""
    folder = published("dinov2 with registers").folder
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from repscope.encoders import converted, load; converted.LEAST = 0\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "print(load(sys.argv[1], 'bfloat16').precision)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "bfloat16"), done.stderr
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_float32_and_small_encoders_are_not_kept(cache, published, monkeypatch):
    load(str(published("dinov3").folder), "float32")
    monkeypatch.setattr(converted, "LEAST", 64 << 20)
    load(str(published("dinov3").folder), "bfloat16")
    assert not kept(cache)


class TestScales:
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_a_scale_is_in_the_layer_it_scales_rounded_once(self, published, precision):
        state, _ = resolved(str(published("dinov3").folder)).read()
        ready = Ready(state, precision)
        dtype = getattr(torch, precision)
        for layer, scale in (("attention.output", "scale1"), ("perceptron.outer", "scale2")):
            factor = state[f"blocks.1.{scale}"]
            weight, bias = (ready[f"blocks.1.{layer}.{kind}"] for kind in ("weight", "bias"))
            assert torch.equal(weight, (state[f"blocks.1.{layer}.weight"] * factor[:, None]).to(dtype))
            assert torch.equal(bias, (state[f"blocks.1.{layer}.bias"] * factor).to(dtype))
        assert torch.equal(ready["blocks.1.attention.qkv.weight"], state["blocks.1.attention.qkv.weight"].to(dtype))
        assert not any("scale" in name for name in ready)
        assert len(ready) == len(state) - 2 * 3


class TestStill:
    def test_a_photo_repeated_is_projected_once_and_says_the_same(self, published):
        made = published("vjepa2")
        encoder = load(str(made.folder))
        pixels = encoder.shown(made.photos).pixels
        assert pixels.stride(2) == 0
        with torch.inference_mode():
            once, each = (encoder.network.embed(x) for x in (pixels, pixels.contiguous()))
        torch.testing.assert_close(once, each, rtol=1e-5, atol=1e-5)
        assert not torch.equal(once, each)  # the sums are taken in another order: both ways were gone

    def test_a_clip_that_moves_is_not(self, published):
        encoder = load(str(published("vjepa2").folder))
        clip = torch.randn(1, 3, 16, 32, 32, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            said = encoder.network.embed(clip)
        groups = said.unflatten(1, (8, 16))
        assert (groups[:, 0] - groups[:, 1]).abs().max() > 0.1


class TestDigests:
    @pytest.fixture(autouse=True)
    def _all(self, cache, monkeypatch):  # noqa: ARG002  the digests go there
        monkeypatch.setattr(digests, "LARGE", 0)

    def test_a_file_is_hashed_once_and_again_when_it_changed(self, folder, monkeypatch):
        asked = []
        fresh = weights.sha256
        monkeypatch.setattr(weights, "sha256", lambda path: asked.append(path) or fresh(path))
        first = digests.sha256(folder)
        assert first == digests.sha256(folder) == fresh(folder)
        assert len(asked) == 1
        file = folder / "model.safetensors"
        file.write_bytes(_flipped(file.read_bytes(), 0.9))
        assert digests.sha256(folder) != first
        about = file.stat()
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
        digests.sha256(folder)
        assert len(asked) == 3

    @pytest.mark.parametrize("said", ["", "not hexadecimal" * 5, "0" * 63, "0" * 64 + "\n", "-" + "0" * 63])
    def test_what_is_remembered_wrongly_is_hashed_anew(self, cache, folder, said):
        wanted = digests.sha256(folder)
        (kept,) = (cache / "digests").iterdir()
        kept.write_text(said)
        assert digests.sha256(folder) == wanted == kept.read_text()


class TestMapped:
    def test_every_type_is_what_it_was(self, tmp_path):
        draws = torch.Generator().manual_seed(0)
        kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.bool]
        state = {str(kind): (10 * torch.randn(3, 5, generator=draws)).to(kind) for kind in kinds}
        state["none"], state["one"] = torch.empty(0, 4), torch.tensor(3.0)
        save_file(state, tmp_path / "all.safetensors")
        held = Mapped(tmp_path / "all.safetensors")
        held.release()
        assert held.tensors.keys() == state.keys()
        assert all(torch.equal(held.tensors[name], state[name]) for name in state)
        held.tensors["one"] += 1  # its own copy of the page
        assert load_file(tmp_path / "all.safetensors")["one"] == 3

    @pytest.mark.skipif(sys.platform != "linux", reason="counts this process's memory as Linux does")
    def test_what_was_released_is_not_in_memory(self, tmp_path):
        save_file({"large": torch.ones(64 << 18)}, tmp_path / "large.safetensors")
        held = Mapped(tmp_path / "large.safetensors")

        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

        before = resident()
        assert held.tensors["large"].sum() == 64 << 18
        assert resident() - before > 48 << 20
        held.release()
        assert resident() - before < 16 << 20
