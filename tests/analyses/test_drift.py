"""drift: onnx files, mistakes, memory, every medium, provenance."""

import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drifting import BEFORE, block_of, collapsed, many, moving, row, said, touched
from exported import PROCESSOR, matrix, write
from known import Known

import repscope
from repscope.analyses import _checkpoints
from repscope.errors import NoImages, UnfitCheckpoint, UnfitTokens, UnknownName, WrongUsage
from repscope.render import media
from repscope.report import Curve, Table


def test_onnx_checkpoints(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    big = matrix(patch=1)
    for step in (9, 10):
        write(tmp_path / f"step-{step}.onnx", big, before=1)
    report = repscope.drift(many(2), tmp_path)
    assert row(report, BEFORE, "step-9 → step-10")["CKA"].value == pytest.approx(1)
    assert "step-9, step-10 are the same weights." in said(report)


class TestUsage:
    def test_one_or_none(self, photos, tmp_path):
        with pytest.raises(WrongUsage, match=r"two checkpoints or more; got only step-1.*with inspect"):
            repscope.drift(photos, [moving("step-1", 0)])
        with pytest.raises(WrongUsage, match="got none"):
            repscope.drift(photos, [])
        with pytest.raises(UnfitCheckpoint, match=r"no file or folder .*nowhere"):
            repscope.drift(photos, str(tmp_path / "nowhere"))
        touched(tmp_path, "step-1.safetensors")
        with pytest.raises(WrongUsage, match="got only step-1"):
            repscope.drift(photos, tmp_path)

    @pytest.mark.parametrize(("what", "named"), [("family", "hf"), ("width", "200"), ("patch grid", "16 x 16")])
    def test_another_kind_is_named_with_what_differs(self, photos, what, named):
        one, other = moving("step-1", 0), moving("step-2", 0)
        if what == "family":
            other.contract = replace(other.contract, family="hf")
        elif what == "width":
            shape = replace(other.contract.architecture, width=200, heads=1)
            other.contract = replace(other.contract, architecture=shape)
        else:
            for each, size in ((one, 64), (other, 128)):
                rule = replace(each.contract.preprocessing, size=size)
                each.contract = replace(each.contract, preprocessing=rule)
        one.see = other.see = lambda photo, layer: pytest.fail("a photo was looked at")
        with pytest.raises(WrongUsage, match=rf"the {what} differs: .* of step-1, {named} of step-2"):
            repscope.drift(photos, [one, other])

    def test_what_is_no_encoder(self, photos, tmp_path):
        touched(tmp_path, "step-1.safetensors", "step-2.safetensors")
        with pytest.raises(UnfitCheckpoint, match=r"step-1\.safetensors"):
            repscope.drift(photos, tmp_path)
        with pytest.raises(UnknownName, match="Did you mean tiny-random"):
            repscope.drift(photos, ["tiny-radom", "tiny-random"])

    def test_photos_that_are_none(self, photos):
        run = [moving("step-1", 0), moving("step-2", 0)]
        with pytest.raises(NoImages):
            repscope.drift(["nowhere.jpg"], run)
        flat = replace(photos[0], pixels=np.full((48, 64, 3), 90, np.uint8), source="flat.png")
        with pytest.raises(UnfitTokens, match="one flat colour"):
            repscope.drift([flat], run)
        report = repscope.drift([flat, *photos[1:]], run)
        assert report.skipped[0][0] == "flat.png"
        assert row(report, BEFORE, "step-1 → step-2")["CKA"].n == 5

    def test_another_transform_is_warned_of(self, photos):
        one, other = moving("step-1", 0), moving("step-2", 0)
        other.contract = replace(other.contract, preprocessing=replace(other.contract.preprocessing, filter="bilinear"))
        assert any("transforms differ" in text for text in said(repscope.drift(photos, [one, other]), "warning"))


def test_one_encoder_is_held_at_a_time(photos, monkeypatch):
    held, most = weakref.WeakSet(), []

    def load(name: str, precision: str) -> Known:
        assert precision == "float32"  # steps are held against each other: rounding must not move them
        made = moving(name, int(name[5:]) / 10)
        held.add(made)
        most.append(len(held))
        return made

    monkeypatch.setattr(_checkpoints, "load", load)
    report = repscope.drift(photos, [f"step-{n}" for n in (3, 1, 2)])
    assert "3 checkpoints" in report.title
    assert len(most) == 6  # contracts first, then photos
    assert max(most) == 1


def test_every_medium_shows_it(photos, tmp_path):
    report = repscope.drift(photos, [moving("step-1", 0), moving("step-2", 0.2), collapsed("step-3")])
    curves = [block for block in report.blocks if isinstance(block, Curve)]
    assert len(curves) == 9
    fewer = replace(report, blocks=tuple(block for block in report.blocks if block not in curves[1:-1]))
    written = fewer.save(tmp_path / "out", ("text", "json", "html", "png"))
    assert {"report.txt", "report.json", "report.html"} < {Path(name).name for name in written}
    pictures = [name for name in written if name.endswith(".png")]
    assert len(pictures) == 2  # a second each
    ascii_page = media["text"](report, encoding="ascii")
    assert ascii_page.isascii()
    for page in (media["text"](report, width=200), media["html"](report), ascii_page):
        assert "step-3 gives one token for every patch" in " ".join(page.split())


def test_provenance_and_progress(photos):
    seen: list[tuple[int, int]] = []
    run = [moving(f"step-{n}", n / 10) for n in (10, 9, 2)]
    report = repscope.drift(photos, run, batch=4, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (18, 18)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    made = report.provenance
    assert made["analysis"] == "drift"
    assert made["options"]["checkpoints"] == ["step-2", "step-9", "step-10"]
    assert [each["contract"]["name"] for each in made["encoders"]] == ["step-2", "step-9", "step-10"]
    assert {photo["sha256"] for photo in made["photos"]} == {photo.sha256 for photo in photos}
    assert isinstance(block_of(report, "Contract"), Table)
