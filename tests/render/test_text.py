"""Text: fits its width, says what `say` says, and never carries a stranger's control characters."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from repscope.render import _columns, _sparkline
from repscope.render._columns import Entry, Sheet
from repscope.render.text import text
from repscope.report import (
    Curve,
    Gallery,
    Heatmap,
    Line,
    Note,
    Null,
    Number,
    Overlay,
    Picture,
    Report,
    Table,
    say,
    spread,
)


@pytest.mark.parametrize("width", [24, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_line_fits(report: Report, width: int, encoding: str):
    lines = text(report, width=width, encoding=encoding).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_it_is_eighty_wide_when_nothing_is_said(report: Report, monkeypatch: pytest.MonkeyPatch):
    before = text(report), text(report, colour=True)
    for name, value in {"COLUMNS": "33", "TERM": "dumb", "NO_COLOR": "1", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert (text(report), text(report, colour=True)) == before
    assert before[0] == text(report, width=80)
    assert "\x1b" not in before[0]
    assert "\x1b[1m" in before[1]


@pytest.mark.parametrize("width", [30, 80, 200])
def test_every_value_is_printed_as_it_is_said(report: Report, width: int):
    printed = text(report, width=width)
    for number in report.numbers():
        value, _, interval = spread(number).partition(" ")
        assert value == say(number.value)
        assert value in printed
        assert interval in printed or width == 30


def test_caveats_and_reasons_are_footnotes_and_definitions_stand_once(report: Report):
    printed = text(report)
    assert "0.613 [0.581, 0.640] (1)" in printed
    assert "– (2)" in printed
    assert "(1) Rises when few patches are compared." in printed
    assert "(2) Fewer than two patches." in printed
    assert printed.count("debiased") == 1


def test_null_and_count_stand_beside_the_value(report: Report):
    assert "n = 256 patches; null q95 0.034, p 0.001 (torus shifts, 999 draws)" in " ".join(text(report).split())
    assert "n = 50,000 images; null chance 0.100" in text(report)


def test_skipped_inputs_are_listed(report: Report):
    assert "Skipped" in text(report)
    assert "Cannot be decoded: truncated." in " ".join(text(report).split())


def test_report_order_is_kept():
    blocks = (Note("first"), Number("second", 1.0), Note("third"))
    printed = text(Report("", blocks))
    assert printed.index("first") < printed.index("second") < printed.index("third")


def test_strangers_cannot_reach_the_terminal(report: Report):
    for colour in (False, True):
        printed = text(report, colour=colour)
        assert "\x1b[2J" not in printed
        assert "\u202e" not in printed
        assert "\\x1b[2J" in printed
        assert "[red]" in printed
        printed.encode()
    assert set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f]", text(report, colour=True))) == {"\x1b"}  # its own colours
    assert re.sub(r"\x1b\[[\d;]*m", "", text(report, colour=True)).split() == text(report).split()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", None])
def test_ascii_where_the_stream_has_no_unicode(report: Report, encoding: str | None):
    assert text(report, encoding=encoding).isascii()
    assert not text(report, encoding="UTF-8").isascii()


def test_a_wide_matrix_is_cut_and_every_name_repeated():
    names = tuple(f"encoder-number-{i}" for i in range(12))
    cells = tuple(tuple(Number("r", i / 12 + j / 144) for j in range(12)) for i in range(12))
    printed = text(Report("", (Heatmap("m", names, names, cells),)), width=60)
    assert printed.count("encoder-") >= 12 + 12
    for row in cells:
        for number in row:
            assert say(number.value) in printed


def test_a_wide_table_of_few_rows_is_turned():
    header = tuple(f"quantity{i}" for i in range(10))
    row = ("dinov2", *(Number("q", 100.0 + i) for i in range(9)))
    printed = text(Report("", (Table("t", header, (row, row)),)), width=50)
    assert re.search(r"^quantity3\s+102\s+102$", printed, re.M)


def test_what_all_numbers_share_is_said_once_and_what_differs_at_each():
    def table(*counts: int) -> str:
        rows = tuple((str(n), Number("x", 1.0, n=n, of="pairs", caveats=("careful",))) for n in counts)
        return text(Report("", (Table("t", ("a", "b"), rows),)))

    assert table(7, 7).count("n = 7 pairs") == 1
    assert table(7, 7).count("careful") == 1
    assert "n = 7 pairs" in table(7, 8)
    assert "n = 8 pairs" in table(7, 8)


def test_numbers_in_narrow_cells_keep_interval_and_null_whole():
    null = Null("permutation", 0.1, 0.2, 0.01, 99)
    cells = ((Number("r", 0.5, (0.4, 0.6), null, unit="bits"),) * 4,)
    printed = text(Report("", (Heatmap("m", ("row",), ("a", "b", "c", "d"), cells),)), width=72)
    for part in ("0.500 bits", "[0.400, 0.600]", "q95 0.200", "p 0.010"):
        assert printed.count(part) == 4


def test_empty_things_are_shown_without_fuss():
    blocks = (Table("none", ("a", "b"), ()), Heatmap("nothing", (), (), ()), Curve("flat", (), "x", "y"))
    assert "no value to draw" in text(
        Report("t", (*blocks, Curve("nan", (Line("l", (1.0,), (float("nan"),)),), "x", "y")))
    )
    assert text(Report("", ())) == ""


@pytest.mark.parametrize("width", [4, 9, 14, 40])
def test_folding_loses_nothing_and_prefers_hyphens(width: int):
    name = "vjepa2-vitl-fpc64-256 on photos/of_cats"
    lines = _columns.folded(name, width)
    assert max(map(len, lines)) <= width
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert _columns.folded("vjepa2-vitl-fpc64-256", 14) == ["vjepa2-vitl-", "fpc64-256"]
    assert _columns.folded("猫猫猫猫", 4) == ["猫猫", "猫猫"]


def test_columns_are_cut_where_the_room_ends():
    assert _columns.split([10, 8, 8], 30) == [[0, 1, 2]]  # 10 + 2 + 8 + 2 + 8
    assert _columns.split([10, 8, 8], 29) == [[0, 1], [0, 2]]
    assert _columns.split([10], 5) == [[0]]


def test_a_sheet_turned_twice_is_itself():
    sheet = Sheet(
        (Entry(("a",)), Entry(("b",))), ((Entry(("c",)), Entry(("1",), True)), (Entry(("d",)), Entry(("2",), True)))
    )
    assert sheet.turned().turned() == sheet
    assert sheet.turned() != sheet


def test_sparklines_follow_the_values():
    assert _sparkline.sparkline([1, 10, 100], 1, 100, log=True) == "▁▅█"
    assert _sparkline.sparkline([0, float("nan"), 1], 0, 1) == "▁ █"
    assert _sparkline.sparkline([5.0], 5.0, 5.0) in "▄▅"
    assert _sparkline.sparkline([0, -1, 1], 0.1, 1, log=True, steps=_sparkline.SIGNS) == "  #"


def test_places_are_spread_over_the_axis_not_over_the_points():
    x = [*range(1, 100), 1000]
    assert [x[i] for i in _sparkline.places(x, 3, log=False)] == [1, 99, 1000]
    assert [x[i] for i in _sparkline.places(x, 4, log=True)] == [1, 10, 99, 1000]
    assert _sparkline.places([0, 1, 2], 9, log=True) == [1, 2]


def test_a_report_without_colours_is_the_same_whatever_was_printed_before(report: Report):
    assert text(report) == text(dataclasses.replace(report))


def test_a_unit_is_said_once_only_where_every_cell_has_it():
    number = Number("map", 0.5, unit="R²")
    shared = text(Report("", (Table("t", ("pair", "x", "y"), (("a, b", number, number),)),)))
    assert "a, b, R²" in shared
    assert shared.count("R²") == 1
    mixed = text(Report("", (Table("t", ("pair", "x", "y"), (("a, b", "as above", number),)),)))
    assert "0.500 R²" in mixed
    assert "a, b, R²" not in mixed


ANSI = re.compile(r"\x1b\[([\d;]*)m")


def painted(line: str) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The upper and the lower colour of every half block of a line."""
    found, ink, paper = [], (), ()
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        if match := ANSI.fullmatch(part):
            codes = [int(code or 0) for code in match[1].split(";")]
            if codes[:2] == [38, 2]:
                ink = tuple(codes[2:5])
                codes = codes[5:]
            if codes[:2] == [48, 2]:
                paper = tuple(codes[2:5])
        else:
            found += [(ink, paper)] * part.count("▀")
    return found


