"""The lab's speed and memory as ratios: each step against its bare passes, the loader, peak memory.

    python benchmarks/lab.py [--rounds 9] [--objectives mae,dino] [--threads 2]

For every objective, alternating in one run: the whole step (views, loss, backward, optimiser, teacher), and the bare
forward and backward of the same tensors. Then the loader alone; the process's peak memory after two whole steps, over
that after two bare passes; and what all further steps add to it. On a machine where something else runs the numbers
mean nothing: the spread beside each says whether to believe it. Images are noise; their content costs nothing.
"""

import argparse
import multiprocessing
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


HEAD = """\
| objective | images/s | over bare passes | range | loader over step | peak over bare passes' | growth |
| --- | --- | --- | --- | --- | --- | --- |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--objectives", default=",".join(objectives.catalogue))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(HEAD, flush=True)
    fresh = multiprocessing.get_context("spawn")
    for name in options.objectives.split(","):  # a process each: the peak is a process's
        process = fresh.Process(target=told, args=(name, options.rounds, options.threads))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)


def told(name: str, rounds: int, threads: int) -> None:
    torch.set_num_threads(threads)
    run = run_of(name)
    run.objective.train()
    passes = bare(run)
    for k in range(2):
        timed(passes, k)
    own = peak()
    for k in range(2):
        timed(run.step, k)
    first = peak()
    whole, naked, loading = [], [], []
    for k in range(2, rounds + 2):
        naked.append(timed(passes, k))
        whole.append(timed(run.step, k))
        loading.append(timed(lambda step: train.batch_of(run.objective, run.data, run.recipe, step), k))
    ratios = [a / b for a, b in zip(naked, whole, strict=True)]
    speed = run.recipe.batch / statistics.median(whole)
    print(
        f"| {name} | {speed:.0f} | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} "
        f"| {statistics.median(whole) / statistics.median(loading):.0f} x | {first / own:.2f} | {peak() / first:.2f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
