"""Question: what is asked, as an address says it; and how it is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from repscope.encoders import Encoder
from repscope.errors import UnknownName, WrongUsage
from repscope.report import Report

Failed = Sequence[tuple[str, str]]
FRAMES = ("square", "official")
MOST = 12


def _compare(images: Any, encoders: Sequence[Encoder], failed: Failed, **options: Any) -> Report:
    from repscope.analyses.compare import compare

    return compare(images, encoders, failed=failed, **options)


def _inspect(images: Any, encoders: Sequence[Encoder], failed: Failed, **options: Any) -> Report:  # noqa: ARG001
    from repscope.analyses.inspect import inspect

    return inspect(images, encoders[0], **options)


ANALYSES: dict[str, tuple[Callable[..., Report], int, int]] = {
    "compare": (_compare, 2, 12),
    "inspect": (_inspect, 1, 1),
}
"""How each is answered, and how many encoders it wants, at least and at most."""


@dataclass(frozen=True, slots=True)
class Question:
    """An analysis of photos under encoders; photos are keys of the library."""

    analysis: str
    photos: tuple[str, ...]
    models: tuple[str, ...]
    frame: str = "square"
    layer: int = -1
    queries: tuple[tuple[float, float], ...] = ()

    @classmethod
    def read(cls, analysis: str, query: str) -> "Question":
        """From an address such as photo=KEY&m=a,b&frame=square&layer=-1&query=0.5,0.5.

        Raises UnknownName for another analysis, WrongUsage for anything else that is not understood.
        """
        if analysis not in ANALYSES:
            raise UnknownName("analysis", analysis, ANALYSES)
        said: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            said.setdefault(name, []).append(value)
        if unknown := said.keys() - {"photo", "m", "frame", "layer", "query"}:
            raise WrongUsage(f"A question has photo, m, frame, layer and query; got {min(unknown)!r:.60}.")
        models = tuple(name.strip() for text in said.get("m", ()) for name in text.split(",") if name.strip())
        least, most = ANALYSES[analysis][1:]
        if not least <= len(models) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise WrongUsage(f"{analysis} wants {wanted} encoder{'s' if most > 1 else ''}; {len(models)} are named.")
        if len(set(models)) < len(models):
            raise WrongUsage("An encoder is named twice; name encoders that differ.")
        frame = said.get("frame", ["square"])[-1]
        if frame not in FRAMES:
            raise WrongUsage(f"A frame is {' or '.join(FRAMES)}; got {frame!r:.60}.")
        queries = tuple(dict.fromkeys(_point(text) for text in said.get("query", ())))
        if len(queries) > MOST:
            raise WrongUsage(f"A question has at most {MOST} queries; got {len(queries)}.")
        return cls(analysis, tuple(said.get("photo", ())), models, frame, _whole(said), queries)

    def answer(
        self, images: Any, encoders: Mapping[str, Encoder], failed: Failed, progress: Callable[[int, int], None]
    ) -> Report:
        """The report; raises what the analysis does."""
        ask = ANALYSES[self.analysis][0]
        options = {"framing": self.frame, "layer": self.layer, "queries": self.queries, "progress": progress}
        return ask(images, list(encoders.values()), failed, **options)


def _point(text: str) -> tuple[float, float]:
    try:
        across, down = (float(part) for part in text.split(","))
    except ValueError:
        raise WrongUsage(f"query wants two fractions such as 0.5,0.25; got {text!r:.60}.") from None
    return across, down


def _whole(said: Mapping[str, list[str]]) -> int:
    text = said.get("layer", ["-1"])[-1]
    try:
        return int(text)
    except ValueError:
        raise WrongUsage(f"layer wants a whole number; got {text!r:.60}.") from None
