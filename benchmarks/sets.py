"""Sets of images: what `embed` costs beside the bare forward, its memory, its workers, and what kills leave behind.

    python benchmarks/sets.py forward [--photos 64] [--rounds 5]
    python benchmarks/sets.py memory CIFAR.parquet ... [--images 1000,100000]
    python benchmarks/sets.py workers CIFAR.parquet ... [--images 1536] [--rounds 3]
    python benchmarks/sets.py kills CIFAR.parquet ... [--images 1500] [--kills 20]
    python benchmarks/sets.py all CIFAR.parquet ... [-m tiny-dino]

`forward`: a ViT-B/16 with random weights in bfloat16 on JPEG files of 500 x 375; images a second of `embed` with all
that it keeps, over those of the network alone on pixels that are ready, at the batch that is best for the network; they
take turns, and a ratio is of one round. `memory`: the largest resident memory of a process that embeds so many images;
the embedding layer of an embedded encoder, without readings, so that it is over soon. `workers`: one Ray worker of one
core and two; images a second once all of them are at work. `kills`: the command is killed at random moments and begun
again, until it ends; its files are held against those of a run that was left alone. `all`: every image that is given.
"""

import argparse
import hashlib
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from forward import photographed, saved

HERE = [sys.executable, "-m", "repscope"]
KEEP = "mean,moments,sample"


def forward(arguments: argparse.Namespace) -> None:
    import torch

    import repscope
    from repscope.images import gather

    with tempfile.TemporaryDirectory() as place:
        where = Path(place)
        paths = photographed(where, arguments.photos)
        encoder = repscope.load(str(saved(where / "model")), "bfloat16")
        photos, _ = gather(paths)
        pixels = encoder.shown(photos, "official").pixels

        def bare(batch: int) -> float:
            began = time.perf_counter()
            with torch.inference_mode():
                for some in pixels.split(batch):
                    encoder.network(some, (-1,))  # pyright: ignore[reportAttributeAccessIssue]
            return len(pixels) / (time.perf_counter() - began)

        rates = {batch: statistics.median(bare(batch) for _ in range(2)) for batch in (4, 8, 16, 32)}
        best = max(rates, key=lambda batch: rates[batch])
        ratios, seconds = [], []
        for turn in range(arguments.rounds):
            alone = bare(best)
            began = time.perf_counter()
            repscope.embed(paths, [encoder], where / f"out-{turn}", batch=best, cache=False)
            took = time.perf_counter() - began
            ratios.append(len(paths) / took / alone)
            seconds.append(took)
        print(f"bare forward, images/s by batch: { {b: round(r, 1) for b, r in rates.items()} }; best {best}")
        print(f"embed {len(paths) / statistics.median(seconds):.1f} images/s; over the bare forward, median", end=" ")
        print(
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), load {os.getloadavg()[0]:.1f}"
        )


def listed(folder: Path, sources: list[str], count: int) -> Path:
    """So many images of these Parquet files, from the start again where they are too few, as files of 10,000."""
    from pyarrow import concat_tables, parquet

    folder.mkdir(parents=True)
    whole = concat_tables([parquet.read_table(source, columns=["image", "label"]) for source in sources])
    left, number = count, 0
    while left > 0:
        some = whole.slice(number * 10_000 % len(whole), min(left, 10_000))
        parquet.write_table(some, folder / f"{number:03d}.parquet", row_group_size=1000)
        left, number = left - len(some), number + 1
    return folder


