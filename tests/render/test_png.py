"""PNG: patches stay whole squares, heat lies where its patch is, and axes say what they show."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from repscope.render import _charts, _colours, _pictures
from repscope.render._lettering import lettering, wrapped
from repscope.render.png import gallery, named, overlays, png, ticks, trimmed
from repscope.report import Curve, Gallery, Heatmap, Line, Number, Overlay, Picture, Report, say


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


def holds(sheet: np.ndarray, part: np.ndarray) -> bool:
    """Whether `part` stands somewhere in `sheet`, pixel for pixel."""
    h, w = part.shape[:2]
    starts = np.argwhere((sheet[: len(sheet) - h + 1, : sheet.shape[1] - w + 1] == part[0, 0]).all(-1))
    return any(np.array_equal(sheet[y : y + h, x : x + w], part) for y, x in starts)


@pytest.mark.parametrize("shape", [(16, 16), (14, 14), (37, 37), (9, 24), (1, 1)])
def test_a_grid_is_enlarged_patch_by_patch(shape: tuple[int, int]):
    grid = noise(*shape)
    factor = 448 // max(shape)
    enlarged = _pictures.fitted(grid, 448)
    assert enlarged.shape[:2] == (shape[0] * factor, shape[1] * factor)
    np.testing.assert_array_equal(enlarged[factor // 2 :: factor, factor // 2 :: factor], grid)
    np.testing.assert_array_equal(enlarged, np.kron(grid, np.ones((factor, factor, 1), np.uint8)))


def test_a_photo_is_scaled_and_keeps_its_shape():
    assert _pictures.fitted(noise(600, 900), 448).shape == (299, 448, 3)
    assert _pictures.fitted(noise(448, 300), 448).shape == (448, 300, 3)
    assert _pictures.fitted(np.full((224, 224, 3), 7, np.uint8), 448).shape == (448, 448, 3)


def test_a_gallery_holds_every_picture_enlarged():
    grids = [noise(16, 16), noise(14, 14)[::-1]]
    sheet = gallery(Gallery("title", tuple(Picture(f"caption {i}", grid) for i, grid in enumerate(grids))))
    for grid in grids:
        assert holds(sheet, _pictures.fitted(grid, 448))


def test_a_gallery_with_rows_that_mean_something_keeps_them():
    pictures = tuple(Picture(str(i), np.full((4, 4, 3), 40 * i, np.uint8)) for i in range(6))
    free, rows = (gallery(Gallery("t", pictures, across=across)) for across in (0, 3))
    assert len(rows) > len(free) or rows.shape[1] < free.shape[1]
    six = gallery(Gallery("t", pictures, across=6))
    assert len(six) < len(rows)
    assert six.shape[1] < 1.1 * free.shape[1]  # smaller tiles, not a wider sheet
    middle = [row for row in six if len({tuple(pixel) for pixel in row.tolist()}) >= 6]
    assert middle  # all six stand in one row


def test_many_pictures_begin_new_rows():
    narrow, wide = (gallery(Gallery("t", (Picture("p", noise(4, 4)),) * count)).shape for count in (4, 9))
    assert narrow[1] == wide[1]
    assert wide[0] > 2.5 * narrow[0] - 100


def test_heat_lies_on_its_patch_and_only_there():
    photo = np.full((64, 64, 3), 90, np.uint8)
    values = np.full((4, 4), np.nan)
    values[1, 2] = 1.0
    heat = _pictures.heated(Overlay("o", photo, values, (0.0, 1.0)), 448)
    marked = (heat != 90).any(-1)
    expected = np.zeros((4, 4), bool)
    expected[1, 2] = True
    np.testing.assert_array_equal(marked, np.kron(expected, np.ones((112, 112), bool)))
    colour = _colours.coloured(np.array(1.0), (0.0, 1.0))
    np.testing.assert_array_equal(heat[150, 300], np.rint(0.6 * colour + 0.4 * 90).astype(np.uint8))


def test_the_photo_shows_through_in_grey():
    photo = np.zeros((448, 448, 3), np.uint8)
    photo[:, 224:] = (255, 0, 0)
    heat = _pictures.heated(Overlay("o", photo, np.full((2, 2), np.nan), (0.0, 1.0)), 448)
    assert (heat[5, 5] == 0).all()
    assert (heat[5, 440] == 76).all()  # luma of pure red


@pytest.mark.parametrize("mark", [(0, 0), (1, 3), (5, 4)])
def test_the_patch_asked_about_is_framed(mark: tuple[int, int]):
    block = Overlay("o", np.full((90, 120, 3), 90, np.uint8), np.full((6, 5), np.nan), (0.0, 1.0), mark)
    heat = _pictures.heated(block, 448)
    changed = np.argwhere((heat != 90).any(-1))
    rows, columns = (_pictures.cells(side, count) for side, count in zip(heat.shape[:2], (6, 5), strict=True))
    inside = (rows == mark[0])[:, None] & (columns == mark[1])
    assert {0, 255} == {int(value) for value in np.unique(heat[(heat != 90).any(-1)])}
    assert np.abs(changed - np.argwhere(inside).mean(0)).max() <= max(inside.any(1).sum(), inside.any(0).sum()) / 2 + 4
    assert (heat[inside] == 90).mean() > 0.8  # the patch itself stays to be seen


def test_grids_that_do_not_divide_the_photo_still_cover_it():
    cells = _pictures.cells(100, 7)
    assert (np.diff(cells) >= 0).all()
    assert np.bincount(cells).tolist() == [15, 14, 14, 15, 14, 14, 14]


def test_the_colour_bar_runs_from_end_to_end():
    bar = _pictures.bar((-0.5, 1.0), 200, 14)
    assert bar.shape == (14, 200, 3)
    np.testing.assert_array_equal(bar[3, [0, -1]], _colours.coloured(np.array([-0.5, 1.0]), (-0.5, 1.0)))


def test_an_overlay_carries_its_heat_its_bar_and_its_numbers():
    block = Overlay("title", noise(60, 60), np.linspace(0, 1, 9).reshape(3, 3), (0.0, 1.0), unit="cosine")
    sheet = overlays([block])
    heat = _pictures.heated(block, 448)
    assert holds(sheet, heat)
    assert holds(sheet, _pictures.bar((0.0, 1.0), heat.shape[1], 14))
    assert not np.array_equal(sheet, overlays([replace(block, domain=(0.0, 2.0))])[: len(sheet)])
    for value in (0.0, 0.5, 1.0):
        assert holds(sheet, trimmed(lettering(say(value), heat.shape[1])))


@pytest.mark.parametrize("domain", [(-0.4, 1.0), (-1234.5, -1000.0), (0.0, 0.0)])
def test_numbers_under_a_colour_bar_are_whole(domain: tuple[float, float]):
    strip = ticks(domain, domain, 300)
    ends = [trimmed(lettering(say(value), 300)) for value in domain]
    np.testing.assert_array_equal(strip[:, : ends[0].shape[1]], ends[0])
    if domain[0] < domain[1]:
        np.testing.assert_array_equal(strip[:, -ends[1].shape[1] :], ends[1])


def test_a_number_that_would_touch_another_is_left_out():
    ends, crowded, roomy = (
        ticks(values, (-0.01, 1.0), 300) for values in ((-0.01, 1.0), (-0.01, 1.0, 0.0), (-0.01, 1.0, 0.5))
    )
    np.testing.assert_array_equal(ends, crowded)
    assert not np.array_equal(ends, roomy)


@pytest.mark.parametrize("word", ["кошка", "żółć", "λ ≥ 2", "plain"])
def test_letters_beyond_ascii_are_drawn_as_themselves(word: str):
    drawn = lettering(word, 200)
    assert (drawn < 128).any()
    boxes = lettering("\ue000" * len(word), 200)
    assert not np.array_equal(drawn, boxes)


def test_long_captions_are_wrapped_within_their_width():
    text = "ijepa-vith14-in22k and a good many words that describe it "
    drawn = lettering(text * 3, 300)
    assert len(drawn) > 4 * 18
    assert (drawn[:, -2:] == 255).all()
    assert max(map(len, wrapped("a" * 500, 300, 18))) < 60


def test_file_names_are_plain_unique_and_stable(report: Report):
    files = png(report)
    assert list(files) == [
        "pca-of-the-patches-of-script-alert-x-script-2j-red-evil.png",
        "patches-like-the-one-marked.png",
        "script-alert-x-script-2j-red-evil.png",
        "linear-cka-of-every-pair.png",
        "signed.png",
        "spectrum.png",
        "cosines.png",
    ]
    assert all(opened(content).size for content in files.values())


def test_a_title_of_two_blocks_gives_two_files():
    block = Gallery("Same / ../ title", (Picture("", noise(2, 2)),))
    assert list(png(Report("", (block, block, block)))) == ["same-title.png", "same-title-2.png", "same-title-3.png"]
    assert named("CON", ()) == "con-1.png"
    assert named("../../etc/passwd", ()) == "etc-passwd.png"
    assert len(named("x" * 300, ())) < 80


def specification(block: Curve) -> dict:
    return json.loads(json.dumps(_charts.curve(block, _charts.PRINT).to_dict()))


def encodings(block: Curve, channel: str) -> list[dict]:
    whole = specification(block)
    return [layer["encoding"][channel] for layer in whole.get("layer", [whole]) if channel in layer["encoding"]]


def test_logarithmic_axes_are_logarithmic():
    lines = (Line("l", (1.0, 10.0, 1000.0), (1e-4, 1.0, 1e3)),)
    curve = Curve("c", lines, "x", "y", log_x=True, log_y=True)
    assert {channel["scale"]["type"] for axis in "xy" for channel in encodings(curve, axis) if "scale" in channel} == {
        "log"
    }
    plain = Curve("c", lines, "x", "y")
    assert all("type" not in channel.get("scale", {}) for axis in "xy" for channel in encodings(plain, axis))
    assert encodings(curve, "x")[0]["axis"]["values"] == [1, 10, 100, 1000]


def test_a_band_is_drawn_where_there_is_one():
    line = Line("l", (1.0, 2.0), (1.0, 2.0), (0.5, 1.5), (1.5, 2.5))
    assert encodings(Curve("c", (line,), "x", "y"), "y2") == [{"field": "high"}]
    assert encodings(Curve("c", (replace(line, low=(), high=()),), "x", "y"), "y2") == []


def test_bars_stand_between_their_edges():
    bars = Curve("c", (Line("l", (0.0, 0.5, 1.0), (3.0, 1.0, 2.0)),), "x", "y", style="bars")
    (values,) = (
        specification(bars)["datasets"].values()
        if "datasets" in specification(bars)
        else [specification(bars)["data"]["values"]]
    )
    assert [(v["x"], v["right"], v["floor"], v["y"]) for v in values] == [
        (0, 0.5, 0, 3),
        (0.5, 1, 0, 1),
        (1, 1.5, 0, 2),
    ]
    assert encodings(bars, "x2") == [{"field": "right"}]


@pytest.mark.parametrize(
    ("x", "log", "edges"), [((1.0, 2.0, 4.0), True, [2, 4, 8]), ((3.0,), False, [4]), ((), False, [])]
)
def test_the_last_bar_is_as_wide_as_the_one_before(x: tuple[float, ...], log: bool, edges: list[float]):
    assert _charts.right_edges(x, log) == edges


def test_points_without_a_place_are_left_out():
    nan = float("nan")
    curve = Curve("c", (Line("l", (0.0, 1.0, 2.0, 3.0), (1.0, nan, -1.0, 2.0)),), "x", "y", log_x=True, log_y=True)
    assert [(p["x"], p["y"]) for p in _charts._points(curve.lines[0], curve)] == [(1.0, None), (2.0, None), (3.0, 2.0)]
    assert len(_charts.png(curve)) > 1000
    assert png(Report("", (replace(curve, lines=()),))) == {}


def drawn(change: Callable[[Curve], Curve]) -> np.ndarray:
    line = Line("a", tuple(map(float, range(1, 9))), tuple(map(float, range(1, 9))))
    return opened(_charts.png(change(Curve("c", (line,), "x", "y"))))


def test_a_rising_line_rises():
    image = drawn(lambda curve: curve).astype(int)
    blue = np.argwhere((np.abs(image - (0x2F, 0x7E, 0xD8)) < 12).all(-1))
    left, right = blue[blue[:, 1] < np.median(blue[:, 1])], blue[blue[:, 1] > np.median(blue[:, 1])]
    assert left[:, 0].mean() > right[:, 0].mean() + 100


def test_a_matrix_has_each_cell_in_its_colour():
    values = [[0.0, 0.25, 0.5], [0.75, 1.0, None]]
    cells = tuple(tuple(Number("r", value) for value in row) for row in values)
    image = opened(_charts.png(Heatmap("m", ("a", "a"), ("x", "y", "z"), cells)))  # equal names stay two rows
    for value in (0.0, 0.25, 0.5, 0.75, 1.0, np.nan):
        colour = _colours.coloured(np.array(value), (0.0, 1.0))
        assert (image == colour).all(-1).sum() > 3000


def test_every_chart_is_what_the_schema_wants(report: Report):
    """What is drawn is not held against it each time."""
    charts = [block for block in report.blocks if isinstance(block, (Curve, Heatmap))]
    assert {type(block) for block in charts} == {Curve, Heatmap}
    for block in charts:
        for theme in (_charts.PAGE, _charts.PRINT) if isinstance(block, Curve) else (_charts.PRINT,):
            assert _charts._specification(block, theme, validate=True) == _charts._specification(block, theme)
