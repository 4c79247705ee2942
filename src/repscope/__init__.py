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
    from repscope.analyses.bench import bench
    from repscope.analyses.compare import compare
    from repscope.analyses.doctor import doctor
    from repscope.analyses.drift import drift
    from repscope.analyses.duplicates import duplicates
    from repscope.analyses.evaluate import evaluate
    from repscope.analyses.inspect import inspect
    from repscope.analyses.map import map  # noqa: A004
    from repscope.analyses.neighbors import neighbors
    from repscope.analyses.profile import profile
    from repscope.analyses.similarity import similarity
    from repscope.analyses.validate import validate
    from repscope.analyses.verify import verify
    from repscope.encoders.load import load
    from repscope.extract.sets.embed import embed, merge
    from repscope.store import opened as open  # noqa: A004

__version__ = "0.1.0"
__all__ = [
    "bench",
    "compare",
    "doctor",
    "drift",
    "duplicates",
    "embed",
    "evaluate",
    "inspect",
    "load",
    "map",
    "merge",
    "metrics",
    "neighbors",
    "open",
    "profile",
    "similarity",
    "validate",
    "verify",
]

HOMES = {
    "bench": "repscope.analyses.bench",
    "compare": "repscope.analyses.compare",
    "doctor": "repscope.analyses.doctor",
    "drift": "repscope.analyses.drift",
    "duplicates": "repscope.analyses.duplicates",
    "embed": "repscope.extract.sets.embed",
    "evaluate": "repscope.analyses.evaluate",
    "inspect": "repscope.analyses.inspect",
    "load": "repscope.encoders.load",
    "map": "repscope.analyses.map",
    "merge": "repscope.extract.sets.embed",
    "neighbors": "repscope.analyses.neighbors",
    "open": "repscope.store.stored",
    "profile": "repscope.analyses.profile",
    "similarity": "repscope.analyses.similarity",
    "validate": "repscope.analyses.validate",
    "verify": "repscope.analyses.verify",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "metrics":
        return import_module("repscope.metrics")
    if name in HOMES:
        return getattr(import_module(HOMES[name]), "opened" if name == "open" else name)
    raise AttributeError(f"repscope has no {name!r}; it has {', '.join(__all__)}.")
