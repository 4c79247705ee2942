"""Few-shot: how many held-out images the nearest class mean names, learnt from a few of each class."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._linear_probe import shared
from repscope.analyses._task import Task
from repscope.errors import UnfitData
from repscope.nearest import unit
from repscope.statistics import Estimate

SHOTS = (1, 5, 10)
COLUMNS, FEWEST, MOST = 2000, 20, 200
"""Episodes: as many as make this many class means, at least and at most."""


def few_shot(x: Float[NDArray[np.float32], "T D"], task: Task, shots: int, seed: int = 0) -> Estimate:
    """Accuracy of the nearest class mean by cosine, mean over episodes that draw other images to learn from.

    The training part's mean is taken from all and lengths are made 1, as in Wang et al., SimpleShot
    (arXiv 1911.04623). Every encoder is given the same episodes. The interval is of other held-out
    images and of other episodes; `draws` are the accuracies of single episodes.

    Raises UnfitData where a class that is asked about has fewer training images.
    """
    taught, asked = task.taught, task.asked
    codes, truth = task.codes[taught], task.codes[asked]
    classes = np.unique(codes)
    counts = np.bincount(codes, minlength=len(task.classes))
    wanted = np.unique(truth)
    if (short := wanted[counts[wanted] < shots]).size:
        name = task.classes[short[0]]
        raise UnfitData(f"{shots} of each class want so many to learn from; class {name} has {counts[short[0]]}.")
    classes = classes[counts[classes] >= shots]  # one that has too few, and is not asked about, is no answer either
    mean = x[taught].mean(0, dtype=np.float64)
    bank, queries = unit(x[taught], mean), unit(x[asked], mean)
    members = [np.flatnonzero(codes == each) for each in classes]
    generator = np.random.default_rng(seed)
    episodes = int(np.clip(COLUMNS // len(classes), FEWEST, MOST))
    right, draws = np.zeros(len(truth)), np.zeros(episodes)
    for episode in range(episodes):
        means = np.stack([bank[generator.choice(each, shots, replace=False)].mean(0) for each in members])
        named = classes[(queries @ unit(means).T).argmax(1)] == truth
        right += named
        draws[episode] = named.mean()
    return shared(right / episodes, task, draws)
