"""Copies: images that are on both sides of a split, by their bytes and by their embeddings."""

import numpy as np

from repscope.analyses._ranked import Ranked
from repscope.analyses._task import Task
from repscope.report import Note

SAME = 0.999
"""Cosine of centred embeddings from which on two images are taken for the same."""
SHOWN = 3


def copies(task: Task) -> list[Note]:
    """What is the same file several times: across the split, and among all."""
    known = task.digests != ""
    taught, asked = task.taught[known[task.taught]], task.asked[known[task.asked]]
    learnt = dict(zip(task.digests[taught], taught, strict=True))
    both = [(row, learnt[task.digests[row]]) for row in asked if task.digests[row] in learnt]
    notes = []
    if both:
        notes.append(
            Note(
                f"{_counted(len(both), 'held-out image')} of {len(task.asked)} {'is' if len(both) == 1 else 'are'} the "
                f"same file as one that was learnt from: {_told(task, both)}. Accuracies are too high by up to "
                f"{len(both) / len(task.asked):.2%} of the images.",
                "warning",
            )
        )
    own = task.digests[known & task.own]
    more = len(own) - len(set(own))
    if more:
        notes.append(
            Note(
                f"{_counted(more, 'image')} of {int(task.own.sum())} {'is' if more == 1 else 'are'} the same file as "
                "another of the set: each is the other's nearest neighbour, and intervals take them for different.",
                "warning",
            )
        )
    return notes


def near_copies(encoder: str, found: Ranked, task: Task) -> list[Note]:
    """Held-out images whose nearest training image is all but the same to an encoder."""
    near, cosine = found.first(1)
    close = np.flatnonzero(cosine[:, 0] > SAME)
    if not len(close):
        return []
    best = close[np.argsort(-cosine[close, 0], kind="stable")]
    pairs = [(int(task.asked[row]), int(task.taught[near[row, 0]])) for row in best]
    return [
        Note(
            f"To {encoder}, {_counted(len(close), 'held-out image')} of {len(task.asked)} "
            f"{'is' if len(close) == 1 else 'are'} all but the same as one that was learnt from (centred cosine over "
            f"{SAME}): {_told(task, pairs)}. Look whether they are copies.",
            "warning",
        )
    ]


def _told(task: Task, pairs: list[tuple[int, int]]) -> str:
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return "; ".join(f"{task.ids[a]} and {task.ids[b]}" for a, b in pairs[:SHOWN]) + more


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
