"""Numbers over large sets, side by side: neighbours over faiss's flat index, and measures over the products in them.

    python benchmarks/many_rows.py [--rounds 5] [--rows 50000] [--width 1024] [--queries 8192] [--threads 1]
                                   [--only nearest|measures]

Two ratios. (1) faiss's exact inner-product index on rows of length 1, over `nearest` on the rows as they are, k = 10,
both on all cores; building the index is not counted, preparing the bank for `nearest` is. Recall is of a search of all
pairs in float64, over the first 512 queries. (2) Debiased CKA and precision at 5 of two sets, over the float32 products
that they contain: X'X, Y'Y, X'Y, and all pairs of rows of each set.

Rounds are interleaved and each gives a ratio; what is printed is the median and the range. Work on all cores suffers
from any neighbour: the load before each round is printed, and says whether to believe it. With `--threads 1` seconds
of the processor are counted, not of the clock, which a busy machine disturbs least.
"""

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
K, CHECKED, BLOCK = 10, 512, 1024


def classes(rows: int, width: int, seed: int) -> tuple[Array, NDArray[np.intp]]:
    """A set as encoders give them: 100 classes, a spectrum that falls, a mean that is longer than a deviation."""
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(0).integers(0, 100, rows)
    scale = np.arange(1, width + 1, dtype=np.float32) ** -0.5
    x = rng.standard_normal((rows, width), dtype=np.float32)
    x += rng.standard_normal((100, width), dtype=np.float32)[labels]
    return x * scale + 2 * scale * rng.standard_normal(width, dtype=np.float32), labels


def gaussian(rows: int, width: int, seed: int) -> tuple[Array, NDArray[np.intp]]:
    """The hardest set there is: every row about as far from every other."""
    return np.random.default_rng(seed).standard_normal((rows, width), dtype=np.float32), np.zeros(rows, np.intp)


def seconds(run: Callable[[], object]) -> float:
    import torch

    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    run()
    return clock() - began


def unit(x: Array) -> Array:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def recall(bank: Array, queries: Array, found: NDArray[np.intp]) -> float:
    """Share of the nearest by float64 that were found; one as near as the last, to rounding, counts."""
    rows, asked = unit(bank.astype(np.float64)), unit(queries[:CHECKED].astype(np.float64))
    cosine = asked @ rows.T
    edge = -np.partition(-cosine, K - 1, axis=1)[:, K - 1]
    return float((np.take_along_axis(cosine, found[:CHECKED], 1) >= edge[:, None] - 1e-12).mean())


def searches(bank: Array, queries: Array) -> tuple[Callable[[], object], Callable[[], object]]:
    import faiss
    import torch

    from repscope.nearest import nearest

    faiss.omp_set_num_threads(torch.get_num_threads())
    index, asked = faiss.IndexFlatIP(bank.shape[1]), unit(queries)
    index.add(unit(bank))
    return lambda: index.search(asked, K), lambda: nearest(bank, K, queries)


def measures(x: Array, y: Array, labels: NDArray[np.intp]) -> tuple[Callable[[], object], Callable[[], object]]:
    """CKA and precision at 5 of both sets; and the float32 products in them."""
    import torch

    from repscope import metrics
    from repscope.nearest import nearest, precision_at

    a, b = torch.from_numpy(x), torch.from_numpy(y)
    held = torch.empty(BLOCK, len(x))

    def asked() -> tuple[float, ...]:
        shares = [float(precision_at(5, nearest(each, 5).rows, labels).mean()) for each in (x, y)]
        return float(metrics.linear_cka(x, y)), *shares

    def contained() -> None:
        for left, right in ((a, a), (b, b), (a, b)):
            torch.mm(left.T, right)
        for each in (a, b):
            for block in each.split(BLOCK):
                torch.mm(block, each.T, out=held[: len(block)])

    return asked, contained


def told(title: str, bar: str, pairs: list[tuple[float, float]]) -> None:
    ratios = sorted(one / other for one, other in pairs)
    one, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"{title}: {statistics.median(ratios):.2f} (bar {bar}; {ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"{one:.1f} s over {other:.1f} s",
        flush=True,
    )


def interleaved(one: Callable[[], object], other: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    pairs = []
    for _ in range(rounds):
        print(f"  load {os.getloadavg()[0]:.1f}", end="", flush=True)
        pairs.append((seconds(one), seconds(other)))
        print(f"  {pairs[-1][0]:.2f} s, {pairs[-1][1]:.2f} s", flush=True)
    return pairs


def peak() -> float:
    """The process's peak so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--queries", type=int, default=8192)
    parser.add_argument("--only", choices=("nearest", "measures"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()

    import torch

    from repscope.nearest import nearest
    from repscope.nearest.products import bfloat16_pays

    torch.set_num_threads(threads := options.threads)
    print(f"{threads} threads; products in {'bfloat16' if bfloat16_pays(threads) else 'float32'} propose")
    shape = f"{options.rows:,} x {options.width}"
    for made in (classes, gaussian) if options.only != "measures" else ():
        both = made(options.rows + options.queries, options.width, 0)[0]
        bank, queries = both[: options.rows], both[options.rows :]
        faiss, ours = searches(bank, queries)
        found = nearest(bank, K, queries).rows
        print(f"{made.__name__}: recall of {K} nearest {recall(bank, queries, found):.6f}; peak {peak():.2f} GB")
        title = f"faiss's flat index over nearest, {options.queries:,} queries in {shape}, {made.__name__}"
        told(title, "1.5 or more", interleaved(faiss, ours, options.rounds))
    if options.only != "nearest":
        x, labels = classes(options.rows, options.width, 0)
        y, _ = classes(options.rows, options.width, 1)
        asked, contained = measures(x, y, labels)
        print(f"CKA, precision at 5 of each: {', '.join(f'{value:.4f}' for value in asked())}; peak {peak():.2f} GB")
        title = f"debiased CKA and precision at 5 of two sets of {shape} over their float32 products"
        told(title, "2 or less", interleaved(asked, contained, options.rounds))


if __name__ == "__main__":
    main()
