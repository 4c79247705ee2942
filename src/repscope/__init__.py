"""repscope: look inside self-supervised vision encoders, and compare them with measurements that hold.

>>> import repscope
>>> encoders = [repscope.load(name) for name in ("tiny-mae", "tiny-random")]
>>> report = repscope.compare([], encoders)  # no image: the bundled samples
>>> report.title
'tiny-mae, tiny-random on 2 photos'
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repscope import metrics
    from repscope.analyses.compare import compare
    from repscope.analyses.drift import drift
    from repscope.analyses.evaluate import evaluate
    from repscope.analyses.inspect import inspect
    from repscope.encoders.load import load

__version__ = "0.1.0"
__all__ = ["compare", "drift", "evaluate", "inspect", "load", "metrics"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "metrics":
        return import_module("repscope.metrics")
    if name == "load":
        return import_module("repscope.encoders.load").load
    if name in ("compare", "drift", "evaluate", "inspect"):
        return getattr(import_module(f"repscope.analyses.{name}"), name)
    raise AttributeError(f"repscope has no {name!r}; it has {', '.join(__all__)}.")
