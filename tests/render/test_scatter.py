"""Maps of images outside of the page: dots where they belong, in the colours of their classes, and what these mean."""

import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from dotted import points

from repscope.render import _colours, _scatter
from repscope.render.html import MODULES, data
from repscope.render.png import png
from repscope.render.png import points as drawn
from repscope.render.text import text
from repscope.report import Colouring, Report
from repscope.report.points import packed

PLACES = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]], np.float32)


def rgb(ink: str) -> list[int]:
    return [int(ink[i : i + 2], 16) for i in (1, 3, 5)]


def test_dots_lie_where_they_belong_and_up_is_up():
    inks = ["#ff0000", "#00ff00", "#0000ff"]
    sheet = _scatter.scatter(PLACES, inks, 200)
    at = np.rint(_scatter.fitted(PLACES, 200, 10)).astype(int)
    assert [sheet[y, x].tolist() for x, y in at] == [rgb(ink) for ink in inks]
    assert at[0].tolist() == [10, 145]  # the lower left, centred: twice as wide as high
    assert at[1, 0] - at[0, 0] == 2 * (at[0, 1] - at[2, 1])


def test_a_place_for_all_is_the_middle():
    assert _scatter.fitted(np.ones((4, 2)), 100, 10).tolist() == [[50, 50]] * 4
    assert _scatter.scatter(np.ones((4, 2)), ["#000000"] * 4, 60).shape == (60, 60, 3)


def test_density_counts_images():
    shown = _scatter.density(np.concatenate([PLACES, PLACES[:1], PLACES[:1]]), 8).reshape(-1, 3).tolist()
    most, one, none = (_colours.coloured(np.array(v), (0.0, 3**0.5)).tolist() for v in (3**0.5, 1.0, 0.0))
    assert [shown.count(each) for each in (most, one, none)] == [1, 2, 61]


def test_colours_are_those_of_classes_or_readings_and_grey_is_none():
    classes = Colouring("c", packed(np.array([1, np.nan, 0]), "<f4"), ("a", "b"))
    assert _scatter.inks(classes, 3) == [_colours.LINES[1], "#808080", _colours.LINES[0]]
    reading = Colouring("r", packed(np.array([0, np.nan, 1]), "<f4"))
    ends = _colours.stops((0.0, 1.0), 2)
    assert _scatter.inks(reading, 3) == [ends[0], "#808080", ends[1]]
    assert _scatter.inks(None, 2) == [_colours.LINES[0]] * 2


@pytest.mark.parametrize("count", [1, 6, 7, 10, 24, 200])
def test_classes_can_be_seen_on_light_and_on_dark(count):
    made = _colours.classes(count)
    assert len(made) == count
    assert len(set(made)) == min(count, _colours.MOST)
    for colour in made:
        assert min(_colours.contrast(colour, "#ffffff"), _colours.contrast(colour, "#15171b")) >= 3


def test_a_file_holds_all_maps_and_what_colours_mean():
    block = points("calm")
    sheet = drawn(block)
    assert sheet.shape[1] == 2 * 448 + 16 + 2 * 16
    for ink in _scatter.inks(block.colours[0], 12):
        assert (sheet == rgb(ink)).all(-1).any()
    swatches = sheet[-200:, :30].reshape(-1, 3)  # of the legend: the first class has one, at the left
    assert (swatches == rgb(_colours.LINES[0])).all(-1).any()
    assert list(png(Report("", (block,)))) == ["calm.png"]
    reading = drawn(replace(block, colours=block.colours[1:]))
    assert (reading == rgb(_colours.stops((-1.0, 2.0), 2)[1])).all(-1).sum() > 14


def test_without_a_map_there_is_no_file():
    block = points("calm")
    assert png(Report("", (replace(block, maps=block.maps[2:]),))) == {}


def test_many_classes_are_said_to_share_colours():
    names = tuple(str(i) for i in range(30))
    found = _scatter.legend(Colouring("c", packed(np.arange(30), "<f4"), names))
    assert len(found) == 25
    assert found[-1][1] == "and 6 classes more, in the same colours"


def test_text_says_what_there_is_and_draws_it_where_there_is_colour():
    block = points("calm")
    said = " ".join(text(Report("", (block,))).split())
    assert "calm: calm calm 2: calm calm: calm" in said  # the third says why there is none
    assert "12 images, on the page; colours: calm, calm read" in said
    assert "▀" not in said
    shown = text(Report("", (block,)), colour="truecolor")
    assert sum("▀" in line for line in shown.splitlines()) == 16


def test_what_the_page_is_given_is_legible_and_cannot_be_left():
    said = data(points("a</script>\x1b"))
    assert "</script" not in said
    assert "\\u003c/script>\\\\x1b" in said
    assert '"palettes":[["#2f7ed8","#d4690a","#0d9373"],[]]' in said


def test_modules_share_one_room_without_meeting():
    """They are joined to one script: a name twice at the top would stop all of it."""
    where = files("repscope.render").joinpath("templates")
    found = [
        name
        for module, folder in MODULES.items()
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:const|let|function\*?|class) (\w+)",
            where.joinpath(f"{folder}/{module}.js").read_text("utf-8"),
            re.MULTILINE,
        )
    ]
    assert len(found) > 40
    assert sorted(found) == sorted(set(found))
