"""Options: what a person sets of an objective, checked against what it takes."""

import inspect
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from repscope.errors import UnknownName, WrongUsage
from repscope.lab.bounds import Bounds

OWN = ("self", "encoder", "setting")
"""What an objective takes from the run."""

NUMBERS = {int: "a whole number", float: "a number"}


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """`name=value` as TOML has values; what is none is taken as text. Raises WrongUsage for another form.

    >>> parsed(["locals=4", "hidden = 0.5", "stop=false", "teachers=tiny-mae"])
    {'locals': 4, 'hidden': 0.5, 'stop': False, 'teachers': 'tiny-mae'}
    """
    options = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not (name and equals and value):
            raise WrongUsage(f"--option wants NAME=VALUE, as in --option locals=4; got {word!r}.")
        try:
            options[name] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            options[name] = value
    return options


def checked(name: str, kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, once each is known to be one that the objective takes, of its type and within its bounds.

    A number without declared bounds is 0 or more. Raises UnknownName, WrongUsage.

    Args:
        name: Of the objective, for messages.
        kind: The objective's class.
        options: As they were read.
    """
    taken = [each for each in inspect.signature(kind.__init__).parameters if each not in OWN]
    hints = get_type_hints(kind.__init__, include_extras=True)
    for option, value in options.items():
        if option not in taken:
            if option == "teachers":
                raise WrongUsage(f"{name} learns from no teacher; leave --teacher out, or choose --objective distill.")
            raise UnknownName(f"option of {name}", option, taken)
        if wanted := _wanted(value, hints.get(option)):
            raise WrongUsage(f"The option {option} of {name} wants {wanted}; got {value!r}.")
    return dict(options)


def _wanted(value: Any, hint: Any) -> str:
    """What should have been given; nothing where the value is right, or its type is the objective's own affair."""
    hint, *declared = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if hint is bool:
        return "" if type(value) is bool else "true or false"
    if hint in (int, float):
        bounds = next((each for each in declared if isinstance(each, Bounds)), Bounds())
        right = type(value) is int or (hint is float and type(value) is float)
        return "" if right and value in bounds else f"{NUMBERS[hint]}, {bounds}"
    if isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Sequence):
        right = isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)
        return "" if right else 'a list of names, as in ["one", "other"]'
    return ""
