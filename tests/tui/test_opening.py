"""Opening photos: through the browser, while something runs, and ones that cannot be read."""

import os

import pytest

import repscope
from repscope.errors import UnknownName, Unreachable
from repscope.report import say
from repscope.tui.study import Answered, Progress, Refused, Study

HOSTILE = "[red]x[] \x1b[2J\u202e.png"


def values(report):
    return [number.value for number in report.numbers()]


def test_another_photo_is_measured_with_progress(drive, draw, tmp_path, photo, compared):
    draw(tmp_path / "other.png", 3)
    said = compared(tmp_path / "other.png")

    async def act(screen):
        heard, hear = [], screen.app.study.listener
        screen.app.study.listener = lambda what: (heard.append(what), hear(what))
        await screen.press("o")
        assert "2 photos" in screen.text
        assert any(line.strip().startswith("> photo.png") for line in screen.lines)
        await screen.press("g", "enter")
        await screen.settled()
        assert screen.app.page.id == "dashboard"
        assert "other.png" in screen.lines[0]
        assert values(screen.app.state.answers.compared) == values(said)
        progress = [what for what in heard if isinstance(what, Progress)]
        assert any("comparing" in what.words for what in progress)
        assert [what.share for what in progress] == sorted(what.share for what in progress)
        rank = said.numbers()[0]
        assert say(rank.value) in await screen.whole()

    drive(act, [photo], anew=True)


def test_the_browser_walks_folders(drive, draw, tmp_path, photo):
    inside = tmp_path / "folder"
    inside.mkdir()
    for seed in range(3):
        draw(inside / f"{seed}.png", seed)
    (inside / "notes.txt").write_text("no photo")

    async def act(screen):
        await screen.press("o", "g", "enter")
        assert str(inside) in screen.joined
        assert "3 photos" in screen.text
        assert "notes.txt" not in screen.text
        await screen.press("j", "j", "j", "k")
        assert any(line.strip().startswith("> 1.png") for line in screen.lines)
        await screen.press("G")
        assert any(line.strip().startswith("> 2.png") for line in screen.lines)
        await screen.press("h")
        assert any(line.strip().startswith("> folder/") for line in screen.lines)
        await screen.press("escape")
        assert screen.app.page.id == "dashboard"
        await screen.press("o", "g", "enter", "a")
        await screen.settled()
        assert "1 of 3" in screen.lines[0]

    drive(act, [photo])


def test_a_photo_that_went_away_is_a_message(drive, draw, tmp_path, photo):
    gone = draw(tmp_path / "gone.png", 1)

    async def act(screen):
        before = screen.app.state.answers
        await screen.press("o", "g")
        gone.unlink()
        await screen.press("enter")
        await screen.settled()
        assert "no such file" in " ".join(screen.text.split())
        assert screen.app.state.answers is before
        await screen.press("escape")
        assert "no such file" not in screen.text
        await screen.press("o")
        assert "1 photo" in screen.text

    drive(act, [photo])


def test_a_photo_that_cannot_be_read_is_a_message(drive, draw, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno photo")
    draw(tmp_path / "whole.png")

    async def act(screen):
        assert "broken.png" in screen.joined
        await screen.press("2", "3", "4", "5", "m", "v", "enter", "right", "n", "o", "G", "enter")
        await screen.settled()
        assert screen.app.state.answers.compared is not None
        assert "There is no photo" not in screen.text

    drive(act, [tmp_path / "broken.png"])


def test_a_photo_left_out_is_named(drive, tmp_path, photo):
    (tmp_path / "broken.png").write_bytes(b"nothing")

    async def act(screen):
        assert "broken.png" in "".join((await screen.whole()).split())

    drive(act, [photo, tmp_path / "broken.png"])


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be written")
def test_a_strangers_name_is_text(drive, draw, tmp_path):
    path = draw(tmp_path / HOSTILE)

    async def act(screen):
        assert "[red]x[] \\x1b[2J\\u202e.png" in screen.lines[0]
        for key in "12345o":
            await screen.press(key)
            assert "\x1b" not in screen.text
            assert "\u202e" not in screen.text
        assert "[red]x[] \\x1b[2J\\u202e.png" in screen.text
        await screen.press("enter")
        await screen.settled()

    drive(act, [path])


def test_an_encoder_that_cannot_be_loaded_is_named(drive, photo, monkeypatch):
    load = repscope.encoders.load

    def refusing(name):
        if name == "dinov2-small":
            raise Unreachable("The hub is far away.")
        return load(name)

    monkeypatch.setattr("repscope.encoders.load", refusing)

    async def act(screen):
        assert "The hub is far away" in await screen.whole()
        await screen.press("m", "m", "2")
        assert "The hub is far away" in screen.text
        await screen.press("5")
        assert list(screen.app.page.seen) == ["tiny-dino", "tiny-random"]

    drive(act, [photo], names=["tiny-dino", "tiny-random", "dinov2-small"])

    async def nothing(screen):
        assert "The hub is far away" in screen.text
        for key in "12345":
            await screen.press(key)

    drive(nothing, [photo], names=["dinov2-small"])


def test_an_unknown_name_ends_the_screen(drive, photo):
    async def act(screen):
        await screen.until(lambda: screen.app.return_value is not None)

    app = drive(act, [photo], names=["tiny-dimo"], wait=False)
    assert isinstance(app.return_value, UnknownName)


def test_a_bug_shows_its_traceback(drive, photo, monkeypatch):
    def broken(name):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("repscope.encoders.load", broken)

    async def act(screen):
        await screen.until(lambda: screen.app.return_code)

    with pytest.raises(ZeroDivisionError, match="a bug"):
        drive(act, [photo], wait=False)


def test_quitting_in_the_middle_leaves_cleanly(drive, photo):
    async def act(screen):
        await screen.until(lambda: screen.app.query_one("Line").words)
        await screen.press("q")

    app = drive(act, [photo], anew=True, wait=False)
    assert app.return_code == 0
    assert not app.study.thread.is_alive()


def test_a_run_that_is_overtaken_says_nothing_more(draw, tmp_path):
    heard = []
    study = Study(["tiny-dino", "tiny-random"], heard.append)
    for seed in range(3):
        study.ask([str(draw(tmp_path / f"{seed}.png", seed))])
    study.thread.join(30)
    answered = [what for what in heard if isinstance(what, Answered)]
    assert {report.title for what in answered for report in [what.answers.main] if report} == {
        "tiny-dino, tiny-random on 2.png"
    }
    assert [what.over for what in answered].count(True) == 1
    assert not [what for what in heard if isinstance(what, Refused)]
    assert study.leave()


def test_too_small_is_said_and_mended(drive, photo):
    async def act(screen):
        assert "Too small: 20 x 5" in " ".join(screen.text.split())
        await screen.press("2", "3", "4", "5", "o", "j", "escape", "5", "right")
        await screen.pilot.resize_terminal(80, 24)
        await screen.still()
        assert "Too small" not in screen.text
        assert "row 9, column" in screen.text
        await screen.pilot.resize_terminal(20, 5)
        await screen.still()
        assert "Too small" in screen.text

    drive(act, [photo], size=(20, 5))
