"""vicreg, barlow_twins, simclr, byol: each against numpy in float64, and where it is nothing or most."""

import math
from copy import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_objectives import batch, made
from small_run import SHAPE
from torch import nn

from repscope.lab.objectives import embedded
from repscope.lab.objectives.vicreg import shared, spare
from repscope.lab.recipe import Recipe

SEEDS = st.integers(0, 10_000)


def pair(seed: int, rows: int = 12, width: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    one = torch.randn(rows, width, generator=generator) * 3 + 1
    return one, one + torch.randn(rows, width, generator=generator)


def whitened(rows: int, width: int) -> torch.Tensor:
    """Rows with mean 0 and covariance the identity, exactly (over rows - 1)."""
    x = np.random.default_rng(0).normal(size=(rows, width))
    q, _ = np.linalg.qr(x - x.mean(0))
    return torch.from_numpy(q * math.sqrt(rows - 1)).float()


def vicreg(one: np.ndarray, two: np.ndarray) -> float:
    """The paper's formula, term by term."""
    d = one.shape[1]
    told = 25 * np.mean(np.sum(np.square(one - two), 1)) / d
    for z in (one, two):
        told += 25 * np.mean([max(0, 1 - math.sqrt(z[:, j].var(ddof=1) + 1e-4)) for j in range(d)]) / 2
        c = np.cov(z.T)
        told += sum(c[i, j] ** 2 for i in range(d) for j in range(d) if i != j) / d
    return told


def barlow(one: np.ndarray, two: np.ndarray, redundancy: float = 5e-3) -> float:
    d = one.shape[1]
    one, two = ((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5) for z in (one, two))
    c = one.T @ two / len(one)
    off = sum(c[i, j] ** 2 for i in range(d) for j in range(d) if i != j)
    return sum((1 - c[i, i]) ** 2 for i in range(d)) + redundancy * off


def simclr(one: np.ndarray, two: np.ndarray, temperature: float = 0.2) -> float:
    z = np.concatenate([one, two])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    n, terms = len(one), []
    for i in range(2 * n):
        alike = np.exp(z @ z[i] / temperature)
        terms.append(-math.log(alike[(i + n) % (2 * n)] / (alike.sum() - alike[i])))
    return float(np.mean(terms))


def byol(one: np.ndarray, two: np.ndarray) -> float:
    cosine = (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    return float((2 - 2 * cosine).mean())


FORMULAS = {"vicreg": vicreg, "barlow_twins": barlow, "simclr": simclr, "byol": byol}


@pytest.fixture(scope="module")
def all_four():
    recipe = Recipe(name="small", size=16, architecture=SHAPE, batch=16)
    return {name: made(name, recipe) for name in FORMULAS}


@pytest.mark.parametrize("name", FORMULAS)
@given(seed=SEEDS, scale=st.sampled_from([0.05, 1.0, 20.0]))
@settings(max_examples=25, deadline=None)
def test_the_loss_is_the_formula_in_float64(all_four, name, seed, scale):
    one, two = (z * scale for z in pair(seed))
    wanted = FORMULAS[name](one.double().numpy(), two.double().numpy())
    assert all_four[name].between(one, two).item() == pytest.approx(wanted, rel=2e-4, abs=1e-4)


@pytest.mark.parametrize("name", FORMULAS)
def test_the_loss_is_float32_under_bfloat16(all_four, stripes, name):
    """The matrix products of the encoder are rounded, those of the loss are not."""
    objective = all_four[name]
    batch_of = batch(objective, stripes.pixels[:16])
    projected: list[torch.Tensor] = []
    part = objective.predictor if name == "byol" else objective.projector
    hook = part.register_forward_hook(lambda module, given, z: projected.append(z.detach().float()))
    taught: list[torch.Tensor] = []
    if name == "byol":
        objective.teacher_projector.register_forward_hook(lambda module, given, z: taught.append(z.detach().float()))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        told = objective.loss(batch_of)
    hook.remove()
    if name == "byol":
        wanted = (objective.between(projected[0], taught[1]) + objective.between(projected[1], taught[0])) / 2
    else:
        wanted = objective.between(*projected)
    assert told.dtype == torch.float32
    assert told.item() == pytest.approx(wanted.item(), rel=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_the_order_of_images_and_of_views_does_not_matter(all_four, name):
    one, two = pair(3)
    between, order = all_four[name].between, torch.randperm(12, generator=torch.Generator().manual_seed(0))
    plain = between(one, two).item()
    assert between(one[order], two[order]).item() == pytest.approx(plain, rel=1e-5)
    assert between(two, one).item() == pytest.approx(plain, rel=1e-5)
    assert between(one, two[order]).item() > plain  # the pairing does


class TestVicreg:
    def test_two_equal_views_in_every_dimension_cost_nothing(self, all_four):
        z = 1.01 * whitened(40, 6)
        assert all_four["vicreg"].between(z, z).item() == pytest.approx(0, abs=1e-4)

    def test_a_point_costs_the_whole_variance_term(self, all_four):
        z = torch.full((10, 6), 3.0)
        assert all_four["vicreg"].between(z, z).item() == pytest.approx(25 * (1 - 0.01), rel=1e-5)
        assert made_without_variance(all_four).between(z, z).item() == 0

    def test_its_terms_by_hand(self):
        z = torch.tensor([[0.0, 0.0], [1.0, 2.0]])  # variances .5 and 2, covariance 1
        assert spare(z).item() == pytest.approx((1 - math.sqrt(0.5001)) / 2, rel=1e-5)
        assert shared(z).item() == pytest.approx(2 * 1.0**2 / 2, rel=1e-5)


def made_without_variance(all_four):
    bare = copy(all_four["vicreg"])
    bare.weights = (25.0, 0.0, 1.0)
    return bare


class TestBarlowTwins:
    def test_two_equal_uncorrelated_views_cost_nothing(self, all_four):
        z = whitened(40, 6)
        assert all_four["barlow_twins"].between(z, z).item() == pytest.approx(0, abs=1e-6)

    def test_opposite_views_cost_four_a_dimension(self, all_four):
        z = whitened(40, 6)
        assert all_four["barlow_twins"].between(z, -z).item() == pytest.approx(4 * 6, rel=1e-3)

    def test_one_dimension_said_six_times(self, all_four):
        z = whitened(40, 1).expand(-1, 6)
        assert all_four["barlow_twins"].between(z, z).item() == pytest.approx(5e-3 * 30, rel=1e-3)

    def test_scale_and_shift_of_a_dimension_are_not_asked(self, all_four):
        one, two = pair(1)
        moved = one * torch.tensor([1.0, 2, 5, 10, 50]) + 3
        plain = all_four["barlow_twins"].between(one, two).item()
        assert all_four["barlow_twins"].between(moved, two).item() == pytest.approx(plain, rel=1e-4)


class TestSimclr:
    def test_all_alike_is_a_guess_among_the_others(self, all_four):
        z = torch.ones(8, 5)
        assert all_four["simclr"].between(z, z).item() == pytest.approx(math.log(15), rel=1e-6)

    def test_pairs_at_right_angles_to_all_others_by_hand(self, all_four):
        z = torch.eye(8)
        wanted = math.log(math.exp(5) + 14) - 5  # cosine 1 to the other view, 0 to 14, over .2
        assert all_four["simclr"].between(z, z).item() == pytest.approx(wanted, rel=1e-5)

    def test_length_is_not_asked(self, all_four):
        one, two = pair(2)
        longer = one * torch.linspace(1, 30, 12)[:, None]
        plain = all_four["simclr"].between(one, two).item()
        assert all_four["simclr"].between(longer, two).item() == pytest.approx(plain, rel=1e-4)


class TestByol:
    def test_zero_for_one_direction_and_four_for_opposite_ones(self, all_four):
        one, _ = pair(0)
        for factor, wanted in ((7.0, 0.0), (-2.0, 4.0)):
            assert all_four["byol"].between(one, factor * one).item() == pytest.approx(wanted, abs=1e-5)

    def test_each_view_foresees_the_teacher_of_the_other(self, recipe, stripes):
        objective = made("byol", recipe)
        with torch.no_grad():
            for p in [*objective.teacher.parameters(), *objective.teacher_projector.parameters()]:
                p.mul_(1.3).add_(0.01)
        given_views = batch(objective, stripes.pixels[:8])
        with torch.no_grad():
            said = [objective.predictor(objective.projector(embedded(objective.encoder, v))) for v in given_views.views]
            taught = [objective.teacher_projector(embedded(objective.teacher, v)) for v in given_views.views]
        said, taught = ([z.double().numpy() for z in each] for each in (said, taught))
        wanted = (byol(said[0], taught[1]) + byol(said[1], taught[0])) / 2
        assert objective.loss(given_views).item() == pytest.approx(wanted, rel=1e-5)
        assert wanted != pytest.approx((byol(said[0], taught[0]) + byol(said[1], taught[1])) / 2, rel=1e-3)

    def test_without_predictor_and_stop_both_sides_learn(self, recipe, stripes):
        objective = made("byol", recipe, stop=False, predict=False)
        assert isinstance(objective.predictor, nn.Identity)
        assert objective.result is objective.encoder
        given_views = batch(objective, stripes.pixels[:8])
        with torch.no_grad():
            one, two = (objective.projector(embedded(objective.encoder, view)) for view in given_views.views)
        assert objective.loss(given_views).item() == pytest.approx(byol(one.double().numpy(), two.double().numpy()))
