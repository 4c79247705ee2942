"""Stability: values move as far as their encoders do under a choice, and findings that are smaller turn faint."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

import repscope
from repscope.analyses import _choices
from repscope.analyses._choices import CHOICES, Choice, Cropped, Variant, cropped
from repscope.analyses._pairs import measures_of
from repscope.analyses._stability import EMBEDDINGS, REPEATED, Stability
from repscope.analyses._study import Study
from repscope.analyses.compare import _Gathered
from repscope.encoders import Encoder
from repscope.errors import Unsupported
from repscope.extract.remembered import Remembered
from repscope.frames import Frame
from repscope.images import Photo, gather
from repscope.report import Note, Report, Table


def choice(change: Callable[[Encoder], Encoder | None], name: str = "another") -> Choice:
    def vary(encoder: Encoder, layer: int) -> Variant | None:
        other = change(encoder)
        return None if other is None else Variant(other, layer)

    return Choice("choice", name, vary, "as the test says")


def scaled(by: float, only: str = "") -> Callable[[Encoder], Encoder | None]:
    """All tokens of an encoder times a number."""

    def change(encoder) -> Encoder | None:
        if only and encoder.contract.name != only:
            return None
        return Known(encoder.contract.name, lambda photo, layer: by * encoder.see(photo, layer), encoder.cls)

    return change


def compared(photos: Sequence[Photo], encoders: Sequence[Encoder], *choices: Choice) -> tuple[Report, Stability]:
    study = Study.of(photos, encoders).opened(least=2)
    gathered = _Gathered(study, measures_of(()), (), (), True)
    assert gathered.stability is not None
    gathered.stability.choices = choices
    for photo, views in study.look():
        gathered.take(photo, [by_layer[0] for by_layer in views])
    return gathered.report(), gathered.stability


def table(report: Report, title: str) -> Table:
    return next(block for block in report.blocks if isinstance(block, Table) and block.title == title)


def notes(report: Report, kind: str) -> list[str]:
    return [block.text for block in report.blocks if isinstance(block, Note) and block.kind == kind]


def test_a_choice_that_changes_nothing_moves_nothing(photos, encoders):
    report, stability = compared(photos, encoders, choice(lambda encoder: encoder))
    assert {shift for shifts in stability.shifts.values() for shift in shifts.values()} == {0.0}
    rows = table(report, "Stability").rows
    assert {(row[3].value, row[4]) for row in rows if row[3].value is not None} == {(0.0, "–")}
    assert len(rows) == len(stability.base)
    assert not notes(report, "faint")


def test_values_move_as_far_as_tokens_do_and_by_the_choice_that_moves_them_most(photos, encoders):
    _, stability = compared(photos, encoders, choice(scaled(2), "twice"), choice(scaled(0.5), "half"))
    before = np.mean(stability.base["token_norm", (0,), "patches"])
    moved = stability.moved("token_norm", 0)
    assert moved.choice == "choice: twice"
    assert moved.by == pytest.approx(before)
    assert stability.shifts["token_norm", (0,), "patches"]["choice: half"] == pytest.approx(-before / 2)
    assert stability.moved("effective_rank", 0).by == pytest.approx(0, abs=1e-4)
    assert stability.moved("linear_cka", 0, 1).by == pytest.approx(0, abs=1e-6)
    assert stability.moved("ridge_map", 1, 0) is not None  # asked both ways
    assert stability.moved("linear_cka", 1, 0) is None


def test_what_is_no_part_of_a_choice_stays_as_it_is(photos, encoders):
    report, stability = compared(photos, encoders, choice(scaled(2, only="one"), "twice"))
    assert stability.moved("token_norm", 0) is not None
    assert stability.moved("token_norm", 1) is None
    assert stability.moved("linear_cka", 1, 2) is None
    ((*what, names, _), *_) = table(report, "Choices that should not matter").rows
    assert (what, names) == (["choice", "twice"], "one")
    row = next(row for row in table(report, "Stability").rows if row[:2] == ("Token norm", "copy"))
    assert row[3].value is None
    assert row[3].reason


def test_a_difference_moves_as_its_two_encoders_do_together(photos, encoders):
    _, both = compared(photos, encoders, choice(scaled(2)))
    one, copy = (np.mean(both.base["token_norm", (i,), "patches"]) for i in (0, 1))
    assert both.apart("token_norm", 1, 0).by == pytest.approx(copy - one)
    _, alone = compared(photos, encoders, choice(scaled(2, only="copy")))
    assert alone.apart("token_norm", 1, 0).by == pytest.approx(copy)
    assert alone.apart("token_norm", 0, 2) is None


@pytest.fixture(scope="module")
def many() -> list[Photo]:
    return [noisy_photo(f"photo {k}.png", 1000 + 7 * k) for k in range(12)]


def apart() -> list[Encoder]:
    """A poor encoder and a rich one; and a rotated copy of the poor."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    return [
        Known("poor", lambda photo, layer: smooth(photo, (7, 7), 3, 0)),
        Known("copy", lambda photo, layer: smooth(photo, (7, 7), 3, 0) @ turn),
        Known("rich", lambda photo, layer: smooth(photo, (7, 7), 24, 5)),
    ]


