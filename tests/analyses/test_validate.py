"""validate: a row per finding, in words; what breaks a check off is a finding; nothing else stops."""

import shutil

import pytest
from safetensors.torch import load_file, save_file

import repscope
from repscope import checks
from repscope.analyses.validate import every, passed
from repscope.checks import Check, Finding
from repscope.encoders.families.lab import EMBEDDED
from repscope.errors import NoImages, UnfitCheckpoint, UnfitTokens, UnknownName, Unreachable, Unsupported
from repscope.render import media
from repscope.report import Note, Table

OURS = ["files", "layout"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))


def with_check(monkeypatch, run, name="layout"):
    """One check in place of another."""
    made = Check(name=name, asks="?", run=run)
    plain = type(checks.catalogue).__getitem__
    monkeypatch.setattr(
        type(checks.catalogue), "__getitem__", lambda self, key: {name: made}.get(key) or plain(self, key)
    )


def rows(report, verdict):
    """Rows of the tables of one verdict, whoever they are of."""
    held = [block for block in report.blocks if isinstance(block, Table) and block.title.endswith(f": {verdict}")]
    return [row for table in held for row in table.rows]


def test_a_report_like_any_other():
    report = repscope.validate(["tiny-mae"], checks=["preprocessing", *OURS])
    assert report.title == "Validation of tiny-mae"
    first = report.blocks[0]
    assert isinstance(first, Note)
    assert first.kind == "finding"
    assert "0 failed" in first.text
    assert any(row[1].startswith("SHA-256 of the weights: ") for row in rows(report, "verified now"))
    assert any(row[1] == "parameters, as published" for row in rows(report, "could not be checked"))
    assert not rows(report, "FAILED")
    assert report.provenance["command"] == "repscope validate -m tiny-mae --check preprocessing,files,layout"
    (encoder,) = report.provenance["encoders"]
    assert encoder["contract"]["name"] == "tiny-mae"
    assert "sha256" in encoder["revision"]
    assert passed(report)
    for name, medium in media.items():
        assert name == "png" or medium(report)
    assert media["png"](report) == {}  # it has no picture


def test_every_check_there_is_is_asked_in_order():
    assert every() == [name for name in checks.ORDER if name in checks.catalogue]
    assert set(every()) == set(checks.catalogue)
    for name in every():
        assert checks.catalogue[name].name == name
        assert checks.catalogue[name].asks.endswith(".")


def test_progress_is_told_and_names_are_taken_once():
    told = []
    report = repscope.validate(["tiny-mae", "tiny-dino", "tiny-mae"], checks=OURS, progress=lambda *at: told.append(at))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert [each["name"] for each in report.provenance["encoders"]] == ["tiny-mae", "tiny-dino"]


def test_without_a_name_those_of_the_package():
    report = repscope.validate(checks=["files"])
    assert {each["name"] for each in report.provenance["encoders"]} == {f.stem for f in EMBEDDED.glob("*.safetensors")}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (UnfitCheckpoint("torn."), "failed"),
        (UnfitTokens("not finite."), "failed"),
        (Unreachable("away."), "unchecked"),
        (Unsupported("cannot."), "unchecked"),
        (NoImages("none."), "unchecked"),
    ],
)
def test_what_breaks_a_check_off_is_a_finding(monkeypatch, error, verdict):
    def run(subject):
        yield Finding(about="before", verdict="verified", said="yes")
        raise error

    with_check(monkeypatch, run)
    report = repscope.validate(["tiny-mae"], checks=OURS)
    found = [each for each in report.provenance["findings"]["tiny-mae"] if each["check"] == "layout"]
    assert [each["verdict"] for each in found] == ["verified", verdict]
    assert found[1]["said"] == str(error).rstrip(".")
    assert passed(report) == (verdict != "failed")
    if verdict == "failed":
        note, table = report.blocks[:2]  # what failed comes first
        assert note.kind == "warning"
        assert "Failed: layout" in note.text
        assert [*table.rows] == rows(report, "FAILED") == [("layout", f"all the rest: {found[1]['said']}")]


def test_a_mistake_of_ours_is_no_finding(monkeypatch):
    def run(subject):
        raise ZeroDivisionError
        yield

    with_check(monkeypatch, run)
    with pytest.raises(ZeroDivisionError):
        repscope.validate(["tiny-mae"], checks=["layout"])


def test_a_number_has_what_is_allowed_beside_it(monkeypatch):
    def run(subject):
        yield Finding(about="x", verdict="failed", said="far", measured=0.5, at_most=0.1, unit="px", source="paper")

    with_check(monkeypatch, run)
    report = repscope.validate(["tiny-mae"], checks=["layout"])
    (number,) = report.numbers()
    assert (number.value, number.label) == (0.5, "measured")
    assert "no interval" in number.definition
    assert rows(report, "FAILED") == [("layout", "x: far (at most 0.1 px)", number)]
    assert report.blocks[2].rows == (("paper", "x"),)


def test_one_that_is_damaged_does_not_keep_the_others_from_being_asked(tmp_path):
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "tiny-mae.safetensors").write_bytes((EMBEDDED / "tiny-mae.safetensors").read_bytes()[:-1])
    report = repscope.validate([f"tiny-mae@{cut}", "tiny-mae", f"tiny-dino@{tmp_path / 'nowhere'}"], checks=OURS)
    counts = report.provenance["verdicts"]
    assert counts["tiny-mae"]["failed"] == 0
    assert counts[f"tiny-mae@{cut}"]["failed"] >= 1
    assert counts[f"tiny-dino@{tmp_path / 'nowhere'}"] == {"verified": 0, "failed": 1, "unchecked": 2}
    assert not passed(report)


