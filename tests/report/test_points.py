"""Points: read as they were written, and whatever does not belong together is refused by name."""

import json as standard
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image

from repscope.errors import UnfitData
from repscope.render._schema import schema
from repscope.render.json import from_json, json
from repscope.report import Colouring, Map, Points, Report, Thumbnails
from repscope.report.points import packed


def made(count: int = 6) -> Points:
    places = np.random.default_rng(0).normal(size=(count, 2))
    nearest = (np.arange(count)[:, None] + [1, 2]) % count
    colours = (
        Colouring("label", packed(np.arange(count) % 2, "<f4"), ("a", "b")),
        Colouring("norm", packed(np.r_[np.nan, np.arange(1, count)], "<f4"), domain=(1.0, 4.0), unit="m"),
    )
    return Points(
        "t", tuple(map(str, range(count))), (Map("one", packed(places, "<f4"), packed(nearest, "<i4")),), colours
    )


def sheet(tmp_path, width: int, height: int, kind: str = "WEBP") -> bytes:
    path = tmp_path / "sheet"
    Image.new("RGB", (width, height)).save(path, kind)
    return path.read_bytes()


def again(points: Points) -> Points:
    (block,) = from_json(json(Report("", (points,)))).blocks
    assert isinstance(block, Points)
    return block


def test_there_and_back(tmp_path):
    sprites = Thumbnails(8, 2, sheet(tmp_path, 16, 16), packed(np.array([0, 2, 5]), "<i4"))
    points = replace(made(), thumbnails=sprites)
    block = again(points)
    assert json(block.as_report()) == json(points.as_report())
    np.testing.assert_array_equal(block.maps[0].xy, points.maps[0].xy)
    assert block.maps[0].nearest.tolist()[5] == [0, 1]
    assert np.isnan(block.colours[1].array[0])
    assert block.thumbnails is not None
    assert block.thumbnails.shown(6).tolist() == [0, 2, 5]
    Draft202012Validator(schema()).validate(standard.loads(json(Report("", (points,)))))


def test_a_map_that_failed_says_why_and_is_read():
    assert again(replace(made(), maps=(Map("one", reason="broken"),))).maps[0].reason == "broken"


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda p: replace(p, ids=()), "images"),
        (lambda p: replace(p, ids=p.ids[:-1]), "places of one"),
        (lambda p: replace(p, maps=(replace(p.maps[0], places=b""),)), "places of one"),
        (lambda p: replace(p, maps=(replace(p.maps[0], places=b"\xff" * 48),)), "places of one"),  # nan
        (lambda p: replace(p, maps=(replace(p.maps[0], neighbours=b"\x01\x00\x00\x00"),)), "places of one"),
        (
            lambda p: replace(p, maps=(replace(p.maps[0], neighbours=packed(np.full(6, 6), "<i4")),)),
            "neighbours of one",
        ),
        (
            lambda p: replace(p, maps=(replace(p.maps[0], neighbours=packed(np.full(6, -1), "<i4")),)),
            "neighbours of one",
        ),
        (lambda p: replace(p, colours=(replace(p.colours[0], values=b""),)), "values of label"),
        (lambda p: replace(p, colours=(replace(p.colours[0], classes=("a",)),)), "classes of label"),
        (lambda p: replace(p, colours=(replace(p.colours[0], values=packed(np.full(6, 0.5), "<f4")),)), "classes of"),
        (lambda p: replace(p, colours=(replace(p.colours[1], domain=(2.0, 1.0)),)), "domain of norm"),
        (lambda p: replace(p, thumbnails=Thumbnails(8, 3, b"no picture")), "sheet of thumbnails"),
        (lambda p: replace(p, thumbnails=Thumbnails(1, 3, b"")), "thumbnails"),
        (lambda p: replace(p, thumbnails=Thumbnails(8, 0, b"")), "thumbnails"),
        (lambda p: replace(p, thumbnails=Thumbnails(8, 3, b"", b"\x00")), "thumbnails"),
        (
            lambda p: replace(p, thumbnails=Thumbnails(8, 3, b"", packed(np.array([2, 1]), "<i4"))),
            "images of the thumb",
        ),
        (
            lambda p: replace(p, thumbnails=Thumbnails(8, 3, b"", packed(np.array([1, 6]), "<i4"))),
            "images of the thumb",
        ),
        (lambda p: replace(p, thumbnails=Thumbnails(8, 3, b"", packed(np.array([-1]), "<i4"))), "images of the thumb"),
    ],
)
def test_parts_that_do_not_belong_together_are_named(spoil, named):
    again(made())
    with pytest.raises(UnfitData, match=named):
        again(spoil(made()))


@pytest.mark.parametrize(("width", "height", "kind"), [(24, 16, "PNG"), (16, 16, "WEBP"), (24, 24, "WEBP")])
def test_a_sheet_of_another_size_or_kind_is_refused(tmp_path, width, height, kind):
    fits = replace(made(), thumbnails=Thumbnails(8, 3, sheet(tmp_path, 24, 16)))
    assert again(fits).thumbnails is not None
    with pytest.raises(UnfitData, match="sheet"):
        again(replace(made(), thumbnails=Thumbnails(8, 3, sheet(tmp_path, width, height, kind))))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=30), st.integers(-3, 200))
def test_garbage_is_read_whole_or_refused(places, neighbours, values, side):
    points = replace(
        made(),
        maps=(Map("one", places, neighbours),),
        colours=(Colouring("x", values),),
        thumbnails=Thumbnails(side, side, places, neighbours),
    )
    with pytest.raises(UnfitData, match="damaged"):
        again(points)
