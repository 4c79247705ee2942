"""The monitor: the readings are the metrics', and the run that is watched does not notice."""

import json
import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from repscope import metrics
from repscope.errors import UnfitData, UnfitTokens, UnknownName, Unsupported, WrongUsage
from repscope.monitor import Monitor, Observation


class Tokens(nn.Module):
    """Four tokens an image, with everything that notices being run: dropout, running statistics, chance."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(12, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inner(x.flatten(1).unflatten(1, (4, 12)))
        return self.drop(self.norm(x.mT).mT) + 0.01 * torch.randn(1) * np.random.rand() * random.random()


@pytest.fixture
def model() -> Tokens:
    torch.manual_seed(3)
    return Tokens()


def test_every_reading_is_the_metric_of_the_embeddings(held, held_views, held_labels):
    flat = nn.Flatten()
    seen = Monitor(held, labels=held_labels, views=held_views)(flat, 0)
    assert isinstance(seen, Observation)
    x, v = flat(held).double().numpy(), held_views.flatten(2).double().numpy()
    for name in ("effective_rank", "rankme", "rankme_centred", "isotropy", "deviation", "uniformity", "sigreg"):
        assert seen[name] == getattr(metrics, name)(x)
    for name in ("alignment", "lidar", "view_ratio"):
        assert seen[name] == getattr(metrics, name)(v)
    assert (seen.step, seen.images, seen.width, seen.missing, seen.collapse) == (0, 40, 48, {}, None)
    assert seen.votes is not None
    assert seen["knn_accuracy"] == seen.votes.accuracy
    assert (seen["knn_low"], seen["knn_high"]) == seen.votes.interval
    assert seen.votes.queries == 40


def test_without_labels_and_views_their_readings_are_not_there(held):
    seen = Monitor(held)(nn.Flatten(), 0)
    assert seen is not None
    assert set(seen.numbers()) == {
        *("effective_rank", "rankme", "rankme_centred", "isotropy", "deviation", "uniformity", "sigreg"),
    }
    with pytest.raises(UnknownName, match="effective_rank"):
        seen["effective_ran"]


def test_labels_that_are_not_known_do_not_vote(held, held_labels):
    some = held_labels.where(torch.arange(40) < 30, -1)
    seen = Monitor(held, labels=some)(nn.Flatten(), 0)
    assert seen is not None
    assert seen.votes is not None
    assert (seen.votes.queries, seen.votes.k) == (30, 20)
    none = Monitor(held, labels=[-1] * 40)(nn.Flatten(), 0)
    assert none is not None
    assert none.votes is None


def test_tokens_are_averaged_and_a_pool_takes_what_it_wants(held):
    def tokens(x: Tensor) -> Tensor:
        return x.flatten(2)

    means = Monitor(held)(lambda x: tokens(x).mean(1), 0)
    assert Monitor(held)(tokens, 0) == means
    pooled = Monitor(held, pool=lambda output: output["all"].mean(1))(lambda x: {"all": tokens(x)}, 0)
    assert pooled == means


def test_batches_change_nothing(held):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(48, 8)).double()
    whole, parts = (Monitor(held.double(), batch=batch)(linear, 0) for batch in (256, 7))
    assert whole is not None
    assert parts is not None
    assert parts.numbers() == pytest.approx(whole.numbers(), rel=1e-9)


def test_the_model_and_all_chance_are_left_as_they_were(held, model):
    model.train()
    model.norm.eval()
    modes = {name: part.training for name, part in model.named_modules()}
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    first = Monitor(held)(model, 0)
    assert {name: part.training for name, part in model.named_modules()} == modes
    assert all((model.state_dict()[name] == value).all() for name, value in weights.items())
    assert all(p.grad is None for p in model.parameters())
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()
    assert (torch.get_rng_state() == before[2]).all()
    random.seed(6), np.random.seed(6), torch.manual_seed(6)
    assert Monitor(held)(model, 0) == first  # its own chance, whatever the run's
    assert Monitor(held)(model.forward, 0) == first  # a method's module is seen too
    assert model.drop.training


def test_a_module_looks_in_evaluation_mode_and_a_function_as_it_is(held, model):
    modes = []
    model.drop.register_forward_hook(lambda module, *_: modes.append(module.training))
    model.train()
    before = model.norm.running_mean.clone()
    Monitor(held)(model, 0)
    assert (model.norm.running_mean == before).all()
    Monitor(held)(lambda x: model(x), 0)
    assert modes == [False, True]


def test_the_model_is_left_as_it_was_where_it_fails(held, model):
    def fails(x: Tensor) -> Tensor:
        raise KeyError("mine")

    model.forward = fails
    model.train()
    before = torch.get_rng_state()
    with pytest.raises(KeyError, match="mine"):
        Monitor(held)(model, 0)
    assert model.drop.training
    assert (torch.get_rng_state() == before).all()


def test_whose_turn_it_is(held):
    monitor, flat = Monitor(held, every=10), nn.Flatten()
    observed = [step for step in range(35) if monitor(flat, step) is not None]
    assert observed == [0, 10, 20, 30] == [each.step for each in monitor.history]
    assert monitor(flat, 30) is None
    late = Monitor(held, every=10)
    assert [step for step in range(3, 40, 4) if late(flat, step) is not None] == [3, 11, 23, 31]


def test_going_back_to_a_checkpoint_forgets_what_came_after(held):
    monitor, flat = Monitor(held, every=10), nn.Flatten()
    for step in range(35):
        monitor(flat, step)
    again = [step for step in range(21, 35) if monitor(flat, step) is not None]
    assert again == [30]
    assert [each.step for each in monitor.history] == [0, 10, 20, 30]


def test_state_goes_through_json_and_back(held, held_views, held_labels):
    monitor = Monitor(held, labels=held_labels, views=held_views, every=10)
    for step, size in ((0, 1.0), (10, 1e-3), (20, 1e-3), (30, 1e-3)):
        monitor(lambda x, size=size: 1 + size * x.flatten(1), step)
    assert monitor.history[-1].collapse is not None
    again = Monitor(held, labels=held_labels, views=held_views, every=10)
    again.restore(json.loads(json.dumps(monitor.state())))
    assert again.history == monitor.history
    went, came = (each(lambda x: 1 + 1e-3 * x.flatten(1), 40) for each in (monitor, again))
    assert went == came
    assert went is not None
    assert went.collapse is not None
    assert went.collapse.since == 10


def test_a_state_without_variance_is_one(held):
    """Of a run that was begun before it was kept: its isotropy alone tells."""
    monitor, again = Monitor(held, every=1), Monitor(held, every=1)
    for step in range(3):
        monitor(lambda x: 1 + x.flatten(1), step)
    state = monitor.state()
    assert all(each.pop("variance") > 0 for each in state["history"])
    again.restore(state)
    calls = [again(lambda x: 1 + 1e-3 * x.flatten(1), step) for step in range(3, 6)]
    assert [bool(each and each.collapse) for each in calls] == [False, False, True]


class TestCollapse:
    def kinds(self, held, *models) -> list[str | None]:
        monitor = Monitor(held, every=1)
        seen = [monitor(model, step) for step, model in enumerate(models)]
        return [each.collapse.kind if each and each.collapse else None for each in seen]

    def flat(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def zeros(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), 5)

    def test_a_healthy_encoder_that_goes_to_zeros(self, held):
        models = [self.flat] * 3 + [self.zeros] * 3
        assert self.kinds(held, *models) == [None] * 5 + ["complete"]

    def test_zeros_from_the_start(self, held):
        assert self.kinds(held, *[self.zeros] * 3) == [None, None, "complete"]

    def test_units_that_died(self, held):
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.ReLU())
        dead = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.ReLU())
        dead[1].load_state_dict(encoder[1].state_dict())
        with torch.no_grad():
            dead[1].bias.sub_(100)
        assert self.kinds(held, *[encoder] * 3, *[dead] * 3) == [None] * 5 + ["complete"]
        assert self.kinds(held, *[encoder] * 6) == [None] * 6

    def test_zeros_have_no_readings_of_directions_and_say_why(self, held):
        seen = Monitor(held)(self.zeros, 0)
        assert seen is not None
        assert seen.variance == 0
        for name in ("isotropy", "deviation", "uniformity"):
            assert "40 of 40 rows have length 0" in seen.missing[name]
        assert seen["sigreg"] == pytest.approx(0.40223 * 40, rel=1e-4)

    def test_one_embedding_for_all_up_to_rounding(self, held):
        almost = [lambda x: 3 + 1e-7 * x.flatten(1)] * 3  # float32 cannot hold the difference
        assert self.kinds(held, *[self.flat] * 3, *almost) == [None] * 5 + ["complete"]
        seen = Monitor(held)(almost[0], 0)
        assert seen is not None
        assert seen.variance == 0
        assert seen["isotropy"] != 0

    @pytest.mark.parametrize("grown", [20.0, 100.0, 1000.0])
    def test_a_constant_that_grows_beside_a_healthy_cloud_is_none(self, held, grown):
        models = [self.flat] * 3 + [lambda x: x.flatten(1) + grown] * 4
        assert self.kinds(held, *models) == [None] * 7
        monitor = Monitor(held, every=1)
        first, last = monitor(self.flat, 0), monitor(models[-1], 1)
        assert first is not None
        assert last is not None
        assert last["isotropy"] < 0.01 * first["isotropy"]
        assert last["effective_rank"] == pytest.approx(first["effective_rank"], rel=1e-3)

    def test_a_cloud_that_shrinks_beside_its_mean_is_called_at_any_scale(self, held):
        for scale in (1e-4, 1.0, 1e4):
            models = [lambda x, s=scale: s * (1 + x.flatten(1))] * 3
            models += [lambda x, s=scale: s * (1 + 0.01 * x.flatten(1))] * 3
            assert self.kinds(held, *models) == [None] * 5 + ["complete"]

    def test_variance_is_the_mean_squared_distance_from_the_mean(self, held):
        seen = Monitor(held)(self.flat, 0)
        assert seen is not None
        assert seen.variance == pytest.approx(float(held.flatten(1).double().var(0, correction=0).sum()))


def test_a_state_of_other_images_is_refused(held):
    monitor = Monitor(held)
    monitor(nn.Flatten(), 0)
    with pytest.raises(WrongUsage, match="other held-out images"):
        Monitor(held + 1).restore(monitor.state())


def test_what_is_alike_has_no_spectrum_and_says_so(held):
    seen = Monitor(held)(lambda x: torch.ones(len(x), 5), 0)
    assert seen is not None
    assert "All rows are alike" in seen.missing["effective_rank"]
    assert "effective_rank" not in seen.readings
    assert seen["isotropy"] == pytest.approx(0, abs=1e-15)


def test_embeddings_that_are_not_finite_are_a_run_come_apart(held):
    with pytest.raises(UnfitTokens, match=r"step 70: 5 of 200 numbers .* come apart"):
        Monitor(held)(lambda x: torch.ones(len(x), 5).where(torch.arange(len(x))[:, None] > 0, torch.nan), 70)


@pytest.mark.parametrize(
    "output", [None, (1,), torch.ones(3, 2), torch.ones(40, 2, 2, 2), torch.ones(40, 2, dtype=torch.int64)]
)
def test_another_output_is_refused_with_what_to_do(held, output):
    with pytest.raises(Unsupported, match=r"embeddings \(40, D\) or tokens \(40, N, D\).*`pool`"):
        Monitor(held)(lambda x: output, 0)


def test_bad_arguments_are_refused(held, held_views):
    with pytest.raises(UnfitData, match=r"images \(n, 3, H, W\), .*8 or more; got a torch.float32 tensor of \(7,"):
        Monitor(held[:7])
    with pytest.raises(UnfitData, match="uint8"):
        Monitor((held * 9).byte())
    with pytest.raises(UnfitData, match="got ndarray"):
        Monitor(held.numpy())
    with pytest.raises(UnfitData, match=r"views \(m, q, 3, H, W\)"):
        Monitor(held, views=held)
    with pytest.raises(UnfitData, match="two views"):
        Monitor(held, views=held_views[:, :1])
    with pytest.raises(UnfitData, match="each of 40 images"):
        Monitor(held, labels=[0, 1])
    with pytest.raises(UnfitData, match="float"):
        Monitor(held, labels=torch.zeros(40))
    with pytest.raises(UnfitData, match="whole number"):
        Monitor(held, labels=["cat"] * 40)
    with pytest.raises(WrongUsage, match="0 and 256"):
        Monitor(held, every=0)
