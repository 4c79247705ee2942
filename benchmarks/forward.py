"""How fast photos become embeddings, ours against transformers: the same files, weights and transform, side by side.

    python benchmarks/forward.py [--photos 24] [--rounds 7] [--threads 2] [--batches 1,8,16]

A ViT-B/16 with random weights is saved as transformers saves it. From JPEG files of 500 x 375 pixels to the mean of an
image's patch tokens go: `pipeline("image-feature-extraction")`; a loop written by hand around AutoImageProcessor and
AutoModel; and ours, which makes the next batch ready while it looks at this one, in float32 and in bfloat16. Each takes
the batch at which it is fastest in a first round; then they take turns, and a ratio is of two runs of one round. The
bars are 1.2 in float32 and 3 in bfloat16, against the faster of the two others. Seconds of processor time are told
beside, for a machine that others use as well; the load says whether they do.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
Run = Callable[[Sequence[Path], int], Embeddings]

PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "size": {"height": 224, "width": 224},
    "resample": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def saved(folder: Path) -> Path:
    """The model in transformers' form; every weight is disturbed, so that norms and biases matter."""
    import torch
    import transformers

    torch.manual_seed(0)
    model = transformers.ViTModel(transformers.ViTConfig(), add_pooling_layer=False).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.02)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def photographed(folder: Path, count: int) -> list[Path]:
    """Cuts of the two sample photos, each with noise of its own, as JPEG."""
    from PIL import Image

    from repscope.images.samples import samples

    draws, whole = np.random.default_rng(0), [np.asarray(Image.open(path)) for path in samples()]
    paths: list[Path] = []
    for number in range(count):
        photo = whole[number % len(whole)]
        top, left = (int(draws.integers(0, span)) for span in (photo.shape[0] - 375, photo.shape[1] - 500))
        cut = photo[top : top + 375, left : left + 500] + draws.normal(0, 3, (375, 500, 3))
        paths.append(folder / f"{number:04}.jpg")
        Image.fromarray(cut.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def batches(paths: Sequence[Path], size: int) -> Iterator[Sequence[Path]]:
    return (paths[start : start + size] for start in range(0, len(paths), size))


def pipelined(folder: Path) -> Run:
    """As the library's own pipeline does it; it gives lists of numbers away."""
    from transformers import pipeline

    through = pipeline(
        "image-feature-extraction", model=str(folder), device="cpu", model_kwargs={"add_pooling_layer": False}
    )

    def run(paths: Sequence[Path], size: int) -> Embeddings:
        said = through([str(path) for path in paths], batch_size=size)
        return np.stack([np.asarray(tokens, np.float32)[0, 1:].mean(0) for tokens in said])

    return run


def looped(folder: Path) -> Run:
    """As written by hand by somebody who knows both classes."""
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModel

    processor = AutoImageProcessor.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()

    def run(paths: Sequence[Path], size: int) -> Embeddings:
        found: list[Embeddings] = []
        with torch.inference_mode():
            for some in batches(paths, size):
                images = [Image.open(path).convert("RGB") for path in some]
                pixels = processor(images=images, return_tensors="pt")["pixel_values"]
                found.append(model(pixels).last_hidden_state[:, 1:].mean(1).numpy())
        return np.concatenate(found)

    return run


def ours(folder: Path, precision: Any) -> Run:
    """Ours: photos are made ready in one thread, a batch ahead, and looked at in this one."""
    import repscope
    from repscope.images.decode import decode

    encoder = repscope.load(str(folder), precision=precision)

    def ready(paths: Sequence[Path]) -> Any:
        photos = [decode(path.read_bytes(), id=path.name, source=str(path)) for path in paths]
        return encoder.shown(photos, "official")

    def run(paths: Sequence[Path], size: int) -> Embeddings:
        found: list[Embeddings] = []
        with ThreadPoolExecutor(1) as aside:
            some = list(batches(paths, size))
            coming = aside.submit(ready, some[0])
            for following in [*some[1:], ()]:
                shown, coming = coming.result(), aside.submit(ready, following) if following else coming
                found.append(encoder.tokens(shown)[0].embedding("mean"))
        return np.concatenate(found)

    return run


@dataclass
class Contestant:
    """One way, the batch it is fastest with, and what it took in each round: seconds, and of the processors."""

    name: str
    run: Run
    size: int = 1
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    said: Embeddings | None = None

    def settle(self, paths: Sequence[Path], sizes: Sequence[int]) -> None:
        took = {size: statistics.median(self._timed(paths, size)[0] for _ in range(2)) for size in sizes}
        self.size = min(took, key=lambda size: took[size])

    def turn(self, paths: Sequence[Path]) -> None:
        wall, busy = self._timed(paths, self.size)
        self.wall.append(wall)
        self.busy.append(busy)

    def _timed(self, paths: Sequence[Path], size: int) -> tuple[float, float]:
        wall, busy = time.perf_counter(), time.process_time()
        self.said = self.run(paths, size)
        return (time.perf_counter() - wall) / len(paths), (time.process_time() - busy) / len(paths)


def over(slow: Sequence[float], fast: Sequence[float]) -> str:
    """Median and range of the ratios of one round's runs."""
    ratios = sorted(a / b for a, b in zip(slow, fast, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batches", default="1,8,16", help="tried in a first round")
    options = parser.parse_args()
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = saved(Path(place))
        paths = photographed(folder, options.photos)
        contestants = [
            Contestant("pipeline", pipelined(folder)),
            Contestant("loop", looped(folder)),
            Contestant("ours, float32", ours(folder, "float32")),
            Contestant("ours, bfloat16", ours(folder, "bfloat16")),
        ]
        for each in contestants:
            each.settle(paths, [int(size) for size in options.batches.split(",")])
        loads = [os.getloadavg()[0]]
        for _ in range(options.rounds):
            for each in contestants:
                each.turn(paths)
            loads.append(os.getloadavg()[0])
    told(contestants, loads)


def told(contestants: Sequence[Contestant], loads: Sequence[float]) -> None:
    """The table: seconds an image, and ratios to the better of the two others."""
    theirs, mine = contestants[:2], contestants[2:]
    best = min(theirs, key=lambda each: statistics.median(each.wall))
    cores = f"{os.cpu_count()} processors, load {min(loads):.1f} to {max(loads):.1f} (this alone is about 2)"
    print(f"{cores}; the faster of the others is the {best.name}\n")
    print("| what | batch | ms an image | of the processors | times as fast | in processor time | largest difference |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for each in contestants:
        wall, busy = (f"{1000 * statistics.median(times):.0f}" for times in (each.wall, each.busy))
        ratios = [over(best.wall, each.wall), over(best.busy, each.busy)] if each in mine else ["", ""]
        assert each.said is not None
        assert best.said is not None
        apart = float(np.abs(each.said - best.said).max() / np.abs(best.said).max())
        print(f"| {each.name} | {each.size} | {wall} | {busy} | {' | '.join(ratios)} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
