"""diet and supervised: cross-entropy by hand, its first value and its floor."""

import math
from dataclasses import replace as changed

import numpy as np
import pytest
import torch
from small_objectives import batch, made
from torch import nn

from repscope.errors import UnfitData
from repscope.lab import train
from repscope.lab.objectives import embedded


def cross_entropy(logits: np.ndarray, classes: np.ndarray, smoothing: float) -> float:
    """The target is 1 - smoothing, and smoothing spread over all classes, its own among them."""
    said = logits - logits.max(1, keepdims=True)
    said = said - np.log(np.exp(said).sum(1, keepdims=True))
    target = np.full_like(said, smoothing / said.shape[1])
    target[np.arange(len(said)), classes] += 1 - smoothing
    return float(-(target * said).sum(1).mean())


class Knows(nn.Module):
    """A head that says these logits."""

    def __init__(self, logits: torch.Tensor):
        super().__init__()
        self.logits = logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits + 0 * x.sum()


class TestDiet:
    @pytest.mark.parametrize("temperature", [1.0, 0.5])
    def test_the_loss_by_hand(self, recipe, stripes, temperature):
        objective = made("diet", recipe, temperature=temperature)
        with torch.no_grad():
            objective.head.weight.mul_(50)
        views_of = batch(objective, stripes.pixels[:8])
        with torch.no_grad():
            z = embedded(objective.encoder, views_of.views[0]).double().numpy()
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        logits = z @ objective.head.weight.detach().double().numpy().T / temperature
        assert logits.shape == (8, 64)
        wanted = cross_entropy(logits, views_of.rows.numpy(), 0.2)
        assert objective.loss(views_of).item() == pytest.approx(wanted, rel=1e-5)

    def test_the_first_loss_is_the_logarithm_of_the_images(self, recipe, stripes):
        for images in (64, 1000):
            objective = made("diet", recipe, images=images)
            assert objective.head.bias is None
            assert objective.loss(batch(objective, stripes.pixels[:32])).item() == pytest.approx(
                math.log(images), abs=0.03
            )

    def test_its_floor_of_a_thousand_images(self, recipe, stripes):
        """The entropy of the smoothed target, 1.880 nats: the logits of that very distribution reach it."""
        objective = made("diet", recipe, images=1000)
        views_of = batch(objective, stripes.pixels[:8])
        logits = torch.full((8, 1000), math.log(0.2 / 1000))
        logits[torch.arange(8), views_of.rows] = math.log(0.8 + 0.2 / 1000)
        objective.head = Knows(logits)
        assert objective.loss(views_of).item() == pytest.approx(1.880, abs=5e-4)
        for off in (-0.5, 0.5):  # and nothing is below it
            other = logits.clone()
            other[torch.arange(8), views_of.rows] += off
            objective.head = Knows(other)
            assert objective.loss(views_of).item() > 1.8803

    def test_an_image_keeps_its_class_wherever_it_comes_in_the_batch(self, recipe, stripes):
        objective = made("diet", recipe)
        steps = [train.batch_of(objective, stripes, recipe, step) for step in range(8)]
        for part in (steps[:4], steps[4:]):
            assert sorted(torch.cat([b.rows for b in part]).tolist()) == list(range(64))
        assert all(torch.equal(b.labels, stripes.labels[b.rows]) for b in steps)
        b, order = steps[0], torch.randperm(16, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            objective.head.weight.mul_(50)
        plain = objective.loss(b).item()
        turned = changed(b, views=(b.views[0][order],), rows=b.rows[order])
        assert objective.loss(turned).item() == pytest.approx(plain, rel=1e-5)
        assert objective.loss(changed(b, rows=b.rows[order])).item() != pytest.approx(plain, rel=1e-3)


class TestSupervised:
    def test_the_loss_by_hand(self, recipe, stripes):
        objective = made("supervised", recipe)
        views_of = batch(objective, stripes.pixels[:8])
        with torch.no_grad():
            objective.head.weight.mul_(50)
            objective.head.bias.copy_(torch.tensor([0.3, -0.2, 0.1, 0.0]))
            z = embedded(objective.encoder, views_of.views[0]).double().numpy()
        weight, bias = (p.detach().double().numpy() for p in objective.head.parameters())
        wanted = cross_entropy(z @ weight.T + bias, views_of.labels.numpy(), 0.1)
        assert objective.loss(views_of).item() == pytest.approx(wanted, rel=1e-5)

    @pytest.mark.parametrize("classes", [0, 1])
    def test_fewer_than_two_classes_are_refused(self, recipe, classes):
        with pytest.raises(UnfitData, match=f"two classes or more; these images have {classes or 'no'} class"):
            made("supervised", recipe, classes=classes)

    def test_an_image_without_a_label_is_refused(self, recipe, stripes):
        objective = made("supervised", recipe)
        labels = torch.tensor([0, 1, -1, 2])
        with pytest.raises(UnfitData, match="wants a label for every image"):
            objective.loss(batch(objective, stripes.pixels[:4], labels))
