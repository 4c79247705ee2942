"""Options: every objective declares the bounds of its own, and a person is held to them."""

import inspect
import math
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repscope.errors import UnknownName, WrongUsage
from repscope.lab import objectives, options
from repscope.lab.bounds import Bounds, PartialShare, Positive, ProperShare, Share, Weight, Width
from repscope.lab.narrow import NarrowWidth
from repscope.lab.objectives import Objective

NUMBERS = st.one_of(st.integers(), st.floats())


def declared(name: str) -> dict[str, tuple[type, Bounds | None, object]]:
    """An objective's number options: type, bounds, default."""
    kind = objectives.catalogue[name]
    hints = get_type_hints(kind.__init__, include_extras=True)
    found = {}
    for option, parameter in inspect.signature(kind).parameters.items():
        hint, *bounds = get_args(hints[option]) if get_origin(hints[option]) is Annotated else (hints[option],)
        if hint in (int, float):
            found[option] = hint, bounds[0] if bounds else None, parameter.default
    return found


@pytest.mark.parametrize("name", sorted(objectives.catalogue))
class TestDeclared:
    def test_every_number_has_bounds_and_lies_in_them(self, name):
        for option, (kind, bounds, default) in declared(name).items():
            assert isinstance(bounds, Bounds), option
            assert default in bounds, option
            assert options.checked(name, objectives.catalogue[name], {option: default}) == {option: default}
            assert math.isfinite(bounds.high) or kind is float, option  # a number of things has an end

    def test_what_is_outside_is_refused_with_the_range(self, name):
        for option, (kind, bounds, _) in declared(name).items():
            assert bounds is not None
            said = f"{'a whole number' if kind is int else 'a number'}, {bounds}"
            outside = [bounds.low - 1, math.nan, math.inf, 10**400, True, "1", [1]]
            outside += [bounds.low] * bounds.above + [bounds.high] * bounds.below
            outside += [bounds.high + 1] if math.isfinite(bounds.high) else []
            outside += [bounds.low + 0.5] if kind is int else []
            for value in outside:
                with pytest.raises(WrongUsage) as error:
                    options.checked(name, objectives.catalogue[name], {option: value})
                assert f"The option {option} of {name} wants {said}; got {value!r}." in str(error.value)


class TestBounds:
    @given(NUMBERS, st.integers(-5, 5), st.integers(0, 5), st.booleans(), st.booleans())
    def test_what_lies_in_them(self, value, low, more, above, below):
        bounds = Bounds(low, low + more, above=above, below=below)
        inside = (low < value if above else low <= value) and (value < low + more if below else value <= low + more)
        assert (value in bounds) == inside

    @given(NUMBERS)
    def test_without_an_end_everything_a_float_can_hold_is_in(self, value):
        finite = value == value and abs(value) <= 1.7976931348623157e308
        assert (value in Bounds()) == (finite and value >= 0)

    @given(st.integers(-50, 50))
    def test_multiples(self, value):
        assert (value in Bounds(12, 36, multiple=12)) == (value in (12, 24, 36))

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            (Share, "from 0 to 1"),
            (PartialShare, "from 0 to below 1"),
            (ProperShare, "above 0 and below 1"),
            (Positive, "above 0"),
            (Weight, "0 or more"),
            (NarrowWidth, "a multiple of 12 from 12 to 16,380"),
            (Annotated[float, Bounds(0, 1, above=True)], "above 0 and at most 1"),
            (Width, "from 1 to 16,384"),
        ],
    )
    def test_in_words(self, kind, words):
        assert str(get_args(kind)[1]) == words


class TestAnotherObjective:
    """One that somebody adds is one file: its bounds stand in it, and nothing else needs to know."""

    class Lunar(Objective):
        def __init__(self, encoder, setting, moons: Annotated[int, "of Jupiter", Bounds(1, 95)] = 4, size: float = 1.0):
            super().__init__(encoder, setting)
            self.moons, self.size = moons, size

    def test_its_own_bounds_hold(self):
        assert options.checked("lunar", self.Lunar, {"moons": 95, "size": 2}) == {"moons": 95, "size": 2}
        with pytest.raises(WrongUsage, match="moons of lunar wants a whole number, from 1 to 95; got 96"):
            options.checked("lunar", self.Lunar, {"moons": 96})

    def test_a_number_without_bounds_is_none_below_zero(self):
        with pytest.raises(WrongUsage, match="size of lunar wants a number, 0 or more; got -1"):
            options.checked("lunar", self.Lunar, {"size": -1})

    def test_an_option_it_does_not_take_is_named_with_those_near(self):
        with pytest.raises(UnknownName, match=r"No option of lunar is called 'moon'. Did you mean moons"):
            options.checked("lunar", self.Lunar, {"moon": 1})


def test_a_value_too_deep_to_read_is_text():
    deep = "[" * 5000
    assert options.parsed([f"hidden={deep}"]) == {"hidden": deep}
