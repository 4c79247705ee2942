"""Unique: one stable name for each photo of a run."""

from collections import Counter
from collections.abc import Iterable, Sequence


def unique(paths: Sequence[Sequence[str]], taken: Iterable[str] = ()) -> list[str]:
    """The shortest ends of these paths that tell them apart, and from the names that are taken.

    Every path is given by its parts. Where whole paths are alike they are numbered.

    >>> unique([("data", "cats", "1.jpg"), ("data", "dogs", "1.jpg"), ("data", "dogs", "2.jpg")])
    ['cats/1.jpg', 'dogs/1.jpg', '2.jpg']
    >>> unique([("array",), ("array",)], taken=["array"])
    ['array (2)', 'array (3)']
    """
    taken, depth = set(taken), [1] * len(paths)
    names = [parts[-1] for parts in paths]
    while True:
        count = Counter(names)
        short = [k for k, parts in enumerate(paths) if depth[k] < len(parts)]
        alike = [k for k in short if count[names[k]] > 1 or names[k] in taken]
        if not alike:
            return _numbered(names, taken)
        for k in alike:
            depth[k] += 1
            names[k] = "/".join(paths[k][-depth[k] :])


def _numbered(names: list[str], taken: set[str]) -> list[str]:
    """Each name as it is the first time, with a number from then on."""
    used, reserved, result = set(taken), set(names), []
    for name in names:
        free, number = name, 2
        while free in used or (free != name and free in reserved):
            free, number = f"{name} ({number})", number + 1
        used.add(free)
        result.append(free)
    return result
