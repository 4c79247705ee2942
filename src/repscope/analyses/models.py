"""models: which encoders are there, what does each expect, and are its weights here and whole?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from repscope.analyses._contracts import contract_table
from repscope.encoders import Contract, available, cached, hub, weights
from repscope.encoders.families.lab import EMBEDDED
from repscope.encoders.whole import promised
from repscope.errors import RepscopeError, UnknownName
from repscope.report import Note, Report, Table


def models(name: str | None = None) -> Report:
    """Every encoder that can be asked for by name; or one, with its contract. Raises UnknownName."""
    known = available()
    if name is None:
        header = ("name", "family", "parameters", "licence", "where")
        rows = tuple(_row(contract) for contract in known.values())
        return Report("Encoders", (Table("Encoders", header, rows), Note(_USE)))
    contract = _named(name, known)
    return Report(
        name, (contract_table(contract, contract.revision or "not pinned"), Note(f"Weights: {_where(contract)}."))
    )


def download(names: Sequence[str]) -> Report:
    """The weights of encoders on this machine, fetched where they are not there whole: place, size, SHA-256, and
    whether it is the one that is known.

    What cannot be had is among the report's `skipped`, with the reason. Raises UnknownName before anything is
    fetched; and where there is only one encoder, what stands in its way.
    """
    known = available()
    contracts = [_named(name, known) for name in dict.fromkeys(names)]
    tables, missing = [], []
    for contract in contracts:
        try:
            tables.append(_had(contract))
        except RepscopeError as error:
            if len(contracts) == 1:
                raise
            missing.append((contract.name, str(error)))
    return Report(f"Weights of {', '.join(c.name for c in contracts)}", tuple(tables), skipped=tuple(missing))


_USE = (
    "Ask for one with -m NAME, for a local copy with -m NAME@DIR, and for any folder in Hugging Face form with -m DIR."
)


def _named(name: str, known: Mapping[str, Contract]) -> Contract:
    if name not in known:
        raise UnknownName("encoder", name, known, "models")
    return known[name]


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


def _had(contract: Contract) -> Table:
    """Fetch what is missing, and say of each file what it is."""
    if contract.family == "lab":
        return _table(contract, "comes with repscope", EMBEDDED, (EMBEDDED / contract.file,))
    before = hub.cached(contract)
    broken = hub.damaged(contract, before, thorough=True) if before else []
    folder = hub.fetched(contract, thorough=True)
    how = "it was here, whole" if before else "fetched now"
    if broken:
        how = f"fetched again now: damaged was {', '.join(file.name for file in broken)}"
    return _table(contract, how, folder, hub.held(contract, folder))


def _table(contract: Contract, how: str, folder: Path, files: Sequence[Path]) -> Table:
    published = contract.family != "lab"
    rows = [("state", how), ("folder", str(folder))]
    rows += [("revision", folder.name + ("" if contract.revision else ", not pinned"))] if published else []
    for file in files:
        rows += [(file.name, f"{file.stat().st_size:,} bytes"), ("SHA-256", weights.sha256(file))]
        rows += [("verified", _verified(contract, file))] if published else []
    return Table(contract.name, ("", contract.name), tuple(rows))


def _verified(contract: Contract, file: Path) -> str:
    """Against what a file was held; `hub.fetched` has refused those that did not hold."""
    if contract.sha256 and file.name == contract.file:
        return "it is the pinned one"
    return "it is what the hub gave; no pin" if promised(file) else "no: there is no pin, and the cache has copies"
