"""metrics: what is measured, and how is it defined?"""

from dataclasses import fields

from repscope import metrics as measures
from repscope.errors import UnknownName
from repscope.metrics import Card, Laws, Pair, Views
from repscope.report import Block, Report, Table

SAYS = {
    "shift": "adding one vector to all rows",
    "scale": "multiplying all rows by one number",
    "rotation": "rotating all rows",
    "order": "the order of rows",
    "swap": "exchanging the two sets",
}


def metrics(name: str | None = None) -> Report:
    """Every metric with definition, unit, laws and reference; or one. Raises UnknownName."""
    known = measures.catalogue
    if name is not None and name not in known:
        raise UnknownName("metric", name, known, "metrics")
    cards = [known[name]] if name else [*measures.readings(), *measures.views(), *measures.pairs()]
    return Report(name or "Metrics", tuple(_block(card) for card in cards))


def _block(card: Card) -> Block:
    kinds = {Pair: "two sets of vectors", Views: "several views of each image"}
    kind = next((said for of, said in kinds.items() if isinstance(card, of)), "one set of vectors")
    rows = (
        ("definition", card.definition),
        ("of", kind),
        ("unit", card.unit or "a pure number"),
        ("better", card.better),
        ("does not notice", ", ".join(_unnoticed(card.laws)) or "nothing of the kind"),
        ("reference", card.reference),
    )
    return Table(f"{card.name}: {card.title}", ("", ""), rows)


def _unnoticed(laws: Laws) -> list[str]:
    return [SAYS[law.name] for law in fields(laws) if getattr(laws, law.name)]
