"""ONNX: an exported encoder behind the same call, run by onnxruntime on the CPU; only its output is known."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import isqrt
from pathlib import Path
from typing import Any, NoReturn, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from repscope import threads
from repscope.encoders import configuration, weights
from repscope.encoders.contract import IMAGENET, Contract, Precision, Preprocessing
from repscope.encoders.encoder import Framing, Shown
from repscope.encoders.family import square
from repscope.encoders.transformer import Transformer
from repscope.encoders.vit.architecture import Architecture
from repscope.errors import RepscopeError, UnfitCheckpoint, Unsupported
from repscope.images.photo import Photo
from repscope.tokens import Tokens

SUFFIX = ".onnx"
FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
MOST_BEFORE = 16
"""More tokens than this before the first patch are taken for another layout."""

EXAMPLE = (
    '{"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "resample": 3, '
    '"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}'
)
COMPANIONS = (".data", "_data")
"""Where exporters put weights that are too large for the file itself, after its name."""


@final
class Exported:
    """An encoder in an ONNX file: output tokens only, no other layer and no attention.

    Attributes:
        contract: What it expects and promises; its notes say what had to be guessed.
        precision: Of what goes in and comes out; inside, the graph has its own.
        layout: What is known of its shape.
    """

    layout = "a trial image gave tokens of the contract's shape; the graph's weights were held against nothing"

    def __init__(self, contract: Contract, graph: "Graph", origin: Callable[[], str]):
        self.contract, self._graph, self._origin = contract, graph, origin
        self._through = Transformer(contract, graph, origin)
        self.precision: Precision = self._through.precision

    @property
    def revision(self) -> str:
        """Where the file is and its SHA-256, with that of the weights beside it where there are any."""
        return self._through.revision

    def under(self, contract: Contract) -> "Exported":
        """The same graph under another contract: another filter, say."""
        return Exported(contract, self._graph, self._origin)

    def __call__(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """The output's tokens; raises Unsupported for a layer before it, NoImages, UnfitTokens."""
        self._check(layers)
        return self._through(photos, layers, framing)

    def shown(self, photos: Sequence[Photo], framing: Framing = "square") -> Shown:
        """The pixels of the photos, and what of each they show; raises NoImages."""
        return self._through.shown(photos, framing)

    def tokens(self, shown: Shown, layers: Sequence[int] = (-1,)) -> tuple[Tokens, ...]:
        """The output's tokens of what was shown; raises Unsupported for a layer before it, UnfitTokens."""
        self._check(layers)
        return self._through.tokens(shown, layers)

    def attention(self, photos: Sequence[Photo], block: int, framing: Framing = "square") -> NoReturn:  # noqa: ARG002
        """Raises Unsupported: the graph gives its output away, nothing else."""
        _no_inside(self.contract.name, f"the attention of block {block}")

    def _check(self, layers: Sequence[int]) -> None:
        if inner := [layer for layer in layers if layer != -1]:
            _no_inside(self.contract.name, f"layer {inner[0]}")


@dataclass(frozen=True, eq=False)
class Graph:
    """A session of onnxruntime behind the two calls that an encoder makes of its network.

    Attributes:
        side: Pixels of the square it wants; None where any will do.
        count: Images it wants at once; None where any number will do.
        output: The tensor that is taken: tokens (B, N, D), or embeddings (B, D).
    """

    session: Any
    name: str
    image: str
    kind: Any
    side: int | None
    count: int | None
    output: str = ""

    def __call__(
        self,
        pixels: Tensor,
        layers: Sequence[int],
        received: dict[int, Tensor] | None = None,  # noqa: ARG002  it gives none away
    ) -> list[Tensor]:
        """Float32 tokens (B, N, D); an embedding (B, D) is one token."""
        said = self.run(pixels.numpy(), [self.output])[0]
        tokens = torch.from_numpy(np.ascontiguousarray(said if said.ndim == 3 else said[:, None], np.float32))
        return [tokens for _ in layers]

    def attention(self, pixels: Tensor, block: int) -> Tensor:  # noqa: ARG002
        _no_inside(self.name, f"the attention of block {block}")

    def run(self, pixels: Float[NDArray[np.float32], "B 3 S S"], outputs: list[str]) -> list[NDArray[Any]]:
        """These outputs of every image, as many images at once as the graph wants."""
        count = self.count or len(pixels)
        parts = [self._run(pixels[start : start + count], count, outputs) for start in range(0, len(pixels), count)]
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _run(self, pixels: NDArray[Any], count: int, outputs: list[str]) -> list[NDArray[Any]]:
        filled = np.concatenate([pixels, np.repeat(pixels[-1:], count - len(pixels), axis=0)]).astype(self.kind)
        try:
            said = self.session.run(outputs, {self.image: filled})
        except Exception as error:  # its errors have no common base, and any node may raise
            raise UnfitCheckpoint(f"{self.name} fails on images of {pixels.shape[-1]} pixels: {_line(error)}") from None
        return [np.asarray(each)[: len(pixels)] if np.ndim(each) else np.asarray(each)[None] for each in said]


