"""Reference: the class of transformers that an encoder's weights belong to, run by transformers itself."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from repscope.encoders import configuration, weights
from repscope.encoders.contract import Contract
from repscope.encoders.families import catalogue
from repscope.encoders.load import Checkpoint
from repscope.errors import UnfitCheckpoint, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

CLASSES = {
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
    "ijepa": "IJepaModel",
    "vjepa2": "VJEPA2Model",
    "vit": "ViTModel",
    "vit_mae": "ViTMAEModel",
    "clip": "CLIPVisionModel",
    "clip_vision_model": "CLIPVisionModel",
    "siglip": "SiglipVisionModel",
    "siglip_vision_model": "SiglipVisionModel",
}
"""`model_type` of a config.json -> the class of its encoder; of two towers, the one that sees."""

WITHOUT_POOLER = ("IJepaModel", "ViTModel")
INTERPOLATING = ("clip", "ijepa", "mae", "siglip", "vit", "dino")
"""Families whose class resamples its positions only when it is told to."""

MISSING = "transformers is not installed: pip install 'repscope[hf]'"


@dataclass(frozen=True)
class Reference:
    """A model of transformers in float32, and how it is asked.

    Attributes:
        model: In evaluation.
        title: Its class and the release of transformers.
        options: Of its forward.
        frames: Frames a still image is repeated to; 0 where it reads images.
    """

    model: "torch.nn.Module"
    title: str
    options: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 0

    def hear(self, pixels: "Tensor", listen: "Callable[[int, Tensor], None]") -> None:
        """Run it on pixels (B, 3, S, S), and hand on its sequences: 0 its embedding, k after block k, -1 its output.

        Blocks are listened to one by one: what `hidden_states[-1]` means has changed between releases.
        """
        import torch

        blocks = self._blocks()

        def after(k: int, said: Any) -> None:
            listen(k, said[0] if isinstance(said, tuple) else said)

        hooks: list[Any] = [blocks[0].register_forward_pre_hook(lambda _, given: listen(0, given[0]))]
        hooks += [
            block.register_forward_hook(lambda _, __, said, k=k: after(k, said)) for k, block in enumerate(blocks, 1)
        ]
        if self.frames:
            pixels = pixels[:, None].expand(-1, self.frames, -1, -1, -1)
        try:
            with torch.inference_mode():
                listen(-1, self.model(pixels, **self.options).last_hidden_state)
        finally:
            for hook in hooks:
                hook.remove()

    @property
    def depth(self) -> int:
        return len(self._blocks())

    def _blocks(self) -> "torch.nn.ModuleList":
        """The first list of as many modules as its configuration has layers."""
        from torch.nn import ModuleList

        config: Any = self.model.config
        count = getattr(config, "vision_config", config).num_hidden_layers
        return next(m for m in self.model.modules() if isinstance(m, ModuleList) and len(m) == count)


def comparable(checkpoint: Checkpoint | None) -> Checkpoint:
    """The checkpoint, where there may be a reference for it; raises Unsupported, with the reason, elsewhere."""
    if checkpoint is None:
        raise Unsupported("another library runs it already: there is nothing of ours to compare")
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise Unsupported(MISSING) from None
    return checkpoint


def reference(checkpoint: Checkpoint, contract: Contract) -> Reference:
    """The model of transformers for a checkpoint, made from its files and not from what was read here.

    Raises Unsupported where there is none, with the reason, and UnfitCheckpoint where transformers misses weights.
    """
    import transformers

    from repscope.checks import _renamed

    with _silent(transformers):
        if contract.family == "eupe":
            model = _renamed.eupe(checkpoint)
        elif contract.family == "lab":
            model = _renamed.lab(checkpoint)
        else:
            model = _published(checkpoint)
    release = f"{type(model).__name__} of transformers {transformers.__version__}"
    frames = catalogue[contract.family].frames  # what the family's authors say, not what this contract says
    return Reference(model.eval(), release, _options(contract), frames)


def _published(checkpoint: Checkpoint) -> "torch.nn.Module":
    """From a folder as its authors publish it; code that lies in it never runs."""
    with _as_folder(checkpoint.place) as folder:
        return _opened(folder, checkpoint.place)


@contextmanager
def _as_folder(place: Path) -> "Iterator[Path]":
    """The folder as transformers opens one: it takes model.safetensors, whichever file is on trial."""
    folder, (first, *others) = place if place.is_dir() else place.parent, weights.files(place)
    if others or first.suffix in weights.PICKLED or first.name == weights.NAMES[0]:
        yield folder
        return
    with TemporaryDirectory(prefix="repscope-") as made:
        for name, path in ((weights.NAMES[0], first), ("config.json", folder / "config.json")):
            if path.is_file():
                (Path(made) / name).symlink_to(path.resolve())
        yield Path(made)


def _opened(folder: Path, place: Path) -> "torch.nn.Module":
    import torch
    import transformers

    said = configuration.config(folder)
    if said is None:
        raise Unsupported(f"no config.json lies beside {place.name}, which transformers wants")
    name = CLASSES.get(said.get("model_type", ""))
    if name is None or not hasattr(transformers, name):
        raise Unsupported(f"transformers {transformers.__version__} has no class known here for {said['model_type']!r}")
    options = {"add_pooling_layer": False} if name in WITHOUT_POOLER else {}
    try:
        model, report = getattr(transformers, name).from_pretrained(
            folder,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True if any(folder.glob("*.safetensors")) else None,
            output_loading_info=True,
            dtype=torch.float32,
            **options,
        )
    except Exception as error:  # a folder that it cannot read makes transformers raise anything
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise Unsupported(f"{name} of transformers cannot read {place}: {reason}") from None
    # what is missing is drawn at random there, without a word in the result
    missing = [key for key in report["missing_keys"] if not any(p in key for p in ("pooler", "predictor", "head"))]
    if missing:
        raise UnfitCheckpoint(f"{name} misses {len(missing)} weights: {', '.join(sorted(missing)[:6])}.")
    return model


def _options(contract: Contract) -> dict[str, Any]:
    import torch

    options: dict[str, Any] = {}
    rows, columns = contract.grid
    if contract.family == "mae":
        options["noise"] = torch.arange(float(rows * columns))[None]  # nothing is masked, nothing is shuffled
    if contract.family == "vjepa2":
        options["skip_predictor"] = True
    if contract.family in INTERPOLATING and contract.grid != contract.architecture.grid:
        options["interpolate_pos_encoding"] = True
    return options


@contextmanager
def _silent(transformers: Any) -> "Iterator[None]":
    """Without bars and advice of the other library on standard error."""
    logging = transformers.utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        with suppress(Exception):
            if bars:
                logging.enable_progress_bar()
