"""What a person may get wrong: each has a message that says what to do, an exit code, and loses nothing else."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def empty_folder(folder: Path) -> Path:
    (folder / "nothing here").mkdir()
    return folder / "nothing here"


def zero_bytes(folder: Path) -> Path:
    (folder / "zero.jpg").touch()
    return folder / "zero.jpg"


def text_as_jpeg(folder: Path) -> Path:
    (folder / "text.jpg").write_text("Dear diary, this is no photo.\n" * 9)
    return folder / "text.jpg"


def truncated(folder: Path) -> Path:
    path = folder / "cut.jpg"
    Image.effect_noise((96, 96), 90).convert("RGB").save(path, quality=95)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    return path


def bomb(folder: Path) -> Path:
    """A PNG of 80 bytes that says it has 60000 x 60000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return folder / "bomb.png"


def one_pixel(folder: Path) -> Path:
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    return folder / "dot.png"


def one_row(folder: Path) -> Path:
    Image.effect_noise((10000, 1), 90).save(folder / "row.png")
    return folder / "row.png"


def one_colour(folder: Path) -> Path:
    Image.new("RGB", (96, 96), (90, 90, 90)).save(folder / "grey.png")
    return folder / "grey.png"


def missing(folder: Path) -> Path:
    return folder / "missing.jpg"


