"""One thread, and the recipe, images and folders that the tests of the lab share."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_run import RECIPE, SHAPE, drawn, parquet_file

from repscope.lab.data import TrainingSet
from repscope.lab.recipe import Recipe


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(name="small", size=16, architecture=SHAPE, epochs=2, batch=16, rate=2e-3, warmup=2)


@pytest.fixture
def plan(recipe: Recipe) -> Recipe:
    """The same in float32."""
    return replace(recipe, precision="float32")


@pytest.fixture(scope="session")
def stripes() -> TrainingSet:
    pixels, labels = drawn(64)
    return TrainingSet(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels))


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 64 training images in two files and 16 validation images in one."""
    folder = tmp_path_factory.mktemp("secret-parent") / "stripes"
    folder.mkdir()
    pixels, labels = drawn(64)
    parquet_file(folder / "train-0.parquet", pixels[:40], labels[:40])
    parquet_file(folder / "train-1.parquet", pixels[40:], labels[40:])
    parquet_file(folder / "val.parquet", *drawn(16, seed=1))
    return folder


@pytest.fixture
def seeded() -> Callable[[int], torch.Generator]:
    return lambda seed: torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def made(images: Path, recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after a whole run of two epochs by the command; to be read only."""
    from command_run import done

    out = tmp_path_factory.mktemp("made") / "run"
    done(recipe_file, "--data", images, "--out", out)
    return out


@pytest.fixture
def again(made: Path, tmp_path: Path) -> Path:
    """A copy of it to go on with."""
    return Path(shutil.copytree(made, tmp_path / "again"))


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the monitor, which takes most of the time of a run so small."""
    from repscope.lab import watch

    monkeypatch.setattr(watch, "watcher", lambda *_, **__: None)


@pytest.fixture
def photo(tmp_path) -> Path:
    pixels, _ = drawn(1, side=64)
    Image.fromarray(pixels[0]).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"
