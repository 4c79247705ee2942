"""Quiet: Pillow's warnings kept off a person's screen while a photo is decoded."""

import threading
import warnings
from types import TracebackType


class Quiet:
    """A context in which Pillow does not warn; safe in threads, and in itself.

    The filters of `warnings` belong to the process, and `catch_warnings` puts back what it found:
    two threads that leave in another order than they came would leave them changed for good. So
    the first to enter sets the filter and the last to leave takes it away.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b")
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._caught.__exit__(kind, error, trace)


quiet = Quiet()
