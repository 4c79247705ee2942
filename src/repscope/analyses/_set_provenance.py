"""Provenance of a question about a set: enough to ask it again."""

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from repscope.analyses._provenance import LIBRARIES
from repscope.store import Embedded

EXTRAS = ("openTSNE", "umap-learn")


def set_provenance(images: Embedded, analysis: str, encoders: Sequence[str], **options: Any) -> dict[str, Any]:
    """Versions, machine, options, contracts, and where the set came from."""
    import torch

    return {
        "analysis": analysis,
        "options": options,
        "encoders": [images.described(name) for name in encoders],
        "images": images.origin,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": f"{sys.platform} {platform.machine()}", "threads": torch.get_num_threads()},
    }


def _versions() -> dict[str, str]:
    found = {name: version(name) for name in LIBRARIES}
    for name in EXTRAS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
