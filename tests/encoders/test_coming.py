"""Encoders on their way: when their weights are read and let go, and who hears of what is wrong with them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import repscope
from repscope.encoders.coming import Coming, coming
from repscope.encoders.load import Checkpoint, load
from repscope.errors import UnfitCheckpoint, UnknownName
from repscope.images import gather

NAMES = ("tiny-dino", "tiny-mae", "tiny-random")


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The encoders whose weights were read, in this order."""
    names: list[str] = []
    real = Checkpoint.encoder

    def encoder(self, *asked):
        names.append(self.contract.name)
        return real(self, *asked)

    monkeypatch.setattr(Checkpoint, "encoder", encoder)
    return names


@pytest.fixture
def queue():
    thread, made = ThreadPoolExecutor(1), []
    for name in NAMES:
        made.append(coming(name, "auto", thread, made[-1] if made else None))
    yield made
    thread.shutdown()


def settled(queue) -> None:
    """Once whatever was to be read has been read."""
    queue[0]._thread.submit(lambda: None).result()


def test_one_is_read_ahead_and_no_more(queue, read):
    photos, _ = gather()
    settled(queue)
    assert read in ([], ["tiny-dino"])  # the first began before anybody listened, perhaps
    read.clear()
    queue[0](photos)
    settled(queue)
    assert read[-1:] == ["tiny-mae"]
    queue[1](photos)
    settled(queue)
    assert read[-1:] == ["tiny-random"]
    queue[2](photos)
    assert len(read) == 2


def test_it_says_what_the_encoder_says(queue):
    photos, _ = gather()
    for name, each in zip(NAMES, queue, strict=True):
        known = load(name)
        assert (each.contract, each.revision, each.precision) == (known.contract, known.revision, known.precision)
        wanted = known(photos, (1, -1), "official")
        for said in (each(photos, (1, -1), "official"), each.tokens(each.shown(photos, "official"), (1, -1))):
            for one, other in zip(said, wanted, strict=True):
                np.testing.assert_array_equal(one.patches, other.patches)
        assert each.attending(photos)[0].received is not None
        np.testing.assert_array_equal(each.attention(photos, 2), known.attention(photos, 2))


def test_what_was_let_go_is_read_again(queue, read):
    photos, _ = gather()
    before = queue[0](photos)[0].patches
    queue[0].let_go()
    settled(queue)
    read.clear()
    np.testing.assert_array_equal(queue[0](photos)[0].patches, before)
    assert read == ["tiny-dino"]


def test_a_comparison_lets_each_go_once_it_has_seen_all_there_is(queue, monkeypatch):
    gone: list[str] = []
    monkeypatch.setattr(Coming, "let_go", lambda self: gone.append(self.contract.name))
    report = repscope.compare([], queue)
    assert gone == list(NAMES)
    assert report.numbers() == repscope.compare([], [load(name) for name in NAMES]).numbers()
    gone.clear()
    repscope.compare([], queue, batch=1)
    assert gone == []


def test_damage_is_told_by_the_call_and_the_others_go_on(tmp_path):
    from repscope.encoders.families.lab import EMBEDDED

    whole = (EMBEDDED / "tiny-mae.safetensors").read_bytes()
    file = tmp_path / "short.safetensors"
    file.write_bytes(whole[:-100])
    with ThreadPoolExecutor(1) as thread:
        made = [coming("tiny-dino", "auto", thread)]
        for name in (str(file), "tiny-random"):
            made.append(coming(name, "auto", thread, made[-1]))
        report = repscope.compare([], made)
        assert isinstance(made[1].error, UnfitCheckpoint)
        assert "short.safetensors" in str(made[1].error)
        assert any("is left out" in getattr(block, "text", "") for block in report.blocks)
        with pytest.raises(UnfitCheckpoint):
            repscope.compare([], made, strict=True)
        with pytest.raises(UnknownName):
            coming("tiny-din", "auto", thread)
