"""Threads: large pieces of work side by side, so that no core waits for another within one."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from repscope.threads import products, take

WORKERS = 4
"""The most pieces at once; further cores share the products of one."""


def workers() -> int:
    """How many pieces of work are done at once."""
    return min(products(), WORKERS)


def shared(work: Callable[[slice], None], parts: Sequence[slice]) -> None:
    """Does the work of every part, each on its share of torch's threads.

    Products and numpy let go of the interpreter. One operation split over two cores takes as long as the slower of
    them, and a search is thousands of operations: whole blocks side by side lose nothing to a core that is busy.
    """
    threads, together = products(), workers()
    if together == 1 or len(parts) < 2:
        for part in parts:
            work(part)
        return
    try:  # torch counts threads for each thread that asks, and for those that are yet to ask
        with ThreadPoolExecutor(together, initializer=take, initargs=(max(threads // together, 1),)) as pool:
            list(pool.map(work, parts))
    finally:
        take(threads)
