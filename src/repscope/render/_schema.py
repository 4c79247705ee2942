"""The JSON Schema of a saved report, read off the dataclasses, so that the two cannot drift apart."""

from dataclasses import fields, is_dataclass
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from repscope.render.json import KINDS
from repscope.report import SCHEMA, Report

SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},  # null where the value is not finite
    bytes: {"type": "string", "contentEncoding": "base64"},
    NoneType: {"type": "null"},
}
PICTURE = {
    "type": "object",
    "description": "Pixels as a PNG in base64.",
    "properties": {
        "width": {"type": "integer", "minimum": 1},
        "height": {"type": "integer", "minimum": 1},
        "png": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
    },
    "required": ["width", "height", "png"],
    "additionalProperties": False,
}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what `json(report)` gives."""
    shared: dict[str, Any] = {"pixels": PICTURE}
    body = _object(Report, shared)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": "A saved report of repscope",
        **body,
        "properties": {"schema": {"const": SCHEMA}, **body["properties"]},
        "required": ["schema", *body["required"]],
        "$defs": dict(sorted(shared.items())),
    }


def _object(kind: type, shared: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    properties = {part.name: _of(hints[part.name], shared) for part in fields(kind)}
    tag = {"block": {"const": kind.__name__.lower()}} if kind in KINDS.values() else {}
    return {
        "type": "object",
        "description": cleandoc(kind.__doc__ or ""),
        "properties": tag | properties,
        "required": [*tag, *(part.name for part in fields(kind))],
        "additionalProperties": False,
    }


def _of(hint: Any, shared: dict[str, Any]) -> dict[str, Any]:
    """The schema of one field's type; dataclasses go to `shared` and are pointed to."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in SIMPLE:
        return SIMPLE[hint]
    if origin in (Union, UnionType):
        return {"anyOf": [_of(part, shared) for part in inner]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is tuple:
        return _sequence(inner, shared)
    if is_dataclass(hint) and isinstance(hint, type):
        return _pointer(hint, shared)
    if "uint8" in getattr(hint, "dtypes", ()):
        return {"$ref": "#/$defs/pixels"}
    if getattr(hint, "dtypes", ()):
        return {"type": "array", "items": {"type": "array", "items": SIMPLE[float]}}
    return {"type": "object"}


def _sequence(inner: tuple[Any, ...], shared: dict[str, Any]) -> dict[str, Any]:
    if len(inner) == 2 and inner[1] is Ellipsis:
        return {"type": "array", "items": _of(inner[0], shared)}
    parts = [_of(part, shared) for part in inner]
    return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}


def _pointer(kind: type, shared: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__.lower()
    if name not in shared:
        shared[name] = {}  # a place held, should a kind ever contain itself
        shared[name] = _object(kind, shared)
    return {"$ref": f"#/$defs/{name}"}
