"""Rounding: readings that bfloat16 moves too far are those of float32, the others stay, and both are said."""

from dataclasses import replace

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

from repscope import metrics
from repscope.analyses._numbers import TRUSTED
from repscope.analyses._rounding import PART, settled, shift, too_far, width
from repscope.analyses._study import Study
from repscope.analyses.compare import compare
from repscope.analyses.inspect import inspect
from repscope.encoders import load
from repscope.extract import in_canonical_order
from repscope.extract.remembered import Remembered
from repscope.metrics import Rows
from repscope.report import Note, Number, Report, Table
from repscope.statistics import interval


class Rounded(Known):
    """Known, in a precision: its tokens are those of `exact()` times a factor, and a little noise."""

    precision = "bfloat16"

    def __init__(self, name: str, factor: float = 1.0, noise: float = 0.0, sibling: bool = True):
        draws = np.random.default_rng(0)
        self.factor, self.sibling, self.loads = factor, sibling, 0
        self.true = lambda photo, layer: smooth(photo, (9, 9), 12, 0)
        super().__init__(
            name, lambda photo, layer: factor * self.true(photo, layer) + noise * draws.normal(size=(9, 9, 12))
        )

    def exact(self) -> Known | None:
        self.loads += 1
        made = Known(self.contract.name, self.true)
        self.siblings = [*getattr(self, "siblings", []), made]
        return made if self.sibling else None


def photographed(count: int) -> list:
    return [noisy_photo(f"photo {k}.png", 1000 + 7 * k) for k in range(count)]


def readings_of(report: Report, column: int = 1) -> dict[str, Number]:
    (table,) = (b for b in report.blocks if isinstance(b, Table) and b.title == "Readings of the patches")
    return {row[0]: row[column] for row in table.rows}  # type: ignore[misc]


def notes_of(report: Report) -> list[str]:
    return [block.text for block in report.blocks if isinstance(block, Note) and "bfloat16" in block.text]


class TestRule:
    def test_a_tenth_of_the_interval(self):
        values = [float(k) for k in range(12)]
        ends = interval(values)
        assert ends is not None
        tenth = 0.1 * (ends[1] - ends[0])
        assert not too_far(values, [values[0] + 0.99 * tenth])
        assert too_far(values, [values[0] + 1.01 * tenth])

    def test_differences_do_not_cancel(self):
        assert shift([1.0, 2.0, 3.0], [1.5, 1.5]) == 0.5

    def test_without_a_width_any_move_is_too_far(self):
        assert width([0.0, 0.0]) == 0
        assert not too_far([0.0, 0.0], [0.0])
        assert too_far([0.0, 0.0], [1e-9])

    def test_a_value_in_one_precision_alone_is_too_far(self):
        assert too_far([1.0, 2.0], ["undefined"])
        assert too_far(["undefined", 2.0], [1.0])
        assert not too_far(["undefined", 2.0], ["undefined"])


class TestReadings:
    def test_what_moves_is_read_again_of_every_photo_and_nothing_else(self):
        """A factor of 1.3 moves the norm alone: all other readings do not notice scale."""
        encoder, photos = Rounded("rounded", factor=1.3), photographed(6)
        found = readings_of(inspect(photos, encoder))
        exact = readings_of(inspect(photos, Known("rounded", encoder.true)))
        norm = metrics.catalogue["token_norm"].title
        assert found[norm].value == pytest.approx(exact[norm].value)
        assert found[norm].ci == pytest.approx(exact[norm].ci)
        said = [caveat for caveat in found[norm].caveats if "float32" in caveat]
        by = _moved(exact[norm].value)
        assert said == [f"in float32: bfloat16 moved it by {by}, more than a tenth of its interval"]
        for title, number in found.items():
            assert ("float32" in " ".join(number.caveats)) == (title == norm)
        assert encoder.loads == 1
        assert sum(encoder.siblings[0].batches) == 1 + 6  # one to see, then all

    def test_what_does_not_move_is_left_and_costs_one_photo(self):
        encoder = Rounded("rounded", noise=1e-6)
        report = inspect(photographed(6), encoder)
        assert not any("float32" in caveat for number in readings_of(report).values() for caveat in number.caveats)
        assert sum(encoder.siblings[0].batches) == 1
        assert any("it moves none of" in text for text in notes_of(report))

    def test_four_photos_are_looked_at_where_there_are_enough(self):
        encoder = Rounded("rounded", noise=1e-6)
        inspect(photographed(TRUSTED), encoder)
        assert sum(encoder.siblings[0].batches) == 4

    def test_one_photo_has_no_interval_and_is_told(self):
        encoder = Rounded("rounded", factor=1.3)
        report = inspect(photographed(1), encoder)
        assert encoder.loads == 0
        assert any("One photo has no interval" in text for text in notes_of(report))

    def test_an_encoder_that_cannot_be_asked_is_told(self):
        report = inspect(photographed(4), Rounded("rounded", factor=1.3, sibling=False))
        assert any("cannot be asked in float32 here" in text for text in notes_of(report))

    def test_float32_is_left_alone(self, encoders, photos):
        assert notes_of(compare(photos, encoders)) == []


