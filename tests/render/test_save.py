"""Save: every file whole, a manifest that tells the truth, and nothing of anyone else's touched."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from repscope.catalogue import names
from repscope.errors import UnfitData, UnknownName, Unwritable
from repscope.render import _save, media
from repscope.render._save import save
from repscope.render.json import from_json
from repscope.report import Heatmap, Note, Number, Report

SMALL = Report("small", (Note("a finding", "finding"), Number("n", 1.0)), {"seed": 3})
PICTURED = Report("small", (Heatmap("A matrix", ("a",), ("b",), ((Number("n", 0.5),),)),))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_media_are_the_public_files_of_the_folder():
    assert tuple(media) == names("repscope.render") == ("html", "json", "png", "text")
    assert [media[name].__name__ for name in media] == list(media)


def test_listing_the_media_imports_none_of_them():
    listing = "import sys; from repscope.render import media; list(media); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "repscope.render" in loaded
    assert not loaded & {"numpy", "torch", "PIL", "altair", "vl_convert", "rich", "jinja2", "repscope.render.html"}


def test_what_is_written_is_what_the_media_say(tmp_path: Path):
    written = save(SMALL, tmp_path / "new" / "out", ("text", "json", "html", "png"))
    found = contents(tmp_path / "new" / "out")
    assert set(found) == {"report.txt", "report.json", "report.html", "manifest.json"}
    assert found["report.txt"].decode() == media["text"](SMALL)
    assert from_json(found["report.json"].decode()) == SMALL
    assert written == {str(tmp_path / "new" / "out" / name): sha256(data).hexdigest() for name, data in found.items()}


def test_the_manifest_tells_size_hash_and_provenance(tmp_path: Path):
    PICTURED.save(tmp_path, ("png", "json"))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert set(manifest["files"]) == {"a-matrix.png", "report.json"}
    for name, entry in manifest["files"].items():
        data = (tmp_path / name).read_bytes()
        assert entry == {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
    SMALL.save(tmp_path, ("json",), force=True)
    assert json.loads((tmp_path / "manifest.json").read_text())["provenance"] == {"seed": 3}


def test_a_reports_own_files_are_saved_beside_it_whatever_the_format(tmp_path: Path):
    report = Report("small", (), files={"metrics.json": {"a": {"value": 0.5, "ci": [0.4, float("nan")]}}})
    written = report.save(tmp_path, ("text",))
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"a": {"value": 0.5, "ci": [0.4, None]}}
    assert str(tmp_path / "metrics.json") in written
    assert from_json(media["json"](report)).files["metrics.json"]["a"]["value"] == 0.5
    SMALL.save(tmp_path, ("text",), force=True)
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.parametrize(
    "name", ["../out.json", "/tmp/out.json", "manifest.json", "report.json", "a.html", ".json", "a/b.json"]
)
def test_a_strangers_report_writes_nowhere_else(tmp_path: Path, name: str):
    with pytest.raises(UnfitData, match="plain name of its own"):
        Report("small", (), files={name: {}}).save(tmp_path / "out", ("json",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("medium", ["text", "json", "html", "png"])
def test_the_same_report_gives_the_same_bytes(report: Report, medium: str):
    assert media[medium](report) == media[medium](report)


def test_a_report_with_everything_is_saved_and_opens(report: Report, tmp_path: Path):
    written = report.save(tmp_path, ("text", "json", "html", "png"))
    assert len(written) == 4 + 7
    assert from_json((tmp_path / "report.json").read_text()).title == report.title


def test_an_occupied_folder_wants_force(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Unwritable, match="--force"):
        save(SMALL, tmp_path, ("json",))
    assert contents(tmp_path) == {"mine.txt": b"mine"}
    save(SMALL, tmp_path, ("json",), force=True)
    assert set(contents(tmp_path)) == {"mine.txt", "report.json", "manifest.json"}


def test_force_removes_only_what_the_old_report_left(tmp_path: Path):
    save(PICTURED, tmp_path, ("png", "json", "text"))
    (tmp_path / "report.txt").write_text("annotated by hand")
    (tmp_path / "mine.png").write_bytes(b"mine")
    save(SMALL, tmp_path, ("json",), force=True)
    found = contents(tmp_path)
    assert set(found) == {"manifest.json", "report.json", "report.txt", "mine.png"}
    assert found["report.txt"] == b"annotated by hand"
    assert from_json(found["report.json"].decode()) == SMALL


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{}",
        '{"files": 3}',
        '{"files": {"../outside": {"sha256": "%s"}}}',
        '{"files": {"sub/x": {"sha256": "%s"}}}',
    ],
)
def test_a_manifest_is_not_obeyed_beyond_its_folder(tmp_path: Path, manifest: str):
    outside = tmp_path / "outside"
    outside.write_bytes(b"keep")
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "x").write_bytes(b"keep")
    (folder / "manifest.json").write_text(manifest.replace("%s", sha256(b"keep").hexdigest()))
    save(SMALL, folder, ("json",), force=True)
    assert outside.read_bytes() == (folder / "sub" / "x").read_bytes() == b"keep"


def test_an_unknown_format_writes_nothing(tmp_path: Path):
    with pytest.raises(UnknownName, match=r"'htm'.*html"):
        save(SMALL, tmp_path / "out", ("json", "htm"))
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    for target in ("file", "file/below"):
        with pytest.raises(Unwritable, match="file"):
            save(SMALL, tmp_path / target, ("json",), force=True)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_a_file_belongs_is_said(tmp_path: Path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(Unwritable, match="Cannot write"):
        save(SMALL, tmp_path, ("json",), force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_full_disk_leaves_the_old_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save(PICTURED, tmp_path, ("json", "text"))
    before = contents(tmp_path)
    whole = Path.open

    def full(self: Path, mode: str = "r", *rest: object, **more: object):
        if self.name == "manifest.json.part":
            raise OSError(28, "No space left on device")
        return whole(self, mode, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(Unwritable, match="No space left"):
        save(SMALL, tmp_path, ("json", "text"), force=True)
    monkeypatch.undo()
    assert contents(tmp_path) == before


def test_a_kill_between_renames_leaves_whole_files_and_the_old_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    save(PICTURED, tmp_path, ("json", "text"))
    before, renamed = contents(tmp_path), []
    rename = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if renamed:
            raise KeyboardInterrupt
        renamed.append(target)
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save(SMALL, tmp_path, ("json", "text"), force=True)
    monkeypatch.undo()
    after = contents(tmp_path)
    assert from_json(after.pop("report.json").decode()) == SMALL
    assert after == {name: data for name, data in before.items() if name != "report.json"}


def test_a_new_folder_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def killed(self: Path, content: bytes) -> int:
        if self.name == "manifest.json":
            raise KeyboardInterrupt
        return len(content)

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        save(PICTURED, tmp_path / "new" / "report", ("json", "text"))
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_appears_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepare, folder = _save.prepare, tmp_path / "race"

    def late(place: Path, force: bool) -> None:
        prepare(place, force)
        folder.mkdir()
        (folder / "report.json").write_text("somebody's")

    monkeypatch.setattr(_save, "prepare", late)
    with pytest.raises(Unwritable, match="appeared meanwhile"):
        save(SMALL, folder, ("json",))
    assert contents(folder) == {"report.json": b"somebody's"}
    assert [path.name for path in tmp_path.iterdir()] == ["race"]


def test_the_manifest_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    order, rename = [], Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: order.append(target.name) or rename(self, target))
    save(PICTURED, tmp_path, ("json", "png", "text"))
    assert order[-1] == _save.MANIFEST
    assert len(order) == 4


def test_a_link_is_replaced_not_followed(tmp_path: Path):
    target = tmp_path / "elsewhere.txt"
    target.write_text("not ours")
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("report.json", "report.json.part"):
        (folder / name).symlink_to(target)
    save(SMALL, folder, ("json",), force=True)
    assert target.read_text() == "not ours"
    assert not (folder / "report.json").is_symlink()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to the administrator")
def test_a_closed_folder_is_said(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(Unwritable, match="Cannot write"):
        save(SMALL, tmp_path / "out", ("json",))