def swapped(name: str, d: int, seed: int, flat: float = 1.0) -> Callable[[Encoder], Encoder | None]:
    """One encoder exchanged for another, all but the first of whose dimensions are made so flat."""
    widths = np.array([1.0, *(flat,) * (d - 1)])
    other = Known(name, lambda photo, layer: smooth(photo, (7, 7), d, seed) * widths)
    return lambda encoder: other if encoder.contract.name == name else None


def test_findings_stay_where_they_are_larger_than_the_spread(many):
    report, _ = compared(many, apart(), choice(lambda encoder: encoder))
    plain = repscope.compare(many, apart())
    assert notes(report, "finding") == notes(plain, "finding")
    assert any(text.startswith("Effective rank: ") for text in notes(report, "finding"))
    assert any(text.startswith("poor and copy arrange patches alike") for text in notes(report, "finding"))
    assert not notes(plain, "faint")


def test_a_difference_within_the_spread_turns_faint_with_the_reason_and_others_stay(many):
    report, stability = compared(many, apart(), choice(swapped("rich", 3, 7, 0.01), "poorer"))
    faint = [text for text in notes(report, "faint") if text.startswith("Effective rank: ")]
    (text,) = faint
    moved = max(stability.shifts["effective_rank", (2,), "patches"].values(), key=abs)
    assert "the intervals do not touch (within what another choice changes: " in text
    assert text.endswith(", choice: poorer).")
    assert f"{abs(moved):.1f}" in text or f"{abs(moved):.2f}" in text
    assert any(text.startswith("poor and copy arrange patches alike") for text in notes(report, "finding"))


def test_a_similarity_within_the_spread_turns_faint(many):
    report, _ = compared(many, apart(), choice(swapped("copy", 3, 9), "unlike"))
    assert any(text.startswith("poor and copy arrange patches alike") for text in notes(report, "faint"))
    assert any(text.startswith("Effective rank: ") for text in notes(report, "finding"))


def test_what_cannot_be_varied_is_told_and_the_others_are(photos, encoders):
    def vary(encoder: Encoder, layer: int) -> Variant | None:
        if encoder.contract.name == "one":
            raise Unsupported("one stays as it is.")
        return Variant(encoder, layer)

    report, stability = compared(photos, encoders, Choice("choice", "some", vary, "tried"))
    ((*_, names, said), *_) = table(report, "Choices that should not matter").rows
    assert names == "copy, other"
    assert said == "tried. one stays as it is"
    assert stability.moved("token_norm", 0) is None


def test_an_encoder_that_fails_under_a_choice_is_told(photos, encoders):
    def broken(photo, layer):
        raise Unsupported("no such layer.")

    report, _ = compared(photos, encoders, choice(lambda encoder: Known(encoder.contract.name, broken)))
    ((*_, names, said), *_) = table(report, "Choices that should not matter").rows
    assert names == "–"
    assert "no such layer" in said


