"""Provenance of what is asked about a set that was encoded before."""

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from repscope.analyses._provenance import LIBRARIES
from repscope.store import Embedded


def of_set(images: Embedded, analysis: str, encoders: Sequence[str], **options: Any) -> dict[str, Any]:
    """Versions, machine, options, the set's origin and the encoders' contracts."""
    import torch

    return {
        "analysis": analysis,
        "options": options,
        "set": images.origin,
        "encoders": [images.described(name) for name in encoders],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "machine": {"system": f"{sys.platform} {platform.machine()}", "threads": torch.get_num_threads()},
    }
