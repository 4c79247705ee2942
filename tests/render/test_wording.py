"""What stands beside a number, and names that would do harm if printed as they are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repscope.render._wording import (
    ascii_only,
    counted,
    definitions,
    drawn,
    explained,
    halves,
    legible,
    measured,
    point,
    runs,
)
from repscope.report import Line, Note, Null, Number, Report, against


@given(st.text(st.characters()))
def test_nothing_hidden_is_left(text: str):
    shown = legible(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\ufeff")
    shown.encode()


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S"))))
def test_plain_text_is_left_alone(text: str):
    assert legible(text) == ascii_only(text) == text


@given(st.text(st.characters()))
def test_ascii_is_ascii(text: str):
    assert ascii_only(legible(text)).isascii()


def test_joiners_stay_so_that_scripts_that_need_them_read():
    assert legible("می\u200cخواهم") == "می\u200cخواهم"


def test_a_number_with_everything():
    number = Number(
        "CKA", 0.412, (0.39, 0.43), Null("torus shifts", 0.021, 0.034, 0.001, 999, 0.39), 256, "patches", "bits"
    )
    assert measured(number) == "0.412 [0.390, 0.430] bits"
    assert halves(number) == ("0.412 bits", "[0.390, 0.430]")
    assert counted(number) == "n = 256 patches"
    assert against(number.null) == "q95 0.034, p 0.001"
    assert drawn(number.null) == "torus shifts, 999 draws"
    assert number.null
    assert (
        explained(number.null) == "torus shifts (999 draws): mean 0.021; 95 % point 0.034; p = 0.001; calibrated 0.390."
    )


def test_a_number_with_nothing():
    number = Number("CKA", None)
    assert (measured(number), halves(number), counted(number), against(None), drawn(None)) == (
        "–",
        ("–", ""),
        "",
        "",
        "",
    )


def test_an_exact_chance_line_and_a_value_within_its_null():
    assert against(Null("chance", 0.1, 0.1)) == "chance 0.100"
    assert explained(Null("permutation", 0.1, 0.2, 0.4, 99, chance=0.05)).endswith(
        "p = 0.400, not past its null; chance 0.050."
    )


def test_a_point_of_a_curve_brings_its_band():
    line = Line("a", (1.0, 2.0), (3.0, 4.0), (2.5, 3.5), (3.5, 4.5))
    assert measured(point(line, 1)) == "4.00 [3.50, 4.50]"
    assert point(Line("a", (1.0,), (3.0,)), 0).ci is None


def test_definitions_stand_once_in_reading_order():
    numbers = (
        Number("b", 1, definition="second"),
        Number("a", 1, definition="first"),
        Number("b", 2, definition="third"),
    )
    assert list(definitions(Report("", numbers)).items()) == [("b", "second"), ("a", "first")]


@pytest.mark.parametrize("count", [1, 3])
def test_neighbouring_numbers_and_notes_run_together(count: int):
    number, note = Number("a", 1.0), Note("b")
    assert runs((number,) * count + (note,) * count + (number,)) == [[number] * count, [note] * count, [number]]
