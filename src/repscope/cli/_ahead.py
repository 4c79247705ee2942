"""Ahead: libraries that the answer will want are imported while the encoders look."""

import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

MEASURED = ("sklearn.cluster", "scipy.stats")
DRAWN = ("repscope.render.html", "repscope.render.png")


def ahead(*modules: str, after: Any = None) -> None:
    """Import these in a thread of their own; what is wrong with one is raised by whoever needs it.

    Imports are one thread's work of a second and more, and products leave time beside them; reading weights does not.

    Args:
        after: An encoder whose weights are waited for first, where they are on their way.
    """

    def imported() -> None:
        if start := getattr(after, "start", None):
            with suppress(Exception):
                start().result()
        for module in modules:
            with suppress(Exception):
                import_module(module)

    threading.Thread(target=imported, name="ahead").start()