def test_several_encoders_stand_beside_each_other():
    report = repscope.validate(["tiny-mae", "tiny-dino"], checks=OURS)
    (table,) = (block for block in report.blocks if isinstance(block, Table) and block.title == "Verdicts")
    assert table.header == ("", "tiny-mae", "tiny-dino")
    assert [row[0] for row in table.rows] == OURS
    for encoder, cells in zip(table.header[1:], list(zip(*table.rows, strict=True))[1:], strict=True):
        counts = report.provenance["verdicts"][encoder]
        told = [part for cell in cells for part in cell.split(", ")]
        assert sum(int(part.split()[0]) for part in told if part.endswith(" verified")) == counts["verified"]
        assert sum(int(part.split()[0]) for part in told if part.endswith("not checked")) == counts["unchecked"]


def test_names_and_checks_that_are_none_are_known_before_any_work(monkeypatch):
    monkeypatch.setattr("repscope.analyses.validate._findings", lambda *_: pytest.fail("work"))
    with pytest.raises(UnknownName, match="tiny-mae"):
        repscope.validate(["tiny-dino", "tiny-mea"])
    with pytest.raises(UnknownName, match="files"):
        repscope.validate(["tiny-dino"], checks=["file"])


def test_published_weights_that_are_not_here_fail_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    report = repscope.validate(["dinov2-vit-s14"], checks=["files", "layout", "preprocessing", "published"])
    counts = report.provenance["verdicts"]["dinov2-vit-s14"]
    assert counts["failed"] == 0
    assert counts["verified"] == 3  # shape of the contract, its transform, and the pixels that makes
    assert passed(report)


def test_an_encoder_from_another_library_is_validated_as_far_as_possible(tmp_path):
    from exported import PROCESSOR, matrix, write

    file = write(tmp_path / "e.onnx", matrix(), before=1, metadata={"preprocessing": PROCESSOR})
    report = repscope.validate([str(file)], checks=["files", "layout", "preprocessing", "published"])
    assert passed(report)
    assert report.provenance["verdicts"][str(file)]["verified"] == 2


def test_a_lab_file_elsewhere_says_itself_what_it_is(tmp_path):
    shutil.copy(EMBEDDED / "tiny-mae.safetensors", tmp_path / "mine.safetensors")
    report = repscope.validate([str(tmp_path / "mine.safetensors")], checks=["files", "layout", "preprocessing"])
    assert passed(report)
    assert any("no SHA-256 is known" in row[2] for row in rows(report, "could not be checked"))


def test_a_model_of_transformers_without_a_map_here_is_validated_too(tmp_path):
    import transformers

    transformers.logging.disable_progress_bar()
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.BeitConfig(**shape, image_size=16, patch_size=4, use_absolute_position_embeddings=True)
    transformers.BeitModel(config).save_pretrained(tmp_path / "beit")
    report = repscope.validate([str(tmp_path / "beit")], checks=["files", "layout", "preprocessing", "published"])
    assert passed(report), report
    said = " ".join(row[1] for row in rows(report, "verified now"))
    assert "tokens it makes of a photo: patches 4 x 4 x 16" in said


def test_a_damaged_file_fails_where_outputs_are_compared(tmp_path):
    """It is no reason why something could not be checked."""
    (tmp_path / "EUPE-ViT-T.pt").write_bytes(b"\0" * 100)
    report = repscope.validate([f"eupe-vit-t16@{tmp_path}"], checks=["published"])
    assert not passed(report)


def test_a_file_that_may_not_be_read_is_no_traceback(monkeypatch):
    def run(subject):
        raise PermissionError(13, "Permission denied", "x")
        yield

    with_check(monkeypatch, run)
    report = repscope.validate(["tiny-mae"], checks=["layout"])
    assert "a file cannot be read: [Errno 13] Permission denied: 'x'" in rows(report, "could not be checked")[0][2]


def test_weights_that_were_not_seen_and_those_that_are_not_the_published_ones_are_no_all_clear(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    first = repscope.validate(["dinov2-vit-s14"], checks=["files", "preprocessing"]).blocks[0]
    assert first.kind == "warning"
    assert "not seen" in first.text
    weights = load_file(EMBEDDED / "tiny-mae.safetensors")
    (tmp_path / "mine").mkdir()
    save_file({name: value + 0 for name, value in weights.items()}, tmp_path / "mine" / "tiny-mae.safetensors")
    first = repscope.validate([f"tiny-mae@{tmp_path / 'mine'}"], checks=["files"]).blocks[0]
    assert first.kind == "warning"
    assert "not the published weights" in first.text


def test_the_encoder_that_failed_comes_first(tmp_path):
    (tmp_path / "tiny-mae.safetensors").write_bytes(b"cut")
    report = repscope.validate(["tiny-dino", f"tiny-mae@{tmp_path}"], checks=["files"])
    assert [block.text.split(":")[0] for block in report.blocks[:2]] == [f"tiny-mae@{tmp_path}", "tiny-dino"]
