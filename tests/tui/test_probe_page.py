"""The probe: moved by keys, it shows what the panels say."""

import numpy as np

from repscope.report import say
from repscope.report.probe import KINDS
from repscope.tui.looks import LAYERS


def place(screen, encoder="tiny-dino"):
    return screen.app.page.seen[encoder].overlay.mark


def panel(screen, encoder="tiny-dino"):
    return next(each for each in screen.app.state.answers.probe.panels if each.encoder == encoder)


MOVES = {
    **{"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)},
    **{"h": (0, -1), "l": (0, 1), "k": (-1, 0), "j": (1, 0)},
}


def test_keys_move_the_patch_and_the_heat_is_the_panels(drive, photo):
    async def act(screen):
        await screen.press("5")
        for key, (down, across) in MOVES.items():
            before = place(screen)
            await screen.press(key)
            assert place(screen) == (before[0] + down, before[1] + across)
            for encoder in ("tiny-dino", "tiny-random"):
                heat = panel(screen, encoder).similarity(0, place(screen), "centred")
                np.testing.assert_array_equal(screen.app.page.seen[encoder].overlay.values, heat)
            row, column = place(screen)
            assert f"row {row + 1}, column {column + 1}" in screen.text

    drive(act, [photo])


def test_the_patch_stays_in_the_photo(drive, photo):
    async def act(screen):
        await screen.press("5", *["left"] * 10)
        assert place(screen) == (8, 0)
        await screen.press(*["down"] * 10)
        assert place(screen) == (15, 0)

    drive(act, [photo])


def test_the_best_match_and_the_loss_stand_with_every_panel(drive, photo):
    async def act(screen):
        await screen.press("5", "right")
        for encoder in ("tiny-dino", "tiny-random"):
            values = panel(screen, encoder).similarity(0, place(screen), "centred")
            values[place(screen)] = -2
            row, column = np.unravel_index(values.argmax(), values.shape)
            assert f"best {say(values.max())} at row {row + 1}, column {column + 1}" in screen.text
            beside = screen.lines[4].partition(encoder)[2]
            assert say(panel(screen, encoder).error) in beside

    drive(act, [photo])


def test_the_chosen_encoder_comes_first(drive, photo):
    async def act(screen):
        await screen.press("5")
        assert list(screen.app.page.seen) == ["tiny-dino", "tiny-random"]
        await screen.press("m")
        assert list(screen.app.page.seen) == ["tiny-random", "tiny-dino"]

    drive(act, [photo])


def test_kinds_scales_and_layers(drive, draw, tmp_path):
    photos = [draw(tmp_path / f"{seed}.png", seed) for seed in range(2)]

    async def act(screen):
        await screen.press("5")
        page = screen.app.page
        await screen.press("c")
        assert page.asked.kind == "position removed"
        assert "Centred: position is told from content" in screen.text
        assert "similarity  centred, absolute" in screen.text
        await screen.press("c")
        assert "raw" in screen.text
        raw = panel(screen).similarity(0, place(screen), "raw")
        np.testing.assert_array_equal(page.seen["tiny-dino"].overlay.values, raw)
        await screen.press("c", "p")
        assert page.asked.kind == KINDS[1]
        values = panel(screen).percentile(0, place(screen), panel(screen).similarity(0, place(screen)))
        np.testing.assert_array_equal(page.seen["tiny-dino"].overlay.values, values)
        assert "percentile" in screen.text
        seen = []
        for _ in LAYERS:
            seen.append(page.asked.layer)
            assert page.asked.layer in screen.text
            if page.asked.layer == "norm":
                np.testing.assert_array_equal(page.seen["tiny-dino"].overlay.values, panel(screen).norms(0))
                assert "for all patches, to a thousandth" in screen.text  # tiny-random ends in a norm
            if page.asked.layer == "attention":
                looked = panel(screen).looks[0].looked_at
                np.testing.assert_array_equal(page.seen["tiny-dino"].overlay.values, looked)
            await screen.press("v")
        assert tuple(seen) == LAYERS
        await screen.press("n")
        values = panel(screen).similarity(1, place(screen))
        np.testing.assert_array_equal(
            page.seen["tiny-dino"].overlay.values, panel(screen).percentile(1, place(screen), values)
        )

    drive(act, photos, size=(160, 48))


def test_one_photo_has_no_percentile_and_says_so(drive, photo):
    async def act(screen):
        await screen.press("5", "p")
        assert "give two photos or more" in " ".join(screen.text.split())
        heat = panel(screen).similarity(0, place(screen))
        np.testing.assert_array_equal(screen.app.page.seen["tiny-dino"].overlay.values, heat)

    drive(act, [photo])


def test_pins_come_and_go(drive, photo):
    async def act(screen):
        await screen.press("5")
        page = screen.app.page
        assert [pin.label for pin in page.asked.pins] == ["A", "B", "C"]
        await screen.press("right", "right", "right", "down", "enter")
        assert [pin.label for pin in page.asked.pins] == ["A", "B", "C", "D"]
        place_of_d = place(screen)
        await screen.press("left")
        value = panel(screen).similarity(0, place(screen))[place_of_d]
        assert f"D {say(value)}" in screen.text
        await screen.press("right", "enter")
        assert [pin.label for pin in page.asked.pins] == ["A", "B", "C"]

    drive(act, [photo])


def test_a_click_moves_the_patch(drive, photo):
    async def act(screen):
        await screen.press("5")
        tile = next(iter(screen.app.page.query("Picture")))
        await screen.pilot.click(tile, offset=(5, 3))
        await screen.still()
        assert place(screen) == (3, 2)

    drive(act, [photo])
