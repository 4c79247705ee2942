"""The callback: what Lightning asks of one, by a trainer that calls hooks as Lightning does."""

import copy
import logging
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repscope.monitor import Monitor, MonitorCallback


class Module(nn.Module):
    """As a LightningModule: `log_dict` with Lightning's arguments, and an encoder in it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(48, 6))
        self.logged: list[tuple[int, dict[str, float]]] = []  # by its trainer's logger
        self.told: list[dict[str, float]] = []

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)[:, :2]

    def log_dict(
        self, told: dict[str, float], *, logger: bool, on_step: bool, on_epoch: bool, rank_zero_only: bool
    ) -> None:
        assert (logger, on_step, on_epoch, rank_zero_only) == (False, True, False, True)
        self.told.append(dict(told))


class Logger:
    """As Lightning's: what is logged at a step."""

    def __init__(self, logged: list[tuple[int, dict[str, float]]]):
        self.logged = logged

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert step is not None
        self.logged.append((step, dict(metrics)))


class Trainer:
    """Calls every hook that Lightning's does, in its order; two batches to a step."""

    def __init__(self, callback: Any, is_global_zero: bool = True, step: int = 0):
        self.callback, self.is_global_zero, self.global_step = callback, is_global_zero, step

    def call(self, hook: str, *rest: Any) -> None:
        getattr(self.callback, hook)(self, self.module, *rest)

    def fit(self, module: Module, steps: int) -> None:
        self.module, self.loggers = module, [Logger(module.logged)]
        self.call("setup", "fit")
        for hook in ("on_fit_start", "on_sanity_check_start", "on_sanity_check_end"):
            self.call(hook)
        for hook in ("on_train_start", "on_train_epoch_start"):
            self.call(hook)
        for batch in range(2 * steps):
            self.call("on_train_batch_start", None, batch)
            self.call("on_before_backward", torch.zeros(()))
            self.call("on_after_backward")
            if batch % 2:
                self.call("on_before_optimizer_step", None)
                self.call("on_before_zero_grad", None)
                self.global_step += 1
            self.call("on_train_batch_end", None, None, batch)
        for hook in ("on_train_epoch_end", "on_train_end", "on_fit_end"):
            self.call(hook)
        self.call("on_save_checkpoint", {})
        self.call("teardown", "fit")


def test_readings_are_logged_once_at_their_steps(held):
    module, monitor = Module(), Monitor(held, every=3)
    Trainer(monitor.callback(lambda module: module.encoder)).fit(module, 7)
    assert [each.step for each in monitor.history] == [0, 3, 6]
    assert [step for step, _ in module.logged] == [0, 3, 6]
    assert module.told == [told for _, told in module.logged[1:]]
    told = module.logged[1][1]
    assert told["monitor/effective_rank"] == monitor.history[1]["effective_rank"]
    assert told["monitor/collapse"] == 0
    assert monitor.history[0].width == 6


def test_the_module_itself_is_observed_where_nothing_else_is_named(held):
    monitor = Monitor(held)
    Trainer(MonitorCallback(monitor)).fit(Module(), 1)
    assert monitor.history[0].width == 2


def test_a_process_beside_the_first_does_not_look(held):
    module, monitor = Module(), Monitor(held, every=1)
    Trainer(monitor.callback(), is_global_zero=False).fit(module, 3)
    assert not monitor.history
    assert not module.logged


def test_state_travels_and_a_resumed_run_keeps_its_first_readings(held):
    first, module = Monitor(held, every=2), Module()
    Trainer(first.callback()).fit(module, 4)
    saved = copy.deepcopy(first.callback().state_dict())
    second = Monitor(held, every=2).callback()
    assert second.state_key == first.callback().state_key
    second.load_state_dict(saved)
    Trainer(second, step=4).fit(module, 3)
    assert [each.step for each in second.monitor.history] == [0, 2, 4, 6]
    assert second.monitor.history[:3] == first.history


def test_a_collapse_is_logged_and_warned_of_once(held, caplog):
    module, monitor = Module(), Monitor(held, every=1)
    with caplog.at_level(logging.WARNING, "repscope"):
        callback = monitor.callback(lambda module: module.encoder)
        Trainer(callback).fit(module, 1)
        with torch.no_grad():
            module.encoder[1].weight.mul_(1e-4)
        Trainer(callback, step=1).fit(module, 6)
    assert [told["monitor/collapse"] for _, told in module.logged] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [record.getMessage() for record in caplog.records] == [str(monitor.history[4].collapse)]


def test_two_monitors_have_two_keys(held):
    assert Monitor(held).callback().state_key != Monitor(held + 1).callback().state_key


def test_it_is_copied_and_pickled_and_has_no_other_names(held):
    callback = Monitor(held).callback()
    assert copy.copy(callback).monitor is callback.monitor
    assert pickle.loads(pickle.dumps(callback)).state_key == callback.state_key
    with pytest.raises(AttributeError, match="has no 'steps'"):
        callback.steps  # noqa: B018
