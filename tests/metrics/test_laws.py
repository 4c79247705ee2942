"""Every card's laws, both ways: a claimed invariance holds, an unclaimed one is seen to fail."""

import numpy as np
import pytest

from repscope import metrics
from repscope.metrics import Pair, Reading

RNG = np.random.default_rng(7)
N, D = 240, 16


def cloud(seed: int, grid: bool = False) -> np.ndarray:
    """An uneven cloud with a mean, a few long rows, and a curve in it: no symmetry for a law to hide behind."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, D)) * np.linspace(3, 0.3, D) + rng.normal(size=D)
    x += 0.3 * np.sin(x[:, ::-1]) + 0.2 * x**2
    x[rng.integers(0, N, 9)] *= 8
    if grid:
        field = np.cumsum(np.cumsum(x.reshape(12, 20, D), 0), 1)
        return field / field.std() + 0.5
    return x


def turn(d: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(3).normal(size=(d, d)))[0]


CHANGES = {
    "shift": lambda x: x + 50 * np.arange(x.shape[-1]) / x.shape[-1] + 20,
    "scale": lambda x: 37.0 * x,
    "rotation": lambda x: x @ turn(x.shape[-1]),
    "order": lambda x: np.random.default_rng(5).permutation(x.reshape(-1, x.shape[-1])).reshape(x.shape),
}


def close(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=1e-6, atol=1e-6))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("reading", metrics.readings(), ids=lambda card: card.name)
def test_reading(reading: Reading, change: str):
    x = cloud(0, grid=reading.needs == "grid")
    unmoved = close(reading(x), reading(CHANGES[change](x)))
    assert unmoved == getattr(reading.laws, change)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("pair", metrics.pairs(), ids=lambda card: card.name)
def test_pair(pair: Pair, change: str):
    x = cloud(0)
    y = x[:, :6] @ np.random.default_rng(2).normal(size=(6, 7)) + 0.5 * cloud(1)[:, :7]
    if change == "order":
        order = np.random.default_rng(5).permutation(N)
        unmoved = close(pair(x, y), pair(x[order], y[order]))
    else:
        moved = CHANGES[change]
        unmoved = close(pair(x, y), pair(moved(x), y)) and close(pair(x, y), pair(x, moved(y)))
    assert unmoved == getattr(pair.laws, change)


@pytest.mark.parametrize("pair", metrics.pairs(), ids=lambda card: card.name)
def test_swap(pair: Pair):
    x, y = cloud(0), cloud(0)[:, :4] + 0.3 * cloud(1)[:, :4]
    assert close(pair(x, y), pair(y, x)) == pair.laws.swap


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("pair", metrics.pairs(), ids=lambda card: card.name)
def test_a_set_with_itself_is_the_best_at_any_scale(pair: Pair, size: float):
    x = cloud(0)
    value = pair(size * x, size * x)
    if pair.name == "ridge_map":
        assert 0.95 < value <= 1
    else:
        assert value == pytest.approx(pair.best, abs=2e-6)


@pytest.mark.parametrize("card", metrics.catalogue.values(), ids=lambda card: card.name)
def test_every_card_is_whole(card: metrics.Card):
    assert metrics.catalogue[card.name] is card
    assert getattr(metrics, card.name) is card
    assert card.title
    assert card.definition
    assert card.reference
    assert ">>>" in (card.description or "")
    assert card.__doc__ == card.description
    assert (card.laws.swap is not None) == isinstance(card, Pair)


def test_the_names_that_were_promised_are_there():
    readings = {
        *("effective_rank", "rankme", "rankme_centred", "participation_ratio", "stable_rank", "alpha_req"),
        *("components_90", "components_99", "top10_share", "components_above_1pct", "uniformity", "mean_cosine"),
        *("isotropy", "isotropy_centred", "patch_entropy", "token_norm", "outlier_tokens", "intrinsic_dimension"),
        "spatial_coherence",
    }
    pairs = {"linear_cka", "linear_cka_biased", "mutual_knn", "cknna", "procrustes", "ridge_map", "rsa", "cca"}
    assert readings <= {card.name for card in metrics.readings()}
    assert pairs == {card.name for card in metrics.pairs()}
