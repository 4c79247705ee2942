"""objectives: partitions of variance, claims under control, and how alike runs are."""

import numpy as np
import pytest

from repscope.analyses._alike import between, crossed, gap, likeness
from repscope.analyses._claims import Claim, judged, paired, within
from repscope.analyses._partition import SOURCES, dealt, least_p, partition
from repscope.errors import UnfitData


def planted(effects: dict[str, float], seed: int = 0, photos: int = 30, shape=(4, 2, 3)) -> np.ndarray:
    """Values of runs with standard normal effects of these deviations, photos with noise of their own."""
    rng, (a, b, _) = np.random.default_rng(seed), shape
    x = effects.get("objective", 0) * rng.normal(size=(a, 1, 1, 1)) + effects.get("condition", 0) * rng.normal(
        size=(1, b, 1, 1)
    )
    x = (
        x
        + effects.get("both", 0) * rng.normal(size=(a, b, 1, 1))
        + effects.get("seed", 0) * rng.normal(size=(*shape, 1))
    )
    return x + effects.get("photo", 0) * rng.normal(size=(*shape, photos)) + 5


@pytest.mark.parametrize("source", SOURCES)
def test_what_alone_varies_has_the_whole_variance(source):
    x = planted({source: 1.0})
    if source == "both":  # an interaction drawn at random also moves the margins
        x = x - x.mean((1, 2), keepdims=True) - x.mean((0, 2), keepdims=True)
    if source == "seed":
        x = x - x.mean(2, keepdims=True)
    shares = partition(x).shares
    assert shares[source] == pytest.approx(1)
    assert sum(shares.values()) == pytest.approx(1)


def test_shares_are_sums_of_squares_by_hand():
    x = np.array([[[1.0, 3.0], [2.0, 4.0]], [[5.0, 9.0], [6.0, 8.0]]])[..., None]
    shares = partition(x).shares
    whole = ((x - 4.75) ** 2).sum()
    assert shares["objective"] == pytest.approx(4 * ((2.5 - 4.75) ** 2 + (7 - 4.75) ** 2) / whole)
    assert shares["condition"] == pytest.approx(4 * ((4.5 - 4.75) ** 2 + (5 - 4.75) ** 2) / whole)
    assert shares["seed"] == pytest.approx((2 + 2 + 8 + 2) / whole)


def test_shares_do_not_notice_scale_or_shift():
    x = planted({"objective": 1, "seed": 1, "photo": 1})
    assert partition(1e6 * x - 3).shares == pytest.approx(partition(x).shares)
    assert partition(1e-6 * x).shares == pytest.approx(partition(x).shares)


def test_without_an_effect_the_share_is_that_of_the_null_and_p_is_even():
    found = [partition(planted({"seed": 1.0, "photo": 0.1}, seed)) for seed in range(60)]
    expected = found[0].null.chance
    assert np.mean([p.null.chance for p in found]) == pytest.approx(3 / 23, abs=0.02)
    assert np.mean([p.shares["objective"] for p in found]) == pytest.approx(3 / 23, abs=0.03)
    assert np.mean([p.null.exceeded for p in found]) < 0.15
    assert found[0].null.mean == pytest.approx(expected, abs=0.01)


def test_what_a_seed_does_to_all_objectives_does_not_hide_what_an_objective_does():
    """Runs of one seed begin alike: the null is of the runs that share it."""
    rng = np.random.default_rng(0)
    x = np.array([0, 0.1, 0.2, 0.3])[:, None, None, None] + 0.02 * rng.normal(size=(4, 2, 3, 1)) + np.zeros(9)
    for added in (0, 5 * rng.normal(size=(1, 2, 3, 1))):
        assert partition(x + added).null.p <= 0.01


def test_every_condition_and_seed_is_dealt_by_itself():
    orders = dealt((3, 2, 2))
    assert (np.sort(orders, axis=1) == np.arange(3)[:, None, None]).all()
    assert len({tuple(orders[:, 0, b, s]) for b in range(2) for s in range(2)}) == 4
    assert np.bincount(orders[:, 0, 1, 1]).min() > 250


