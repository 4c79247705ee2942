"""Every page at both sizes, and the numbers on them."""

import numpy as np
import pytest
from textual_image._terminal import get_cell_size

import repscope
from repscope.report import Heatmap, Number, against, say, spread
from repscope.tui.answers import blocks, readings
from repscope.tui.picture import Drawing, Mark, box_of, stretched
from repscope.tui.raster import Raster, rastered
from repscope.tui.terminal import Terminal

SIZES = [(80, 24), (160, 48)]
PAGES = ["dashboard", "inspector", "compare", "spectrum", "probe"]


def numbers_of(report, encoder):
    table = readings(report)
    column = table.header.index(encoder)
    return [row[column] for row in table.rows]


@pytest.mark.parametrize("size", SIZES, ids=["80 x 24", "160 x 48"])
def test_every_page_has_its_numbers(drive, photo, compared, size):
    report = compared(photo)

    async def act(screen):
        for key, page in zip("12345", PAGES, strict=True):
            await screen.press(key)
            assert screen.app.page.id == page
            assert screen.app.page.max_scroll_x == 0
        await screen.press("1")
        dashboard = await screen.whole()
        assert photo.name in dashboard
        for number in numbers_of(report, "tiny-dino")[:9]:
            assert say(number.value) in dashboard
        await screen.press("2")
        inspector = await screen.whole()
        for number in numbers_of(report, "tiny-dino"):
            assert number.label in " ".join(inspector.split())
            assert say(number.value) in inspector
        assert "Contract" in inspector
        assert "Patch norms" in inspector
        await screen.press("3")
        compare = await screen.whole()
        for number in numbers_of(report, "tiny-random"):
            assert say(number.value) in compare
        for block in blocks(report, Heatmap):
            assert block.title in compare
            for part in (say(block.cells[0][1].value), *against(block.cells[0][1].null).split(", ")):
                assert part in compare
        await screen.press("4")
        spectrum = await screen.whole()
        assert "component (logarithmic)" in spectrum
        rank = numbers_of(report, "tiny-dino")[0]
        assert say(rank.value) in spectrum
        await screen.press("5")
        assert "similarity" in screen.text
        await screen.press("tab")
        assert screen.app.page.id == "help"
        help_ = await screen.whole()
        assert all(word in help_ for word in ("next encoder", "pin the patch", "How to read it"))
        await screen.press("o")
        assert photo.name in screen.text
        await screen.press("escape")
        assert screen.app.page.id == "probe"

    drive(act, [photo], size=size)


@pytest.mark.parametrize("size", SIZES, ids=["80 x 24", "160 x 48"])
def test_every_key_does_what_it_says(drive, draw, tmp_path, size):
    photos = [draw(tmp_path / f"{seed}.png", seed) for seed in range(2)]

    async def act(screen):
        app = screen.app
        await screen.press("5")
        assert app.page.panels.photo == 0
        await screen.press("n")
        assert app.page.panels.photo == 1
        await screen.press("N", "m")
        assert app.page.panels.photo == 0
        assert app.state.encoder == "tiny-random"
        await screen.press("v", "c", "p")
        assert (app.page.asked.layer, app.page.asked.kind, app.page.asked.scale) == (
            "PCA",
            "position removed",
            "percentile",
        )
        await screen.press("question_mark")
        assert app.page.id == "help"
        await screen.press("question_mark", "shift+tab")
        assert app.page.id == "spectrum"
        await screen.press("q")
        assert not app.is_running

    drive(act, photos, size=size)


def test_several_photos_have_intervals(drive, draw, tmp_path, compared):
    photos = [draw(tmp_path / f"{seed}.png", seed) for seed in range(2)]
    rank = numbers_of(compared(*photos), "tiny-dino")[0]
    assert isinstance(rank, Number)
    assert rank.ci is not None

    async def act(screen):
        await screen.press("3")
        assert spread(rank) in await screen.whole()
        await screen.press("1")
        assert "0.png" in screen.text
        await screen.press("n")
        assert "1.png" in screen.text
        await screen.press("N")
        assert "0.png" in screen.text

    drive(act, photos, size=(160, 48))


def test_the_screen_shows_the_report_of_compare(drive, photo, compared):
    async def act(screen):
        shown, said = screen.app.state.answers.compared, compared(photo)
        assert [number.value for number in shown.numbers()] == [number.value for number in said.numbers()]
        assert [number.null for number in shown.numbers()] == [number.null for number in said.numbers()]

    drive(act, [photo], anew=True)


def test_the_next_encoder_is_inspected_without_another_forward(drive, photo):
    async def act(screen):
        await screen.press("2")
        assert "tiny-random" not in "\n".join(screen.lines[3:])
        before = screen.app.study.forwards
        assert before == 2
        await screen.press("m")
        assert "tiny-random" in "\n".join(screen.lines[3:])
        assert "2 of 2" in screen.lines[0]
        screen.app.ask([str(photo)])
        await screen.settled()
        assert screen.app.study.forwards == before
        await screen.press("m")
        assert "1 of 2" in screen.lines[0]

    drive(act, [photo], anew=True)


