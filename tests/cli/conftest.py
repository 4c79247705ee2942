"""The command as a person calls it, without a new process; and small photos and encoders to call it on."""

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from repscope import cli


@dataclass(frozen=True)
class Said:
    """What a call of the command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def run() -> Run:
    """`repscope` with these arguments, at 80 columns."""

    def called(*arguments: object) -> Said:
        out, err, code = _stream(), _stream(), 0
        argv = ["repscope", *map(str, arguments)]
        environment = patch.dict(os.environ, {"COLUMNS": "80", "NO_COLOR": "1"})
        with patch.object(sys, "argv", argv), environment, redirect_stdout(out), redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return Said(code, _text(out), _text(err))

    return called


def _pixels(seed: int, width: int, height: int) -> np.ndarray:
    """Gradients, a disc and a little noise: no two patches alike, near ones similar, as in photos."""
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    generator = np.random.default_rng(seed)
    places = generator.uniform(0.2, 0.8, 2)
    disc = np.exp(-20 * ((down - places[0]) ** 2 + (across - places[1]) ** 2))
    waves = 0.5 + 0.5 * np.sin(generator.uniform(4, 12) * down + generator.uniform(4, 12) * across)
    colours = np.stack([0.5 * down + 0.5 * disc, waves, across], -1)
    return np.uint8(np.clip(230 * colours + generator.normal(10, 6, colours.shape), 0, 255))


Draw = Callable[..., Path]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Write a small photo of this seed to a path, in the format that its suffix names."""

    def drawn(path: Path, seed: int = 0, size: tuple[int, int] = (120, 96)) -> Path:
        Image.fromarray(_pixels(seed, *size)).save(path)
        return path

    return drawn


@pytest.fixture
def photo(draw: Draw, tmp_path: Path) -> Path:
    return draw(tmp_path / "photo.png")


@pytest.fixture
def photos(draw: Draw, tmp_path: Path) -> list[Path]:
    """Five, of different sizes."""
    return [draw(tmp_path / f"{seed}.png", seed, (96 + 8 * seed, 96)) for seed in range(5)]


@pytest.fixture
def lab_encoder(tmp_path: Path) -> Callable[..., Path]:
    """A small encoder of the lab in a file, every weight of it changed by a function."""

    def written(name: str, change: Callable) -> Path:
        import torch
        from safetensors.torch import save_file

        from repscope.encoders.vit import ViT
        from repscope.encoders.vit.architecture import Architecture

        torch.manual_seed(0)
        vit = ViT(Architecture(width=8, depth=1, heads=1, hidden=8, patch=4, grid=(16, 16)))
        with torch.no_grad():
            for weight in vit.parameters():
                weight.copy_(change(weight))
        # not by the lab, which refuses to write what is not finite
        shape = {"architecture": json.dumps(asdict(vit.architecture)), "card": "{}"}
        save_file({name: weight.half() for name, weight in vit.state_dict().items()}, tmp_path / name, shape)
        return tmp_path / name

    return written
