"""profile: readings and their intervals, planted positions, planted long tokens, and both ends of a reading."""

import numpy as np
import pytest

from repscope import metrics
from repscope.accumulators import Moments
from repscope.analyses._content import content, shares
from repscope.analyses.profile import profile
from repscope.errors import UnfitData, UnfitTokens, UnknownName, WrongUsage
from repscope.render.html import html
from repscope.render.text import text
from repscope.report import Curve, Gallery, Note, Overlay
from repscope.statistics import groups, jackknife
from repscope.store import Given
from sets import block_of, cell, complete, picture, sample, shuffled

N, OVER = 60, "Embeddings over the set"


def small(n: int = N, **more) -> Given:
    rng = np.random.default_rng(0)
    return Given({"wide": rng.normal(size=(n, 8)), "thin": rng.normal(size=(n, 8)) * 0.5 ** np.arange(8)}, **more)


def test_readings_are_the_metrics_own_with_intervals_that_hold_them():
    images = small()
    report = profile(images)
    for name in ("effective_rank", "uniformity", "intrinsic_dimension", "rankme", "alpha_req"):
        card = metrics.catalogue[name]
        for encoder in images.encoders:
            number = cell(report, OVER, card.title, encoder)
            if number.value is None:
                continue
            assert number.value == pytest.approx(card(images.embedding(encoder)), rel=1e-9), name
            assert number.ci[0] <= number.value <= number.ci[1]
            assert number.n == N
    assert complete(report) == []
    said = [block.text for block in report.blocks if isinstance(block, Note) and block.kind == "finding"]
    assert any(text.startswith("Effective rank: wide") for text in said)
    assert text(report)
    assert html(report)


def test_intervals_are_of_the_metrics_without_a_tenth_of_the_images():
    images = small()
    x, report = images.embedding("thin"), profile(images)
    parts = groups(images.ids.tolist())
    for name in ("effective_rank", "rankme", "uniformity"):
        card = metrics.catalogue[name]
        wanted = jackknife(card(x), [card(np.delete(x, part, 0)) for part in parts])
        assert cell(report, OVER, card.title, "thin").ci == pytest.approx(wanted, rel=1e-9)


def test_the_order_of_images_changes_nothing():
    order = np.random.default_rng(5).permutation(N)
    one, other = (profile(each) for each in (small(), shuffled(small(), order)))
    for name in ("effective_rank", "uniformity"):
        a, b = (cell(each, OVER, metrics.catalogue[name].title, "thin") for each in (one, other))
        assert a.value == pytest.approx(b.value, rel=1e-9)
        assert a.ci == pytest.approx(b.ci, rel=1e-9)


def test_few_images_have_no_interval_and_say_so():
    number = cell(profile(small(12)), OVER, "Effective rank", "wide")
    assert number.ci is None
    assert "no interval under 20 images" in number.caveats


