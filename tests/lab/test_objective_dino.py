"""dino: the cross-entropy by hand, the centre, and who is compared with whom."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_objectives import batch, made
from torch.nn.functional import normalize

from repscope.lab import views
from repscope.lab.objectives import embedded
from repscope.lab.objectives.dino import Head


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@torch.no_grad()
def spread(objective) -> None:
    """A teacher of its own, and a student whose names differ from image to image."""
    for p in [*objective.teacher.parameters(), *objective.teacher_head.parameters()]:
        p.mul_(1.5).add_(0.02)
    objective.encoder.patch.weight.mul_(8)


@torch.no_grad()
def said(objective, views, side: str = "") -> list[np.ndarray]:
    encoder, head = (objective.teacher, objective.teacher_head) if side else (objective.encoder, objective.head)
    return [head(embedded(encoder, view)).double().numpy() for view in views]


@pytest.mark.parametrize("small", [0, 1, 2])
def test_the_loss_by_hand(recipe, stripes, small):
    """Every pair of a teacher's large view and another view: -sum p log q, meaned over pairs and images."""
    objective = made("dino", recipe, locals=small)
    spread(objective)
    objective.centre.uniform_(-0.3, 0.3, generator=torch.Generator().manual_seed(0))
    centre = objective.centre.double().numpy().copy()
    views_of = batch(objective, stripes.pixels[:8])
    student, teacher = said(objective, views_of.views), said(objective, views_of.views[:2], "teacher")
    terms = []
    for t, named in enumerate(teacher):
        target = softmax((named - centre) / 0.04)
        for v, other in enumerate(student):
            if v != t:
                terms.append(-(target * np.log(softmax(other / 0.1))).sum(1).mean())
    assert len(terms) == 2 * (1 + small)
    assert objective.loss(views_of).item() == pytest.approx(float(np.mean(terms)), rel=1e-4)


def test_cross_entropy_of_what_is_known(recipe):
    between = made("dino", recipe).between
    sure, uniform = torch.eye(4)[:2], torch.full((2, 4), 0.25)
    assert between(uniform, uniform.log()).item() == pytest.approx(np.log(4))
    assert between(sure, uniform.log()).item() == pytest.approx(np.log(4))
    right = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]])
    assert between(sure, right.log()).item() == pytest.approx(-np.log(0.7), rel=1e-6)
    assert between(right, right.log()).item() == pytest.approx(-(0.7 * np.log(0.7) + 0.3 * np.log(0.1)), rel=1e-6)


def test_the_centre_moves_a_tenth_of_the_way_after_the_loss(recipe, stripes):
    objective = made("dino", recipe)
    spread(objective)
    objective.centre.fill_(0.2)
    views_of = batch(objective, stripes.pixels[:8])
    named = np.concatenate(said(objective, views_of.views[:2], "teacher")).mean(0)
    objective.loss(views_of)
    np.testing.assert_allclose(objective.centre.numpy(), 0.9 * 0.2 + 0.1 * named, atol=1e-6)


def test_the_centre_stays_in_evaluation_and_without_centring(recipe, stripes):
    for objective in (made("dino", recipe).eval(), made("dino", recipe, centring=False)):
        objective.loss(batch(objective, stripes.pixels[:8]))
        assert (objective.centre == 0).all()


def test_temperatures_are_options(recipe, stripes):
    """Of one temperature, and with the teacher's own view, the loss would be an entropy: it never is less."""
    objective = made("dino", recipe, teacher_temperature=1.0, student_temperature=1.0, locals=0)
    spread(objective)
    views_of = batch(objective, stripes.pixels[:8])
    student, teacher = said(objective, views_of.views), said(objective, views_of.views, "teacher")
    terms = [-(softmax(teacher[t]) * np.log(softmax(student[1 - t]))).sum(1).mean() for t in (0, 1)]
    assert objective.loss(views_of).item() == pytest.approx(np.mean(terms), rel=1e-5)
    assert np.mean(terms) >= np.mean([-(softmax(x) * np.log(softmax(x))).sum(1).mean() for x in teacher])


def test_what_the_head_says_are_cosines(seeded):
    head = Head(6, 8, 4, 10)
    with torch.no_grad():
        for p in head.parameters():
            p.normal_(generator=seeded(0))
        x = torch.randn(5, 6, generator=seeded(1))
        wanted = normalize(head.inner(x), dim=1) @ normalize(head.prototypes, dim=1).T
        plain = head(x)
        torch.testing.assert_close(plain, wanted)
        assert plain.abs().max() <= 1 + 1e-6
        head.prototypes.mul_(torch.linspace(1, 9, 10)[:, None])
        torch.testing.assert_close(head(x), plain)  # the length of a prototype says nothing


def test_small_views_are_small_parts_of_the_image(recipe, stripes, monkeypatch):
    asked, distorted = [], views.distorted
    monkeypatch.setattr(
        views,
        "distorted",
        lambda p, c, size, scale, *rest, **k: asked.append((size, scale)) or distorted(p, c, size, scale, *rest, **k),
    )
    batch(made("dino", replace(recipe, local=8, crop=(0.4, 1.0))), stripes.pixels[:4])
    assert asked == [(16, (0.4, 1.0))] * 2 + [(8, (0.05, 0.4))] * 2


def test_cosines_are_float32_under_bfloat16():
    """Over a temperature of .04 the rounding of a bfloat16 cosine is a tenth of a logit."""
    torch.manual_seed(0)
    head, x = Head(8, 16, 8, 32), torch.randn(4, 8)
    torch.nn.init.normal_(head.prototypes)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        inner, found = normalize(head.inner(x).float(), dim=1), head(x)
    torch.testing.assert_close(found, inner @ normalize(head.prototypes, dim=1).T)
