"""Sides: who is measured; each loads one encoder and gives back a function from pixels to tokens.

Pixels are float32, (B, 3, S, S), or (B, 3, T, S, S) with one frame repeated; tokens are (B, N, D) as numpy. Imports are
inside: each side runs in a process of its own, under the interpreter that has its library.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Look = Callable[[np.ndarray], np.ndarray]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Threads of every side."""


def ours(name: str, place: Path) -> tuple[Look, str]:
    """repscope in the precision that it chooses."""
    import torch

    torch.set_num_threads(CORES)

    import repscope
    from repscope.encoders.encoder import Shown
    from repscope.frames import Frame

    encoder = repscope.load(f"{name}@{place / name}")

    def look(pixels: np.ndarray) -> np.ndarray:
        frames = tuple(Frame() for _ in pixels)
        shown = torch.from_numpy(pixels)
        if shown.ndim == 5:  # as `shown` makes it: a view of one frame
            shown = shown[:, :, :1].expand(-1, -1, pixels.shape[2], -1, -1)
        said = encoder.tokens(Shown(shown, frames))[0]
        patches = said.patches if said.frames is None else said.frames
        rows = [said.registers, patches.reshape(len(pixels), -1, said.width)]
        return np.concatenate(rows if said.cls is None else [said.cls[:, None], *rows], 1)

    return look, f"auto: {encoder.precision}"


def onnx_runtime(name: str, place: Path) -> tuple[Look, str]:
    """ONNX Runtime in float32, as it comes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    session = onnxruntime.InferenceSession(
        place / f"{name}.onnx" / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    (entry,) = (each.name for each in session.get_inputs())

    def look(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, {entry: turned(pixels)})[0])

    return look, f"float32, onnxruntime {onnxruntime.__version__}"


def openvino(name: str, place: Path) -> tuple[Look, str]:
    """OpenVINO asked for bfloat16, from the ONNX file."""
    import openvino as ov

    core = ov.Core()
    asked = {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": CORES}
    compiled = core.compile_model(core.read_model(place / f"{name}.onnx" / "model.onnx"), "CPU", asked)
    request, precision = compiled.create_infer_request(), compiled.get_property("INFERENCE_PRECISION_HINT")

    def look(pixels: np.ndarray) -> np.ndarray:
        return np.array(request.infer([turned(pixels)])[0])

    return look, f"{precision.get_type_name()}, openvino {ov.__version__.split('-')[0]}"


def transformers_float32(name: str, place: Path) -> tuple[Look, str]:
    return _transformers(name, place, "float32")


def transformers_bfloat16(name: str, place: Path) -> tuple[Look, str]:
    return _transformers(name, place, "bfloat16")


def _transformers(name: str, place: Path, dtype: str) -> tuple[Look, str]:
    """The class of transformers, as `from_pretrained` gives it."""
    import torch
    import transformers

    torch.set_num_threads(CORES)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    kind = getattr(torch, dtype)
    model = transformers.AutoModel.from_pretrained(form(name, place), dtype=kind).eval()
    options: dict[str, Any] = {"skip_predictor": True} if name.startswith("vjepa2") else {}

    def look(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            said = model(torch.from_numpy(turned(pixels)).to(kind), **options)
            return said.last_hidden_state.float().numpy()

    return look, f"{dtype}, transformers {transformers.__version__}"


def thingsvision(name: str, place: Path) -> tuple[Look, str]:
    """thingsvision's extractor around the class of its own transformers, in float32, which is all it has."""
    import thingsvision as library  # noqa: F401  its error is the one to be told
    import torch
    import transformers
    from thingsvision import get_extractor_from_model

    kind = {"dinov2": "Dinov2Model"}.get(name.split("-")[0])
    if kind is None:
        raise RuntimeError(f"the transformers that it wants, {transformers.__version__}, lacks this encoder")
    torch.set_num_threads(CORES)
    model = getattr(transformers, kind).from_pretrained(form(name, place)).eval()
    extractor = get_extractor_from_model(model=model, device="cpu", backend="pt")

    def look(pixels: np.ndarray) -> np.ndarray:
        batches = [torch.from_numpy(pixels)]
        return extractor.extract_features(batches=batches, module_name="layernorm", flatten_acts=False)

    from importlib.metadata import version

    return look, f"float32, thingsvision {version('thingsvision')}, torch {torch.__version__}"


def form(name: str, place: Path) -> Path:
    """The folder in transformers' form: the published one, but for EUPE, which is published as a file of its own."""
    return place / (f"{name}.transformers" if name.startswith("eupe") else name)


def turned(pixels: np.ndarray) -> np.ndarray:
    """Clips as transformers wants them, time before channels."""
    return np.ascontiguousarray(pixels.swapaxes(1, 2)) if pixels.ndim == 5 else pixels


SIDES = {
    each.__name__: each
    for each in (ours, onnx_runtime, openvino, transformers_float32, transformers_bfloat16, thingsvision)
}
TITLES = {
    "ours": "repscope",
    "onnx_runtime": "ONNX Runtime float32",
    "openvino": "OpenVINO bfloat16",
    "transformers_float32": "transformers float32",
    "transformers_bfloat16": "transformers bfloat16",
    "thingsvision": "thingsvision",
}
