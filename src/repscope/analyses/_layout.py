"""Layout: a place in the plane for each image, from its neighbours in the encoder's own space."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import Unsupported
from repscope.nearest import nearest, unit
from repscope.threads import products, take

Array = NDArray[np.floating]
Method = Literal["tsne", "umap", "pca"]
METHODS: tuple[Method, ...] = get_args(Method)
NAMES = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}
UMAP_NEIGHBOURS = 15
MANY = 5_000


@dataclass(frozen=True, eq=False)
class Layout:
    """Places, and the share of variance of their two axes where these are principal components."""

    places: Float[Array, "N 2"]
    share: float | None = None


def layout(x: Float[Array, "N D"], method: Method, perplexity: float, seed: int) -> Layout:
    """Rows of length 1 in the plane.

    All methods begin at the first two principal components, so that what is global in a map is not chance.
    t-SNE and UMAP are given exact neighbours by cosine in the whole width, at their Euclidean distance on
    the unit sphere, sqrt(2 - 2 cos); nothing is projected to fewer components first. The same input gives
    the same bits on the same machine, with any number of threads.

    Raises Unsupported where the library of a method is not installed.

    van der Maaten and Hinton, JMLR 2008; Kobak and Berens, Nature Communications 10 (5416), 2019;
    McInnes et al., arXiv 1802.03426.
    """
    start, share = components(x)
    if method == "pca":
        return Layout(start, share)
    # the spread that Kobak and Linderman (2021) begin with
    begin = start / max(float(start[:, 0].std()), 1e-300)
    made = _tsne(x, begin * 1e-4, perplexity, seed) if method == "tsne" else _umap(x, begin * 10, seed)
    return Layout(made.astype(np.float64))


def components(x: Float[Array, "N D"]) -> tuple[Float[Array, "N 2"], float]:
    """The first two principal components of rows of length 1, float64, and their share of the variance.

    Each is turned so that its third moment is positive, which no order of the rows changes.
    """
    rows = unit(x).astype(np.float64)
    rows -= rows.mean(0)
    wide = rows.shape[1] > rows.shape[0]
    values, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    values, vectors = values[::-1].clip(0), vectors[:, ::-1]
    found = vectors[:, :2] * np.sqrt(values[:2]) if wide else rows @ vectors[:, :2]
    found = np.pad(found, ((0, 0), (0, 2 - found.shape[1])))
    total = float(values.sum())
    found = found * np.where((found**3).sum(0) < 0, -1, 1)
    return found, float(values[:2].sum()) / total if total else 0.0


def _tsne(x: Float[Array, "N D"], start: Float[Array, "N 2"], perplexity: float, seed: int) -> Array:
    try:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError:
        raise _missing("t-SNE") from None

    # over few images threads wait for each other longer than they work, on a busy machine for minutes
    threads = products() if len(x) > MANY else 1
    found = nearest(x, min(int(3 * perplexity), len(x) - 1))
    index = PrecomputedNeighbors(found.rows, _distances(found.cosine))
    most: Any = perplexity  # fractions are as good, though the library's default is a whole number
    affinities = PerplexityBasedNN(knn_index=index, perplexity=most, n_jobs=threads, random_state=seed)
    # interpolation takes long over few images, which spread far, and Barnes-Hut over many
    how = "fft" if len(x) > MANY else "bh"
    made = TSNEEmbedding(start.copy(), affinities, n_jobs=threads, random_state=seed, negative_gradient_method=how)
    # the rate N / exaggeration is that of Belkina et al. (2019)
    made.optimize(250, exaggeration=12, momentum=0.8, learning_rate="auto", inplace=True)
    made.optimize(500, momentum=0.8, learning_rate="auto", inplace=True)
    return np.asarray(made)


def _umap(x: Float[Array, "N D"], start: Float[Array, "N 2"], seed: int) -> Array:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own libraries, while they are imported
            from umap import UMAP
    except ImportError:
        raise _missing("UMAP") from None
    count = min(UMAP_NEIGHBOURS, len(x) - 1)
    found = nearest(x, count - 1)
    itself = np.arange(len(x))[:, None]
    rows = np.concatenate([itself, found.rows], 1).astype(np.int64)
    distances = np.concatenate([np.zeros((len(x), 1)), _distances(found.cosine)], 1).astype(np.float32)
    begin: Any = start.astype(np.float32)
    made = UMAP(
        n_neighbors=count,
        init=begin,
        random_state=seed,
        n_jobs=1,  # its own condition for the same bits
        precomputed_knn=(rows, distances),
        force_approximation_algorithm=True,  # else it measures all pairs anew for fewer than 4,096 rows
    )
    threads = products()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
            return np.asarray(made.fit_transform(unit(x)))
    finally:
        take(threads)  # its compiler sets OpenMP's, which are torch's too


def _distances(cosine: Float[Array, "N k"]) -> Float[Array, "N k"]:
    """Between rows of length 1."""
    return np.sqrt((2 - 2 * cosine.astype(np.float64)).clip(0))


def _missing(name: str) -> Unsupported:
    return Unsupported(
        f"{name} wants libraries that are not installed: pip install 'repscope[maps]'. method 'pca' does without."
    )


def aligned(places: Float[Array, "N 2"], onto: Float[Array, "N 2"]) -> Float[Array, "N 2"]:
    """Centred, and turned or mirrored to lie as nearly as it can on another map; no distance changes.

    R = U V' of the singular vectors of X'Y, both centred and scaled to one size (orthogonal Procrustes;
    Schoenemann, 1966). For the eye alone: nothing is measured on it.

    >>> x = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> turned = x @ np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> bool(np.allclose(aligned(turned, x), x - x.mean(0)))
    True
    """
    x, y = places - places.mean(0), onto - onto.mean(0)
    u, _, v = np.linalg.svd(x.T @ y)
    return x @ u @ v
