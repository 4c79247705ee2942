"""The hub: what is asked of it, and what of its cache needs no asking."""

import hashlib
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hub_server import COMMIT, of
from oracle import photographed

from repscope.encoders import Contract, available, cached, hub, load
from repscope.errors import UnfitCheckpoint, Unreachable

LOAD = import_module("repscope.encoders.load")  # the package's `load` is the function in it


@pytest.fixture
def contract(published, monkeypatch) -> Contract:
    """A small model as if it were published, under the name `small`."""
    made = load(str(published("dinov2 with registers").folder)).contract
    contract = replace(made, name="small", hub="someone/small", revision=COMMIT)
    return known(contract, monkeypatch)


def known(contract: Contract, monkeypatch) -> Contract:
    names = {**available(), contract.name: contract}
    monkeypatch.setattr(LOAD, "available", lambda: names)
    return contract


def snapshot(cache: Path, source: Path, names: tuple[str, ...] = ("model.safetensors", "config.json")) -> Path:
    folder = cache / "models--someone--small" / "snapshots" / COMMIT
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes((source / name).read_bytes())
    return folder


def test_what_is_cached_needs_no_network(cache, contract, published):
    assert not cached(contract)
    folder = snapshot(cache, published("dinov2 with registers").folder)
    assert cached(contract)
    encoder = load("small")
    assert encoder(photographed(64))[0].width == 32
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert encoder.revision == f"someone/small@{COMMIT}, sha256 {digest}"


def test_without_a_pin_the_head_that_was_seen_last_counts(cache, contract, published):
    unpinned = replace(contract, revision="")
    snapshot(cache, published("dinov2 with registers").folder)
    assert not cached(unpinned)
    head = cache / "models--someone--small" / "refs" / "main"
    head.parent.mkdir()
    head.write_text(COMMIT)
    assert cached(unpinned)


@pytest.mark.parametrize(
    ("variable", "tail"), [("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("XDG_CACHE_HOME", "huggingface/hub")]
)
@pytest.mark.usefixtures("cache")
def test_the_cache_is_where_the_client_has_it(contract, published, tmp_path, monkeypatch, variable, tail):
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    snapshot(tmp_path / "elsewhere" / tail, published("dinov2 with registers").folder)
    assert cached(contract)


@pytest.mark.usefixtures("contract")
def test_it_is_fetched_once_with_its_configuration(served, published):
    started = served(of(published("dinov2 with registers").folder))
    load("small")
    assert [name for method, name, *_ in started.asked if method == "GET"][-2:] == ["config.json", "model.safetensors"]
    asked = len(started.asked)
    load("small")
    assert len(started.asked) == asked


def test_shards_are_all_fetched(contract, published, tmp_path, served):
    from safetensors.torch import load_file, save_file

    weights = load_file(published("dinov2 with registers").folder / "model.safetensors")
    names, source = sorted(weights), tmp_path / "source"
    source.mkdir()
    save_file({n: weights[n] for n in names[:9]}, source / "a.safetensors")
    save_file({n: weights[n] for n in names[9:]}, source / "b.safetensors")
    index = {"weight_map": {n: "a.safetensors" if n in names[:9] else "b.safetensors" for n in names}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    started = served(of(source, "model.safetensors.index.json", "a.safetensors", "b.safetensors"))
    load("small")
    folder = hub.cached(contract)
    assert folder is not None
    (folder / "b.safetensors").unlink()
    assert not cached(contract)  # as where one shard never arrived
    asked = len(started.asked)
    load("small")
    assert cached(contract)
    assert {method for method, *_ in started.asked[asked:]} == {"HEAD"}  # its bytes were still there
    assert {path.name for path in hub.held(contract, folder)} == set(started.files)


@pytest.mark.usefixtures("contract")
def test_a_damaged_file_is_replaced_before_it_is_read(served, published):
    served(of(published("dinov2 with registers").folder))
    wanted = load("small")(photographed(64))[0].patches
    file = hub.fetched(LOAD.available()["small"]) / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 64
    file.write_bytes(data)
    assert np.array_equal(load("small")(photographed(64))[0].patches, wanted)


def test_another_file_than_the_published_one_is_refused(cache, contract, published, monkeypatch):
    folder = snapshot(cache, published("dinov2 with registers").folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    known(replace(contract, sha256=digest), monkeypatch)
    load("small")
    known(replace(contract, sha256="0" * 64), monkeypatch)
    with pytest.raises(UnfitCheckpoint, match=f"its SHA-256 is {digest}, wanted 0000.*could not be fetched again"):
        load("small")


def test_a_repository_that_holds_another_encoder_is_refused(cache, contract, published, monkeypatch):
    snapshot(cache, published("dinov2 with registers").folder)
    other = replace(contract, architecture=replace(contract.architecture, depth=12))
    known(other, monkeypatch)
    with pytest.raises(UnfitCheckpoint, match="holds no small: depth is 3, not 12"):
        load("small")


@pytest.mark.usefixtures("contract")
def test_a_repository_without_weights(served):
    started = served({"README.md": b""})
    with pytest.raises(Unreachable, match=r"someone/small has none of model\.safetensors, model\.safetensors\.index"):
        load("small")
    assert [name for method, name, *_ in started.asked if method == "HEAD"] == [
        "config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
    ]
