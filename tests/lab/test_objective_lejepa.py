"""lejepa: SIGReg's exact values, and distance and evenness put together."""

import math
import sys

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from small_objectives import batch, made
from torch.nn.functional import normalize

from repscope.lab.chance import Chance
from repscope.lab.objectives import embedded
from repscope.lab.objectives.lejepa import LatentEuclidean, sigreg


def directions(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def epps_pulley(x: np.ndarray) -> float:
    """N times the integral of |phi - exp(-t^2/2)|^2 exp(-t^2/2) over [-3, 3], by adaptive quadrature."""

    def inside(t: float) -> float:
        phi = np.exp(1j * t * x).mean()
        return abs(phi - math.exp(-t * t / 2)) ** 2 * math.exp(-t * t / 2)

    return len(x) * quad(inside, -3, 3)[0]


class TestSigreg:
    @pytest.mark.parametrize("count", [10, 500])
    def test_a_point_at_the_middle_gives_forty_of_a_hundred_images(self, count):
        assert sigreg(torch.zeros(count, 3), directions(20, 3)).item() == pytest.approx(0.40223 * count, rel=2e-3)

    def test_a_standard_gaussian_gives_about_one(self):
        told = [sigreg(directions(256, 8, seed), directions(64, 8, seed + 1000)).item() for seed in range(150)]
        assert np.mean(told) == pytest.approx(1.05, abs=4 * np.std(told) / math.sqrt(150))
        assert np.std(told) / math.sqrt(150) < 0.03

    @pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
    def test_it_is_the_integral_along_each_direction(self, scale):
        z, ways = scale * directions(40, 4, 1) + 0.2, directions(6, 4, 2)
        along = (z.double() @ normalize(ways.double(), dim=1).T).numpy()
        wanted = np.mean([epps_pulley(along[:, k]) for k in range(6)])
        assert sigreg(z, ways).item() == pytest.approx(wanted, rel=5e-3)

    def test_the_length_of_a_direction_says_nothing(self):
        z, ways = directions(40, 4, 1), directions(6, 4, 2)
        longer = ways * torch.linspace(1, 50, 6)[:, None]
        assert sigreg(z, longer).item() == pytest.approx(sigreg(z, ways).item(), rel=1e-5)

    def test_too_narrow_too_wide_and_off_centre_cost_more(self):
        z, ways = directions(400, 4, 1), directions(64, 4, 2)
        plain = sigreg(z, ways)
        for other in (0.5 * z, 2 * z, z + 0.5, z * torch.tensor([1.0, 1, 1, 0])):
            assert sigreg(other, ways) > 3 * plain


def test_the_distance_by_hand():
    z = torch.tensor([[[0.0, 0.0]], [[2.0, 4.0]], [[1.0, -1.0]]])  # three views of an image; the large two mean (1, 2)
    assert LatentEuclidean.apart(z).item() == pytest.approx((1 + 4 + 1 + 4 + 0 + 9) / 6)
    assert LatentEuclidean.apart(z[:1].expand(4, -1, -1)).item() == 0


@pytest.mark.parametrize(("weight", "small"), [(0.0, 2), (0.05, 0), (0.05, 2), (1.0, 1)])
def test_the_loss_is_both_in_their_shares(recipe, stripes, weight, small):
    objective = made("lejepa", recipe, weight=weight, locals=small)
    views_of, again = batch(objective, stripes.pixels[:16]), Chance(0, 16)
    objective.views(stripes.pixels[:16], again)
    ways = again.normal(64, 16)
    with torch.no_grad():
        # the projector's batch norm sees all views of all images at once
        z = torch.cat([embedded(objective.encoder, view) for view in views_of.views])
        z = objective.projector(z).unflatten(0, (2 + small, 16))
        even = torch.stack([sigreg(view, ways) for view in z]).mean().item()
    z = z.double().numpy()
    apart = np.square(z - z[:2].mean(0)).mean()
    wanted = (1 - weight) * apart + weight * even
    assert objective.loss(views_of).item() == pytest.approx(wanted, rel=1e-4)


def test_how_embeddings_lie_is_asked_in_float32(recipe, stripes, monkeypatch):
    """Near a collapse the rounding of bfloat16 products is a tenth of the gradient."""
    module, asked = sys.modules[sigreg.__module__], []

    def watched(z, ways):
        asked.append((z.dtype, torch.is_autocast_enabled("cpu")))
        return sigreg(z, ways)

    monkeypatch.setattr(module, "sigreg", watched)
    objective = made("lejepa", recipe)
    with torch.autocast("cpu", torch.bfloat16):
        objective.loss(batch(objective, stripes.pixels[:16]))
    assert asked == [(torch.float32, False)] * 4
