"""JSON: everything a report knows, to be read by programs and opened again.

Written and read by the fields of the dataclasses in `report/`, so a field added there is here at
once. Every object of a block carries `"block"`, the lower-case name of its kind.
"""

import base64
import io
import math
from dataclasses import MISSING, fields, is_dataclass
from json import dumps, loads
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from PIL import Image

from repscope.errors import RepscopeError, UnfitData
from repscope.render import _pictures
from repscope.report import SCHEMA, Block, Look, Points, Report

PIXELS = 20_000_000
"""The most pixels of a picture that is read; the largest that is written has a hundredth of them."""

KINDS: dict[str, type] = {kind.__name__.lower(): kind for kind in get_args(Block)}


def json(report: Report) -> str:
    """The report as one JSON object; values that are not finite are null.

    >>> from repscope.report import Note, Report
    >>> print(json(Report("One line", (Note("as is"),))).splitlines()[1])
      "schema": "repscope.report/1",
    """
    document = {"schema": SCHEMA, **_fields(report)}
    text = dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # half a surrogate pair (a file name that is not UTF-8) can only be written as an escape
    return text.encode("utf-8", "backslashreplace").decode()


def _fields(thing: Any) -> dict[str, Any]:
    return {part.name: plain(getattr(thing, part.name)) for part in fields(thing)}


def plain(value: Any) -> Any:
    """Anything a report may hold as JSON's few types."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, np.ndarray):
        return _picture(value) if value.dtype == np.uint8 and value.ndim == 3 else plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__.lower()
        return ({"block": kind} if kind in KINDS else {}) | _fields(value)
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(part) for part in value), key=str)
    return str(value)


def _picture(pixels: np.ndarray) -> dict[str, Any]:
    height, width = pixels.shape[:2]
    return {"width": width, "height": height, "png": base64.b64encode(_pictures.png(pixels)).decode()}


def from_json(text: str) -> Report:
    """The report that was written; raises UnfitData where the text is none, or a later schema's."""
    try:
        document = loads(text)
    except (ValueError, RecursionError) as error:  # JSONDecodeError, or a number of too many digits
        raise UnfitData(
            f"A saved report is JSON; this is not: {error}. Give the report.json of a saved report."
        ) from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise UnfitData(f"A saved report says schema {SCHEMA!r}; this says {schema!r}. Make the report again.")
    try:
        return _read(Report, document)
    except RepscopeError:
        raise
    except Exception as error:  # whatever a malformed document breaks, the person's remedy is the same
        reason = f"{type(error).__name__}: {error}"
        raise UnfitData(
            f"A saved report follows {SCHEMA!r}; this does not ({reason}). Make the report again."
        ) from None


def _read(hint: Any, value: Any) -> Any:
    """A JSON value as the type that a field of the report wants."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if value is None and NoneType in inner else _read(_chosen(inner, value), value)
    if origin is tuple:
        return _sequence(inner, value)
    if origin is dict:
        return _checked(isinstance(value, dict), value, "an object")
    if origin is Literal:
        return _checked(value in inner, value, f"one of {inner}")
    if isinstance(hint, type) and is_dataclass(hint):
        return _object(hint, value)
    if hint is float:
        return math.nan if value is None else float(_checked(_numeric(value), value, "a number"))
    if hint in (int, str, bool):
        return _checked(type(value) is hint, value, hint.__name__)
    if hint is bytes:
        return base64.b64decode(_checked(isinstance(value, str), value, "base64"), validate=True)
    if _holds_pixels(hint):
        return _pixels(value)
    if _holds_numbers(hint):
        return _grid(value)
    return value


def _sequence(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    _checked(isinstance(value, list), value, "a list")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_read(inner[0], part) for part in value)
    return tuple(_read(hint, part) for hint, part in zip(inner, value, strict=True))


def _object(kind: type, value: Any) -> Any:
    _checked(isinstance(value, dict), value, f"an object ({kind.__name__})")
    hints = get_type_hints(kind, include_extras=True)
    given = {name: _read(hints[name], value[name]) for name in hints if name in value}
    for part in fields(kind):
        optional = part.default is not MISSING or part.default_factory is not MISSING
        _checked(part.name in given or optional, sorted(value), f"{part.name!r} in a {kind.__name__}")
    made = kind(**given)
    if isinstance(made, Look | Points):
        made.check()
    return made


def _chosen(inner: tuple[Any, ...], value: Any) -> Any:
    """Which member of a union this value is of."""
    objects = [hint for hint in inner if is_dataclass(hint)]
    if isinstance(value, dict):
        return objects[0] if len(objects) == 1 else KINDS[value["block"]]
    return next((hint for hint in inner if hint is not NoneType and hint not in objects), objects and objects[0])


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _checked(holds: bool, value: Any, wanted: str) -> Any:
    if not holds:
        raise UnfitData(f"A saved report has {value!r:.60} where {wanted} belongs. Make the report again.")
    return value


def _holds_pixels(hint: Any) -> bool:
    return "uint8" in getattr(hint, "dtypes", ())


def _holds_numbers(hint: Any) -> bool:
    return any("float" in dtype for dtype in getattr(hint, "dtypes", ()))


def _grid(value: Any) -> np.ndarray:
    grid = np.array([[_read(float, cell) for cell in row] for row in value], np.float64)
    _checked(grid.ndim == 2, value, "rows of equally many numbers")
    return grid


def _pixels(value: Any) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(value["png"], validate=True)), formats=("PNG",)) as image:
        declared = value["width"], value["height"]
        _checked(math.prod(image.size) <= PIXELS, image.size, f"a picture of {PIXELS:,} pixels at most")
        _checked(image.size == declared, image.size, f"a picture of {declared[0]} x {declared[1]} pixels")
        return np.asarray(image.convert("RGB"))