def test_an_effect_exceeds_its_null_and_its_interval_holds_the_truth():
    part = partition(planted({"objective": 3.0, "seed": 0.3, "photo": 1.0}))
    assert part.null.p <= 0.01
    low, high = part.intervals["objective"]
    assert part.null.q95 < low <= part.shares["objective"] <= high <= 1


def test_what_cannot_be_parted_is_refused():
    with pytest.raises(UnfitData, match="two seeds"):
        partition(np.zeros((3, 2, 1, 5)))
    with pytest.raises(UnfitData, match="same value"):
        partition(np.full((3, 2, 3, 5), 0.1))


def test_one_photo_has_no_interval():
    assert set(partition(planted({"objective": 1.0, "seed": 1.0}, photos=1)).intervals.values()) == {None}


@pytest.mark.parametrize("shape", [(2, 1, 2), (2, 1, 3), (3, 1, 2), (2, 2, 2)])
def test_no_p_comes_under_what_the_design_allows(shape):
    apart = np.arange(shape[0])[:, None, None, None] + 1e-3 * np.random.default_rng(0).normal(size=(*shape, 4))
    assert partition(apart).null.p == pytest.approx(least_p(*shape), abs=0.05)
    assert least_p(*shape) > 0.05


def test_pairs_are_scipys():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1, 6)), 3 * rng.normal(size=(1, 6)) + 1
    theirs = ttest_rel(x[0], y[0]).confidence_interval(0.95)
    gap, low, high = paired(x[..., None], y[..., None])
    assert (low, high) == pytest.approx((theirs.low, theirs.high))
    assert gap == pytest.approx(x.mean() - y.mean())
    assert paired(np.ones((2, 3, 4)), np.zeros((2, 3, 4))) == (1, 1, 1)
    among = ttest_rel(x[0], y[0]).confidence_interval(0.95)  # of runs that do not differ, photos alone are drawn
    _, *ends = paired(np.tile(x, (1, 3, 1)), np.tile(y, (1, 3, 1)))
    assert ends == pytest.approx([among.low, among.high])


def test_freedom_is_satterthwaites():
    """Welch's test is his, of two variances: runs about 0, and photos that all share."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    runs, photos = rng.normal(size=(1, 4, 1)), 2 * rng.normal(size=9)
    theirs = ttest_ind(runs.ravel(), -photos, equal_var=False).confidence_interval(0.95)
    _, *ends = within(runs + photos)
    assert ends == pytest.approx([theirs.low, theirs.high])


def test_intervals_of_pairs_hold_the_truth_whatever_conditions_and_seeds_do():
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        shared = 3 * rng.normal(size=(2, 1, 1)) + 3 * rng.normal(size=(2, 3, 1)) + 3 * rng.normal(size=20)
        x, y = (shared + rng.normal(size=(2, 3, 1)) + rng.normal(size=20) for _ in range(2))
        _, low, high = paired(x, y)
        held += low <= 0 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_photos_on_which_objectives_differ_by_chance_are_no_claim():
    """Each objective has likes and dislikes among photos; on all photos there are it is as the other."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        x, y = (rng.normal(size=12) + 0.1 * rng.normal(size=(2, 3, 12)) for _ in range(2))
        _, low, high = paired(x, y)
        held += low <= 0 <= high
    assert 0.93 <= held / 400 <= 0.99


def around(mean: float, spread: float = 0.1) -> np.ndarray:
    """Two conditions of three runs on one photo, whose order of size is another for every mean."""
    steps = np.random.default_rng(int(100 * mean)).permutation([-1.0, -0.5, 0.0, 0.2, 0.5, 0.8])
    return mean + spread * (steps - steps.mean()).reshape(2, 3, 1)


MOST, LEAST = Claim("a has the most", "r", "a"), Claim("a has the least", "r", "a", least=True)


def verdict(claim: Claim, values: dict[str, np.ndarray]) -> tuple[str, str]:
    told = judged(claim, values)
    assert told is not None
    low, high = told.difference.ci
    sides = {"survives": 1, "does not": -1, "cannot be told": 0}
    assert (np.sign(low) + np.sign(high)) / 2 == sides[told.verdict] * (-1 if claim.least else 1)
    return told.verdict, told.rival