BAD = [missing, empty_folder, zero_bytes, text_as_jpeg, truncated, bomb, one_pixel, one_row]


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_a_bad_photo_among_good_ones_is_named_skipped_and_counted(run, photo, tmp_path, make):
    bad = make(tmp_path)
    said = run("inspect", bad, photo, "--format", "json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert [entry["id"] for entry in report["provenance"]["photos"]] == ["photo.png"]
    ((source, reason),) = report["skipped"]
    assert source == str(bad)
    assert len(reason) > 10
    assert said.err.startswith("1 input was skipped")


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_nothing_but_a_bad_photo_fails_and_says_why(run, tmp_path, make):
    bad = make(tmp_path)
    said = run("inspect", bad)
    assert said.code == 1
    assert said.out == ""
    assert said.err.startswith("repscope: ")
    assert str(bad) in said.err


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_strict_fails_on_the_first_bad_photo(run, photo, tmp_path, make):
    bad = make(tmp_path)
    said = run("inspect", photo, bad, "--strict", "-o", tmp_path / "out", "--format", "json")
    assert said.code == 1
    assert str(bad) in said.err
    assert not (tmp_path / "out").exists()


def test_several_bad_photos_are_all_named(run, photo, tmp_path):
    bad = [make(tmp_path) for make in (missing, zero_bytes, one_pixel)]
    said = run("compare", *bad, photo, "-m", "tiny-mae,tiny-random")
    assert said.code == 0
    assert "3 inputs were skipped" in said.err
    printed = "".join(said.out.split())  # a long path is folded
    assert all(path.name in printed for path in bad)


def test_a_photo_of_one_colour_is_no_bad_encoder(run, photo, tmp_path):
    """Position embeddings may tell its patches apart; whichever it is, the run holds or names the photo."""
    said = run("inspect", photo, one_colour(tmp_path), "--format", "json")
    assert said.code == 0
    assert json.loads(said.out)["title"]


def test_an_animation_is_shown_by_its_first_frame_and_that_is_noted(run, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (3, 96, 96, 3), dtype=np.uint8)
    first, *rest = [Image.fromarray(frame).quantize() for frame in noise]
    first.save(tmp_path / "moving.gif", save_all=True, append_images=rest)
    first.save(tmp_path / "still.gif")
    moving, still = (
        json.loads(run("inspect", tmp_path / name, "--format", "json").out) for name in ("moving.gif", "still.gif")
    )
    assert "frame 1 of several" in moving["provenance"]["photos"][0]["notes"]
    assert "frame 1 of several" not in still["provenance"]["photos"][0]["notes"]
    tables = [[block for block in each["blocks"] if block["block"] == "table"] for each in (moving, still)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["inspect", "-m", "tiny-may"], "tiny-mae"),
        (["compare", "-m", "tiny-mae,dinov2-vit-s15"], "dinov2-vit-s14"),
        (["compare", "-m", "tiny-mae,tiny-mae"], "tiny-mae is named twice"),
        (["compare", "-m", "tiny-mae"], "two encoders"),
        (["inspect", "-m", "tiny-mae,tiny-random"], "compare"),
        (["models", "tiny-may"], "tiny-mae"),
        (["metrics", "effective_rang"], "effective_rank"),
        (["metrics", "--format", "png"], "'text', 'json', 'html'"),
        (["inspect", "--format", "docx"], "docx"),
        (["inspect", "--format", ","], "names no format"),
        (["inspect", "--frame", "round"], "round"),
        (["inspect", "--batch", "0"], "--batch"),
        (["inspect", "--query", "middle"], "middle"),
        (["inspect", "--query", "0.5,1.5"], "1.5"),
        (["compare", "--query", "0.5,1.5"], "1.5"),
        (["compare", "--layer", "99"], "99"),
        (["compare", "--model"], "--model"),
        (["compare", "--colour"], "--colour"),
        (["look"], "look"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(run, arguments, says):
    said = run(*arguments)
    assert said.code == 2
    assert says in said.err
    assert said.out == ""


def test_damaged_tokens_name_the_encoder_and_the_layer(run, photo, lab_encoder):
    file = lab_encoder("damaged.safetensors", lambda weight: weight * float("nan"))
    said = run("inspect", photo, "-m", file)
    assert said.code == 1
    assert str(file) in said.err
    assert "layer" in said.err
    assert "finite" in said.err


def test_constant_tokens_name_the_encoder_and_the_layer(run, photo, lab_encoder):
    file = lab_encoder("silent.safetensors", lambda weight: weight * 0)
    said = run("compare", photo, "-m", f"{file},tiny-mae")
    assert said.code == 1
    assert str(file) in said.err
    assert "layer" in said.err
    assert "same token" in said.err


def test_an_encoder_of_the_lab_is_named_by_its_file(run, photo, lab_encoder):
    """The two tests above fail for their weights, not for their making."""
    file = lab_encoder("whole.safetensors", lambda weight: weight + 0.1 * weight.new_tensor(range(weight.shape[-1])))
    said = run("inspect", photo, "-m", file)
    assert said.code == 0, said.err


@pytest.mark.parametrize("content", [b"", b"no tensors at all", struct.pack("<Q", 10**9), struct.pack("<Q", 4) + b"{}"])
def test_a_corrupt_encoder_is_named(run, photo, tmp_path, content):
    file = tmp_path / "corrupt.safetensors"
    file.write_bytes(content)
    said = run("inspect", photo, "-m", file)
    assert said.code == 1
    assert str(file) in said.err


def test_a_cut_encoder_is_named(run, photo, lab_encoder):
    file = lab_encoder("cut.safetensors", lambda weight: weight)
    file.write_bytes(file.read_bytes()[:-100])
    said = run("inspect", photo, "-m", file)
    assert said.code == 1
    assert str(file) in said.err


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("command", ["inspect", "compare"])
def test_a_photo_that_is_not_there_costs_no_loading(run, photo, tmp_path, monkeypatch, command, strict):
    monkeypatch.setattr("repscope.encoders.load", lambda _: pytest.fail("work began"))
    said = run(command, *([photo, "--strict"] if strict else []), missing(tmp_path), empty_folder(tmp_path))
    assert said.code == 1
    assert "missing.jpg" in said.err


@pytest.mark.parametrize("beyond", ["", "below"])
def test_an_unwritable_folder_is_found_before_any_work(run, photo, tmp_path, monkeypatch, beyond):
    monkeypatch.setattr("repscope.cli.inspect.loaded", lambda _: pytest.fail("work began"))
    (tmp_path / "file").write_text("kept")
    said = run("inspect", photo, "-o", tmp_path / "file" / beyond)
    assert said.code == 1
    assert "Choose" in said.err
    assert (tmp_path / "file").read_text() == "kept"


def test_an_encoder_that_cannot_be_loaded_is_left_out_of_three(run, photo, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    said = run("compare", photo, "-m", f"tiny-mae,{broken},tiny-random", "--format", "json")
    assert said.code == 0
    assert str(broken) in said.err
    probe = json.loads(said.out)["blocks"][0]
    assert [bool(panel["reason"]) for panel in probe["panels"]] == [False, False, True]
    assert run("compare", photo, "-m", f"tiny-mae,{broken},tiny-random", "--strict").code == 1
    assert run("compare", photo, "-m", f"tiny-mae,{broken}").code == 1
    assert run("compare", photo, "-m", f"tiny-mae,{broken},tiny-randon").code == 2


def test_pictures_without_a_folder_go_to_report(run, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run("inspect", photo, "-m", "tiny-random", "--query", "0.4,0.5", "--query", "0.6,0.5", "--format", "png")
    assert said.code == 0
    assert "report" in said.err
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert sum(name.startswith("like-row") for name in names) == 1  # both queries in one picture
    assert "report.json" not in names
    again = run("inspect", photo, "-m", "tiny-random", "--format", "png")
    assert again.code == 1
    assert "--force" in again.err
