"""Threads: how many cores this process may use, and how many threads each kind of work takes; chosen here alone.

Products and other work of torch take torch's own threads, all cores unless the environment or a person says
otherwise. Decoding takes a thread for each core that may be used: its libraries let go of the interpreter. Processes
side by side share the cores. Whoever starts threads of their own in which torch works gives each its share.
"""

import os
from pathlib import Path

GROUP = Path("/sys/fs/cgroup")


def usable() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota(group: Path = GROUP) -> float | None:
    """Cores' worth of time that a container may use; None where there is no limit."""
    try:
        most, period = (group / "cpu.max").read_text().split()
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError):  # no Linux, or control groups of the first version
        return None


def room(cores: int, share: float | None) -> int:
    """Threads that have a core each, of so many cores and a container's share of time.

    >>> room(8, None), room(8, 2.5), room(2, 4.0), room(4, 0.5)
    (8, 2, 2, 1)
    """
    return max(1, min(cores, cores if share is None else int(share)))


def beside(processes: int = 1) -> int:
    """Threads for each of several processes that run at once."""
    return max(room(usable(), quota()) // processes, 1)


def decoding() -> int:
    """Threads that read and decode images."""
    return beside()


def products() -> int:
    """Threads of this process's matrix products: torch's own number."""
    import torch

    return torch.get_num_threads()


def take(threads: int) -> None:
    """So many threads for the products of the thread that asks, and of those that are yet to ask."""
    import torch

    torch.set_num_threads(threads)
