"""The lab's speed and memory as ratios: each step against its bare passes, the loader, peak memory.

    python benchmarks/lab.py [--rounds 5] [--objectives mae,dino] [--threads 2]

For every objective, alternating in one run: the whole step (views, loss, backward, optimiser, teacher), and the bare
forward and backward of the same tensors. On a machine where something else runs the numbers mean nothing: the spread
beside each says whether to believe it. Images are noise; their content costs nothing.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from repscope.lab import build, objectives, recipe, train
from repscope.lab.data import TrainingSet
from repscope.lab.train import Run

IMAGES = 2048


def run_of(name: str) -> Run:
    plan = recipe.read("tiny-imagenet")
    pixels = torch.randint(0, 256, (IMAGES, 3, plan.size, plan.size), dtype=torch.uint8)
    data = TrainingSet(pixels, torch.arange(IMAGES) % 200)
    options = {"teachers": ["tiny-mae"]} if name == "distill" else {}
    setting = build.setting_of(plan, len(data), 200)
    run = Run(build.build(objectives.catalogue[name], plan, setting, options), plan, data, Path("unused"), name)
    run.steps = 1_000_000
    return run


def timed(work: Callable[[int], object], step: int) -> float:
    began = time.perf_counter()
    work(step)
    return time.perf_counter() - began


def bare(run: Run) -> Callable[[int], object]:
    """Loss and backward of a batch that is already there."""
    batch = train.batch_of(run.objective, run.data, run.recipe, 0)

    def work(step: int) -> None:  # noqa: ARG001
        with torch.autocast("cpu", torch.bfloat16, enabled=run.precision == "bfloat16"):
            loss = run.objective.loss(batch)
        loss.backward()
        run.objective.zero_grad(set_to_none=True)

    return work


def peak() -> float:
    """The largest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objectives", default=",".join(objectives.catalogue))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| objective | images/s | over bare passes | range | loader over step | peak over one step's |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in options.objectives.split(","):
        print(line(name, options.rounds), flush=True)


def line(name: str, rounds: int) -> str:
    run = run_of(name)
    run.objective.train()
    passes = bare(run)
    timed(passes, 0)
    timed(run.step, 0)
    one = peak()
    whole, naked, loading = [], [], []
    for k in range(1, rounds + 1):
        naked.append(timed(passes, k))
        whole.append(timed(run.step, k))
        loading.append(timed(lambda step: train.batch_of(run.objective, run.data, run.recipe, step), k))
    ratios = [a / b for a, b in zip(naked, whole, strict=True)]
    speed = run.recipe.batch / statistics.median(whole)
    return (
        f"| {name} | {speed:.0f} | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} "
        f"| {statistics.median(whole) / statistics.median(loading):.0f} x | {peak() / one:.2f} |"
    )


if __name__ == "__main__":
    main()