def memory(arguments: argparse.Namespace) -> None:
    counts = [int(text) for text in arguments.images.split(",")]
    with tempfile.TemporaryDirectory() as place:
        for count in counts:
            source = listed(Path(place) / str(count), arguments.sources, count)
            words = (
                "embed",
                str(source),
                "-m",
                "tiny-random",
                "--layers",
                "1",
                "-o",
                f"{place}/out-{count}",
                "--no-cache",
            )
            began = time.perf_counter()
            child = subprocess.Popen([*HERE, *words], stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(child.pid, 0)
            assert status == 0
            took = time.perf_counter() - began
            print(f"{count:,} images: peak {used.ru_maxrss / 1024:,.0f} MiB, {count / took:,.0f} images/s", flush=True)


def workers(arguments: argparse.Namespace) -> None:
    import repscope
    from repscope.extract.sets.asked import Asked
    from repscope.extract.sets.ray import Pool, sent
    from repscope.extract.sets.run import Run, begun
    from repscope.images.sets import image_set, place
    from repscope.store.job_folder import JobFolder

    encoder = repscope.load("tiny-dino")
    with tempfile.TemporaryDirectory() as where:
        source = listed(Path(where) / "images", arguments.sources, int(arguments.images))
        ratios = []
        for turn in range(arguments.rounds):
            rates = {}
            for count in (1, 2):
                folder = JobFolder(place(f"{where}/out-{turn}-{count}"))
                job = begun(image_set(source), [encoder], folder, Asked(shard=96))
                moments = []
                for shard, _ in Pool(count, 1, 0, (sent(encoder),))(Run(job, folder), job.shards):
                    moments.append((time.perf_counter(), len(shard)))
                first = moments[count - 1][0]
                rates[count] = sum(images for _, images in moments[count:]) / (moments[-1][0] - first)
            ratios.append(rates[2] / rates[1])
            print(f"one worker {rates[1]:.1f} images/s, two {rates[2]:.1f}: {ratios[-1]:.2f}", flush=True)
        print(f"median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {name: digest for name, digest in found.items() if not name.startswith(".")}


def kills(arguments: argparse.Namespace) -> None:
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        source = listed(Path(place) / "images", arguments.sources, int(arguments.images))
        words = [*HERE, "embed", str(source), "-m", "tiny-random,tiny-mae", "--layers", "2", "--shard-size", "16"]
        words += ["--no-cache", "-o"]
        began = time.perf_counter()
        subprocess.run([*words, f"{place}/whole"], check=True, stdout=subprocess.DEVNULL)
        whole = time.perf_counter() - began
        killed = Path(place, "killed")
        for number in range(arguments.kills):
            child = subprocess.Popen([*words, str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            before, end = len(list(killed.glob("ledger/*"))), time.monotonic() + whole
            while len(list(killed.glob("ledger/*"))) <= before and time.monotonic() < end and child.poll() is None:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.5))
            child.send_signal(signal.SIGKILL)
            child.wait()
            print(f"kill {number + 1}: {len(list(killed.glob('ledger/*')))} shards in the ledger", flush=True)
        subprocess.run([*words, str(killed)], check=True, stdout=subprocess.DEVNULL)
        same = digests(killed) == digests(Path(place, "whole"))
        print(f"{len(digests(killed))} files, {'the same bytes' if same else 'OTHER BYTES'} as without a kill")


def every(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as place:
        listing = Path(place, "images")
        listing.mkdir()
        for number, source in enumerate(arguments.sources):
            (listing / f"{number}.parquet").symlink_to(Path(source).resolve())
        words = ["embed", str(listing), "-m", arguments.models, "-o", f"{place}/out", "--no-cache", *arguments.more]
        began = time.perf_counter()
        subprocess.run([*HERE, *words], check=True)
        took = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{took:.0f} s, peak {used:,.0f} MiB, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked = parser.add_subparsers(required=True)
    for name, ask, images in (
        ("forward", forward, ""),
        ("memory", memory, "1000,100000"),
        ("workers", workers, "1536"),
        ("kills", kills, "1500"),
        ("all", every, ""),
    ):
        each = asked.add_parser(name)
        each.set_defaults(ask=ask)
        if ask is not forward:
            each.add_argument("sources", nargs="+")
        each.add_argument("--images", default=images)
        each.add_argument("--photos", type=int, default=64)
        each.add_argument("--rounds", type=int, default=5 if ask is forward else 3)
        each.add_argument("--kills", type=int, default=20)
        each.add_argument("-m", "--models", default="tiny-dino")
        each.add_argument("--more", nargs="*", default=[])
    given = parser.parse_args()
    given.ask(given)
