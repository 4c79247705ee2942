"""The doctor: each thing as it should be, and as it should not."""

import json
import os
import socket
import time
from collections import namedtuple
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants

from repscope.analyses import _extras, _machine, _places, _reach, doctor
from repscope.analyses._finding import Finding, answered
from repscope.encoders import precision
from repscope.encoders.vit import packed
from repscope.render import media

SECRET = "hf_thisMustNeverBeTold"


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """A home of its own, a token, no proxy, and a hub that nobody is at."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OMP_NUM_THREADS", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "answers"))
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    at("http://127.0.0.1:1", monkeypatch)


def at(address: str, monkeypatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")


def states(findings) -> dict[str, str]:
    return {each.what: each.state for each in findings}


def test_a_machine_without_a_hub_is_whole_and_told_in_seconds():
    began = time.monotonic()
    report = doctor.doctor()
    assert time.monotonic() - began < 5
    assert not doctor.broken(report)
    assert [block.title for block in report.blocks[1:]] == ["Machine", "Folders", "Hub", "Packages"]
    said = media["text"](report, width=100)
    for words in ("http://127.0.0.1:1 does not answer", "there is one, in HF_TOKEN", "tiny-random saw 16 x 16 patches"):
        assert words in " ".join(said.split())


def test_a_hub_that_opens_its_door_and_says_nothing_keeps_nobody_waiting(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        at(f"http://127.0.0.1:{server.getsockname()[1]}", monkeypatch)
        began = time.monotonic()
        hub = next(iter(_reach.reach()))
        assert time.monotonic() - began < 4
    assert hub.state == "look"
    assert "does not answer" in hub.found


@pytest.mark.parametrize("medium", ["text", "json", "html"])
def test_the_token_is_told_to_nobody(medium, monkeypatch, tmp_path):
    for where in ("environment", "file"):
        if where == "file":
            monkeypatch.delenv("HF_TOKEN")
            (tmp_path / "token").write_text(SECRET)
            monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        said = media[medium](doctor.doctor())
        assert "there is one" in " ".join(said.split())
        assert SECRET[3:] not in said


def test_what_is_broken_is_said_first_and_fails(monkeypatch):
    monkeypatch.setattr(_extras, "_lack", lambda name, least: f"{name} is not here" if name == "numpy" else "")
    report = doctor.doctor()
    assert doctor.broken(report)
    assert "Broken: needed packages: numpy is not here. pip install" in report.blocks[0].text
    assert json.loads(media["json"](report))["blocks"][0]["kind"]


def test_a_question_that_fails_is_told_as_a_finding():
    def fails():
        raise KeyError("x\ny")

    (found,) = answered("it", fails)
    assert (found.state, found.found) == ("look", "could not be found out: KeyError, 'x\\ny'")
    assert answered("it", lambda: iter([Finding("a", "b")])) == (Finding("a", "b"),)


def test_a_torch_that_cannot_be_imported_is_broken(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    found = list(_machine.machine())
    assert states(found) == {"Python": "ok", "memory": "ok", "torch": "broken"}
    assert "pip install -c constraints.txt torch" in found[-1].do


@pytest.mark.parametrize(
    ("threads", "cores", "maximum", "state", "says"),
    [
        (4, 4, "max 100000", "ok", ""),
        (4, 4, "400000 100000", "ok", ""),
        (4, 4, "150000 100000", "look", "OMP_NUM_THREADS=1"),
        (4, 4, "50000 100000", "look", "OMP_NUM_THREADS=1"),
        (4, 2, "max 100000", "look", "OMP_NUM_THREADS=2"),
        (4, 4, "rubbish", "ok", ""),
    ],
)
def test_threads_against_the_cores_there_are(monkeypatch, tmp_path, threads, cores, maximum, state, says):
    (tmp_path / "cpu.max").write_text(maximum)
    share = _machine.quota(tmp_path)
    monkeypatch.setattr(_machine, "quota", lambda: share)
    monkeypatch.setattr(_machine, "usable", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    found = _machine.cores()
    assert found.state == state
    assert says in found.do


def test_what_the_environment_says_of_threads_is_told(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert "OMP_NUM_THREADS=1" in _machine.cores().found
    assert _machine.quota(Path("/nowhere")) is None


def test_memory_and_a_containers_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 4_000_000}.__getitem__)
    (tmp_path / "memory.max").write_text("max\n")
    assert _machine.memory(tmp_path) == Finding("memory", "16.4 GB")
    (tmp_path / "memory.max").write_text("2000000000\n")
    found = _machine.memory(tmp_path)
    assert (found.state, found.found) == ("look", "16.4 GB, a container's limit of 2.0 GB")


@pytest.mark.parametrize(
    ("has", "state", "said", "chosen"),
    [
        ({"avx2", "avx512f", "avx512_bf16", "amx_bf16"}, "ok", "AMX yes", "bfloat16: this processor has AMX"),
        ({"avx2"}, "ok", "AVX-512 no", "float32: this processor has no instructions"),
        (set(), "look", "AVX2 no", "float32"),
    ],
)
def test_instructions_and_the_precision_that_comes_of_them(monkeypatch, has, state, said, chosen):
    monkeypatch.setattr(precision, "instructions", lambda: frozenset(has))
    monkeypatch.setattr(_machine.platform, "machine", lambda: "x86_64")
    found = _machine.instructions()
    assert found.state == state
    assert said in found.found
    (first, *_) = _machine.precision()
    assert first.what == "precision auto on cpu"
    assert first.found.startswith(chosen)


def test_a_processor_of_another_kind(monkeypatch):
    monkeypatch.setattr(_machine.platform, "machine", lambda: "arm64")
    assert _machine.instructions() == Finding("instructions", "arm64; those of x86 do not apply")


@pytest.mark.parametrize(("takes", "state"), [(True, "ok"), (False, "look")])
def test_prepacked_weights(monkeypatch, takes, state):
    monkeypatch.setattr(packed, "packable", lambda dtype: takes)
    assert _machine.prepacked().state == state


@pytest.mark.parametrize(
    ("there", "built", "card", "state", "said"),
    [
        (True, "12.8", True, "ok", "H100"),
        (False, "12.8", False, "look", "finds no GPU"),
        (False, None, True, "look", "built without CUDA"),
        (False, None, False, "ok", "no GPU"),
    ],
)
def test_cuda(monkeypatch, there, built, card, state, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "H100")
    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(_machine.Path, "exists", lambda path: card)
    found = _machine.cuda()
    assert found.state == state
    assert said in found.found


def test_a_first_look_that_fails_is_broken(monkeypatch):
    def fails(name):
        raise OSError("tiny-random.safetensors is cut short")

    monkeypatch.setattr("repscope.encoders.load", fails)
    found = _machine.looked()
    assert found.state == "broken"
    assert "tiny-random.safetensors is cut short" in found.found


def test_folders_as_they_should_be_and_not(monkeypatch, tmp_path):
    found = list(_places.places())
    assert states(found)["own cache"] == "ok"
    assert "(not made yet)" in found[0].found
    assert not (tmp_path / "home").exists()  # nothing is changed
    assert not (tmp_path / "answers").exists()


def test_a_disk_that_is_nearly_full(monkeypatch):
    usage = namedtuple("usage", "total used free")(10**12, 10**12, 10**8)
    monkeypatch.setattr(_places.shutil, "disk_usage", lambda place: usage)
    weights, answers, *_ = _places.places()
    assert (weights.state, answers.state) == ("look", "look")
    assert "0.1 GB free" in weights.found
    assert "set HF_HOME to another folder" in weights.do
    assert "set REPSCOPE_CACHE to another folder" in answers.do


def test_folders_that_cannot_be_written(monkeypatch, tmp_path):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    assert "is no folder" in next(_places.places()).found
    monkeypatch.setattr(_places.tempfile, "TemporaryFile", denied)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert "may not be written (Permission denied)" in next(_places.places()).found


def test_nobodys_home(monkeypatch):
    monkeypatch.setattr(_places, "cache", lambda: None)
    assert "REPSCOPE_CACHE" in {each.what: each.do for each in _places.places()}["own cache"]


def test_published_encoders_and_unfinished_downloads(monkeypatch, tmp_path):
    assert states(_places.places())["published encoders here"] == "look"
    blobs = tmp_path / "home" / "hub" / "models--someone--small" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{'0' * 64}.repscope.incomplete").write_bytes(b"\0" * 3_000_000)
    monkeypatch.setattr(_places, "cached", lambda contract: contract.name.startswith("mae"))
    found = {each.what: each for each in _places.places()}
    assert found["published encoders here"].found.startswith("mae-vit-b16")
    assert found["unfinished downloads"].found == "3 MB of someone/small"


def test_offline_by_choice_asks_nobody(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(_reach.network, "knock", lambda *_: pytest.fail("it was asked"))
    found = list(_reach.reach())
    assert states(found) == {"hub": "look", "token": "ok"}
    assert "HF_HUB_OFFLINE is set" in found[0].found


def test_a_hub_that_answers_with_gates_that_are_open_and_shut(monkeypatch):
    from huggingface_hub.errors import GatedRepoError

    def told(repository, *_):
        if "dinov3" in repository:
            error = GatedRepoError.__new__(GatedRepoError)
            Exception.__init__(error, "as the hub words it")
            raise error

    monkeypatch.setattr(_reach.network, "knock", lambda *_: None)
    monkeypatch.setattr(_reach, "told", told)
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror")
    found = {each.what: each for each in _reach.reach()}
    assert found["hub"].found == "http://127.0.0.1:1 (HF_ENDPOINT) answers"
    gates = {what: each for what, each in found.items() if what.startswith("gated")}
    assert gates
    assert gates["gated: dinov3"].state == "look"
    assert "its licence must be accepted: do so at http://127.0.0.1:1/facebook/dinov3" in gates["gated: dinov3"].found
    monkeypatch.setattr(_reach, "told", lambda *_: None)
    assert {each.state for each in _reach.reach()} == {"ok"}


def test_a_portal_in_front_of_the_hub(monkeypatch):
    from repscope.encoders.transfer import Other

    def told(*_):
        raise Other("the answer has no X-Repo-Commit, as every hub's has")

    monkeypatch.setattr(_reach.network, "knock", lambda *_: None)
    monkeypatch.setattr(_reach, "told", told)
    hub = next(iter(_reach.reach()))
    assert hub.state == "look"
    assert "login page" in hub.found
    assert "load " not in hub.found


def test_no_token(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    found = list(_reach.reach())[1]
    assert found.found.startswith("none")
    assert "HF_TOKEN" in found.do


REQUIRED = [
    "torch>=2.9",
    "numpy>=2.0",
    "transformers>=4.57; extra == 'hf'",
    "openTSNE>=1.0; extra == 'maps'",
    "umap-learn>=0.5.7; extra == 'maps'",
    "tool>=1; python_version < '3'",
]


@pytest.fixture
def packages(monkeypatch):
    """What is installed: name -> version."""
    here = {"torch": "2.13.0+cpu", "numpy": "2.3.0", "transformers": "5.0", "openTSNE": "1.0.2", "umap-learn": "0.5.9"}

    def version(name):
        if name not in here:
            raise metadata.PackageNotFoundError(name)
        return here[name]

    told = SimpleNamespace(
        requires=lambda name: REQUIRED, version=version, PackageNotFoundError=metadata.PackageNotFoundError
    )
    monkeypatch.setattr(_extras, "metadata", told)
    return here


def test_packages_that_are_here(packages):
    assert [(each.state, each.found) for each in _extras.needed()] == [("ok", "all 2 are here")]
    found = {each.what: each for each in _extras.extras()}
    assert found["hf"].found == "transformers 5.0. For encoders whose family is not read here directly"
    assert found["maps"].found.startswith("openTSNE 1.0.2, umap-learn 0.5.9.")
    assert found["onnx"].state == "look"  # of another version of repscope
    assert "does not know it" in found["onnx"].found


def test_packages_that_are_not_or_are_old(packages):
    packages["numpy"] = "1.26"
    del packages["umap-learn"]
    assert [(each.state, each.found) for each in _extras.needed()] == [("broken", "numpy is 1.26, wanted >=2.0")]
    maps = {each.what: each for each in _extras.extras()}["maps"]
    assert (maps.state, maps.do) == ("look", "pip install -c constraints.txt -e '.[maps]'")
    assert maps.found.startswith("umap-learn is not here")


def test_every_extra_of_the_package_has_a_purpose():
    import tomllib

    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(_extras.FOR) == set(extras) - {"test"}


def test_it_raises_nothing_whatever_fails(monkeypatch):
    def fails(*_, **__):
        raise ValueError("no")

    for module, name in ((_reach, "_token"), (_places, "_place"), (_machine, "memory"), (_extras, "_requirements")):
        monkeypatch.setattr(module, name, fails)
    report = doctor.doctor(fails)
    said = media["text"](report, width=100)
    assert said.count("could not be found out") == 6
    assert not doctor.broken(report)
