"""What the commands print and write is what the library returns; the same question has the same answer."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import repscope
from repscope.render import media

FILES = "text,json,html"


def numbers(blocks: Any) -> dict[str, float]:
    """Every number of a report by where it stands, pictures aside."""
    found: dict[str, float] = {}

    def walk(thing: Any, path: str) -> None:
        if isinstance(thing, dict):
            for key, part in thing.items():
                walk(part, f"{path}/{key}")
        elif isinstance(thing, list):
            for place, part in enumerate(thing):
                walk(part, f"{path}/{place}")
        elif isinstance(thing, float):
            found[path] = thing

    walk([block for block in blocks if block["block"] not in ("gallery", "overlay", "probe")], "")
    return found


@pytest.fixture(scope="module")
def compared(run, tmp_path_factory) -> tuple[Any, Path]:
    """compare as `make demo` calls it: the samples, the embedded encoders, every medium."""
    folder = tmp_path_factory.mktemp("compared") / "a" / "b"
    return run("compare", "-o", folder), folder


def test_compare_without_photo_and_encoder_shows_the_samples(compared):
    said, _ = compared
    assert said.code == 0, said.err
    title = said.out.splitlines()[0]
    assert "2 photos" in title
    assert all(name in title for name in ("tiny-dino", "tiny-mae", "tiny-random"))


def test_files_are_written_with_a_manifest_of_their_digests(compared):
    said, folder = compared
    manifest = json.loads((folder / "manifest.json").read_text())
    names = set(manifest["files"])
    assert {"report.txt", "report.json", "report.html"} < names
    assert any(name.endswith(".png") for name in names)
    assert {path.name for path in folder.iterdir()} == names | {"manifest.json"}
    for name, entry in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
    assert str(folder) in said.err
    assert (folder / "report.txt").read_text() == said.out  # the terminal here has 80 columns, as a file has


def test_inspect_without_anything_uses_an_embedded_encoder(run):
    said = run("inspect", "--format", "json")
    assert said.code == 0, said.err
    provenance = json.loads(said.out)["provenance"]
    assert [photo["id"] for photo in provenance["photos"]]
    assert provenance["encoders"][0]["contract"]["family"] == "lab"


@pytest.mark.parametrize("medium", ["text", "json", "html"])
@pytest.mark.parametrize("command", ["inspect", "compare"])
def test_what_is_printed_is_what_the_renderer_returns(run, photo, command, medium):
    names = ("tiny-mae", "tiny-random")[: 1 if command == "inspect" else 2]
    said = run(command, photo, "-m", ",".join(names), "--format", medium)
    encoders = [repscope.load(name) for name in names]
    report = (
        repscope.inspect([photo], encoders[0]) if command == "inspect" else repscope.compare([str(photo)], encoders)
    )
    assert said.out == media[medium](report)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("arguments", [["inspect", "--layers"], ["compare", "-m", "tiny-mae,tiny-ijepa"], ["models"]])
def test_json_is_valid_against_the_printed_schema(run, photo, arguments):
    schema = json.loads(run("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    given = [] if arguments == ["models"] else [photo]
    document = json.loads(run(*arguments, *given, "--format", "json").out)
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"blocks": [{"block": "none"}]}, schema)


@pytest.mark.parametrize(
    "asked",
    [
        ["-m", "tiny-mae,tiny-random"],
        ["-m", "tiny-mae", "-m", "tiny-random"],
        ["--model", "tiny-mae", "--models", "tiny-random"],
        ["--models", " tiny-mae , tiny-random,"],
    ],
)
def test_encoders_are_named_in_three_spellings(run, photo, asked):
    said = run("compare", photo, *asked, "--format", "json")
    assert said.code == 0, said.err
    encoders = json.loads(said.out)["provenance"]["encoders"]
    assert [encoder["contract"]["name"] for encoder in encoders] == ["tiny-mae", "tiny-random"]


def test_layers_add_readings_of_every_block(run, photo):
    plain, deep = (json.loads(run("inspect", photo, "--format", "json", *more).out) for more in ([], ["--layers"]))
    added = [block["title"] for block in deep["blocks"] if block not in plain["blocks"]]
    assert added
    assert all("by layer" in title for title in added)


def test_a_frame_is_passed_on(run, draw, tmp_path):
    wide = draw(tmp_path / "wide.png", size=(240, 96))
    for frame in ("square", "official"):
        said = run("inspect", wide, "--frame", frame, "--format", "json")
        assert json.loads(said.out)["provenance"]["options"]["framing"] == frame


def test_queries_are_the_patches_asked_about(run, draw, tmp_path):
    square = draw(tmp_path / "square.png", size=(96, 96))
    said = run("inspect", square, "--query", "0.01,0.99", "--query", "0.5,0.5", "--format", "json")
    marks = [block["mark"] for block in json.loads(said.out)["blocks"] if block["block"] == "overlay"]
    assert [mark for mark in marks if mark] == [[15, 0], [8, 8]]


@pytest.mark.parametrize(
    "arguments", [["inspect", "-m", "tiny-mae", "--layers"], ["compare", "-m", "tiny-mae,tiny-random"]]
)
def test_photos_in_another_order_give_the_same_bits(run, photos, arguments):
    one, other = (
        json.loads(run(*arguments, *order, "--format", "json").out) for order in (photos, [*photos[2:], *photos[:2]])
    )
    assert one["title"] == other["title"]
    assert numbers(one["blocks"]) == numbers(other["blocks"])
    assert len(numbers(one["blocks"])) > 50


@pytest.mark.parametrize("arguments", [["inspect", "-m", "tiny-mae"], ["compare", "-m", "tiny-ijepa,tiny-random"]])
def test_the_batch_changes_readings_by_rounding_only(run, photos, arguments):
    reports = [json.loads(run(*arguments, *photos, "--batch", size, "--format", "json").out) for size in (1, 8)]
    one, many = (
        numbers([block for block in report["blocks"] if block["block"] in ("table", "heatmap")]) for report in reports
    )
    assert one.keys() == many.keys()
    # a p-value is a count of draws, and counts jump; everything that is measured must not
    measured = [key for key in one if not key.endswith("/null/p")]
    np.testing.assert_allclose([one[key] for key in measured], [many[key] for key in measured], rtol=1e-5, atol=1e-6)


def test_twice_the_same_question_twice_the_same_bytes(run, photos, tmp_path):
    for name in ("one", "two"):
        assert (
            run("compare", *photos[:2], "-m", "tiny-mae,tiny-random", "-o", tmp_path / name, "--format", FILES).code
            == 0
        )
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_a_folder_is_not_overwritten_unasked(run, photo, tmp_path):
    folder = tmp_path / "out"
    ask = ("inspect", photo, "-o", folder, "--format", "json")
    assert run(*ask).code == 0
    (folder / "mine.txt").write_text("kept")
    again = run(*ask)
    assert again.code == 1
    assert "--force" in again.err
    assert run(*ask, "--force").code == 0
    assert (folder / "mine.txt").read_text() == "kept"


def test_models_says_contract_licence_size_and_place(run):
    listing = json.loads(run("models", "--format", "json").out)
    (table,) = (block for block in listing["blocks"] if block["block"] == "table")
    rows = {row[0]: dict(zip(table["header"], row, strict=True)) for row in table["rows"]}
    assert set(rows) == set(repscope.encoders.available())
    assert all(row["licence"] != "–" and row["parameters"] != "–" for row in rows.values())
    assert rows["tiny-mae"]["where"] == "comes with repscope"
    one = run("models", "dinov2-vit-s14").out
    for word in ("facebook/dinov2-small", "Apache-2.0", "12 x 384", "14 px", "0.485"):
        assert word in one


def test_metrics_says_definition_unit_laws_and_reference(run):
    said = run("metrics").out
    for name, card in repscope.metrics.catalogue.items():
        assert f"{name}: {card.title}" in " ".join(said.split())
    one = " ".join(run("metrics", "effective_rank").out.split())
    card = repscope.metrics.effective_rank
    for part in (card.definition, card.unit, card.reference, "rotating all rows"):
        assert " ".join(part.split()) in one