class TestCompare:
    def test_each_encoder_by_itself(self):
        encoder, photos = Rounded("rounded", factor=1.3), photographed(6)
        other = Known("other", lambda photo, layer: smooth(photo, (9, 9), 9, 5))
        report, plain = (compare(photos, [e, other]) for e in (encoder, Known("rounded", encoder.true)))
        norm = metrics.catalogue["token_norm"].title
        assert readings_of(report)[norm].value == pytest.approx(readings_of(plain)[norm].value)
        assert readings_of(report, 2)[norm] == readings_of(plain, 2)[norm]

    def test_a_pair_that_moves_is_told_with_its_number(self):
        noisy, photos = Rounded("rounded", noise=2.0), photographed(6)
        other = Known("other", lambda photo, layer: smooth(photo, (9, 9), 12, 0))
        study = Study.of(photos, [noisy, other])
        report = compare(photos, [noisy, other])
        cells = {b.title: b.cells[0][1] for b in report.blocks if hasattr(b, "cells")}
        caveats = " ".join(cells["CKA"].caveats)
        assert "in bfloat16, which moves it by" in caveats
        assert study.names == ("rounded", "other")
        still = compare(photos, [Rounded("rounded", noise=1e-7), other])
        cells = {b.title: b.cells[0][1] for b in still.blocks if hasattr(b, "cells")}
        assert "bfloat16" not in " ".join(cells["Mutual k-NN"].caveats if "Mutual k-NN" in cells else ())


class TestLoaded:
    @pytest.mark.parametrize("wrap", [lambda e: e, Remembered], ids=["plain", "remembered"])
    def test_its_sibling_is_the_same_encoder_in_float32(self, wrap):
        photos = photographed(2)
        near = wrap(load("tiny-mae", "bfloat16"))
        exact = near.exact()
        assert (near.precision, exact.precision) == ("bfloat16", "float32")
        np.testing.assert_array_equal(exact(photos)[0].patches, load("tiny-mae", "float32")(photos)[0].patches)
        assert exact.exact() is exact

    def test_no_reading_is_further_off_than_a_tenth_of_its_interval(self):
        """The bar itself, of a trained encoder: what is shown against what float32 shows."""
        photos = photographed(3)
        cards = metrics.readings(patches=True)
        near, exact = (load("tiny-distill", p) for p in ("bfloat16", "float32"))
        study = Study.of(photos, [near])
        order = in_canonical_order(photos)

        def values(encoder):
            (tokens,) = encoder(order)
            return {c.name: [c.of(Rows(x)) for x in tokens.patches] for c in cards}

        shown, true = values(near), values(exact)
        before = {name: list(each) for name, each in shown.items()}
        found = settled(study, order, cards, [shown])
        for _, name in found.again:
            np.testing.assert_allclose(shown[name], true[name], rtol=1e-5)
        for name, each in shown.items():
            if (0, name) not in found.again:
                assert each == before[name]
                assert shift(each[:1], true[name][:1]) <= PART * width(each)


def _moved(exact: float | None) -> str:
    from repscope.report import say

    assert exact is not None
    return say(0.3 * exact)


def test_a_caveat_is_kept_beside_those_there_are():
    from repscope.analyses._rounding import Rounding

    number = Number("Norm", 1.0, caveats=("one",))
    told = Rounding(again={(0, "token_norm"): 0.5}).told(0, {"token_norm": number, "isotropy": replace(number)})
    assert told["token_norm"].caveats[0] == "one"
    assert len(told["token_norm"].caveats) == 2
    assert told["isotropy"] == number
