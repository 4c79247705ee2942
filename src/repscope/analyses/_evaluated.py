"""Evaluated: the numbers of each encoder and of their differences, and the sentences that they allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from repscope.analyses._few_shot import SHOTS
from repscope.analyses._measured import PCS, Measured, labelled_keys
from repscope.analyses._numbers import TRUSTED
from repscope.analyses._task import Task
from repscope.report import Number, say
from repscope.statistics import Estimate
from repscope.statistics.interval import LEVEL

TITLES = {
    "embedding_dim": "Embedding dimension",
    **{f"variance_{count}_pcs": f"Variance in {count} components" for count in PCS},
    "silhouette": "Silhouette",
    "silhouette_cosine": "Silhouette, cosine",
    "knn_accuracy": "k-NN accuracy",
    "probe_accuracy": "Linear probe accuracy",
    **{f"few_shot_{shots}_accuracy": f"{shots}-shot accuracy" for shots in SHOTS},
}
SILHOUETTE = (
    "Mean over images of (b - a) / max(a, b): a the mean {what} to the other images of its class, b that to the "
    "nearest other class; exact over all pairs. The null deals the labels anew: it lies below 0, because b is the "
    "smallest of several. In many dimensions distances are all alike: values near 0 are usual even for classes that "
    "a probe tells apart. Interval by leaving out blocks of images."
)
PRECISION = (
    "Of the {k} nearest other images by {cosine}, the share that has the image's class; mean over images whose "
    "class has another. It grows with the number of images: compare it within one set only. Chance is of neighbours "
    "chosen blindly. Interval by leaving out blocks of images as queries and neighbours at once."
)
DEFINITIONS = {
    "embedding_dim": "Numbers in one embedding.",
    **{
        f"variance_{count}_pcs": f"Sum of the {count} largest eigenvalues of the centred covariance over the "
        "sum of all of them. Interval over images, by what each adds to the sums to first order."
        for count in PCS
    },
    "silhouette": SILHOUETTE.format(what="Euclidean distance"),
    "silhouette_cosine": SILHOUETTE.format(what="1 - cosine"),
    "knn_accuracy": "Share of held-out images whose class their 20 nearest training images name, by cosine after the "
    "training part's mean is taken away, weighted exp(cosine / .07). Interval by leaving out blocks of both parts.",
    "probe_accuracy": "Share of held-out images that multinomial logistic regression on standardised embeddings names "
    "rightly. Its L2 penalty is chosen on a fifth of the training part, then all of it is fitted. Interval over "
    "held-out images, for this training part.",
    **{
        f"few_shot_{shots}_accuracy": f"Share of held-out images whose nearest class mean of {shots} training "
        "images by cosine is of their class, mean over episodes that draw other ones; the training part's mean is "
        "taken away first. Interval over held-out images and episodes."
        for shots in SHOTS
    },
}
HEADLINES = ("nn_precision_at_5", "knn_accuracy", "probe_accuracy", "few_shot_1_accuracy", "few_shot_10_accuracy")
"""What encoders are told apart by: of one kind each."""
STRUCTURE = ("silhouette", "variance_10_pcs", "variance_50_pcs")


def title(key: str) -> str:
    """What a key is called on the page."""
    if key in TITLES:
        return TITLES[key]
    k = key.removeprefix("nn_precision_at_")
    return f"Precision at {k.removesuffix('_centred')}{', centred' if k.endswith('_centred') else ''}"


def definition(key: str) -> str:
    """How a key is computed, and when it misleads."""
    if key in DEFINITIONS:
        return DEFINITIONS[key]
    k, _, centred = key.removeprefix("nn_precision_at_").partition("_")
    return PRECISION.format(k=k, cosine="cosine less the mean of all" if centred else "cosine")


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What was found of several encoders on the same images."""

    encoders: tuple[Measured, ...]
    task: Task
    ks: tuple[int, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        labelled = [] if self.task.unlabelled else labelled_keys(self.ks)
        return ("embedding_dim", *(f"variance_{count}_pcs" for count in PCS), *labelled)

    def number(self, place: int, key: str) -> Number:
        """One value of one encoder."""
        one, common = self.encoders[place], _common(title(key), definition(key))
        if key == "embedding_dim":
            return Number(value=float(one.width), caveats=("a property of the encoder: it has no interval",), **common)
        result = one.results[key]
        if isinstance(result, str):
            return Number(value=None, reason=result, **common)
        ends, caveats = result.interval(), one.caveats.get(key, ())
        if ends is None:
            caveats += ("no interval: too few images to leave some out",)
        elif (blocks := int((result.sizes > 0).sum())) < 10:
            caveats += (f"an interval from {blocks} {'groups' if self.task.grouped else 'images'} is rough",)
        return Number(
            value=result.value,
            ci=ends,
            null=one.nulls.get(key),
            n=one.counts[key],
            of="images",
            caveats=caveats,
            **common,
        )

    def compared(self, a: int, b: int, key: str) -> Estimate | None:
        """The difference of two encoders on the same images; None where one of them has no value."""
        first, second = self.encoders[a].results.get(key), self.encoders[b].results.get(key)
        return first.minus(second) if isinstance(first, Estimate) and isinstance(second, Estimate) else None

    def difference(self, a: int, b: int, key: str) -> Number:
        """a less b, with the interval of the paired difference."""
        said = "Difference"
        names = f"{self.encoders[a].name} less {self.encoders[b].name}"
        told = f"{names}, on the same images; interval of the paired difference."
        if key == "embedding_dim":
            return Number(said, float(self.encoders[a].width - self.encoders[b].width), definition=told)
        found = self.compared(a, b, key)
        if found is None:
            return Number(said, None, reason="One of the two has no value.")
        return Number(said, found.value, found.interval(), n=self.encoders[a].counts[key], of="images", definition=told)

    def ratio(self, a: int, b: int, key: str) -> Number:
        """a over b; none where b cannot be told from 0."""
        said = "Ratio"
        told = (
            f"{self.encoders[a].name} over {self.encoders[b].name}, on the same images; interval of the paired ratio."
        )
        if key == "embedding_dim":
            return Number(said, self.encoders[a].width / self.encoders[b].width, definition=told)
        first, second = self.encoders[a].results[key], self.encoders[b].results[key]
        if not isinstance(first, Estimate) or not isinstance(second, Estimate):
            return Number(said, None, reason="One of the two has no value.")
        ends = second.interval()
        if first.value <= 0 or second.value <= 0 or (ends is not None and ends[0] <= 0):
            return Number(said, None, reason="A ratio wants values that can be told from 0.")
        found = first.over(second)
        return Number(said, found.value, found.interval(), n=self.encoders[a].counts[key], of="images", definition=told)

    def json(self) -> dict[str, dict[str, Any]]:
        """Encoder -> key -> value, interval, null and number of images."""
        return {
            one.name: {key: _plain(self.number(place, key)) for key in self.keys}
            for place, one in enumerate(self.encoders)
        }

    def findings(self) -> list[str]:
        """What can be said: who is ahead of whom, where the interval of the paired difference leaves out 0."""
        if len(self.encoders) == 1:
            return self._alone()
        told = [self._ahead(key, "ahead of") for key in HEADLINES if key in self.keys]
        told += [self._ahead(key, "over") for key in STRUCTURE if key in self.keys]
        return [each for each in told if each]

    def _alone(self) -> list[str]:
        told = []
        for key in HEADLINES:
            if key not in self.keys:
                continue
            number = self.number(0, key)
            if number.value is not None and number.ci and number.null and number.ci[0] > number.null.mean:
                low, high = map(say, number.ci)
                told.append(
                    f"{number.label} {say(number.value)} [{low}, {high}], where {number.null.kind} gives "
                    f"{say(number.null.mean)}."
                )
        return told

    def _ahead(self, key: str, word: str) -> str:
        """The encoder with the largest value, and those it is ahead of."""
        known = [
            place
            for place, one in enumerate(self.encoders)
            if isinstance(one.results.get(key), Estimate) and key not in one.certain
        ]
        if len(known) < 2:
            return ""
        level = 1 - (1 - LEVEL) / len(list(combinations(known, 2)))
        value = {place: self._value(place, key) for place in known}
        best, *rest = sorted(known, key=lambda place: -value[place])
        past, level_with = [], []
        for place in rest:
            found = self.compared(best, place, key)
            ends = found.interval(level) if found else None
            name = self.encoders[place].name
            if found and ends and ends[0] > 0 and found.error and found.units >= TRUSTED:
                past.append(f"{name} ({say(value[place])}) by {say(found.value)} [{say(ends[0])}, {say(ends[1])}]")
            else:
                level_with.append(name)
        if not past:
            return ""
        tied = f"; not told apart from {_joined(level_with)}" if level_with else ""
        return f"{title(key)}: {self.encoders[best].name} ({say(value[best])}) {word} {_joined(past)}{tied}."

    def untold(self) -> list[str]:
        """Headlines by which no encoder is ahead."""
        keys = [key for key in HEADLINES if key in self.keys]
        return [title(key) for key in keys if len(self.encoders) > 1 and not self._ahead(key, "")]

    def _value(self, place: int, key: str) -> float:
        result = self.encoders[place].results[key]
        assert isinstance(result, Estimate)
        return result.value


def _common(label: str, said: str) -> dict[str, Any]:
    return {"label": label, "definition": said}


def _plain(number: Number) -> dict[str, Any]:
    null = number.null
    return {
        "value": number.value,
        "ci": list(number.ci) if number.ci else None,
        "n": number.n,
        "null": null and null.mean,
        **({"reason": number.reason} if number.reason else {}),
    }


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