def exported(name: str, file: Path) -> Exported:
    """The encoder in an ONNX file, with the preprocessing that stands beside or in it.

    Raises:
        Unsupported: onnxruntime is missing, or the graph is none of one image to tokens or embeddings.
        UnfitCheckpoint: the file is no ONNX graph, or nothing says how photos become its pixels.
    """
    session = _session(name, file)
    said = configuration.config(file.parent) or {}
    rule = _preprocessing(name, file, said, session.get_modelmeta().custom_metadata_map)
    graph = _graph(name, session)
    if graph.side not in (None, rule.size):
        raise UnfitCheckpoint(f"{name} wants images of {graph.side} pixels; its preprocessing makes {rule.size}.")
    graph, shape = _output(graph, rule.size)
    form, guesses = _architecture(name, shape, rule.size, said)
    notes = (_RUN.format(_version(), graph.output), *guesses)
    pool = "cls" if form.cls else "mean"
    contract = Contract(name=name, family="onnx", architecture=form, preprocessing=rule, pool=pool, notes=notes)
    return Exported(contract, graph, lambda: f"{file}, sha256 {_digest(file)}")


_RUN = "Run by onnxruntime {} on the CPU; layer -1 is its output {!r}, and there is no other layer."
_UNKNOWN = "Depth, heads and hidden width do not stand in an ONNX file: those shown say nothing."
_PATCHES = "Its {} tokens are taken for {} and {} x {} patches in raster order, as a guess."
_EMBEDDING = "It gives one vector for an image, and no patches."


