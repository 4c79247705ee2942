"""Set layers: every layer of one encoder against every layer of another, over the embeddings of a set."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.analyses._set_pairs import ORDERS, WITHIN, Part, valued_rows
from repscope.errors import RepscopeError
from repscope.metrics import Rows
from repscope.metrics._alignment import Alignment
from repscope.report import Heatmap, Null, Number
from repscope.statistics import jackknife, permutations
from repscope.store import Embedded

Array = NDArray[np.float64]
Kernels = list[Float[Array, "m m"] | str]


class LayersMet:
    """Debiased CKA of all layers of two encoders, with the null of the largest.

    Of the images whose ids hash lowest, 512 at most: CKA is debiased, so fewer images widen the interval
    and move nothing. The null puts one encoder's images in another order, the same for all its
    layers, and keeps the largest CKA of any two layers (Westfall and Young, 1993): of all that pass its 95 %
    point together, fewer than 5 in 100 runs with nothing to find have one.
    """

    def __init__(self, images: Embedded, pools: dict[str, str | None], seed: int, step: Callable[[], None]):
        cka = metrics.catalogue["linear_cka"]
        assert isinstance(cka, Alignment)
        self.images, self.pools, self.cka, self.step = images, pools, cka, step
        self.part = Part.of(images.ids.tolist(), WITHIN)
        self.orders = permutations(len(self.part.rows), ORDERS, seed)
        self.embeddings = {name: self._embeddings(name) for name in pools}
        self.kernels = {name: self._kernels(name, None) for name in pools}

    def layers(self, name: str) -> list[int]:
        """The embedding first, the output last."""
        return sorted(self.images.layers(name), key=lambda layer: (layer < 0, layer))

    def _embeddings(self, name: str) -> list[Any]:
        return [self.images.embedding(name, self._pool(name, k), k)[self.part.rows] for k in self.layers(name)]

    def _pool(self, name: str, layer: int) -> str | None:
        """The pool asked for, where this layer has it."""
        pool = self.pools[name]
        return pool if pool in self.images.pools(name, layer) else None

    def _kernels(self, name: str, kept: NDArray[np.intp] | None) -> Kernels:
        """What of each layer enters its CKA with any other; or why there is none."""
        found: Kernels = []
        places = slice(None) if kept is None else np.searchsorted(self.part.rows, kept)
        for x in self.embeddings[name]:
            rows = valued_rows(x[places])
            try:
                found.append(self.cka.left(rows) if isinstance(rows, Rows) else rows)
            except RepscopeError as error:
                found.append(str(error))
        return found

    def heatmap(self, one: str, other: str) -> Heatmap:
        """The matrix of two encoders, or of one with itself."""
        x, y = self.kernels[one], self.kernels[other]
        value = crossed(x, y)
        left = [crossed(self._kernels(one, rows), self._kernels(other, rows)) for rows in self.part.without]
        self.step()
        largest = self._largest(x, y, one == other)
        self.step()
        cells = tuple(
            tuple(self._number(value, left, largest, i, j, x, y, one == other) for j in range(len(y)))
            for i in range(len(x))
        )
        title = f"Layers of {one}" if one == other else f"Layers of {one} (down) and {other} (across)"
        down, across = (tuple(map(_named, self.layers(name))) for name in (one, other))
        return Heatmap(f"CKA: {title}", down, across, cells, caption=self._caption(value, one, other))

    def _largest(self, x: Kernels, y: Kernels, same: bool) -> Float[Array, " R"]:
        """The largest CKA of any two layers, for each order of the other encoder's images."""
        one, other = _known(x), _known(y)
        if not len(one) or not len(other):
            return np.zeros(0)
        flat = one.reshape(len(one), -1)
        apart = ~np.eye(len(one), dtype=bool) if same and len(one) > 1 else np.ones((len(one), len(other)), bool)
        draws = []
        for order in self.orders:
            moved = other[:, order[:, None], order].reshape(len(other), -1)
            draws.append((flat @ moved.T)[apart].max())
        return np.array(draws)

    def _number(
        self,
        value: Array,
        left: Sequence[Array],
        largest: Float[Array, " R"],
        i: int,
        j: int,
        x: Kernels,
        y: Kernels,
        same: bool,
    ) -> Number:
        common: dict[str, Any] = {"label": self.cka.title, "definition": self.cka.definition, "of": "images"}
        n, kernels = len(self.part.rows), (x[i], y[j])
        if reason := next((each for each in kernels if isinstance(each, str)), ""):
            return Number(value=None, n=n, reason=reason, **common)
        if same and i == j:
            return Number(value=1.0, n=n, **common)
        low, high = jackknife(value[i, j], [each[i, j] for each in left])
        finite = np.isfinite((low, high)).all()
        caveats = (f"of the {n:,} images whose ids hash lowest",) if not self.part.all else ()
        null = _null_of(value[i, j], largest)
        ci = (low, min(high, 1.0)) if finite else None
        return Number(value=float(value[i, j]), ci=ci, null=null, n=n, caveats=caveats, **common)

    def _caption(self, value: Array, one: str, other: str) -> str:
        said = f"Over {len(self.part.rows):,} images. The null is of the largest of all these."
        if one == other or not np.isfinite(value).any():
            return said
        i, j = np.unravel_index(np.nanargmax(value), value.shape)
        most = f"Largest: {_named(self.layers(one)[i])} and {_named(self.layers(other)[j])}."
        return f"{most} {said}"


def crossed(x: Kernels, y: Kernels) -> Float[Array, "a b"]:
    """CKA of every two; nan where one is undefined."""
    found = np.full((len(x), len(y)), np.nan)
    places = [[k for k, kernel in enumerate(each) if not isinstance(kernel, str)] for each in (x, y)]
    one, other = _known(x), _known(y)
    if len(one) and len(other):
        found[np.ix_(*places)] = one.reshape(len(one), -1) @ other.reshape(len(other), -1).T
    return found


def _known(kernels: Kernels) -> Float[Array, "a m m"]:
    return np.array([kernel for kernel in kernels if not isinstance(kernel, str)])


def _null_of(value: float, largest: Float[Array, " R"]) -> Null:
    q95 = float(np.quantile(largest, 0.95))
    return Null(
        kind="permutation, largest over layers",
        mean=float(largest.mean()),
        q95=q95,
        p=float((1 + (largest >= value).sum()) / (1 + len(largest))),
        draws=len(largest),
        calibrated=max((value - q95) / (1 - q95), 0.0),
    )


def _named(layer: int) -> str:
    return "output" if layer == -1 else f"block {layer}" if layer else "embedding"
