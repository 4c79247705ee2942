"""Collapse, provoked: the monitor calls a run that lost what holds it up, and stays silent for its healthy twin."""

import pytest
from small_scenes import scenes
from torch import Tensor

from repscope.encoders.vit import Architecture
from repscope.lab.build import build, setting_of
from repscope.lab.objectives import Objective, catalogue, embedded
from repscope.lab.recipe import Recipe
from repscope.lab.train import Run
from repscope.lab.views import normalised
from repscope.monitor import Monitor, Observation

STEPS, EVERY = 200, 10
SHAPE = Architecture(width=32, depth=2, heads=2, hidden=64, patch=4, grid=(4, 4), cls=False, position="sincos")
RECIPE = Recipe(
    name="collapse",
    size=16,
    architecture=SHAPE,
    epochs=25,
    batch=32,
    rate=3e-3,
    warmup=20,
    decay=0.0,
    crop=(0.6, 1.0),
    precision="float32",
)
IMAGES, HELD = scenes(256), scenes(96, seed=9)

# Smaller than they are, for speed; what is taken away is added to them.
OPTIONS = {
    "dino": {"locals": 0, "outputs": 128, "hidden": 128, "bottleneck": 64},
    "byol": {"hidden": 128, "outputs": 64},
    "vicreg": {"hidden": 128, "outputs": 64},
    "lejepa": {"locals": 0, "hidden": 128, "outputs": 32, "slices": 64},
    "ijepa": {"width": 24, "depth": 1},
}
COLLAPSES = [
    pytest.param("dino", {"centring": False}, "loss", {"complete", "dimensional"}, id="dino without centring"),
    pytest.param("dino", {"teacher_momentum": 0.0}, "loss", {"complete"}, id="dino without EMA"),
    pytest.param("byol", {"teacher_momentum": 0.0, "predict": False}, "loss", {"complete"}, id="byol without EMA"),
    pytest.param("byol", {"stop": False}, "loss", {"complete"}, id="byol without stop-gradient"),
    pytest.param("vicreg", {"variance": 0.0}, "encoder", {"dimensional"}, id="vicreg without variance"),
    pytest.param("ijepa", {"stop": False}, "encoder", {"complete"}, id="ijepa without stop-gradient"),
]


class Seen:
    """What is observed: the encoder's embedding, or what the loss is given of it."""

    def __init__(self, objective: Objective, where: str):
        self.objective, self.where = objective, where

    def __call__(self, images: Tensor) -> Tensor:
        z = embedded(self.objective.encoder, images)
        if self.where == "encoder":
            return z
        return next(part for name in ("head", "projector") if (part := getattr(self.objective, name, None)))(z)


def observed(tmp_path, name: str, options: dict, *places: str, steps: int = STEPS) -> dict[str, list[Observation]]:
    """A run of so many steps, or until a collapse is called, observed before it and every 10."""
    objective = build(catalogue[name], RECIPE, setting_of(RECIPE, len(IMAGES), 4), OPTIONS[name] | options)
    run = Run(objective.train(), RECIPE, IMAGES, tmp_path)
    monitors = {place: Monitor(normalised(HELD.pixels), labels=HELD.labels, every=EVERY) for place in places}
    for step in range(steps + 1):
        seen = [monitor(Seen(objective, place), step) for place, monitor in monitors.items()]
        if step == steps or any(each and each.collapse for each in seen):
            break
        run.step(step)
    return {place: list(monitor.history) for place, monitor in monitors.items()}


@pytest.mark.parametrize(("name", "away", "where", "kinds"), COLLAPSES)
def test_it_is_called_within_200_steps(tmp_path, name, away, where, kinds):
    *_, last = observed(tmp_path, name, away, where)[where]
    assert last.collapse is not None
    assert last.collapse.kind in kinds
    assert last.step <= STEPS


@pytest.mark.parametrize("name", ["dino", "byol", "vicreg", "ijepa"])
def test_the_healthy_twin_is_left_alone(tmp_path, name):
    places = ("encoder",) if name == "ijepa" else ("encoder", "loss")
    for history in observed(tmp_path, name, {}, *places).values():
        assert [each.step for each in history] == list(range(0, STEPS + 1, EVERY))
        assert not any(each.collapse for each in history)


def test_sigreg_tells_lejepa_without_its_regulariser(tmp_path):
    """Its embeddings keep their directions and lose their length: towards the statistic of a point, .402 N."""
    *_, healthy = observed(tmp_path / "healthy", "lejepa", {}, "loss", steps=60)["loss"]
    *_, alone = observed(tmp_path / "alone", "lejepa", {"weight": 0.0}, "loss", steps=60)["loss"]
    assert alone["sigreg"] == pytest.approx(0.40223 * len(HELD), rel=0.02)
    assert healthy["sigreg"] < 0.5 * alone["sigreg"]