def _session(name: str, file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise Unsupported(f"{name} is read through onnxruntime: pip install 'repscope[onnx]'.") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised, and said here
    options.intra_op_num_threads = threads.products()
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a damaged file makes it raise anything
        raise UnfitCheckpoint(
            f"{file} cannot be read as an ONNX graph: {_line(error).rstrip('.')}. {weights.AGAIN} If it is whole, "
            f"onnxruntime {onnxruntime.__version__} lacks something that it wants: export it anew."
        ) from None


def _preprocessing(name: str, file: Path, said: Mapping[str, Any], inside: Mapping[str, str]) -> Preprocessing:
    """From preprocessor_config.json, config.json or the file's own metadata, the first that says one."""
    told = configuration.processor(file.parent) or said.get("preprocessing")
    if told is None and "image_mean" in said:
        told = said
    if told is None and "preprocessing" in inside:
        told = _parsed(name, inside["preprocessing"])
    if not isinstance(told, dict):
        _unsaid(name, "nothing says how photos become its pixels")
    colours = () if told.get("do_normalize") is False else ("image_mean", "image_std")
    if absent := [key for key in ("size", "resample", *colours) if told.get(key) is None]:
        _unsaid(name, f"its preprocessing says no {', '.join(absent)}")
    usual = Preprocessing(size=1, resize="squash", filter="bilinear", **IMAGENET)  # nothing of it is left
    return configuration.preprocessing(told, usual, name)


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnfitCheckpoint(f"The metadata `preprocessing` of {name} cannot be read as json: {error}.") from None


def _unsaid(name: str, reason: str) -> NoReturn:
    raise UnfitCheckpoint(
        f"{name} is an ONNX file, but {reason}. Put a preprocessor_config.json beside it, or the same json into "
        f"its metadata as `preprocessing`, such as {EXAMPLE}."
    )


def _graph(name: str, session: Any) -> Graph:
    """The graph of one image input (B, 3, H, W), H = W."""
    inputs = session.get_inputs()
    told = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
    if len(inputs) != 1 or inputs[0].type not in FLOATS or len(inputs[0].shape or ()) != 4:
        _refuse(name, f"it wants {told or 'nothing'}")
    count, channels, *sides = (size if isinstance(size, int) else None for size in inputs[0].shape)
    fixed = {side for side in sides if side is not None}
    if channels not in (None, 3) or len(fixed) > 1:
        _refuse(name, f"it wants {told}")
    return Graph(session, name, inputs[0].name, FLOATS[inputs[0].type], next(iter(fixed), None), count)


def _output(graph: Graph, side: int) -> tuple[Graph, tuple[int, ...]]:
    """The graph with its output named, and that output's shape: tokens before embeddings, the first of each."""
    names = [each.name for each in graph.session.get_outputs()]
    said = graph.run(np.zeros((1, 3, side, side), np.float32), names)
    for axes in (3, 2):
        for name, value in zip(names, said, strict=True):
            if value.ndim == axes and len(value) == 1 and np.issubdtype(value.dtype, np.floating):
                return replace(graph, output=name), value.shape[1:]
    told = ", ".join(f"{name} {list(value.shape)}" for name, value in zip(names, said, strict=True))
    _refuse(graph.name, f"of one image it makes {told}")


def _architecture(
    name: str, shape: tuple[int, ...], side: int, said: Mapping[str, Any]
) -> tuple[Architecture, tuple[str, ...]]:
    """The layout of the output, as far as it can be known; and what of it is a guess."""
    width = shape[-1]
    rows, before = (1, 0) if len(shape) == 1 else _grid(name, shape[0], side, said.get("patch_size"))
    names = {"depth": "num_hidden_layers", "heads": "num_attention_heads", "hidden": "intermediate_size"}
    known = {ours: said.get(theirs) for ours, theirs in names.items()}
    whole = all(type(value) is int for value in known.values())
    numbers: dict[str, Any] = known if whole else {"depth": 1, "heads": 1, "hidden": width}
    layout = {"patch": side // rows, "grid": (rows, rows), "cls": before > 0, "registers": max(before - 1, 0)}
    try:
        form = Architecture(width=width, **numbers, **layout)
    except RepscopeError as error:
        raise UnfitCheckpoint(f"The output of {name} and its config.json make no encoder: {error}") from None
    first = {0: "none before"}.get(before, "CLS" if before == 1 else f"CLS, {before - 1} registers")
    laid = _EMBEDDING if len(shape) == 1 else _PATCHES.format(shape[0], first, rows, rows)
    return form, (laid, *(() if whole else (_UNKNOWN,)))


def _grid(name: str, tokens: int, side: int, patch: Any) -> tuple[int, int]:
    """Rows of the patch grid and tokens before it: what the patch size says, or the largest grid that fits."""
    try:
        asked = [side // square(patch)] if patch is not None else range(isqrt(tokens), 1, -1)
    except (TypeError, ValueError, ZeroDivisionError, RepscopeError):
        _refuse(name, f"its config.json says patches of {patch!r}")
    for rows in asked:
        fits = rows > 1 and (patch is not None or side % rows == 0)
        if fits and 0 <= tokens - rows * rows <= MOST_BEFORE:
            return rows, tokens - rows * rows
    _refuse(name, f"{tokens} tokens of {side} x {side} pixels are no square grid of patches and a few before them")


def _digest(file: Path) -> str:
    """SHA-256 of the file; with weights beside it, that of the digests of both."""
    beside = [path for end in COMPANIONS if (path := file.with_name(file.name + end)).is_file()]
    digests = [weights.sha256(path) for path in (file, *beside)]
    return digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()


def _refuse(name: str, reason: str) -> NoReturn:
    raise Unsupported(
        f"{name} cannot be used as an encoder: {reason}. Export a graph from one image (B, 3, H, W) of floats to "
        "tokens (B, N, D) or embeddings (B, D)."
    )


def _no_inside(name: str, what: str) -> NoReturn:
    raise Unsupported(f"{name} is an ONNX file, which gives its output alone, not {what}; use the original weights.")


def _version() -> str:
    import onnxruntime

    return onnxruntime.__version__


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
