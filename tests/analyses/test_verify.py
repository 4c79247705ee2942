"""verify: two reports held against each other, number by number, and what each was given."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

import repscope
from repscope.analyses._likeness import Level, alike, near, numbers_alike, skeleton
from repscope.report import Curve, Gallery, Heatmap, Line, Note, Null, Number, Picture, Report, Table

NULL = Null("torus shifts", 0.1, 0.2, 0.005, 199, 0.5, 0.05)
NUMBER = Number("CKA", 0.8, (0.7, 0.9), NULL, 6, "photos", definition="as it is", caveats=("few",))


def report(*blocks, **provenance) -> Report:
    return Report("asked", blocks, provenance)


def rows_of(found: Report, title: str) -> tuple:
    return next((block.rows for block in found.blocks if isinstance(block, Table) and block.title == title), ())


def how(then: Number, now: Number) -> tuple[Level, str]:
    found = numbers_alike(then, now)
    return found.level, found.part


def test_a_report_is_itself():
    table = Table("t", ("", "a"), (("row", NUMBER),), "said")
    matrix = Heatmap("m", ("a",), ("b",), ((NUMBER,),))
    curve = Curve("c", (Line("l", (1.0, 2.0), (3.0, float("nan"))),), "x", "y")
    whole = report(
        NUMBER, table, matrix, curve, Note("n"), Gallery("g", (Picture("p", np.zeros((2, 2, 3), np.uint8)),))
    )
    found = repscope.verify(whole, whole)
    assert found.provenance["beyond rounding"] == 0
    assert rows_of(found, "Numbers")[0] == ("identical", "3")
    assert not rows_of(found, "Numbers that differ")
    assert not rows_of(found, "What else differs")


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (0.8, Level.IDENTICAL),
        (np.nextafter(0.8, 1), Level.ROUNDING),
        (0.80007, Level.ROUNDING),
        (0.8001, Level.TENTH),
        (0.819, Level.TENTH),
        (0.821, Level.DIFFERS),
        (None, Level.DIFFERS),
        (float("inf"), Level.DIFFERS),
        (-0.8, Level.DIFFERS),
    ],
)
def test_a_value_is_held_against_rounding_and_a_tenth_of_its_interval(value, level):
    assert numbers_alike(NUMBER, replace(NUMBER, value=value)).level == level


def test_without_an_interval_there_is_no_tenth_of_it():
    bare = replace(NUMBER, ci=None)
    assert how(bare, replace(bare, value=0.801)) == (Level.DIFFERS, "value")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"ci": (0.7, 0.95)}, "interval, upper end"),
        ({"ci": None}, "interval"),
        ({"null": replace(NULL, q95=0.1)}, "q95"),
        ({"null": replace(NULL, p=0.5)}, "p"),
        ({"null": None}, "null"),
        ({"n": 7}, "n"),
        ({"unit": "bits"}, "unit"),
        ({"definition": "as it is not"}, "definition"),
        ({"caveats": ()}, "caveats, how many"),
    ],
)
def test_every_part_of_a_number_is_compared(change, part):
    assert how(NUMBER, replace(NUMBER, **change)) == (Level.DIFFERS, part)


def test_the_least_alike_part_is_told_with_both_values():
    found = repscope.verify(
        report(Heatmap("CKA", ("a",), ("b",), ((NUMBER,),))),
        report(Heatmap("CKA", ("a",), ("b",), ((replace(NUMBER, value=0.3, ci=(0.70001, 0.9)),),))),
    )
    (row,) = rows_of(found, "Numbers that differ")
    assert row[:2] == ("CKA, a, b", "value: differs")
    assert (row[2].value, row[3].value) == (0.8, 0.3)
    assert found.provenance["beyond rounding"] == 1
    assert found.blocks[0].kind == "warning"


def test_rounding_is_told_and_not_counted():
    found = repscope.verify(report(NUMBER), report(replace(NUMBER, value=0.80003)))
    assert found.provenance["beyond rounding"] == 0
    assert rows_of(found, "Numbers that differ")[0][1] == "value: the same to rounding"
    assert found.blocks[0].kind == "finding"


def test_what_is_missing_and_what_is_new_is_told():
    then = report(NUMBER, Table("t", ("", "a"), (("x", NUMBER), ("y", NUMBER))), Note("gone for good"))
    now = report(NUMBER, Table("t", ("", "a"), (("x", NUMBER),)), Curve("more", (), "x", "y"))
    found = repscope.verify(then, now)
    assert rows_of(found, "Numbers that differ")[0][:2] == ("t, y, a", "missing")
    told = {row[:2] for row in rows_of(found, "What else differs")}
    assert told == {
        ("note: gone for good", "missing"),
        ("curve, more", "new"),
        ("table, t", "rows, how many: differs"),
    }


def test_numbers_of_one_name_are_told_apart_by_their_order():
    other = replace(NUMBER, value=0.1)
    for again in (report(NUMBER, other), report(other, NUMBER), report(NUMBER)):
        assert repscope.verify(report(NUMBER, NUMBER), again).provenance["beyond rounding"] == 1


def test_a_skipped_photo_is_told():
    then = Report("asked", (), skipped=(("a.png", "broken"),))
    found = repscope.verify(then, Report("asked", ()))
    assert rows_of(found, "What else differs")[0][:2] == ("skipped, a.png", "missing")


@pytest.mark.parametrize(
    ("then", "now", "level"),
    [
        ("CKA 0.814 [0.803, 0.825].", "CKA 0.814 [0.803, 0.826].", Level.ROUNDING),
        ("CKA 0.814 [0.803, 0.825].", "CKA 0.834 [0.803, 0.825].", Level.DIFFERS),
        ("over 12 photos", "over 13 photos", Level.DIFFERS),
        ("CKA 0.880, p 0.005", "CKA 0.9, p 0.005", Level.DIFFERS),
        ("CKA 0.880, p 0.005", "CKA 0.880, p 0.1", Level.DIFFERS),
        ("CKA 0.880, p 0.005", "CKA 0.880, p 0.0", Level.DIFFERS),
        ("9.99 bits", "10.0 bits", Level.ROUNDING),
        ("0.999", "1.00", Level.ROUNDING),
        ("1,234.5 bits", "1,234.6 bits", Level.ROUNDING),
        ("1.2e-05", "1.3e-05", Level.DIFFERS),
        ("one", "other", Level.DIFFERS),
    ],
)
def test_figures_in_sentences_may_differ_in_their_last_digit(then, now, level):
    assert alike(then, now).level == level


def test_a_sentence_is_known_by_its_words():
    assert skeleton("a 0.81 [1,200, −3e-5]") == "a # [#, #]"
    found = repscope.verify(report(Note("CKA 0.81 is high")), report(Note("CKA 0.41 is high")))
    assert rows_of(found, "What else differs")[0][2:] == ("CKA 0.81 is high", "CKA 0.41 is high")


def test_pictures_may_be_off_by_a_few_levels():
    def gallery(level: int) -> Report:
        return report(Gallery("g", (Picture("p", np.full((2, 2, 3), level, np.uint8)),)))

    assert repscope.verify(gallery(100), gallery(108)).provenance["beyond rounding"] == 0
    assert repscope.verify(gallery(100), gallery(109)).provenance["beyond rounding"] == 1
    assert repscope.verify(gallery(250), gallery(2)).provenance["beyond rounding"] == 1


def test_what_is_not_finite_is_the_same_only_as_itself():
    assert near(float("nan"), float("nan")) == Level.IDENTICAL
    assert near(float("nan"), 1.0) == near(float("inf"), 1.0) == near(float("inf"), float("-inf")) == Level.DIFFERS


PROVENANCE = {
    "photos": [{"id": "a.png", "sha256": "1" * 64}],
    "encoders": [{"revision": "here, sha256 abc", "contract": {"name": "e", "pool": "cls", "file": "x"}}],
    "options": {"framing": "square", "batch": 8, "precision": "float32"},
    "verified": [{"encoder": "e", "files": "SHA-256 equals the pin"}],
    "versions": {"torch": "2"},
    "machine": {"threads": 1},
}


OTHERWISE = {"name": "e", "pool": "cls", "licence": "?"}


@pytest.mark.parametrize(
    ("change", "what", "beyond"),
    [
        ({"photos": [{"id": "a.png", "sha256": "2" * 64}]}, "photo a.png", 1),
        ({"photos": []}, "photo a.png", 1),
        ({"encoders": [{"revision": "sha256 abd", "contract": {"name": "e", "pool": "cls"}}]}, "weights of e", 1),
        ({"encoders": [{"revision": "sha256 abc", "contract": {"name": "e", "pool": "mean"}}]}, "pool of e", 1),
        ({"encoders": [{"revision": "there, sha256 abc", "contract": {"name": "e", "pool": "cls"}}]}, "", 0),
        ({"encoders": [{"revision": "sha256 abc", "contract": OTHERWISE}]}, "licence of e", 0),
        ({"verified": [{"encoder": "e", "files": "not verified"}]}, "verified of e, files", 1),
        ({"options": {"framing": "official", "batch": 8, "precision": "float32"}}, "option framing", 1),
        ({"options": {"framing": "square", "batch": 9, "precision": "float32"}}, "option batch", 0),
        ({"options": {"framing": "square", "batch": 8, "precision": "bfloat16"}}, "option precision", 0),
        ({"versions": {"torch": "3"}}, "version of torch", 0),
        ({"machine": {"threads": 2}}, "machine, threads", 0),
    ],
)
def test_inputs_are_told_first_and_those_that_ask_something_else_are_counted(change, what, beyond):
    found = repscope.verify(report(**PROVENANCE), report(**(PROVENANCE | change)))
    assert [row[0] for row in rows_of(found, "Inputs that differ")] == ([what] if what else [])
    assert found.provenance["beyond rounding"] == beyond


@pytest.mark.parametrize("junk", [None, 3, "x", [1], {"a": {"b": [None]}}])
def test_a_strangers_provenance_is_read_with_care(junk):
    strange = dict.fromkeys(("photos", "encoders", "verified", "options", "versions", "machine", "set"), junk)
    repscope.verify(report(**strange), report(**PROVENANCE))


LOOK = repscope.report.Look(
    (2, 2),
    (0.0, 0.0, 1.0, 1.0),
    2,
    zlib.compress(np.array([[100, -50, 30, 7], [10, 90, -60, 20]], np.int8).tobytes()),
    np.full((1, 4), 0.01, "<f4").tobytes(),
    np.zeros(3, "<f4").tobytes(),
    np.arange(1, 5, dtype="<f4").tobytes(),
    bytes(12),
    np.array([0.1, 0.2, 0.3, 0.4], "<f4").tobytes(),
)


def forged(name, change):
    kind = np.int8 if name == "codes" else "<f4"
    held = zlib.decompress(LOOK.codes) if name == "codes" else getattr(LOOK, name)
    made = change(np.frombuffer(held, kind).copy()).tobytes()
    return replace(LOOK, **{name: zlib.compress(made) if name == "codes" else made})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("attention", lambda x: x[::-1]),
        ("lengths", lambda x: 10 * x),
        ("codes", lambda x: np.where(np.arange(8) % 4 == 3, x[::-1], x)),
    ],
)
def test_every_part_of_the_probe_is_held(name, change):
    assert alike(LOOK, replace(LOOK)).level == Level.IDENTICAL
    assert alike(LOOK, forged(name, change)).level == Level.DIFFERS


def test_packed_places_may_be_off_by_rounding():
    from repscope.report import Map

    places = np.array([[1.0, 2.0], [3.0, 4.0]], "<f4")
    one, other, third = (Map("e", each.tobytes()) for each in (places, places * np.float32(1 + 1e-6), places + 1))
    assert alike(one, other).level == Level.ROUNDING
    assert alike(one, third).level == Level.DIFFERS


def test_what_both_lack_is_alike_and_what_one_lacks_is_not():
    none = np.array([np.nan, 1.0, 2.0])
    assert alike(none, none + np.array([0, 0, 1e-12])).level == Level.ROUNDING
    assert alike(none, np.array([0.0, 1.0, 2.0])).level == Level.DIFFERS


def test_a_label_is_compared_and_the_end_of_an_interval_named():
    assert how(NUMBER, replace(NUMBER, label="Made up"))[0] == Level.DIFFERS
    assert how(NUMBER, replace(NUMBER, ci=(0.7, 0.99))) == (Level.DIFFERS, "interval, upper end")
