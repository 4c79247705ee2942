"""Facts: what is known of published encoders from elsewhere, as data with its sources; never from the contracts."""

import json
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def facts(name: str) -> Any:
    """One of the files in `data/`: pins, embedded, layouts, processors, published."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
