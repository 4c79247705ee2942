"""Probe and few shots: what can be learnt is, held-out images choose nothing, parity with scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import StandardScaler
from test_evaluate_neighbours import asked, clusters

from repscope.analyses import _few_shot, _linear_probe
from repscope.analyses._few_shot import few_shot
from repscope.analyses._linear_probe import linear_probe
from repscope.analyses._split import held_out
from repscope.errors import UnfitData


def test_the_probe_is_scikit_learns_on_standardised_embeddings():
    x, y = clusters(400, apart=0.4)
    v, made = asked(x * np.geomspace(1e-3, 1e3, 8), y)
    found = linear_probe(v, made)
    scaler = StandardScaler().fit(v[made.taught].astype(np.float64))
    known = LogisticRegression(C=found.strength, max_iter=2000, tol=1e-6)
    known.fit(scaler.transform(v[made.taught]), made.codes[made.taught])
    expected = known.predict(scaler.transform(v[made.asked]))
    assert (found.named == expected).mean() > 0.98
    assert found.accuracy.value == pytest.approx((found.named == made.codes[made.asked]).mean())
    assert found.accuracy.value > 0.4


def test_held_out_images_choose_nothing(monkeypatch):
    x, y = clusters(300, apart=0.3)
    v, made = asked(x, y)
    strength = linear_probe(v, made).strength
    v[made.asked] = np.random.default_rng(0).normal(size=v[made.asked].shape) * 100
    assert linear_probe(v, made).strength == strength


def test_the_penalty_that_is_chosen_is_the_best_on_the_validation_part():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    x = rng.normal(size=(300, 200)).astype(np.float32)
    x[:, 0] += 1.5 * y  # one dimension tells, the others tempt
    v, made = asked(x, y)
    bank, codes = v[made.taught], made.codes[made.taught]
    bank = (bank - bank.mean(0)) / bank.std(0)
    held = held_out(codes, None, 1)
    fitted = [
        LogisticRegression(C=strength, max_iter=2000).fit(bank[~held], codes[~held]).score(bank[held], codes[held])
        for strength in _linear_probe.STRENGTHS
    ]
    assert linear_probe(v, made).strength == _linear_probe.STRENGTHS[int(np.argmax(fitted))]
    assert max(fitted) < 0.95  # not what it was fitted on
    easy, made = asked((np.eye(2)[y] * 1e-3).astype(np.float32) + 5, y)
    assert linear_probe(easy, made).accuracy.value == 1


def test_the_penalty_is_chosen_on_images_that_were_not_fitted(monkeypatch):
    x, y = clusters(300, apart=0.3)
    v, made = asked(x, y)
    fitted, true = [], _linear_probe._fitted
    monkeypatch.setattr(_linear_probe, "_fitted", lambda x, *rest: fitted.append(len(x)) or true(x, *rest))
    linear_probe(v, made)
    rest = int((~held_out(made.codes[made.taught], None, 1)).sum())
    assert fitted == [rest] * len(_linear_probe.STRENGTHS) + [len(made.taught)]
    assert 0.75 < rest / len(made.taught) < 0.85


def test_dimensions_that_do_not_vary_do_no_harm():
    x, y = clusters(200)
    v, made = asked(np.concatenate([x, np.full((200, 3), 7.3, np.float32)], 1), y)
    alone = linear_probe(*asked(x, y)).accuracy.value
    assert linear_probe(v, made).accuracy.value == pytest.approx(alone, abs=0.03)


def test_a_probe_that_does_not_come_to_rest_says_so(monkeypatch):
    monkeypatch.setattr(_linear_probe, "STEPS", 2)
    x, y = clusters(200)
    assert any("not come to rest" in each for each in linear_probe(*asked(x, y)).caveats)


def test_too_few_to_choose_the_penalty_on_is_said():
    x, _ = clusters(8, classes=2)
    v, made = asked(x, [0, 0, 0, 0, 1, 1, 0, 1], train=np.array([1, 0, 0, 0, 1, 0, 0, 0], bool))
    assert any("too few training images" in each for each in linear_probe(v, made).caveats)
    with pytest.raises(UnfitData, match="two classes"):
        linear_probe(*asked(x, [0, 0, 0, 0, 1, 1, 0, 1], train=np.arange(8) < 2))


def test_all_shots_are_the_nearest_class_mean():
    x, _ = clusters(120, apart=0.3)
    y = np.arange(120) % 3
    mask = np.arange(120) < 60
    v, made = asked(x + 3, y, train=mask)
    estimate = few_shot(v, made, 20)
    centred = v.astype(np.float64) - v[mask].mean(0, dtype=np.float64)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    means = np.stack([unit[mask & (y == c)].mean(0) for c in range(3)])
    named = (unit[~mask] @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T).argmax(1)
    assert estimate.value == pytest.approx((named == y[~mask]).mean())
    assert estimate.draws == pytest.approx(np.full(len(estimate.draws), estimate.value))
    near = NearestCentroid().fit(unit[mask], y[mask]).predict(unit[~mask])
    assert (near == named).mean() > 0.8


def test_more_shots_name_more_and_episodes_are_the_same_for_every_encoder():
    x, y = clusters(400, apart=0.3)
    v, made = asked(x, y)
    one, five, ten = (few_shot(v, made, shots) for shots in (1, 5, 10))
    assert 0.25 < one.value < five.value < ten.value
    assert one.draws.std() > ten.draws.std() > 0
    assert one.value == pytest.approx(one.draws.mean())
    turned = v @ np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0].astype(np.float32)
    assert few_shot(turned, made, 1).draws == pytest.approx(one.draws, abs=0.02)
    assert one.minus(few_shot(turned, made, 1)).error < one.error / 5


def test_a_class_with_too_few_is_named(monkeypatch):
    x, _ = clusters(40)
    v, made = asked(x, ["many"] * 34 + ["few"] * 6)
    with pytest.raises(UnfitData, match="10 of each class want so many to learn from; class few has 5"):
        few_shot(v, made, 10)
    monkeypatch.setattr(_few_shot, "FEWEST", 2)
    assert few_shot(v, made, 5).value <= 1