def test_not_more_photos_than_that_are_repeated(encoders):
    photos = [noisy_photo(f"photo {k}.png", 1000 + 7 * k) for k in range(REPEATED + 3)]
    _, stability = compared(photos, encoders[:2], choice(lambda encoder: encoder))
    assert len(stability.photos) == REPEATED
    assert {len(known) for (_, _, of), known in stability.base.items() if of == "patches"} == {REPEATED}


def test_pools_move_embeddings_alone(encoders):
    """The CLS token of `one` is its mean; that of the other is not."""

    class Other(Known):
        def __call__(self, photos, layers=(-1,), framing="square"):
            from dataclasses import replace

            return tuple(replace(each, cls=each.patches[:, 0, 0]) for each in super().__call__(photos, layers, framing))

    photos = [noisy_photo(f"photo {k}.png", 1000 + 7 * k) for k in range(21)]
    one, other = encoders[0], Other("other", encoders[2].see, cls=True)
    _, stability = compared(photos, [one, other])
    moved = stability.shifts["linear_cka", (0, 1), EMBEDDINGS]
    assert set(moved) == {"pool: mean"}
    x, mean = (np.stack([e.see(p, -1).mean((0, 1)) for p in stability.study.photos]) for e in (one, other))
    cls = np.stack([other.see(photo, -1)[0, 0] for photo in stability.study.photos])
    wanted = repscope.metrics.linear_cka(x, mean) - repscope.metrics.linear_cka(x, cls)
    assert moved["pool: mean"] == pytest.approx(wanted, abs=1e-5)
    assert stability.moved("linear_cka", 0, 1) is None


def named(kind: str, name: str) -> Choice:
    return next(each for each in CHOICES if (each.kind, each.name) == (kind, name))


def test_filters_are_tried_where_they_are_others_and_change_nothing_of_a_photo_of_the_right_size():
    encoder = repscope.load("tiny-random")
    photo = noisy_photo("photo", 3, (128, 128))
    assert named("filter", "bicubic").vary(encoder, -1) is None
    for name, off in (("bilinear", 0), ("bilinear-float", 1e-4)):
        variant = named("filter", name).vary(encoder, -1)
        assert variant.encoder.contract.preprocessing.filter == name
        assert encoder.contract.preprocessing.filter == "bicubic"
        before, after = encoder([photo])[0].patches, variant.encoder([photo])[0].patches
        assert np.abs(before - after).max() <= off
        large = noisy_photo("photo", 3, (300, 200))
        assert np.abs(encoder([large])[0].patches - variant.encoder([large])[0].patches).max() > 1e-3


def test_an_encoder_of_another_hand_cannot_be_given_another_filter_nor_another_precision(encoders):
    with pytest.raises(Unsupported, match="its own way"):
        named("filter", "bilinear").vary(encoders[0], -1)
    assert named("precision", "bfloat16").vary(encoders[0], -1) is None


def test_precision_is_that_of_the_same_weights_loaded_again(monkeypatch: pytest.MonkeyPatch):
    encoder = repscope.load("tiny-random", "float32")
    assert named("precision", "float32").vary(encoder, -1) is None
    variant = named("precision", "bfloat16").vary(encoder, -1)
    assert variant.encoder.precision == "bfloat16"
    assert variant.encoder.revision == encoder.revision
    monkeypatch.setattr(_choices, "load", lambda *_: repscope.load("tiny-mae", "bfloat16"))
    with pytest.raises(Unsupported, match="other weights"):
        named("precision", "bfloat16").vary(encoder, -1)


def test_the_layer_before_is_one_block_earlier():
    encoder, before = repscope.load("tiny-random"), named("layer", "one before")
    depth = encoder.contract.architecture.depth
    assert [before.vary(encoder, layer).layer for layer in (-1, depth, 1)] == [-1, depth - 1, 0]
    assert before.vary(encoder, 0) is None