def planted(images: int, position: float, image: float, rest: float, side: int = 6, d: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    where, which = rng.normal(size=(1, side, side, d)), rng.normal(size=(images, 1, 1, d))
    return position * where + image * which + rest * rng.normal(size=(images, side, side, d))


def test_shares_are_those_planted_and_sum_to_one():
    parts = (1.0, 2.0, 0.5)
    made = content(planted(60, *parts))
    whole = sum(part**2 for part in parts)
    for key, part in zip(("position", "image", "rest"), parts, strict=True):
        assert made[key].value == pytest.approx(part**2 / whole, abs=0.06)
        assert made[key].ci[0] <= made[key].value <= made[key].ci[1]
    assert sum(made[key].value for key in ("position", "image", "rest")) == pytest.approx(1, abs=1e-12)
    assert made["position"].null.exceeded


def test_a_place_is_told_from_patches_that_hold_it_on_other_images():
    patches = planted(20, 0, 0, 0.1)
    rows, columns = np.indices((6, 6)) / 5
    patches[..., 0] += 2 * rows
    assert content(patches)["decoded"].value == pytest.approx(0.5, abs=0.05)  # the row, but not the column
    patches[..., 1] += 2 * columns
    number = content(patches)["decoded"]
    assert number.value > 0.95
    assert number.ci[0] <= number.value <= number.ci[1]


def test_a_large_image_share_does_not_hide_a_small_position():
    made = content(planted(30, 0.4, 5, 1))
    assert made["position"].null.exceeded
    assert made["position"].null.q95 < made["position"].value / 2


def test_a_place_learnt_by_heart_is_not_told():
    made = content(planted(6, 0, 0, 1, side=3, d=200))
    assert made["decoded"].value < 0.1


def test_shares_agree_with_sums_of_squares_by_hand():
    x = np.random.default_rng(2).normal(size=(4, 5, 3))
    grand = x.mean((0, 1))
    position = sum(np.square(x[:, p].mean(0) - grand).sum() * 4 for p in range(5))
    image = sum(np.square(x[i].mean(0) - grand).sum() * 5 for i in range(4))
    rest = sum(np.square(x[i, p] - x[:, p].mean(0) - x[i].mean(0) + grand).sum() for i in range(4) for p in range(5))
    whole = np.square(x - grand).sum()
    found = shares(x)
    assert (found.position, found.image, found.rest) == pytest.approx((position / whole, image / whole, rest / whole))


def test_noise_has_the_position_share_of_chance_and_no_place():
    made = content(planted(40, 0, 0, 1))
    assert made["position"].value == pytest.approx(35 / (40 * 36 - 1), rel=0.15)
    assert made["position_net"].value == pytest.approx(0, abs=0.004)
    assert made["position"].null.chance == pytest.approx(35 / (40 * 36 - 1))
    assert not made["position"].null.exceeded
    assert made["decoded"].value < 0.05


def test_smooth_fields_without_position_do_not_pass_the_null():
    passed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        waves = np.cos(np.stack([np.outer(rng.normal(size=3), np.ones(64)).sum(0) + np.arange(64) / 9] * 1))
        fields = rng.normal(size=(12, 1, 1, 5)) * rng.choice([-1, 1], (12, 1, 1, 1)) * waves.reshape(1, 8, 8, 1)
        passed += content(fields, seed)["position"].null.exceeded
    assert passed <= 4


def test_few_images_or_none_tell_no_position():
    made = content(planted(3, 1, 1, 1))
    assert made["position"].value is None
    assert "6 images" in made["position"].reason


def report_with_patches(**more):
    patches = planted(12, 1, 1, 1)
    patches[:, 0, 0] = 60 * np.sign(patches[:, 0, 0])  # a planted long token in the corner
    kept = {"wide": sample(patches), "thin": sample(planted(12, 0, 1, 1))}
    return profile(small(samples=kept, **more))


def test_long_tokens_are_found_where_they_lie():
    report = report_with_patches(photos=[picture(i) for i in range(N)])
    assert cell(report, "Long tokens", "outlier tokens", "wide").value == pytest.approx(1 / 36)
    assert cell(report, "Long tokens", "outlier tokens", "thin").value == 0
    assert cell(report, "Long tokens", "gap", "wide").value > 3
    assert cell(report, "Long tokens", "gap", "thin").value is None
    (overlay,) = (block for block in report.blocks if isinstance(block, Overlay))
    assert overlay.title == "Outlier tokens: wide"
    assert overlay.values[0, 0] == 1
    assert overlay.values.sum() == 1
    assert complete(report) == []
    assert html(report)


def test_without_photos_there_is_a_map_and_a_note():
    report = report_with_patches()
    assert any(isinstance(block, Overlay) for block in report.blocks)
    assert any(isinstance(block, Note) and "cannot be shown" in block.text for block in report.blocks)


def test_patches_of_all_images_are_read_from_moments(monkeypatch):
    patches = np.random.default_rng(0).normal(size=(500, 8))
    monkeypatch.setattr(Given, "moments", lambda self, encoder, of, layer: Moments().of(patches))
    report = profile(small())
    number = cell(report, "Patches over the set", "Effective rank", "wide")
    assert number.value == pytest.approx(metrics.effective_rank(patches))
    assert number.n == 500
    assert number.ci is None
    assert any("one sum" in caveat for caveat in number.caveats)


def test_both_ends_of_a_reading_are_shown():
    ranks = np.arange(N, dtype=float)
    ranks[10] = np.nan
    photos = [picture(i) for i in range(N)]
    report = profile(small(readings={"wide": {"effective_rank": ranks}}, photos=photos))
    gallery = block_of(report, "Effective rank (dimensions), both ends: wide")
    named = [each.caption.split(": ")[1] for each in gallery.pictures]
    assert named == [f"image {i:03d}" for i in (0, 1, 2, 3, 59, 58, 57, 56)]
    np.testing.assert_array_equal(gallery.pictures[0].pixels, photos[0].pixels)
    mean = cell(report, "Patches within an image", "Effective rank", "wide")
    assert mean.value == pytest.approx(np.nanmean(ranks))
    assert "undefined for 1 of 60 images" in mean.caveats
    assert any("No readings within images were kept of thin" in getattr(block, "text", "") for block in report.blocks)


def test_a_reading_that_is_the_same_for_all_has_no_ends():
    report = profile(small(readings={"wide": {"effective_rank": np.ones(N)}}, photos=[picture(i) for i in range(N)]))
    assert not [block for block in report.blocks if isinstance(block, Gallery)]


def test_curves_are_over_lengths_in_medians():
    report = profile(small())
    titles = [block.title for block in report.blocks if isinstance(block, Curve)]
    assert titles == ["Spectrum of the embeddings", "Embedding norms"]
    assert sum(block_of(report, "Spectrum of the embeddings").lines[0].y) == pytest.approx(1)


def test_mistakes_are_told():
    with pytest.raises(UnknownName, match="wide"):
        profile(small(), "wid")
    with pytest.raises(UnfitData, match="2 images"):
        profile(Given({"a": np.ones((1, 4))}))
    with pytest.raises(UnfitTokens, match="flat"):
        profile(Given({"flat": np.ones((30, 4))}))
    with pytest.raises(WrongUsage, match="twice"):
        profile(small(), ["wide", "wide"])
