"""Catalogue: one file per thing, and the file's name is the thing's name.

There is nothing to register. `metrics/effective_rank.py` defines `effective_rank`; that the
file is there puts it in the catalogue. Names are read from the folder, so listing imports
nothing; a thing is imported when it is first asked for.
"""

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from repscope.errors import UnknownName

T = TypeVar("T")


@cache
def names(package: str) -> tuple[str, ...]:
    """The public files of a package, sorted, without importing them.

    >>> names("repscope.render")
    ('html', 'json', 'png', 'text')
    """
    spec = find_spec(package)
    where = spec.submodule_search_locations if spec else None
    return tuple(sorted(m.name for m in pkgutil.iter_modules(where) if not m.name.startswith("_")))


class Catalogue(Mapping[str, T], Generic[T]):
    """The things defined in a package, by name.

    Args:
        kind: What one of them is called, in messages and in the entry-point group
            `repscope.<kind>` through which other distributions add theirs.
        package: Dotted name of the package that holds one file per thing.
        plural: The command that lists them, where there is one.
    """

    def __init__(self, kind: str, package: str, plural: str = ""):
        self.kind, self.package, self.plural = kind, package, plural

    def _plugins(self) -> dict[str, Any]:
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group=f"repscope.{self.kind}")}

    def __iter__(self) -> Iterator[str]:
        yield from names(self.package)
        yield from sorted(self._plugins().keys() - set(names(self.package)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in names(self.package) or name in self._plugins()

    def __getitem__(self, name: str) -> T:
        if name in names(self.package):
            return getattr(import_module(f"{self.package}.{name}"), name)
        if plugin := self._plugins().get(name):
            return plugin.load()
        raise UnknownName(self.kind, name, self, self.plural)
