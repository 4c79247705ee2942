"""Colours: order is carried by lightness, zero has no colour, and everything can be read."""

import numpy as np
import pytest

from repscope.render import _colours


def lightness(values: np.ndarray, domain: tuple[float, float]) -> np.ndarray:
    return np.array([_colours.luminance(_colours.hexadecimal(c)) for c in _colours.coloured(values, domain)])


def test_magnitudes_grow_lighter_so_that_order_survives_grey():
    assert (np.diff(lightness(np.linspace(0, 1, 64), (0.0, 1.0))) > 0).all()


def test_signed_values_fade_to_white_at_zero_alike_on_both_sides():
    domain = (-0.4, 1.0)
    up, down = (lightness(sign * np.linspace(0, 1, 32), domain) for sign in (1, -1))
    assert (np.diff(up) < 0).all()
    assert (np.diff(down) < 0).all()
    zero = _colours.coloured(np.zeros(1), domain)[0].astype(int)
    assert np.ptp(zero) < 12
    assert zero.min() > 225
    high, low = _colours.coloured(np.array([1.0, -1.0]), domain).astype(int)
    assert high[0] > high[2] + 60  # warm above zero
    assert low[2] > low[0] + 60  # cold below


def test_beyond_the_domain_is_the_end_and_no_number_is_grey():
    colours = _colours.coloured(np.array([[5.0, 1.0], [-3.0, 0.0], [np.nan, np.inf]]), (0.0, 1.0))
    assert colours.shape == (3, 2, 3)
    assert (colours[0, 0] == colours[0, 1]).all()
    assert (colours[1, 0] == colours[1, 1]).all()
    assert (colours[2] == _colours.MISSING).all()


def test_a_domain_of_one_value_does_not_divide_by_zero():
    assert _colours.coloured(np.array([1.0]), (1.0, 1.0)).shape == (1, 3)


def test_contrast_is_that_of_the_web_guidelines():
    assert _colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # their own example


@pytest.mark.parametrize("domain", [(0.0, 1.0), (-1.0, 1.0)])
def test_the_value_in_a_cell_can_be_read_on_any_colour(domain: tuple[float, float]):
    for colour in _colours.stops(domain, 101):
        assert _colours.contrast(_colours.ink(colour), colour) >= 4.5


@pytest.mark.parametrize("paper", ["#ffffff", "#15171b"])
def test_lines_stand_out_in_light_and_dark(paper: str):
    assert len(set(_colours.LINES)) == 6
    assert min(_colours.contrast(line, paper) for line in _colours.LINES) >= 3
