"""Folders: published shapes with random weights, as repscope, transformers and ONNX Runtime read them; made once.

python folders.py DIR NAME      makes what is absent of one encoder
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sides import form

HERE = Path(__file__).resolve().parent
NAMES = ("dinov2-vit-l14", "ijepa-vit-h14", "vjepa2-vitl-img16-256", "eupe-vit-b16")


def prepare(place: Path, name: str) -> None:
    """What is absent, made in a process of its own, which gives its memory back."""
    if missing(place, name):
        print(f"{name}: weights and ONNX file are made in {place}", flush=True)
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-W", "ignore", __file__, str(place), name], check=True)


def missing(place: Path, name: str) -> list[Path]:
    wanted = [place / name, form(name, place), place / f"{name}.onnx" / "model.onnx"]
    return [each for each in wanted if not each.exists()]


def make(place: Path, name: str) -> None:
    sys.path.append(str(HERE.parent))
    from full_size_parity import SIDE, saved

    if not (place / name).exists():
        part = place / f"{name}.part"
        saved(name, part, "float32")
        part.rename(place / name)
    if not form(name, place).exists():
        part = place / f"{name}.transformers.part"
        saved(name, place / f"{name}.again", "float32").save_pretrained(part)
        shutil.rmtree(place / f"{name}.again")
        part.rename(form(name, place))
    if not (place / f"{name}.onnx").exists():
        export(form(name, place), place / f"{name}.onnx", SIDE[name], 16 if name.startswith("vjepa2") else 0)


def export(source: Path, target: Path, side: int, frames: int) -> None:
    """The class of transformers in float32 through torch's exporter, all weights in one file beside the graph."""
    import onnx
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(source, dtype=torch.float32).eval()
    options: dict[str, Any] = {"skip_predictor": True} if frames else {}

    class Output(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.model(pixels, **options).last_hidden_state

    shape = (1, frames, 3, side, side) if frames else (2, 3, side, side)
    loose = target.with_name(f"{target.name}.loose")
    part = target.with_name(f"{target.name}.part")
    for each in (loose, part):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir()
    axes = None if frames else {"pixels": {0: "batch"}, "tokens": {0: "batch"}}
    with torch.no_grad():
        torch.onnx.export(
            Output().eval(),
            (torch.randn(shape),),
            str(loose / "model.onnx"),
            input_names=["pixels"],
            output_names=["tokens"],
            dynamic_axes=axes,
            opset_version=18,
            dynamo=False,
        )
    graph = onnx.load(loose / "model.onnx")
    onnx.save_model(graph, part / "model.onnx", save_as_external_data=True, location="model.data", size_threshold=1024)
    shutil.rmtree(loose)
    part.rename(target)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
