"""Extras: the packages that repscope needs, those it can do without, and which of them are here; imports none."""

from collections.abc import Iterator
from importlib import metadata

from repscope.analyses._finding import Finding, broken, look

FOR = {
    "fast": "decoding and scaling in less than half the time, with --fast",
    "hf": "encoders whose family is not read here directly",
    "onnx": "ONNX files as encoders",
    "maps": "maps by t-SNE and UMAP",
    "cluster": "`embed --engine ray` over many machines",
    "notebook": "reports as data frames",
}
"""Extra -> what it is for."""


def needed() -> Iterator[Finding]:
    """What nothing works without."""
    here, wrong = 0, []
    for name, least in _requirements(""):
        said = _lack(name, least)
        here += not said
        wrong += [said] if said else []
    if wrong:
        yield broken(
            "needed packages", "; ".join(wrong), "pip install -c constraints.txt -e . (or pip install -U repscope)."
        )
    else:
        yield Finding("needed packages", f"all {here} are here")


def extras() -> Iterator[Finding]:
    """What adds to it, with versions."""
    for extra, purpose in FOR.items():
        wanted = _requirements(extra)
        if not wanted:
            yield look(extra, f"this installation does not know it. For {purpose}", "Install repscope again.")
            continue
        wrong = [said for name, least in wanted if (said := _lack(name, least))]
        if wrong:
            yield look(extra, f"{'; '.join(wrong)}. For {purpose}", f"pip install -c constraints.txt -e '.[{extra}]'")
        else:
            versions = ", ".join(f"{name} {metadata.version(name)}" for name, _ in wanted)
            yield Finding(extra, f"{versions}. For {purpose}")


def _requirements(extra: str) -> list[tuple[str, str]]:
    """Name and least version of what the package, or one of its extras, asks for."""
    from packaging.requirements import Requirement

    asked = [Requirement(said) for said in metadata.requires("repscope") or ()]
    if extra:
        asked = [each for each in asked if each.marker and each.marker.evaluate({"extra": extra})]
        asked = [each for each in asked if not each.marker.evaluate({"extra": ""})]  # pyright: ignore[reportOptionalMemberAccess]
    else:
        asked = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})]
    return [(each.name, str(each.specifier)) for each in asked]


def _lack(name: str, wanted: str) -> str:
    """What is wrong with a package, or nothing."""
    from packaging.specifiers import SpecifierSet

    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not here"
    fits = SpecifierSet(wanted).contains(version, prereleases=True)
    return "" if fits else f"{name} is {version}, wanted {wanted}"
