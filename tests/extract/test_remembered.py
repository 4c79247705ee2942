"""A remembered encoder says what the encoder would, and looks once."""

from dataclasses import replace
from threading import Thread

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

import repscope
from repscope.errors import NoImages, Unsupported, WrongUsage
from repscope.extract.remembered import Remembered
from repscope.images import gather

PHOTOS = [noisy_photo(f"{k}.png", k) for k in range(6)]


def seen() -> Known:
    return Known("one", lambda photo, layer: smooth(photo, (5, 4), 7, layer), cls=True)


def same(one, other) -> None:
    for name in ("patches", "registers", "cls", "frames"):
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None)
        if left is not None:
            np.testing.assert_array_equal(left, right)
    assert (one.layer, one.frame) == (other.layer, other.frame)


def test_it_says_what_the_encoder_says_in_any_order():
    encoder, remembered = seen(), Remembered(seen())
    for some in (PHOTOS[:2], PHOTOS[1:5], PHOTOS[::-1], [PHOTOS[3], PHOTOS[3]]):
        for layers in ((-1,), (2, -1), (0,)):
            for one, other in zip(encoder(some, layers), remembered(some, layers), strict=True):
                same(one, other)


def test_every_photo_layer_and_frame_is_looked_at_once():
    encoder = seen()
    remembered = Remembered(encoder)
    remembered(PHOTOS[:3])
    remembered(PHOTOS[:4])
    remembered([PHOTOS[0], PHOTOS[3]])
    assert (encoder.batches, remembered.forwards) == ([3, 1], 4)
    remembered(PHOTOS[:2], (1, -1))
    remembered(PHOTOS[:2], (1,))
    assert encoder.batches == [3, 1, 2]
    remembered(PHOTOS[:2], (-1,), "official")
    assert encoder.batches == [3, 1, 2, 2]


def test_the_same_bytes_under_another_name_are_the_same_photo():
    encoder = seen()
    Remembered(encoder)([PHOTOS[0], replace(PHOTOS[0], id="again.png")])
    assert encoder.batches == [1]


@pytest.mark.parametrize("most", [0, 1000, 2000])
def test_with_little_memory_it_still_says_the_same(most):
    encoder, remembered = seen(), Remembered(seen(), most)
    for some in (PHOTOS[:4], PHOTOS[2:], PHOTOS[:1]):
        for one, other in zip(encoder(some, (0, -1)), remembered(some, (0, -1)), strict=True):
            same(one, other)
    assert remembered.forwards > 6


def test_what_was_asked_for_longest_ago_is_forgotten_first():
    encoder = seen()
    (tokens,) = encoder(PHOTOS[:1])
    size = tokens.patches.nbytes + tokens.cls.nbytes
    encoder.batches.clear()
    remembered = Remembered(encoder, 2 * size)
    for place in (0, 1, 0, 2, 0, 1):
        remembered([PHOTOS[place]])
    assert len(encoder.batches) == 4  # 0 and 1, then 2 in the place of 1, then 1 again


def test_a_mistake_is_passed_on_and_nothing_is_kept_of_it():
    encoder = seen()

    def broken(photo, layer):
        raise WrongUsage("no such layer")

    remembered = Remembered(encoder)
    whole, encoder.see = encoder.see, broken
    with pytest.raises(WrongUsage):
        remembered(PHOTOS[:2])
    encoder.see = whole
    same(remembered(PHOTOS[:2])[0], seen()(PHOTOS[:2])[0])


def test_nobody_to_look_at_is_the_encoders_to_refuse():
    remembered = Remembered(repscope.load("tiny-mae"))
    with pytest.raises(NoImages):
        remembered([])
    with pytest.raises(WrongUsage, match="no layer 99"):
        remembered(gather()[0], (99,))


def test_attention_is_that_of_the_encoder():
    encoder = repscope.load("tiny-mae")
    photos, _ = gather()
    remembered = Remembered(encoder)
    for _ in range(2):
        np.testing.assert_allclose(remembered.attention(photos, 6), encoder.attention(photos, 6), atol=1e-5)
    assert remembered.forwards == 0
    with pytest.raises(Unsupported, match="gives no attention away"):
        Remembered(seen()).attention(photos, 1)


def test_threads_wait_for_each_other():
    encoder = seen()
    remembered = Remembered(encoder)
    threads = [Thread(target=remembered, args=(PHOTOS,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert encoder.batches == [6]
