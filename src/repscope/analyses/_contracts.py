"""A contract as a table."""

from repscope.encoders import Contract, available
from repscope.report import Table, say


def contract_table(contract: Contract, revision: str) -> Table:
    """All that is known of an encoder before its weights, and which weights they are."""
    rule, shape = contract.preprocessing, contract.architecture
    scale = f"shorter side to {rule.edge}, centre crop" if rule.resize == "shortest" else "squashed"
    rows = [
        ("family", contract.family),
        ("weights", contract.hub or ("comes with repscope" if contract.name in available() else "a local copy")),
        ("revision", revision),
        ("licence", contract.licence or "–"),
        ("depth x width, heads", f"{shape.depth} x {shape.width}, {shape.heads}"),
        ("patch", f"{shape.patch} px" + (f", {shape.tubelet} frames" if shape.tubelet > 1 else "")),
        ("positions", shape.position),
        ("CLS, registers", f"{'yes' if shape.cls else 'no'}, {shape.registers}"),
        ("published transform", f"{rule.size} px, {scale}, {rule.filter}"),
        ("mean, deviation", f"{_three(rule.mean)}, {_three(rule.deviation)}"),
        ("reference", contract.reference or "–"),
    ]
    return Table("Contract", ("", contract.name), tuple(rows), " ".join(contract.notes))


def _three(values: tuple[float, float, float]) -> str:
    return " ".join(say(value) for value in values)
