"""Cold ONNX: a fresh process, a session of each encoder, one forward each; nothing is analysed, each is let go.

python cold_onnx.py DIR NAME SIZE FRAMES ...
"""

import sys
from pathlib import Path

import numpy as np
from sides import onnx_runtime
from worker import pixels

given = iter(sys.argv[2:])
for name, size, frames in zip(given, given, given, strict=True):
    look, _ = onnx_runtime(name, Path(sys.argv[1]))
    assert np.isfinite(look(pixels(1, int(size), int(frames)))).all()
    del look
