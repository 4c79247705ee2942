"""Patch entropy.

Entropy in bits of the cluster sizes of k-means, k = 8, mean over 4 seeds.

Its ceiling is log2 k = 3, for clusters of equal size. k-means++ starts are seeded over the rows
sorted by their distance from the mean, so their order does not matter.

>>> import numpy as np
>>> patch_entropy(np.repeat(100.0 * np.eye(8), 6, axis=0))
3.0
"""

import numpy as np

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows

CLUSTERS, SEEDS = 8, 4


def entropies(rows: Rows) -> list[float]:
    """One entropy per seed; their spread says how far the clustering can be trusted."""
    if entropies in rows.kernels:
        return rows.kernels[entropies]
    from sklearn.cluster import KMeans

    far = rows.centred_norms
    order, ordered = np.argsort(far, kind="stable"), np.empty(rows.given.shape, np.float32)
    for where in rows.parts():
        ordered[where] = (rows.at(order[where]) - rows.mean) / far.mean()
    found = []
    for seed in range(SEEDS):
        clustering = KMeans(CLUSTERS, n_init=2, random_state=seed)  # pyright: ignore[reportArgumentType]
        labels = np.asarray(clustering.fit_predict(ordered))
        share = np.bincount(labels, minlength=CLUSTERS) / len(labels)
        found.append(float(-(share[share > 0] * np.log2(share[share > 0])).sum()))
    rows.kernels[entropies] = found
    return found


def _compute(rows: Rows) -> float:
    return float(np.mean(entropies(rows)))


patch_entropy = Reading(
    name="patch_entropy",
    title="Patch entropy",
    unit="bits",
    better="neither",
    laws=Laws(),
    reference="Shannon, A mathematical theory of communication, 1948; Lloyd, Least squares quantization in PCM, 1982",
    needs="rows",
    least=16,
    caveats=lambda n, d: ["k-means finds local optima: without clusters in the data, seeds differ by tenths of a bit"],  # noqa: ARG005
    description=__doc__,
    compute=_compute,
)
