"""Shares: `repscope compare` in this process, and how much of its time its own work took.

    python shares.py FILE compare PHOTO -m ... -o DIR

Timed on the thread that answers: taking photos in (readings, pairs), making the report, rendering and writing it. Looks
that happen in it, to settle what rounding moves, are taken off and told beside.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from repscope.analyses import compare as analysis
from repscope.encoders.transformer import Transformer

SPENT: defaultdict[str, float] = defaultdict(float)
OPEN: list[str] = []


def timed(owner: Any, method: str, name: str) -> None:
    """Count the time inside this method, less that of timed ones called from it."""
    inner: Callable[..., Any] = getattr(owner, method)

    def outer(*arguments: Any, **options: Any) -> Any:
        begun, before = time.perf_counter(), sum(SPENT.values())
        OPEN.append(name)
        try:
            return inner(*arguments, **options)
        finally:
            OPEN.pop()
            inside = sum(SPENT.values()) - before
            SPENT[name if name != "looking" or not OPEN else "looking again"] += time.perf_counter() - begun - inside

    setattr(owner, method, outer)


timed(analysis._Gathered, "take", "readings and pairs")
timed(analysis._Gathered, "report", "report")
timed(import_module("repscope.cli._options").Answer, "show", "rendering and writing")
timed(Transformer, "tokens", "looking")
began = time.perf_counter()
sys.argv = ["repscope", *sys.argv[1:]]
file = Path(sys.argv.pop(1))
from repscope.cli import main  # noqa: E402

try:
    main()
finally:
    file.write_text(json.dumps({**SPENT, "all": time.perf_counter() - began}))
