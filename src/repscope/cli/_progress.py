"""Progress: a bar on standard error for anything over a second."""

import sys
import threading
from types import TracebackType
from typing import Any

PATIENCE = 1.0


class Progress:
    """Called with what is done and what there is; silent in the first second and where nobody watches.

    The bar appears by a clock of its own, not when it is called: what takes longest is often the
    first step, and nothing is called before that is done.
    """

    def __init__(self, label: str, patience: float = PATIENCE):
        self.label = label
        self.done = 0
        self.total: int | None = None
        self.bar: Any = None
        self.over = False
        self.lock = threading.Lock()
        self.clock = threading.Timer(patience, self._appear)
        self.clock.daemon = True

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            self.clock.start()
        return self

    def __call__(self, done: int, total: int) -> None:
        with self.lock:
            self.done, self.total = done, total
            if self.bar is not None:
                self.bar.update(self.bar.task_ids[0], completed=done, total=total)

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with self.lock:
            if self.over:
                return
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self.bar.add_task(self.label, completed=self.done, total=self.total)
            self.bar.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clock.cancel()
        with self.lock:
            self.over = True
            if self.bar is not None:
                self.bar.stop()
