"""Recipe: the command that a saved report names, as far as a stranger's may be run."""

import shlex
from dataclasses import dataclass
from typing import Any

from repscope.errors import WrongUsage

ASKED = {"source", "models", "pool", "layer", "frame", "precision", "batch", "fast", "seed"}
PHOTOS = {"photos", "models", "frame", "query", "layer", "strict", "precision", "batch", "fast"}
QUESTIONS: dict[str, set[str]] = {
    "inspect": PHOTOS | {"layers"},
    "compare": PHOTOS | {"also", "stability"},
    "drift": {"checkpoints", "data", "frame", "strict", "batch"},
    "profile": ASKED,
    "similarity": ASKED | {"layers", "also"},
    "neighbors": ASKED | {"photo", "k", "centred"},
    "evaluate": ASKED | {"k", "group", "split", "train", "queries", "maps"},
    "map": ASKED | {"method", "colour", "perplexity", "k", "most", "thumbnails"},
    "duplicates": ASKED - {"seed"} | {"threshold", "split", "against", "centred", "examples"},
    "validate": {"models", "checks", "picture"},
}
"""Commands that only ask, and of each the options that say what: all that a report may have run."""
WRITTEN = {"output", "formats", "force", "medium", "atlas", "tensorboard"}
"""Options that say where an answer goes: left out, for verifying writes nothing."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A question, ready to be asked again.

    Attributes:
        words: What follows `repscope`: every option in one word with its value, arguments behind `--`.
        saves: Whether it takes `-o`; the others print their answer.
    """

    words: tuple[str, ...]
    saves: bool


def recipe_of(command: Any) -> Recipe:
    """The recipe in a report's command, made anew from what it was read as: no word of it is passed on unread.

    Raises WrongUsage for none, and for one that does anything but ask.
    """
    if command is not None and not isinstance(command, str):
        raise WrongUsage(f"The report's command is no text: {command!r:.200}.")
    if command is None or not command.strip():
        raise WrongUsage(
            "The report names no command: it was made in Python, of photos or encoders that have no name on a command "
            "line. Make it again there, save it, and hold the two against each other: repscope verify A --against B."
        )
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise WrongUsage(f"The report's command cannot be read ({error}): {command!r:.200}.") from None
    name = words[1] if len(words) > 1 else ""
    if words[:1] != ["repscope"] or name not in QUESTIONS:
        raise WrongUsage(
            f"The report's command is no question: {command!r:.200}. Only {', '.join(QUESTIONS)} are run again: "
            "what measures time, writes or fetches is not."
        )
    if remote := next((word for word in words if "://" in word), None):
        raise WrongUsage(
            f"The report's command reaches for {remote!r:.200}, and a report may be a stranger's. Run it yourself with "
            "--format json -o DIR, then: repscope verify REPORT --against DIR."
        )
    return _made_anew(name, words[2:], command)


def _made_anew(name: str, words: list[str], command: str) -> Recipe:
    import typer

    from repscope import cli

    known: Any = typer.main.get_command(cli.app).commands.get(name)  # type: ignore[attr-defined]
    if known is None:
        raise WrongUsage(f"This repscope has no command {name!r}; the report is of another version.")
    context = known.make_context(name, [], resilient_parsing=True)
    context.resilient_parsing = False  # it was for the missing arguments; mistakes are to be raised
    parser = known.make_parser(context)
    try:
        given, left, _ = parser.parse_args(args=list(words))
    except Exception as error:  # of typer's own click, private in some releases
        raise WrongUsage(f"The report's command cannot be read ({error}): {command!r:.200}.") from None
    left += sorted(given.keys() - {each.name for each in known.params})
    if left:
        raise WrongUsage(f"The report's command has words that belong nowhere: {left[0]!r:.200}.")
    options, arguments = [], []
    for each in known.params:
        value = given.get(each.name)
        if value is None or each.name in WRITTEN or (value is False and not each.secondary_opts):
            continue
        if each.name not in QUESTIONS[name]:
            raise WrongUsage(f"The report's command has an option that may not be run again: {each.opts[0]}.")
        if each.param_type_name == "argument":
            arguments += _words(value)
        elif isinstance(value, bool):
            options.append((each.opts if value else each.secondary_opts)[0])
        else:
            # in one word: no value can be read as an option
            options += [f"{max(each.opts, key=len)}={part}" for part in _words(value)]
    saves = any(each.name == "output" for each in known.params)
    return Recipe((name, *options, *(("--", *arguments) if arguments else ())), saves)


def _words(value: Any) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]
