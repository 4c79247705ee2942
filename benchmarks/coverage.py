"""Do the intervals of `evaluate` say how far its numbers move? Many sets of one kind, and what each error says of them.

    python benchmarks/coverage.py [--sets 100] [--images 200,400]

Each set is of five Gaussian classes of width 16, at three distances. Errors are multiples of the deviation that the
value in fact has over the sets: of queries alone, of `Estimate`, and of the plain jackknife.
"""

import argparse
from dataclasses import replace

import numpy as np

from repscope.analyses._components import components
from repscope.analyses._retrieval import precision, searched
from repscope.analyses._silhouette import silhouette
from repscope.analyses._task import task
from repscope.analyses._voting import knn
from repscope.statistics import Estimate
from repscope.store import Given

CLASSES, WIDTH, DISTANCES = 5, 16, (0.0, 0.3, 1.0)


def estimates(images: int, distance: float, seed: int) -> dict[str, Estimate]:
    rng, centres = np.random.default_rng(seed), np.random.default_rng(9).normal(size=(CLASSES, WIDTH))
    y = rng.integers(0, CLASSES, images)
    x = (rng.normal(size=(images, WIDTH)) + distance * centres[y]).astype(np.float32)
    asked = task(Given({"x": x}, labels=list(y)), seed=seed)
    v = asked.vectors("x", None, -1)
    near = precision(searched(v, asked, 5), asked, (1, 5))
    return {
        **{f"precision at {k}": each for k, each in near.items() if isinstance(each, Estimate)},
        "k-NN accuracy": knn(v, asked)[0],
        "silhouette": silhouette(v, asked.codes, asked.blocks, images)[0],
        "variance in 5 components": components(v).cumulative(asked.blocks, images)[4],
    }


def told(each: Estimate) -> tuple[float, ...]:
    low, high = each.interval() or (np.nan, np.nan)
    alone = np.nan if each.scored is None else each.scored.alone**0.5
    errors = (np.nan if error is None else error for error in (each.error, replace(each, scored=None).error))
    return each.value, alone, *errors, low, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--images", default="200,400")
    options = parser.parse_args()
    print(
        "| images | distance | value | mean | queries alone | this | plain jackknife | covered |\n" + "| --- " * 8 + "|"
    )
    for images in map(int, options.images.split(",")):
        for distance in DISTANCES:
            found = [estimates(images, distance, seed) for seed in range(options.sets)]
            for name in found[0]:
                rows = np.array([told(each[name]) for each in found])
                mean, moved = rows[:, 0].mean(), rows[:, 0].std(ddof=1)
                errors = np.sqrt(np.square(rows[:, 1:4]).mean(0)) / moved
                covered = ((rows[:, 4] <= mean) & (mean <= rows[:, 5])).mean()
                cells = (images, distance, name, f"{mean:.3f}", *(f"{e:.2f}" for e in errors), f"{covered:.0%}")
                print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