def test_tab_goes_round_and_help_comes_back(drive, photo):
    async def act(screen):
        seen = []
        for _ in range(7):
            seen.append(screen.app.page.id)
            await screen.press("tab")
        assert seen == [*PAGES, "help", "dashboard"]
        await screen.press("shift+tab", "4", "question_mark")
        assert "Everywhere" in screen.text
        await screen.press("question_mark")
        assert screen.app.page.id == "spectrum"
        await screen.press("question_mark", "escape")
        assert screen.app.page.id == "spectrum"
        await screen.pilot.click("#tab-compare")
        await screen.still()
        assert screen.app.page.id == "compare"

    drive(act, [photo])


def test_pages_scroll(drive, photo):
    async def act(screen):
        page = screen.app.query_one("#compare")
        await screen.press("3", "j")
        await screen.until(lambda: page.scroll_offset.y == 1, 5)
        await screen.press("G")
        await screen.until(lambda: page.scroll_offset.y == page.max_scroll_y > 20, 5)
        await screen.press("g")
        await screen.until(lambda: page.scroll_offset.y == 0, 5)

    drive(act, [photo])


def test_one_encoder_is_not_compared(drive, photo):
    async def act(screen):
        await screen.press("3")
        assert "-m a,b" in screen.text
        for key in "1245":
            await screen.press(key)
            assert "tiny-dino" in screen.text
        assert screen.app.state.answers.compared is None
        shown = screen.app.state.answers.inspected["tiny-dino"]
        assert [number.value for number in shown.numbers()] == [number.value for number in report.numbers()]

    report = repscope.inspect(str(photo), repscope.load("tiny-dino"), framing="square")
    drive(act, [photo], names=["tiny-dino"])


def test_without_colour_or_unicode_everything_is_said(drive, photo, compared):
    rank = numbers_of(compared(photo), "tiny-dino")[0]

    async def act(screen):
        for key in "12345?o":
            await screen.press(key if key != "?" else "question_mark")
            assert screen.text.isascii()
        await screen.press("escape", "1")
        assert say(rank.value) in await screen.whole()
        assert "which this terminal does not show" in " ".join((await screen.whole()).split())
        await screen.press("5")
        rows = [line for line in screen.lines if "##" in line]
        assert rows
        styles = {segment.style for line in screen.app.screen._compositor.render_strips() for segment in line}
        assert all(style is None or style.color is None or style.color.is_default for style in styles)

    drive(act, [photo], terminal=Terminal(colour=False, pictures=False, unicode=False))


def test_pixels_are_drawn_where_the_terminal_has_them(drive, photo):
    async def act(screen):
        await screen.press("5", "right", "v")
        assert screen.app.page.asked.layer == "PCA"
        drawn = next(iter(screen.app.page.query(Raster)))
        cell, look = get_cell_size(), screen.app.page.lead
        image = np.asarray(drawn.pixelated.image)
        assert image.shape == (drawn.styles.height.value * cell.height, drawn.styles.width.value * cell.width, 3)
        down, across = (np.arange(0.5, 16) / 16 * side for side in image.shape[:2])
        middles = image[np.ix_(down.astype(int), across.astype(int))]
        marked = [*(look.place(pin.across, pin.down) for pin in screen.app.page.asked.pins)]
        plain = np.ones((16, 16), bool)
        plain[tuple(np.array([place for place in marked if place]).T)] = False
        np.testing.assert_array_equal(middles[plain], look.pca[plain])

    drive(act, [photo], terminal=Terminal(graphics=True))


@pytest.mark.parametrize(
    ("grid", "width", "height"), [((37, 37), 37, 38), ((16, 16), 29, 22), ((5, 9), 40, 12), ((24, 24), 10, 10)]
)
def test_marks_lie_on_the_colours_of_their_patch(grid, width, height):
    """Enlarged by the nearest, a patch is where the middles of pixels fall into it."""
    rows, columns = grid
    pixels = np.zeros((rows, columns, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(rows)[:, None], np.arange(columns)
    large = stretched(pixels, width, height)
    for row, column in np.ndindex(rows, columns):
        top, bottom, left, right = box_of(Mark(row, column), grid, width, height)
        inside = large[top:bottom, left:right, :2]
        assert inside.size > 0
        if height >= rows and width >= columns:
            assert (inside == (row, column)).all()
            assert inside.size == ((large[..., 0] == row) & (large[..., 1] == column)).sum() * 2


def test_boxes_lie_on_the_marked_patches():
    pixels = np.zeros((2, 4, 3), np.uint8)
    image = np.asarray(rastered(Drawing(pixels, (2, 4), (Mark(0, 1), Mark(1, 3, "A"))), 80, 40))
    for left, top, marked in ((20, 0, True), (60, 20, True), (0, 0, False), (40, 20, False)):
        patch = image[top : top + 20, left : left + 20]
        assert (patch[2, 2:18] == 255).all() == marked
        assert (patch[17, 2:18] == 255).all() == marked
        assert (patch[6:16, 12:17] == 0).all()
    assert image[20:32, 62:72].sum() > image[0:12, 22:32].sum()  # the letter
