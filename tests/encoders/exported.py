"""ONNX files whose tokens can be worked out by hand: patches times one matrix, and constant tokens before them."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROCESSOR = {
    "size": {"shortest_edge": 16},
    "crop_size": {"height": 16, "width": 16},
    "resample": 3,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.3, 0.4],
}


def matrix(width: int = 6, patch: int = 4, seed: int = 0) -> np.ndarray:
    """Weights (D, 3, P, P)."""
    return np.random.default_rng(seed).normal(size=(width, 3, patch, patch)).astype(np.float32)


def expected(pixels: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Tokens (B, H, W, D) of pixels (B, 3, S, S): each patch times the matrix, no convolution."""
    patch, count = weight.shape[-1], pixels.shape[-1] // weight.shape[-1]
    cut = pixels.reshape(len(pixels), 3, count, patch, count, patch)
    return np.einsum("bciujv,dcuv->bijd", cut.astype(np.float64), weight.astype(np.float64))


def write(
    path: Path,
    weight: np.ndarray,
    *,
    before: int = 0,
    batch: int | str = "batch",
    side: int | str = "side",
    mean: bool = False,
    metadata: dict | None = None,
    kind: int = TensorProto.FLOAT,
) -> Path:
    """A graph from `image` (B, 3, S, S) to `tokens` (B, before + N, D), or to their `mean` (B, D)."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    width, patch = weight.shape[0], weight.shape[-1]
    constants = {
        "weight": weight.astype(dtype),
        "flat": np.array([0, width, -1]),
        "first": np.arange(before * width, dtype=dtype).reshape(1, before, width),
        "ones": np.ones(2, np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["grid"], kernel_shape=[patch] * 2, strides=[patch] * 2),
        helper.make_node("Reshape", ["grid", "flat"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["patches"], perm=[0, 2, 1]),
    ]
    last = "patches"
    if before:
        nodes += [
            helper.make_node("Shape", ["image"], ["count"], end=1),
            helper.make_node("Concat", ["count", "ones"], ["times"], axis=0),
            helper.make_node("Expand", ["first", "times"], ["prefix"]),
            helper.make_node("Concat", ["prefix", "patches"], ["tokens"], axis=1),
        ]
        last = "tokens"
    if mean:
        nodes.append(helper.make_node("ReduceMean", [last], ["mean"], axes=[1], keepdims=0))
        last = "mean"
    held = [numpy_helper.from_array(value, name) for name, value in constants.items() if value.size]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("image", kind, [batch, 3, side, side])],
        [helper.make_tensor_value_info(last, kind, [batch, width] if mean else [batch, "count", width])],
        held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
