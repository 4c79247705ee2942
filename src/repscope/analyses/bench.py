"""bench: how fast is this machine with these encoders, and where does the time go?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repscope import metrics
from repscope.analyses._drawn import contract_of, drawn
from repscope.analyses._fresh import fresh
from repscope.analyses._numbers import read
from repscope.analyses._provenance import surroundings
from repscope.analyses._study import Progress
from repscope.analyses._timing import SIDE, busy, number, product, took
from repscope.encoders import load
from repscope.encoders.load import precision_of
from repscope.encoders.precision import Asked, instructions
from repscope.errors import RepscopeError, WrongUsage
from repscope.images import gather
from repscope.images.decode import decode
from repscope.images.samples import samples
from repscope.report import Block, Note, Number, Report, Table, spread

if TYPE_CHECKING:
    from repscope.encoders.encoder import Staged

BATCHES, ROUNDS, FRESH = (1, 8), 5, 3
PARTS = ("decode", "prepare", "look", "read")
"""Of what is done with a photo, in this order."""


@dataclass(eq=False)
class Measured:
    """What was measured of one encoder, round by round: seconds, and beside them those of the product.

    Attributes:
        looked: By batch, of one forward over all its photos.
        products: Of the matrix product in the encoder's precision, once in each round.
        parts: Of one photo, by part.
    """

    encoder: "Staged"
    looked: dict[int, list[float]] = field(default_factory=dict)
    products: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    why: str = ""

    def images(self, batch: int) -> Number:
        rate = [batch / seconds for seconds in self.looked[batch]]
        return number("images/s", rate, "", "Images in a batch over the seconds of one forward.")

    def share(self, batch: int) -> Number:
        """Of the product of the same round: what others take of the machine, they take of both."""
        contract = self.encoder.contract
        work = batch * contract.architecture.multiply_adds(contract.patches) / SIDE**3
        shares = [work * one / seconds for seconds, one in zip(self.looked[batch], self.products, strict=True)]
        return number(
            "share of the product",
            shares,
            "",
            f"Multiply-adds a second in the forward (products with weights, attention) over those of a {SIDE}^3 matrix "
            "product in the same precision and the same round.",
        )

    def part(self, name: str) -> Number:
        return number(name, [1000 * seconds for seconds in self.parts[name]], "ms", _PARTS[name])


_FIRST = "From the start of a new process to the tokens of one photo."
_PEAK = "The most that process held, libraries included."
_PARTS = {
    "decode": "A sample photo from the bytes of its file to pixels.",
    "prepare": "Scaled, cut and normalised by the encoder's published transform.",
    "look": "The forward over one photo.",
    "read": "All readings of its patch tokens.",
}


def bench(
    encoders: Sequence[str],
    *,
    batches: Sequence[int] = BATCHES,
    rounds: int = ROUNDS,
    precision: Asked = "auto",
    random: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Images per second, share of the machine's matrix product, time to first tokens, memory, and where time goes.

    Every round takes all batches in turn, and the product beside them. Encoders are measured one after the other.

    Args:
        encoders: Names, as given to `load`.
        batches: Photos in one forward pass.
        rounds: How often each is timed; what stands in the report is the median, between the least and the most.
        precision: See `repscope.load`.
        random: Weights are drawn at random for the shape of a published encoder: as fast, and nothing is fetched.
        progress: Called with rounds done and rounds in all.

    Raises WrongUsage for no encoder, no batch or no round; what `load` raises.
    """
    if not encoders or not batches or min(batches, default=0) < 1 or rounds < 1:
        raise WrongUsage(
            f"bench wants an encoder, batches of 1 or more and a round; got {', '.join(encoders) or 'none'}, "
            f"{list(batches)}, {rounds}."
        )
    if random:
        for name in encoders:
            contract_of(name)  # a mistyped name is told before anything is drawn
    found, done = [], 0
    for name in encoders:
        measured = Measured(_made(name, precision, random))
        for _ in _rounds(measured, sorted(set(batches)), rounds):
            done += 1
            if progress:
                progress(done, rounds * len(encoders))
        _fresh(measured, name, random)
        measured.encoder = _Spent(measured.encoder)  # pyright: ignore[reportAttributeAccessIssue]
        found.append(measured)
    options = {"batches": list(batches), "rounds": rounds, "precision": precision, "random": random}
    return _report(found, options)


class _Spent:
    """What is still asked of an encoder whose weights are let go."""

    def __init__(self, encoder: "Staged"):
        self.contract, self.precision, self.revision = encoder.contract, encoder.precision, encoder.revision


def _made(name: str, precision: Asked, random: bool) -> "Staged":
    return drawn(name, precision_of(precision, "cpu", contract_of(name))) if random else load(name, precision)


