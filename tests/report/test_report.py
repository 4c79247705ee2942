"""A report as a data frame, and blocks that show themselves."""

import builtins

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

import repscope
from repscope.errors import Unsupported
from repscope.render.html import fragment
from repscope.render.text import text
from repscope.report import Heatmap, Note, Null, Number, Report, Table, say
from repscope.report.report import FRAME

NULL = Null("torus shifts", 0.1, 0.2, 0.01, 99)
CKA = Number("CKA", 0.5, (0.4, 0.6), NULL, 12, "photos", "", "what it is", ("mind", "this"))
NONE = Number("Rank", None, reason="too few")
REPORT = Report(
    "all",
    (
        Note("words"),
        CKA,
        Table("readings", ("reading", "a", "b"), (("CKA", CKA, "text"), ("rank", NONE, CKA))),
        Heatmap("pairs", ("x",), ("y", "z"), ((CKA, NONE),)),
    ),
)


def test_every_number_is_a_row_in_reading_order():
    frame = REPORT.to_frame()
    assert tuple(frame.columns) == FRAME
    assert len(frame) == len(REPORT.numbers()) == 6
    assert list(frame.block) == ["", "readings", "readings", "readings", "pairs", "pairs"]
    assert list(frame.row) == ["CKA", "CKA", "rank", "rank", "x", "x"]
    assert list(frame.column) == ["", "a", "a", "b", "y", "z"]
    first = frame.iloc[0]
    assert (first.value, first.low, first.high, first.null, first.null_q95, first.p) == (
        0.5,
        0.4,
        0.6,
        NULL.kind,
        0.2,
        0.01,
    )
    assert (first.n, first.of, first.caveats) == (12, "photos", "mind; this")
    assert np.isnan(frame.value[2])
    assert frame.reason[2] == "too few"


def test_a_frame_of_a_real_report_has_its_numbers():
    report = repscope.compare([], [repscope.load(name) for name in ("tiny-mae", "tiny-random")])
    frame = report.to_frame()
    np.testing.assert_array_equal(
        frame.value.to_numpy(float), [np.nan if n.value is None else n.value for n in report.numbers()]
    )
    cka = frame[(frame.label == "CKA") & (frame.row == "tiny-mae") & (frame.column == "tiny-random")]
    assert len(cka) == 1


def test_a_report_without_numbers_is_an_empty_frame():
    assert REPORT.__class__("none", ()).to_frame().shape == (0, len(FRAME))


def test_without_pandas_the_way_to_it_is_said(monkeypatch):
    whole = builtins.__import__

    def without(name, *rest, **more):
        if name == "pandas":
            raise ImportError(name)
        return whole(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unsupported, match="pip install pandas"):
        REPORT.to_frame()


@pytest.mark.parametrize("block", REPORT.blocks, ids=lambda block: type(block).__name__)
def test_a_block_shows_itself(block):
    shown = block._repr_html_()
    assert '<article class="repscope">' in shown
    assert "<h1>" not in shown
    assert "Report(" not in str(block)
    if isinstance(block, Number):
        assert say(block.value) in shown
        assert say(block.value) in str(block)


def test_a_report_prints_as_the_text_that_a_command_prints():
    assert str(REPORT) + "\n" == text(REPORT)
    shown, _ = DisplayFormatter().format(REPORT)
    assert shown["text/plain"] == str(REPORT)
    assert shown["text/html"] == fragment(REPORT)