def test_before_the_output_comes_the_final_norm_of_the_block_before():
    import torch

    encoder, (photo, *_) = repscope.load("tiny-mae"), gather()[0]
    variant = named("layer", "one before").vary(encoder, -1)
    (found,) = variant.encoder([photo], (variant.layer,))
    (raw,) = encoder([photo], (encoder.contract.architecture.depth - 1,))
    wanted = encoder.network.norm(torch.from_numpy(raw.patches[0])).numpy()
    assert np.abs(found.patches[0] - wanted).max() < 1e-5
    assert encoder([photo])[0].layer == -1
    assert encoder.network.architecture.depth == encoder.contract.architecture.depth


def test_still_images_have_no_frames_to_choose():
    encoder = repscope.load("tiny-random")
    assert [named("frames", count).vary(encoder, -1) for count in ("2", "8", "16", "64")] == [None] * 4


def test_a_crop_is_the_middle_and_more_is_mirrored():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert np.array_equal(cropped(pixels, 0.9), pixels[2:38, 3:57])
    more = cropped(pixels, 1.1)
    assert more.shape == (44, 66, 3)
    assert np.array_equal(more[2:42, 3:63], pixels)
    assert np.array_equal(more[1, 3:63], pixels[0])
    assert np.array_equal(more[0, 3:63], pixels[1])
    assert cropped(pixels[:1, :1], 0.9).shape == cropped(pixels[:1, :1], 1.1).shape == (1, 1, 3)


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_frames_of_a_crop_are_parts_of_the_photo_as_it_was(share):
    shown: list[Photo] = []

    def see(photo, layer):
        shown.append(photo)
        return smooth(photo, (3, 3), 4, 0)

    photo = noisy_photo("photo", 0, (200, 100))
    (tokens,) = Cropped(Known("one", see), share)([photo])
    assert shown[0].size == (round(200 * share), round(100 * share))
    (frame,) = tokens.frame
    wanted = Frame(0.5 - share / 4, 0.5 - share / 2, 0.5 + share / 4, 0.5 + share / 2)
    for side in ("left", "top", "right", "bottom"):
        assert getattr(frame, side) == pytest.approx(getattr(wanted, side), abs=1e-12)


def test_an_encoder_that_remembers_photos_is_varied_all_the_same():
    encoder, photo = repscope.load("tiny-random"), noisy_photo("photo", 3, (300, 200))
    remembered = Remembered(encoder)
    (before,) = remembered([photo])
    for each in CHOICES:
        bare, behind = each.vary(encoder, -1), each.vary(remembered, -1)
        assert (bare is None) == (behind is None), each.title
        if bare is None:
            continue
        wanted, said = (v.encoder([photo], (v.layer,))[0].patches for v in (bare, behind))
        assert np.array_equal(wanted, said), each.title
        assert not np.array_equal(said, before.patches), each.title


def test_the_whole_of_it_on_encoders_that_come_with_the_package(photos):
    encoders = [repscope.load("tiny-mae"), repscope.load("tiny-random")]
    report = repscope.compare(photos[:2], encoders, stability=True)
    tried = [(row[0], row[1]) for row in table(report, "Choices that should not matter").rows]
    assert tried == [
        *(("filter", "bilinear"), ("filter", "bilinear-float"), ("crop", "90%"), ("crop", "110%")),
        *(("precision", "bfloat16"), ("layer", "one before"), ("pool", "cls, mean")),
    ]
    spreads = [row[3] for row in table(report, "Stability").rows]
    assert all(number.definition or number.reason for number in spreads)
    assert sum((number.value or 0) > 0 for number in spreads) > 40
    assert report.provenance["options"]["stability"] is True
    plain = repscope.compare(photos[:2], encoders)
    assert not any(getattr(block, "title", "") == "Stability" for block in plain.blocks)
    assert table(plain, "Readings of the patches") == table(report, "Readings of the patches")
