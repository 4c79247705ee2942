"""Weights over a network that fails in every way a network does: words for each, and never a damaged file."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub, point, serving, tag
from huggingface_hub import constants

from repscope.encoders import available, hub, transfer, whole
from repscope.errors import UnfitCheckpoint, Unreachable, Unwritable, WrongUsage

CHUNK = 10 << 20
"""What the hub's client reads before it writes any of it."""
WEIGHTS = hashlib.shake_256(b"weights").digest(CHUNK + (3 << 20))
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS}
SMALL = replace(available()["mae-vit-b16"], name="small", hub="someone/small", revision=COMMIT, sha256="", gated=False)
ALONE = """
import os, sys
sys.path[:0] = os.environ["REPSCOPE_PATH"].split(os.pathsep)
from repscope.encoders import hub
from repscope.errors import RepscopeError
from test_transfer import SMALL
try:
    print(hub.fetched(SMALL))
except RepscopeError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def alone(
    started: Hub, cache: Path, before: str = "", within: tuple[str, ...] = (), **environment: str
) -> subprocess.Popen:
    """Another process that fetches."""
    import repscope

    given = {"HF_ENDPOINT": started.address, "HF_HOME": str(cache.parent), "HF_HUB_OFFLINE": "0"} | environment
    given["REPSCOPE_PATH"] = os.pathsep.join((str(Path(repscope.__file__).parents[1]), str(Path(__file__).parent)))
    command = [*within, sys.executable, "-c", before + ALONE]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | given)


def ended(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out.strip(), err


def kept(cache: Path) -> list[Path]:
    """What is left of transfers that did not end."""
    return list(cache.glob("models--*/blobs/*.incomplete"))


def is_whole(folder: Path | str) -> bool:
    return (Path(folder) / "model.safetensors").read_bytes() == WEIGHTS


def test_it_is_fetched_once(cache, served):
    started = served(FILES)
    folder = hub.fetched(SMALL)
    assert is_whole(folder)
    assert folder == cache / "models--someone--small" / "snapshots" / COMMIT
    asked = len(started.asked)
    assert hub.fetched(SMALL) == folder
    assert len(started.asked) == asked
    assert not kept(cache)


def test_a_connection_that_breaks_is_taken_up_again_at_once(cache, served):
    started = served(FILES, cut=CHUNK + 5)
    assert is_whole(hub.fetched(SMALL))
    assert started.got() == ["", f"bytes={CHUNK}-"]


def test_a_download_that_was_cut_short_goes_on(cache, served):
    started = served(FILES, cut=CHUNK + 5, then=503)
    with pytest.raises(Unreachable, match=r"someone/small answered 503\. Try again later: what has come is kept"):
        hub.fetched(SMALL)
    (part,) = kept(cache)
    assert part.read_bytes() == WEIGHTS[:CHUNK]
    assert hub.cached(SMALL) is None
    started.then, started.asked[:] = 0, []
    assert is_whole(hub.fetched(SMALL))
    assert started.got() == [f"bytes={CHUNK}-"]
    assert not kept(cache)


def test_what_was_left_of_another_file_is_found_out_and_fetched_from_the_start(cache, served):
    started = served(FILES)
    blobs = cache / "models--someone--small" / "blobs"
    blobs.mkdir(parents=True)
    part = blobs / f"{tag(WEIGHTS)}.repscope.incomplete"
    for rubbish in (b"\0" * 1000, WEIGHTS + b"more"):
        part.write_bytes(rubbish)
        assert is_whole(hub.fetched(SMALL))
        (blobs / tag(WEIGHTS)).unlink()
    assert started.got() == ["bytes=1000-", "", ""]


def test_a_process_that_is_killed_leaves_what_had_come(cache, served):
    started = served(FILES, cut=CHUNK + 5, slow=20)
    process = alone(started, cache)
    for _ in range(1000):
        if kept(cache) and kept(cache)[0].stat().st_size == CHUNK:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    assert hub.cached(SMALL) is None
    started.asked.clear()
    code, folder, err = ended(alone(started, cache))
    assert code == 0, err
    assert is_whole(folder)
    assert started.got() == [f"bytes={CHUNK}-"]


def test_two_processes_at_once_fetch_one_file(cache, served):
    started = served(FILES, cut=CHUNK + 5, slow=2)  # so long that the other comes too
    processes = [alone(started, cache) for _ in range(2)]
    for code, folder, err in map(ended, processes):
        assert code == 0, err
        assert is_whole(folder)
    assert started.got() == ["", f"bytes={CHUNK}-"]
    assert not kept(cache)


@pytest.mark.parametrize("pinned", [False, True])
def test_a_damaged_file_is_found_and_fetched_again(cache, served, pinned):
    served(FILES)
    contract = replace(SMALL, sha256=tag(WEIGHTS) if pinned else "")
    folder = hub.fetched(contract)
    for place in ("model.safetensors", "config.json"):
        file = folder / place
        file.write_bytes(b"\xff" + file.read_bytes()[1:])
        assert hub.damaged(contract, folder) == [file]
        assert hub.fetched(contract) == folder
        assert is_whole(folder)
        assert (folder / "config.json").read_bytes() == b"{}"
        assert not hub.damaged(contract, folder)


def test_what_was_read_once_is_read_again_only_after_somebody_wrote_it(cache, served, monkeypatch):
    served(FILES)
    folder = hub.fetched(SMALL)
    assert not hub.damaged(SMALL, folder)
    read = []
    with monkeypatch.context() as watched:
        watched.setattr(whole, "digest", lambda file, like: read.append(file.name) or like)
        assert hub.fetched(SMALL) == folder
        assert read == ["config.json"]  # small: read in no time
        assert hub.fetched(SMALL, thorough=True) == folder
        assert read == ["config.json", "model.safetensors", "config.json"]
    file = folder / "model.safetensors"
    about = file.stat()
    file.write_bytes(b"\xff" + WEIGHTS[1:])
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))  # as if nothing had been
    assert hub.damaged(SMALL, folder) == [file]


def test_a_damaged_copy_is_replaced_where_the_cache_has_no_links(cache, served, monkeypatch):
    served(FILES)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True)
    contract = replace(SMALL, sha256=tag(WEIGHTS))
    file = hub.fetched(contract) / "model.safetensors"
    assert not file.is_symlink()
    file.write_bytes(b"\xff" + WEIGHTS[1:])
    assert is_whole(hub.fetched(contract))


def test_a_damaged_file_is_kept_and_told_of_where_there_is_no_network(cache, served, monkeypatch):
    served(FILES)
    folder = hub.fetched(SMALL)
    file = folder / "model.safetensors"
    file.write_bytes(WEIGHTS[:-1])
    point("http://127.0.0.1:1", monkeypatch)
    with pytest.raises(UnfitCheckpoint) as told:
        hub.fetched(SMALL)
    for words in (
        str(file),
        "is damaged",
        tag(WEIGHTS),
        "could not be fetched again",
        "http://127.0.0.1:1",
        "small@DIR",
    ):
        assert words in str(told.value)
    assert file.read_bytes() == WEIGHTS[:-1]


def test_a_damaged_file_where_nobody_is_to_be_asked(cache, served, monkeypatch):
    started = served(FILES)
    file = hub.fetched(SMALL) / "config.json"
    file.write_bytes(b"")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(started.asked)
    with pytest.raises(UnfitCheckpoint, match=r"config\.json is damaged.*fetched again.*HF_HUB_OFFLINE is set"):
        hub.fetched(SMALL)
    assert len(started.asked) == asked


def test_weights_go_where_the_environment_says(cache, served, monkeypatch, tmp_path):
    served(FILES)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    folder = hub.fetched(SMALL)
    assert is_whole(folder)
    assert folder == tmp_path / "elsewhere" / "models--someone--small" / "snapshots" / COMMIT
    assert not cache.exists()


def test_a_hub_that_holds_another_file_than_the_pinned_one(cache, served):
    started = served(FILES)
    contract = replace(SMALL, sha256="0" * 64)
    for _ in range(2):
        with pytest.raises(UnfitCheckpoint, match=f"its SHA-256 is {tag(WEIGHTS)}, wanted 000.*see HF_ENDPOINT"):
            hub.fetched(contract)
    assert len(started.got()) == 1


@pytest.mark.parametrize("portal", ["head", "get"])
def test_a_web_page_is_not_kept_as_weights(cache, served, portal):
    served(FILES, portal=portal)
    with pytest.raises(Unreachable) as told:
        hub.fetched(SMALL)
    assert {"head": "X-Repo-Commit is None", "get": "a web page came in place of config.json"}[portal] in str(
        told.value
    )
    for words in ("something else", "login page", "HTTPS_PROXY", "HF_ENDPOINT"):
        assert words in str(told.value)
    assert not [path for path in cache.rglob("*") if path.is_file() and b"<html" in path.read_bytes().lower()]


@pytest.mark.parametrize("length", [len(WEIGHTS), 900])
def test_a_page_of_any_length_in_place_of_a_large_file(cache, served, length):
    started = served(FILES, lies=b"  <html>" + b"x" * (length - 8))
    with pytest.raises(Unreachable, match=r"a web page came in place of model\.safetensors"):
        hub.fetched(SMALL)
    assert not kept(cache)
    started.lies = None
    assert is_whole(hub.fetched(SMALL))


def test_other_bytes_of_the_right_length_are_refused(cache, served):
    served(FILES, lies=b"\0" * len(WEIGHTS))
    with pytest.raises(Unreachable, match=rf"with the digest [0-9a-f]{{64}}, and the hub tells of {tag(WEIGHTS)}"):
        hub.fetched(SMALL)
    assert hub.cached(SMALL) is None
    assert not kept(cache)


def test_a_file_that_is_shorter_than_was_said(cache, served):
    started = served(FILES, lies=WEIGHTS[: CHUNK + 7])
    with pytest.raises(Unreachable, match=r"the connection to 127\.0\.0\.1:\d+ broke \(.*Try again: it goes on"):
        hub.fetched(SMALL)
    assert hub.cached(SMALL) is None
    started.lies = None
    assert is_whole(hub.fetched(SMALL))
    assert started.got()[-1] == f"bytes={CHUNK + 7}-"


def test_a_mirror_that_keeps_large_files_elsewhere_does_not_show_the_token_there(cache, served, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving(Hub(FILES)) as store:
        started = served(FILES, store=store.address)
        assert is_whole(hub.fetched(SMALL))
        assert store.got() == [""]
        assert {token for *_, token in store.asked} == {""}
        assert {token for _, name, _, token in started.asked if name.endswith((".json", ".safetensors"))} == {
            "hf_secret"
        }


def test_a_proxy_is_gone_through(cache, served):
    started = served(FILES)
    code, folder, err = ended(alone(started, cache, HF_ENDPOINT="http://hub.invalid", http_proxy=started.address))
    assert code == 0, err
    assert is_whole(folder)


def test_a_mirror_that_names_files_in_a_way_of_its_own_is_left_to_the_client(cache, served):
    served(FILES, names="release-7")
    folder = hub.fetched(SMALL)
    assert is_whole(folder)
    assert not hub.damaged(SMALL, folder)  # nothing is known
    assert hub.wanted(SMALL, folder / "model.safetensors") == ""


@pytest.mark.parametrize(
    ("wrong", "token", "says"),
    [
        ({"gated": True, "token": "hf_right"}, "", "its licence must be accepted: do so at http://127"),
        ({"token": "hf_right"}, "hf_wrong", "does not know the token it was shown (401). Make one at"),
        ({"down": 403}, "hf_right", "the token may not read"),
        ({"down": 500}, "", "answered 500. Try again later"),
        ({"down": 418}, "", "answered 418. `repscope models small`"),
        ({"commit": "f" * 40}, "", f"has no revision {COMMIT}: its owner may have taken it back"),
    ],
)
def test_a_hub_that_refuses_is_told_of_in_words(cache, served, monkeypatch, wrong, token, says):
    served(FILES, **wrong)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(Unreachable) as told:
        hub.fetched(SMALL)
    assert says in str(told.value)
    assert "load small@DIR" in str(told.value)
    assert not token or token not in str(told.value)


def test_the_right_token_opens_a_gate(cache, served, monkeypatch):
    served(FILES, gated=True, token="hf_right")
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert is_whole(hub.fetched(SMALL))


def test_a_repository_that_is_not_there(cache, served):
    served(FILES)
    with pytest.raises(Unreachable, match="someone/else is not there, or private: set HF_TOKEN"):
        hub.fetched(replace(SMALL, hub="someone/else"))
    with pytest.raises(Unreachable, match="its licence must be accepted"):  # the hub hides what is gated from some
        hub.fetched(replace(SMALL, hub="someone/else", gated=True))


def test_offline_by_choice_and_by_nature(cache, served, monkeypatch):
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1/someone/small does not answer, and the cache at"):
        hub.fetched(SMALL)
    started = served(FILES)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Unreachable, match=r"HF_HUB_OFFLINE is set, and the cache at .*hub does not have them"):
        hub.fetched(SMALL)
    assert started.asked == []


def test_a_firewall_that_denies_is_no_folder_that_may_not_be_written(cache, monkeypatch):
    def denied(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(hub.network, "knock", denied)
    with pytest.raises(Unreachable, match=r"does not answer, and the cache at .* \(\[Errno 13\] Permission denied\)"):
        hub.fetched(SMALL)


def test_a_file_that_is_kept_in_pieces_is_asked_of_the_hub(cache, served, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving(Hub(FILES)) as store:
        started = served(FILES, store=store.address, pieces=True)
        assert is_whole(hub.fetched(SMALL))
        assert started.got() == store.got() == [""]
        assert {token for *_, token in store.asked} == {""}


def test_a_disk_without_room_is_told_of_before_anything_comes(cache, served, monkeypatch):
    started = served(FILES)
    usage = namedtuple("usage", "total used free")(1 << 30, 1 << 30, 2_000_000)
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Unwritable) as told:
        hub.fetched(SMALL)
    for words in (str(cache), f"model.safetensors needs {len(WEIGHTS):,} bytes more, 2,000,000 are free", "HF_HOME"):
        assert words in str(told.value)
    assert started.got() == []


def test_a_file_that_may_not_grow_any_more_stops_in_words_and_goes_on(cache, served):
    started = served(FILES)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
    code, _, err = ended(alone(started, cache, limit))
    assert code == 1
    assert err.startswith(f"Unwritable: The weights of small could not be kept: the disk of {cache} is full")
    assert "Traceback" not in err
    (part,) = kept(cache)
    assert part.read_bytes() == WEIGHTS[:2_000_000]
    assert is_whole(hub.fetched(SMALL))
    assert started.got() == ["", "bytes=2000000-"]


def test_a_disk_that_fills_up(cache, served):
    """A real one, where this machine lets one be made."""
    started, disk = served(FILES), cache.parent
    disk.mkdir()
    mount = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"', str(disk)]
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mounts of one's own here")
    code, _, err = ended(alone(started, cache, within=tuple(mount)))
    assert code == 1
    assert err.startswith(f"Unwritable: The weights of small could not be kept: the disk of {cache} is full")
    assert "Traceback" not in err


def test_a_cache_that_may_not_be_written(cache, served):
    served(FILES)
    cache.parent.mkdir()
    cache.write_text("a file where a folder should be")
    with pytest.raises(Unwritable, match="may not be written"):
        hub.fetched(SMALL)


@pytest.mark.parametrize("commit", ["../../../../precious", "", "main", "0" * 39])
def test_a_commit_that_is_none_names_no_folder(cache, served, commit):
    """It comes from whoever answers, and a copy below it might be taken away."""
    precious = cache.parent / "precious" / "config.json"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    started = served(FILES)
    started.commit = commit
    with pytest.raises(Unreachable, match="something else"):
        hub.fetched(replace(SMALL, revision=""))
    assert precious.read_text() == "mine"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://huggingface.co/x", True),
        ("http://huggingface.co/x", False),
        ("https://elsewhere.example/x", False),
        ("https://huggingface.co.example/x", False),
        ("https://huggingface.co@elsewhere.example/x", False),
    ],
)
def test_the_token_goes_to_the_hub_alone_and_never_in_the_clear(monkeypatch, url, shown):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(constants, "ENDPOINT", "https://huggingface.co")
    assert ("authorization" in transfer._headers(url)) == shown


@pytest.mark.parametrize("address", ["http://[::1", "nonsense", "ftp://huggingface.co", "https://"])
def test_an_address_that_is_none_is_told(cache, monkeypatch, address):
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(WrongUsage, match="HF_ENDPOINT is"):
        hub.fetched(SMALL)


def test_a_home_that_is_none_is_told(monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", "~nobodyhere/x")
    with pytest.raises(WrongUsage, match="no such home"):
        hub.cached(SMALL)
