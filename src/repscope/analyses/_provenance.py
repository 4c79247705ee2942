"""Provenance: enough of a run to make it again."""

import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from repscope.analyses._study import Study
from repscope.encoders import Encoder
from repscope.extract import in_canonical_order

LIBRARIES = ("repscope", "torch", "numpy", "scikit-learn", "pillow", "safetensors")


def provenance(study: Study, analysis: str, **options: Any) -> dict[str, Any]:
    """Versions, machine, options, contracts and input hashes of a study."""
    import torch

    return {
        "analysis": analysis,
        "options": {
            "framing": study.framing,
            "layers": list(study.layers),
            "batch": study.batch,
            "strict": study.strict,
            "precision": "float32",
            "seed": 0,
            **options,
        },
        "encoders": [described(encoder) for encoder in study.encoders],
        "photos": [
            {
                "id": photo.id,
                "source": photo.source,
                "sha256": photo.sha256,
                "size": list(photo.size),
                "notes": list(photo.notes),
            }
            for photo in in_canonical_order(study.photos)
        ],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "machine": {"system": f"{sys.platform} {platform.machine()}", "threads": torch.get_num_threads()},
    }


def described(encoder: Encoder) -> dict[str, Any]:
    """The contract as plain values, and where the weights came from."""
    return {"revision": encoder.revision, "contract": asdict(encoder.contract)}
