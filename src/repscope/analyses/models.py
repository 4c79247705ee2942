"""models: which encoders are there, and what does each expect?"""

from repscope.analyses._contracts import contract_table
from repscope.encoders import Contract, available, cached
from repscope.errors import UnknownName
from repscope.report import Note, Report, Table


def models(name: str | None = None) -> Report:
    """Every encoder that can be asked for by name; or one, with its contract. Raises UnknownName."""
    known = available()
    if name is None:
        header = ("name", "family", "parameters", "licence", "where")
        rows = tuple(_row(contract) for contract in known.values())
        return Report("Encoders", (Table("Encoders", header, rows), Note(_USE)))
    if name not in known:
        raise UnknownName("encoder", name, known, "models")
    contract = known[name]
    return Report(
        name, (contract_table(contract, contract.revision or "not pinned"), Note(f"Weights: {_where(contract)}."))
    )


_USE = (
    "Ask for one with -m NAME, for a local copy with -m NAME@DIR, and for any folder in Hugging Face form with -m DIR."
)


def _row(contract: Contract) -> tuple[str, ...]:
    return contract.name, contract.family, _millions(contract.parameters), contract.licence or "–", _where(contract)


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:,.1f} M" if parameters else "–"


def _where(contract: Contract) -> str:
    if contract.family == "lab":
        return "comes with repscope"
    if cached(contract):
        return "on this machine"
    return "hub, licence to accept" if contract.gated else "hub"
