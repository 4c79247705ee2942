"""The monitor as a callback of Lightning's trainer, without Lightning: whatever has its hooks is one."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from repscope.monitor.monitor import Monitor


class MonitorCallback:
    """Observes where `trainer.global_step` is its turn, and logs every reading as `monitor/<name>`.

    `Trainer(callbacks=[monitor.callback()])`. The encoder is observed before the first update too.
    Readings go straight to the trainer's loggers, at their step: `log_dict` alone would pass over
    those that are not at every `log_every_n_steps`. It gets them too, for callbacks that monitor
    one, except the very first. Readings are taken and logged by the first process alone.
    `monitor/collapse` is 1 while the run has collapsed, and a warning says so once. State travels in
    Lightning's checkpoints.

    Args:
        monitor: What looks.
        model: From the Lightning module to what is observed, `lambda module: module.encoder`; the
            module itself where not given.
    """

    def __init__(self, monitor: Monitor, model: Callable[[Any], Callable[[Tensor], Any]] | None = None):
        self.monitor, self.model = monitor, model
        self.warned = False

    @property
    def state_key(self) -> str:
        """Under which a checkpoint keeps the state."""
        return f"{type(self).__qualname__}-{self.monitor.digest}"

    _legacy_state_key = state_key

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Not on_fit_start: a resumed trainer has not found its step by then."""
        self._look(trainer, pl_module)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        if told := self._look(trainer, pl_module):
            pl_module.log_dict(told, logger=False, on_step=True, on_epoch=False, rank_zero_only=True)

    def state_dict(self) -> dict[str, Any]:
        return self.monitor.state()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.monitor.restore(state_dict)

    def _look(self, trainer: Any, pl_module: Any) -> dict[str, float]:
        """What was read and logged; nothing where it is not this step's turn, or another process's affair."""
        if not getattr(trainer, "is_global_zero", True):
            return {}
        observed = pl_module if self.model is None else self.model(pl_module)
        observation = self.monitor(observed, trainer.global_step)
        if observation is None:
            return {}
        if observation.collapse and not self.warned:
            logging.getLogger("repscope").warning("%s", observation.collapse)
        self.warned = observation.collapse is not None
        numbers = {**observation.numbers(), "collapse": float(self.warned)}
        told = {f"monitor/{name}": value for name, value in numbers.items()}
        for logger in trainer.loggers:
            logger.log_metrics(told, step=trainer.global_step)
        return told

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None: ...

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None: ...

    def __getattr__(self, name: str) -> Any:
        """Every other hook, of this Lightning or a later one, does nothing."""
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(f"{type(self).__name__} has no {name!r}")


def _nothing(*_: Any, **__: Any) -> None: ...