def test_a_claim_survives_only_ahead_of_all_others():
    assert verdict(MOST, {"a": around(3), "b": around(1), "c": around(2)}) == ("survives", "c")
    assert verdict(MOST, {"a": around(3), "b": around(1), "c": around(3.01)}) == ("cannot be told", "c")
    assert verdict(MOST, {"a": around(2), "b": around(1), "c": around(3)}) == ("does not", "c")
    assert verdict(LEAST, {"a": around(0), "b": around(1), "c": around(2)}) == ("survives", "b")
    assert verdict(LEAST, {"a": around(2), "b": around(1), "c": around(3)}) == ("does not", "b")
    assert judged(MOST, {"b": around(1), "c": around(2)}) is None
    assert judged(MOST, {"a": around(1)}) is None


def test_the_rival_that_is_shown_is_the_one_that_decided():
    wild, near = np.array([[[-5.0], [5], [24]], [[3], [9], [12]]]), around(3)
    assert verdict(MOST, {"a": around(0), "wild": wild, "near": near}) == ("does not", "near")
    assert verdict(MOST, {"a": around(9), "wild": wild, "near": near}) == ("cannot be told", "wild")


def test_runs_are_never_compared_with_themselves():
    alike = np.array([[1, 0.8, 0.9, 0.2], [0.8, 1, 0.3, 0.9], [0.9, 0.3, 1, 0.6], [0.2, 0.9, 0.6, 1]])
    found = between(np.stack([alike, alike / 2]), (2, 1, 2))  # of two seeds; .9 is of one seed, and is not taken
    assert found == pytest.approx(np.array([[[0.8, 0.25], [0.25, 0.6]], [[0.4, 0.125], [0.125, 0.3]]]))


def test_the_matrix_and_the_gap_say_the_same():
    shape = (3, 2, 3)
    alike = np.random.default_rng(0).uniform(0, 1, (18, 18))
    alike = (alike + alike.T) / 2
    cells = between(alike[None], shape)[0]
    off = (cells.sum() - np.trace(cells)) / 6
    assert gap(alike, shape)[0] == pytest.approx(np.trace(cells) / 3 - off)


def test_the_gap_is_of_one_condition_and_different_seeds():
    fair = crossed((2, 2, 2))
    assert fair.sum() == 2 * 2 * 4
    assert not fair[0, 0]  # itself
    assert fair[0, 1]  # another seed
    assert not fair[0, 2]  # another condition
    assert not fair[0, 4]  # another objective, the same seed
    assert fair[0, 5]
    alike = np.where(fair, 0.2, 0.9)
    alike[[0, 1], [1, 0]] = 0.6  # of the eight fair pairs of one objective
    value, null = gap(alike, (2, 2, 2))
    assert value == pytest.approx((2 * 0.6 + 6 * 0.2) / 8 - 0.2)
    assert 0 < null.p <= 1


def test_likeness_is_to_other_objectives_on_one_condition_with_other_seeds():
    shape = (3, 2, 2)
    alike = np.random.default_rng(0).random((4, 12, 12))
    found = likeness(alike, shape, (0, 1, 2))
    assert found.shape == (*shape, 4)
    # the first run: objective 0, condition 0, seed 0; others with seed 1 on condition 0 are rows 5 and 9
    assert found[0, 0, 0] == pytest.approx(alike[:, 0, [5, 9]].mean(1))
    assert found[2, 1, 1] == pytest.approx(alike[:, 11, [2, 6]].mean(1))


def test_likeness_among_some_objectives_is_that_of_these_alone():
    alike = np.random.default_rng(0).random((4, 12, 12))
    places = [*range(4), *range(8, 12)]  # of the first objective and the third
    alone = likeness(alike[:, places][:, :, places], (2, 2, 2), (0, 1))
    assert np.allclose(likeness(alike, (3, 2, 2), (0, 2)), alone)