def test_pictures_are_half_blocks_of_their_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    lines = text(Report("one", (Gallery("maps", (Picture("map", pixels),)),)), colour="truecolor").splitlines()
    rows = [painted(line) for line in lines if "▀" in line]
    factor = 32 // 7
    assert len(rows) == 6 * factor // 2
    grown = pixels.repeat(factor, 0).repeat(factor, 1)
    for row, above, below in zip(rows, grown[::2], grown[1::2], strict=True):
        assert row == [(tuple(a), tuple(b)) for a, b in zip(above.tolist(), below.tolist(), strict=True)]


def test_a_photo_is_as_wide_as_the_map_beside_it():
    pixels = np.zeros((14, 14, 3), np.uint8)
    photo = np.zeros((300, 300, 3), np.uint8)
    shown = text(Report("", (Gallery("", (Picture("a", photo), Picture("b", pixels))),)), colour="truecolor")
    (count,) = {line.count("▀") for line in shown.splitlines() if "▀" in line}
    assert count == 28 + 28


@pytest.mark.parametrize("width", [24, 60, 100])
@pytest.mark.parametrize("colour", ["256", "truecolor"])
def test_pictures_keep_to_the_width(report: Report, width: int, colour: Any):
    lines = text(report, width=width, colour=colour).splitlines()
    assert sum("▀" in line for line in lines) > 10
    assert max(cell_len(ANSI.sub("", line)) for line in lines) <= width


def test_the_patch_that_was_asked_about_is_black():
    block = Overlay("", np.full((40, 40, 3), 200, np.uint8), np.zeros((4, 4)), (-1.0, 1.0), mark=(1, 2))
    rows = [painted(line) for line in text(Report("", (block,)), colour="truecolor").splitlines() if "▀" in line]
    black = [(y, x) for y, row in enumerate(rows) for x, (ink, paper) in enumerate(row) if ink == paper == (0, 0, 0)]
    assert black == [(y, x) for y in range(4, 8) for x in range(16, 24)]


@pytest.mark.parametrize("more", [{}, {"colour": True}, {"colour": "truecolor", "encoding": "ascii"}])
def test_without_colours_or_unicode_pictures_are_named(report: Report, more: dict[str, Any]):
    shown = text(report, width=400, **more)
    assert "▀" not in shown
    assert "pictures, on the page" in shown
    assert "Patches like the one marked" in shown


def test_a_probe_is_named_with_its_encoders(report: Report):
    assert "on the page: 2 photos under" in " ".join(text(report, width=400).split())


def test_a_finding_that_does_not_hold_is_grey():
    said = text(Report("r", (Note("held", "finding"), Note("within the spread", "faint"))), colour=True)
    assert "\x1b[2mwithin the spread" in said
    assert "within the spread" in text(Report("r", (Note("within the spread", "faint"),)))
