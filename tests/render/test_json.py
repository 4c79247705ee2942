"""JSON: follows its schema, holds no number that JSON has not, and opens again as the same report."""

import dataclasses
import json as standard
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from repscope.errors import UnfitData
from repscope.render._schema import schema
from repscope.render.json import KINDS, from_json, json, plain
from repscope.report import SCHEMA, Gallery, Heatmap, Note, Null, Number, Overlay, Picture, Report, Table


def same(one: Any, other: Any) -> bool:
    """Equality that looks into arrays, and in which NaN is NaN."""
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def finite(report: Report) -> Report:
    """The same without the one number whose interval is infinite: JSON has no word for it."""
    return dataclasses.replace(
        report, blocks=tuple(b for b in report.blocks if getattr(b, "label", "") != "Not a number")
    )


def test_the_schema_is_one_and_the_report_follows_it(report: Report):
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(standard.loads(json(report)))


def test_the_schema_refuses_what_is_not_a_report(report: Report):
    document = standard.loads(json(report))
    for spoil in (
        lambda d: d.pop("title"),
        lambda d: d.update(schema="repscope.report/0"),
        lambda d: d["blocks"].append({"block": "nonsense"}),
        lambda d: d["blocks"][2].update(value="0.6"),
        lambda d: d["blocks"][2].update(ci=[0.1]),
        lambda d: d["blocks"][2].update(surprise=1),
        lambda d: d["blocks"][0].update(kind="shout"),
    ):
        spoiled = standard.loads(standard.dumps(document))
        spoil(spoiled)
        with pytest.raises(ValidationError):
            Draft202012Validator(schema()).validate(spoiled)


def test_there_and_back(report: Report):
    report = finite(report)
    again = from_json(json(report))
    assert same(again, report)
    assert json(again) == json(report)


def test_values_that_are_not_finite_are_null(report: Report):
    assert not {"NaN", "Infinity", "-Infinity"} & set(standard.loads(json(report), parse_constant=pytest.fail))
    number = next(b for b in standard.loads(json(report))["blocks"] if b.get("label") == "Not a number")
    assert (number["value"], number["ci"]) == (None, [None, None])
    read = from_json(json(report))
    assert [n.value for n in read.numbers() if n.label == "Not a number"] == [None]


def test_every_field_of_a_number_is_written(report: Report):
    written = standard.loads(json(report))["blocks"][2]
    assert set(written) == {"block"} | {field.name for field in dataclasses.fields(Number)}
    assert written["value"] == 0.613
    assert written["null"]["p"] == 0.001
    assert (written["n"], written["of"]) == (256, "patches")


def test_every_kind_of_block_is_in_the_sample(report: Report):
    assert {block["block"] for block in standard.loads(json(report))["blocks"]} == set(KINDS)


numbers = st.builds(
    Number,
    st.text(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.tuples(st.floats(allow_infinity=False), st.floats(allow_infinity=False)),
    st.none()
    | st.builds(Null, st.text(), st.floats(0, 1), st.floats(0, 1), st.none() | st.floats(0, 1), st.integers(0, 9)),
    st.none() | st.integers(0, 10**12),
    st.text(),
    caveats=st.lists(st.text(st.characters())).map(tuple),
)


@given(
    st.lists(numbers | st.builds(Note, st.text(st.characters()))), st.dictionaries(st.text(), st.integers() | st.text())
)
def test_there_and_back_for_any_number(blocks: list[Any], provenance: dict[str, Any]):
    report = Report("any", tuple(blocks), provenance)
    text = json(report)
    text.encode()
    assert same(from_json(text), report)
    Draft202012Validator(schema()).validate(standard.loads(text))


def test_cells_are_words_or_numbers():
    table = Table("t", ("a",), (("word",), (Number("n", 1.0),)))
    assert from_json(json(Report("", (table,)))).blocks == (table,)


def test_pixels_are_kept_exactly():
    pixels = np.random.default_rng(3).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    values = np.array([[0.1, -2.5], [math.nan, 1e-30]], np.float32)
    blocks = (Gallery("g", (Picture("p", pixels),)), Overlay("o", pixels, values, (0.0, 1.0)))
    gallery, overlay = from_json(json(Report("", blocks))).blocks
    assert isinstance(gallery, Gallery)
    assert isinstance(overlay, Overlay)
    np.testing.assert_array_equal(gallery.pictures[0].pixels, pixels)
    np.testing.assert_array_equal(overlay.values.astype(np.float32), values)


def test_provenance_of_any_sort_becomes_plain(tmp_path: Any):
    odd = {
        "path": tmp_path,
        3: (np.float32(0.5), np.int64(2), np.array([1.0, math.inf])),
        "set": {"b", "a"},
        "null": Null("k", 0.0, 1.0),
    }
    assert plain(odd)["3"] == [0.5, 2, [1.0, None]]
    assert plain(odd)["set"] == ["a", "b"]
    assert plain(odd)["path"] == str(tmp_path)
    assert plain(odd)["null"]["q95"] == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"schema": "repscope.report/2", "title": "", "blocks": []}',
        f'{{"schema": "{SCHEMA}", "title": "x"}}',
        f'{{"schema": "{SCHEMA}", "title": 3, "blocks": []}}',
        f'{{"schema": "{SCHEMA}", "title": "x", "blocks": [{{"block": "spell"}}]}}',
        f'{{"schema": "{SCHEMA}", "title": "x", "blocks": [{{"block": "number", "label": "a", "value": "much"}}]}}',
        f'{{"schema": "{SCHEMA}", "title": "", "blocks": [{{"block": "number", "label": "", "value": 1, "ci": [1]}}]}}',
        f'{{"schema": "{SCHEMA}", "title": "x", "blocks": [{{"block": "note", "text": "a", "kind": "shout"}}]}}',
        f'{{"schema": "{SCHEMA}", "title": "x", "blocks": [{{"block": "gallery", "title": "", "pictures": '
        '[{"caption": "", "pixels": {"width": 1, "height": 1, "png": "AAAA"}}]}]}',
    ],
)
def test_what_is_no_report_is_refused_with_a_remedy(text: str):
    with pytest.raises(UnfitData, match=r"report"):
        from_json(text)


def test_a_picture_of_another_size_than_it_says_is_refused(report: Report):
    with pytest.raises(UnfitData, match="picture of 91"):
        from_json(json(report).replace('"width": 90', '"width": 91'))


def test_fields_added_later_have_their_defaults_when_they_are_missing():
    document = standard.loads(json(Report("", (Heatmap("h", ("a",), ("b",), ((Number("n", 1.0),),)),))))
    del document["blocks"][0]["cells"][0][0]["caveats"]
    assert from_json(standard.dumps(document)).numbers()[0].caveats == ()
