"""Renamed: weights that no class of transformers is published for, in the class whose shape they have.

From the file and by rules of their own: what `encoders/keys.py` makes of it is not asked, so a mistake there shows.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.encoders import weights
from repscope.encoders.load import Checkpoint
from repscope.errors import UnfitCheckpoint, Unsupported

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Weights = dict[str, "Tensor"]
HEAD = 64
"""Width of an attention head in every published EUPE."""


def eupe(checkpoint: Checkpoint) -> "torch.nn.Module":
    """EUPE as DINOv3ViTModel: the same forward, with its biases masked beforehand. Every shape is the file's."""
    import transformers

    held = weights.read(checkpoint.place).tensors
    width, depth = held["cls_token"].shape[-1], _count(held, "blocks.")
    config = transformers.DINOv3ViTConfig(
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=width // HEAD,
        intermediate_size=held["blocks.0.mlp.fc1.weight"].shape[0],
        patch_size=held["patch_embed.proj.weight"].shape[-1],
        num_register_tokens=held["storage_tokens"].shape[-2],
        image_size=256,
        layer_norm_eps=1e-5,
        rope_theta=100.0,
    )
    made: Weights = {
        "embeddings.cls_token": held["cls_token"],
        "embeddings.register_tokens": held["storage_tokens"],
        "embeddings.patch_embeddings.weight": held["patch_embed.proj.weight"],
        "embeddings.patch_embeddings.bias": held["patch_embed.proj.bias"],
        "norm.weight": held["norm.weight"],
        "norm.bias": held["norm.bias"],
    }
    for k in range(depth):
        made |= {f"layer.{k}.{name}": value for name, value in _eupe_block(held, f"blocks.{k}.").items()}
    return _filled(transformers.DINOv3ViTModel, config, made)


def _eupe_block(held: Mapping[str, "Tensor"], at: str) -> Weights:
    query, key, value = held[f"{at}attn.qkv.weight"].chunk(3)
    query_bias, _, value_bias = held[f"{at}attn.qkv.bias"].chunk(3)  # the keys' is masked out
    made = {
        "attention.q_proj.weight": query,
        "attention.k_proj.weight": key,
        "attention.v_proj.weight": value,
        "attention.q_proj.bias": query_bias,
        "attention.v_proj.bias": value_bias,
        "layer_scale1.lambda1": held[f"{at}ls1.gamma"],
        "layer_scale2.lambda1": held[f"{at}ls2.gamma"],
    }
    pairs = {"attention.o_proj": "attn.proj", "norm1": "norm1", "norm2": "norm2"}
    pairs |= {"mlp.up_proj": "mlp.fc1", "mlp.down_proj": "mlp.fc2"}
    for theirs, name in pairs.items():
        made |= {f"{theirs}.{kind}": held[f"{at}{name}.{kind}"] for kind in ("weight", "bias")}
    return made


def lab(checkpoint: Checkpoint) -> "torch.nn.Module":
    """An encoder of the lab as IJepaModel, its sines and cosines computed here as that class's table of positions.

    Raises Unsupported for a shape that I-JEPA's class does not have.
    """
    import torch
    import transformers

    a, side = checkpoint.contract.architecture, checkpoint.contract.grid[0]
    odd = [name for name in ("cls", "registers", "layer_scale", "pre_norm") if getattr(a, name)]
    odd += [f"{name} {getattr(a, name)}" for name, usual in _IJEPA.items() if getattr(a, name) != usual]
    if odd:
        raise Unsupported(f"no class of transformers has its shape ({', '.join(odd)})")
    held = weights.read(checkpoint.place).tensors
    config = transformers.IJepaConfig(
        hidden_size=a.width,
        num_hidden_layers=a.depth,
        num_attention_heads=a.heads,
        intermediate_size=a.hidden,
        patch_size=a.patch,
        image_size=side * a.patch,
        layer_norm_eps=a.epsilon,
        qkv_bias=a.qkv_bias,
    )
    table = torch.from_numpy(sines(side, a.grid[0], a.width).astype(np.float32))
    made: Weights = {
        "embeddings.position_embeddings": table[None],
        "embeddings.patch_embeddings.projection.weight": held["patch.weight"].view(a.width, 3, a.patch, a.patch),
        "embeddings.patch_embeddings.projection.bias": held["patch.bias"],
        "layernorm.weight": held["norm.weight"],
        "layernorm.bias": held["norm.bias"],
    }
    named = "layernorm_before", "layernorm_after", "attention.output.dense", "intermediate.dense", "output.dense"
    for k in range(a.depth):
        ours, theirs = f"blocks.{k}.", f"encoder.layer.{k}."
        for kind in ("weight", "bias"):
            names = "norm1", "norm2", "attention.output", "perceptron.inner", "perceptron.outer"
            made |= {f"{theirs}{n}.{kind}": held[f"{ours}{o}.{kind}"] for n, o in zip(named, names, strict=True)}
            parts = zip(("query", "key", "value"), held[f"{ours}attention.qkv.{kind}"].chunk(3), strict=True)
            made |= {f"{theirs}attention.attention.{part}.{kind}": value for part, value in parts}
    return _filled(transformers.IJepaModel, config, made, add_pooling_layer=False)


_IJEPA = {
    "position": "sincos",
    "activation": "gelu",
    "tubelet": 1,
    "qkv_bias": True,
    "patch_bias": True,
    "final_norm": True,
}


def sines(side: int, native: int, width: int) -> Float[NDArray[np.float64], "N D"]:
    """Sine and cosine of the column, then of the row, of each patch centre in units of the native grid's patches.

    >>> sines(2, 2, 4).round(3)[1]  # row 0, column 1
    array([0.841, 0.54 , 0.   , 1.   ])
    """
    made = np.empty((side, side, width))
    quarter = width // 4
    for row in range(side):
        for column in range(side):
            for start, place in ((0, column), (2 * quarter, row)):
                at = (place + 0.5) * native / side - 0.5
                angles = at / 10000.0 ** (np.arange(quarter) / quarter)
                made[row, column, start : start + quarter] = np.sin(angles)
                made[row, column, start + quarter : start + 2 * quarter] = np.cos(angles)
    return made.reshape(-1, width)


def _count(held: Mapping[str, Any], prefix: str) -> int:
    return 1 + max(int(key.split(".")[1]) for key in held if key.startswith(prefix))


def _filled(make: Any, config: Any, made: Weights, **options: Any) -> "torch.nn.Module":
    """The model with these weights in float32, every one of them in its place; a mask token alone may lack.

    By the names its authors publish, which each release of transformers turns into those of its modules.
    """
    import torch

    model, report = make.from_pretrained(
        None,
        config=config,
        state_dict={key: value.contiguous() for key, value in made.items()},
        dtype=torch.float32,
        output_loading_info=True,
        **options,
    )
    lack = [key for key in report["missing_keys"] if "mask_token" not in key]
    if odd := sorted({*lack, *report["unexpected_keys"], *(str(key) for key in report["mismatched_keys"])}):
        raise UnfitCheckpoint(f"{make.__name__} has other weights: {', '.join(odd[:6])}.")
    return model
