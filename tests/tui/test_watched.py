"""Watched: whoever watches an encoder changes nothing of what it says of itself."""

import numpy as np

from repscope.encoders import load
from repscope.extract.remembered import Remembered
from repscope.images import gather
from repscope.tui.watched import Watched


def test_its_precision_and_its_sibling_in_float32_are_the_encoders():
    photos, _ = gather()
    told: list[tuple[str, int]] = []
    watched = Watched(load("tiny-mae", "bfloat16"))
    watched.listener = lambda name, count: told.append((name, count))
    assert watched.precision == Remembered(watched).precision == "bfloat16"
    exact = Remembered(watched).exact()
    assert exact is not None
    np.testing.assert_array_equal(exact(photos)[0].patches, load("tiny-mae", "float32")(photos)[0].patches)
    assert told == [("tiny-mae", 2)]