def _rounds(measured: Measured, batches: Sequence[int], rounds: int) -> Any:
    """Measure round by round; what the first forward of each batch sets up is not timed."""
    encoder, (photo, *_) = measured.encoder, gather(())[0]
    ready = {batch: encoder.shown([photo] * batch, "official") for batch in {1, *batches}}
    for shown in ready.values():
        encoder.tokens(shown)
    data, readings = samples()[0].read_bytes(), metrics.readings(patches=True)
    patches = encoder.tokens(ready[1])[0].patches[0]
    read(metrics.Rows(patches), readings)
    parts: dict[str, Callable[[], object]] = {
        "decode": lambda: decode(data, id="", source=""),
        "prepare": lambda: encoder.shown([photo], "official"),
        "look": lambda: encoder.tokens(ready[1]),
        "read": lambda: read(metrics.Rows(patches), readings),
    }
    matrices = product(encoder.precision)
    for _ in range(rounds):
        measured.products.append(min(took(matrices) for _ in range(3)))
        for batch in batches:
            measured.looked.setdefault(batch, []).append(took(lambda: encoder.tokens(ready[batch])))  # noqa: B023  now
        for name, work in parts.items():
            measured.parts.setdefault(name, []).append(took(work))
        yield


def _fresh(measured: Measured, name: str, random: bool) -> None:
    if random:
        measured.why = "weights drawn at random are not loaded"
        return
    try:
        for _ in range(FRESH):
            said = fresh(name, measured.encoder.precision)
            measured.first.append(said.first)
            measured.peaks.append(said.peak / 1e9)
    except RepscopeError as error:
        measured.why = str(error)


def _report(found: Sequence[Measured], options: dict[str, Any]) -> Report:
    names = ", ".join(each.encoder.contract.name for each in found)
    notes = [Note(word, "warning") for each in found if (word := busy(each.products))][:1]
    blocks: list[Block] = [
        *notes,
        *(Note(_best(each)) for each in found if len(each.looked) > 1),
        _speeds(found),
        _shares(found),
        _processes(found),
        _machine(found),
    ]
    encoders = [
        {"name": each.encoder.contract.name, "precision": each.encoder.precision, "revision": each.encoder.revision}
        for each in found
    ]
    provenance = {"analysis": "bench", "command": "", "options": options, "encoders": encoders, **surroundings()}
    return Report(f"Speed of {names}", tuple(blocks), provenance)


def _best(each: Measured) -> str:
    """The fastest batch where its range touches no other's, else those that touch it."""
    rates = {batch: each.images(batch) for batch in each.looked}
    best = max(rates, key=lambda batch: rates[batch].value or 0.0)
    told = ", ".join(f"{batch}: {spread(rate)}" for batch, rate in rates.items())
    ranges = {batch: rate.ci or (rate.value or 0.0,) * 2 for batch, rate in rates.items()}
    equal = sorted(batch for batch, (_, high) in ranges.items() if high >= ranges[best][0])
    said = f"fastest in batches of {best}"
    if len(equal) > 1:
        said = f"as fast in batches of {', '.join(map(str, equal[:-1]))} and {equal[-1]}, by the ranges of these rounds"
    return f"{each.encoder.contract.name} is {said} (images/s in batches of {told})."


def _speeds(found: Sequence[Measured]) -> Table:
    rows = [
        (each.encoder.contract.name, each.encoder.precision, str(batch), each.images(batch), each.share(batch))
        for each in found
        for batch in each.looked
    ]
    header = ("encoder", "precision", "batch", "images/s", "share of the product")
    return Table("Speed", header, tuple(rows), "A forward alone, its photos made ready before.")


def _shares(found: Sequence[Measured]) -> Table:
    rows = [(each.encoder.contract.name, *(each.part(name) for name in PARTS)) for each in found]
    title, caption = "Where the time of one photo goes", "Milliseconds, one after another."
    return Table(title, ("encoder", *PARTS), tuple(rows), caption)


def _processes(found: Sequence[Measured]) -> Table:
    rows = []
    for each in found:
        first = number("first tokens", each.first, "s", _FIRST, "runs", each.why)
        peak = number("peak memory", each.peaks, "GB", _PEAK, "runs", each.why)
        weights = each.encoder.contract.parameters * (2 if each.encoder.precision == "bfloat16" else 4) / 1e9
        size = Number("weights", weights, unit="GB", definition="Parameters times the bytes of one in this precision.")
        rows.append((each.encoder.contract.name, first, peak, size))
    return Table("A new process", ("encoder", "first tokens", "peak memory", "weights"), tuple(rows))


def _machine(found: Sequence[Measured]) -> Table:
    import torch

    rows: list[tuple[str, Any]] = [
        ("instructions", ", ".join(sorted(instructions())) or "none that matter here"),
        ("threads of products", str(torch.get_num_threads())),
    ]
    for precision in sorted({each.encoder.precision for each in found}):
        times = [seconds for each in found if each.encoder.precision == precision for seconds in each.products]
        rates = [2 * SIDE**3 / seconds / 1e12 for seconds in times]
        what = f"matrix product, {precision}"
        definition = f"Operations of a {SIDE}^3 product over its seconds, as torch multiplies; the best of three."
        rows.append((what, number(what, rates, "TFLOP/s", definition)))
    return Table("Machine", ("", "here"), tuple(rows))
