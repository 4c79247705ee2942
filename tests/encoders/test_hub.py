"""The hub, played by a folder: what is asked of it, and what is said when it does not give."""

import hashlib
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors
from oracle import photographed

from repscope.encoders import Contract, available, cached, hub, load
from repscope.errors import UnfitCheckpoint, Unreachable

LOAD = import_module("repscope.encoders.load")  # the package's `load` is the function in it
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and a network that must not be used."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unexpected)
    monkeypatch.setattr(hub.network, "knock", lambda endpoint: None)
    return tmp_path / "home" / "hub"


def unexpected(*asked: object, **_: object) -> str:
    raise AssertionError(f"the network was asked for {asked}")


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


def hub_of(cache: Path, source: Path, asked: list[str]):
    """A download that copies from a folder into the cache, as the hub's client does."""

    def download(repository: str, name: str, revision: str | None = None) -> str:
        assert repository == "someone/small"
        assert revision in (COMMIT, None)
        asked.append(name)
        if not (source / name).exists():
            raise errors.EntryNotFoundError(name)
        return str(snapshot(cache, source, (name,)) / name)

    return download


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
def test_it_is_fetched_once_with_its_configuration(cache, published, monkeypatch):
    asked: list[str] = []
    source = published("dinov2 with registers").folder
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub_of(cache, source, asked))
    load("small")
    assert asked == ["model.safetensors", "config.json"]
    load("small")
    assert asked == ["model.safetensors", "config.json"]


def test_shards_are_all_fetched(cache, contract, published, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    weights = load_file(published("dinov2 with registers").folder / "model.safetensors")
    names, source = sorted(weights), tmp_path / "source"
    source.mkdir()
    save_file({n: weights[n] for n in names[:9]}, source / "a.safetensors")
    save_file({n: weights[n] for n in names[9:]}, source / "b.safetensors")
    index = {"weight_map": {n: "a.safetensors" if n in names[:9] else "b.safetensors" for n in names}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    asked: list[str] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub_of(cache, source, asked))
    folder = snapshot(cache, source, ("model.safetensors.index.json", "a.safetensors"))
    assert not cached(contract)  # one shard never arrived
    load("small")
    assert asked[-3:] == ["a.safetensors", "b.safetensors", "config.json"]
    assert cached(contract)
    assert (folder / "b.safetensors").exists()


def test_another_file_than_the_published_one_is_refused(cache, contract, published, monkeypatch):
    folder = snapshot(cache, published("dinov2 with registers").folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    known(replace(contract, sha256=digest), monkeypatch)
    load("small")
    known(replace(contract, sha256="0" * 64), monkeypatch)
    with pytest.raises(UnfitCheckpoint, match=f"its SHA-256 is {digest}, wanted 0000.*Delete it and load again"):
        load("small")


def test_a_repository_that_holds_another_encoder_is_refused(cache, contract, published, monkeypatch):
    snapshot(cache, published("dinov2 with registers").folder)
    other = replace(contract, architecture=replace(contract.architecture, depth=12))
    known(other, monkeypatch)
    with pytest.raises(UnfitCheckpoint, match="holds no small: depth is 3, not 12"):
        load("small")


def _http(kind: type[errors.HfHubHTTPError]) -> Exception:
    error = kind.__new__(kind)
    Exception.__init__(error, "as the hub words it")
    return error


@pytest.mark.parametrize(
    ("error", "gated", "says"),
    [
        (
            _http(errors.GatedRepoError),
            True,
            "accepted: do so at https://huggingface.co/someone/small, then set HF_TOKEN",
        ),
        (_http(errors.RepositoryNotFoundError), True, "accepted: do so at https://huggingface.co/someone/small"),
        (_http(errors.RepositoryNotFoundError), False, "is not there, or private: set HF_TOKEN"),
        (_http(errors.RevisionNotFoundError), False, f"has no revision {COMMIT}"),
        (errors.LocalEntryNotFoundError("offline"), False, "does not answer, and the cache at"),
        (errors.OfflineModeIsEnabled("offline mode is enabled"), False, "offline mode is enabled"),
        (TimeoutError("timed out"), False, "timed out"),
        (RuntimeError(""), False, "RuntimeError"),
    ],
)
@pytest.mark.usefixtures("cache")
def test_what_stands_in_the_way_is_said_and_what_to_do(contract, monkeypatch, error, gated, says):
    def fails(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails)
    known(replace(contract, gated=gated), monkeypatch)
    with pytest.raises(Unreachable) as told:
        load("small")
    assert says in str(told.value)
    assert "`repscope models small`" in str(told.value)
    assert "load small@DIR" in str(told.value)


@pytest.mark.usefixtures("contract")
def test_a_repository_without_weights(cache, tmp_path, monkeypatch):
    asked: list[str] = []
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub_of(cache, tmp_path / "empty", asked))
    with pytest.raises(Unreachable, match=r"someone/small has none of model\.safetensors, model\.safetensors\.index"):
        load("small")
    assert asked == ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"]
