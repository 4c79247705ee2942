"""Hugging Face: encoders of families without a map here, run by transformers itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from repscope.encoders import configuration, weights
from repscope.encoders.contract import IMAGENET, Contract, Preprocessing
from repscope.encoders.family import square
from repscope.encoders.transformer import Transformer
from repscope.encoders.vit.architecture import Architecture
from repscope.errors import RepscopeError, UnfitCheckpoint, Unsupported

GUESSED = "The folder has no image processor: squashed to the native size, bilinear, ImageNet's statistics, as a guess."
LAST_LAYER = (
    "Run by transformers {}: layer L is its hidden_states[-1], which some releases give after the final norm and some "
    "before; layer -1 is its last_hidden_state."
)

TRIED = "transformers found no weight missing, and a trial image gave a grid of patches at every layer"


class Borrowed:
    """A model of transformers behind the two calls that an encoder makes of its network."""

    def __init__(self, model: torch.nn.Module):
        self.model = model.eval().requires_grad_(False)

    def __call__(
        self,
        pixels: Tensor,
        layers: Sequence[int],
        received: dict[int, Tensor] | None = None,  # noqa: ARG002  what it tells of attention costs a forward
    ) -> list[Tensor]:
        said = self.model(pixels, output_hidden_states=True)
        return [said.last_hidden_state if layer == -1 else said.hidden_states[layer] for layer in layers]

    def attention(self, pixels: Tensor, block: int) -> Tensor:
        maps = getattr(self.model(pixels, output_attentions=True), "attentions", None)
        if not maps or maps[block - 1] is None:
            raise Unsupported(f"{type(self.model).__name__} of transformers does not give its attention away.")
        return maps[block - 1]


def adapted(name: str, folder: Path, said: Mapping[str, Any]) -> Transformer:
    """The encoder in a Hugging Face folder, through transformers; code that lies in the folder never runs.

    Raises:
        Unsupported: transformers is missing, or its sequence cannot be laid out as a grid of patches.
        UnfitCheckpoint: transformers cannot read the folder, or finds weights missing.
    """
    kind = said.get("model_type")
    model = _model(name, folder, kind)
    contract = _contract(name, folder, said)
    network = Borrowed(model)
    side = contract.preprocessing.size
    with torch.inference_mode():
        try:
            shown = model(torch.zeros(1, 3, side, side), output_hidden_states=True)
            sequences = [*shown.hidden_states, shown.last_hidden_state]
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            _refuse(name, kind, f"it does not turn an image of {side} x {side} into a sequence ({_line(error)})")
    rows, columns = contract.grid
    shapes = {tuple(sequence.shape) for sequence in sequences}
    if len(shapes) != 1 or sequences[0].ndim != 3:
        _refuse(name, kind, f"its layers have different shapes: {sorted(shapes)[:3]}")
    prefix = sequences[0].shape[1] - rows * columns
    if not 0 <= prefix <= 16 or len(sequences) != contract.architecture.depth + 2:
        _refuse(name, kind, f"{sequences[0].shape[1]} tokens are no {rows} x {columns} patches and a few before them")
    form = replace(contract.architecture, cls=prefix > 0, registers=max(prefix - 1, 0))
    contract = replace(
        contract,
        architecture=form,
        pool="cls" if form.cls else "mean",
        parameters=sum(p.numel() for p in model.parameters()),
    )
    return Transformer(contract, network, lambda: f"{folder}, sha256 {weights.sha256(folder)}", layout=TRIED)


def _model(name: str, folder: Path, kind: object) -> torch.nn.Module:
    try:
        from transformers import AutoModel
        from transformers.utils.logging import disable_progress_bar as quiet
    except ImportError:
        raise Unsupported(
            f"{name} holds a {kind!r}, which this project reads through transformers: pip install 'repscope[hf]'."
        ) from None
    try:
        quiet()
        model, report = AutoModel.from_pretrained(
            folder,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            attn_implementation="eager",  # the only one that gives attention away
            dtype=torch.float32,
        )
    except Exception as error:  # a damaged folder makes transformers raise anything
        raise UnfitCheckpoint(
            f"{name} holds a {kind!r}, for which there is no map here, and transformers cannot read it either: "
            f"{_line(error)}"
        ) from None
    # what is missing is drawn at random there, without a word in the result
    if missing := sorted(key for key in report["missing_keys"] if "pooler" not in key):
        raise UnfitCheckpoint(f"{name} lacks {len(missing)} weights of its {kind!r}: {', '.join(missing[:6])}.")
    return model


def _contract(name: str, folder: Path, said: Mapping[str, Any]) -> Contract:
    import transformers

    kind, processor = said.get("model_type"), configuration.processor(folder)
    try:
        patch, native = square(said["patch_size"]), square(said["image_size"])
        form = Architecture(
            width=said["hidden_size"],
            depth=said["num_hidden_layers"],
            heads=said["num_attention_heads"],
            hidden=said.get("intermediate_size", 4 * said["hidden_size"]),
            patch=patch,
            grid=(native // patch, native // patch),
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, RepscopeError) else f"its configuration lacks {error}"
        _refuse(name, kind, f"{reason}: it does not describe one grid of patches through a stack of blocks")
    usual = Preprocessing(size=native, resize="squash", filter="bilinear", **IMAGENET)
    return Contract(
        name=name,
        family="hf",
        architecture=form,
        preprocessing=usual if processor is None else configuration.preprocessing(processor, usual, name),
        pool="mean",
        notes=(LAST_LAYER.format(transformers.__version__), *((GUESSED,) if processor is None else ())),
    )


def _refuse(name: str, kind: object, reason: str) -> NoReturn:
    raise Unsupported(
        f"{name} holds a {kind!r}, whose tokens cannot be laid out as the image is: {reason}. "
        "Use an encoder that keeps one token per patch from its first block to its last."
    )


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
