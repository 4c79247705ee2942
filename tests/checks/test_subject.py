"""Subject: what is asked twice is looked at once, and a model that was let go is loaded again."""

from standing import Standing

from repscope.checks import Subject
from repscope.encoders import load


def test_tokens_are_remembered_by_photo_and_layer(monkeypatch):
    looked = []

    class Counted(Standing):
        pass

    subject = Counted("tiny-mae", lambda encoder: looked.append("loaded") or encoder)  # type: ignore[func-returns-value]
    one, other = subject.photos
    (first,) = subject.tokens(one, (2,))
    subject.release()
    assert subject.tokens(one, (2,))[0] is first
    assert looked == ["loaded"]
    second, again = subject.tokens(one, (-1, 2))
    assert (second.layer, again is first) == (-1, True)
    assert looked == ["loaded", "loaded"]
    assert (subject.tokens(other, (2,))[0].patches != first.patches).any()


def test_usual_is_what_an_analysis_would_use():
    subject = Subject("tiny-mae")
    assert subject.usual.precision == load("tiny-mae").precision == subject.chosen.precision == "float32"
    assert subject.usual is subject.encoder
    assert Standing("tiny-mae", rounded=True).usual.precision == "bfloat16"
