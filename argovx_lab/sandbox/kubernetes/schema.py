"""A small schema language: what type a field has, what it must hold, how long a list may be.

Owns the check of values and the search for unknown fields; unknown fields are preserved, never refused
here (``strict.py`` refuses them when asked). The schemas are in ``argo_schema.py``, ``core_schema.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.status import Cause


@dataclass(frozen=True)
class Rule:
    """What must hold of a value whose types are right; the real schemas say it in CEL."""

    holds: Callable[[Any], bool]
    message: str


@dataclass(frozen=True)
class Value:
    """A plain value.

    Parameters
    ----------
    type : str
        ``string``, ``integer``, ``number``, ``boolean``, ``object``, ``int-or-string`` or ``any``.
    """

    type: str
    enum: tuple[str, ...] = ()
    pattern: str = ""
    minimum: int | None = None


@dataclass(frozen=True)
class List:
    """A list of one schema."""

    items: Schema
    max: int | None = None
    min: int = 0
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Map:
    """An object whose keys are free."""

    values: Schema


@dataclass(frozen=True)
class Struct:
    """An object whose fields are known."""

    fields: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class OrBoolean:
    """A schema, or ``true`` or ``false`` in its place."""

    inner: Schema


@dataclass
class Lazy:
    """A schema that is filled in later, for recursion."""

    inner: list[Schema] = field(default_factory=list)


Schema = Value | List | Map | Struct | Lazy | OrBoolean

STRING, INTEGER, BOOLEAN = Value("string"), Value("integer"), Value("boolean")
NUMBER, OBJECT, ANY, INT_OR_STRING = Value("number"), Value("object"), Value("any"), Value("int-or-string")
STRINGS, STRING_MAP, OBJECTS = List(STRING), Map(STRING), List(OBJECT)


def fields(text: str, schema: Schema) -> dict[str, Schema]:
    """Return one schema for each of the names in ``text``."""
    return dict.fromkeys(text.split(), schema)


def json_type(value: Any) -> str:
    """Return the JSON Schema name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names: tuple[tuple[type, str], ...] = (
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def problems(schema: Schema, value: Any, path: str, old: Any = None) -> Iterator[Cause]:
    """Yield what is wrong with a value.

    Parameters
    ----------
    old : object, optional
        What was there before and was right: equal parts are not looked at again.
    """
    if old is not None and value == old:
        return
    if isinstance(schema, OrBoolean):
        if not isinstance(value, bool):
            yield from problems(schema.inner, value, path, old)
    elif isinstance(schema, Lazy):
        yield from problems(schema.inner[0], value, path, old)
    elif isinstance(schema, Value):
        yield from _plain(schema, value, path)
    elif isinstance(schema, List):
        yield from _list(schema, value, path, old)
    elif not isinstance(value, dict):
        yield wrong_type(path, value, "object")
    else:
        yield from _members(schema, value, path, old if isinstance(old, dict) else {})


def _members(schema: Map | Struct, value: Any, path: str, old: Any) -> Iterator[Cause]:
    for key in schema.required if isinstance(schema, Struct) else ():
        if value.get(key) is None:
            yield status.missing(f"{path}.{key}" if path else key)
    for place, inner_schema, inner, before in _inside(schema, value, path, old):
        yield from problems(inner_schema, inner, place, before)


def wrong_type(path: str, value: Any, wanted: str) -> Cause:
    """Return the cause of a value of another type."""
    kind = json_type(value)
    text = f'Invalid value: "{kind}": {path} in body must be of type {wanted}: "{kind}"'
    return Cause("FieldValueTypeInvalid", text, path)


def _plain(schema: Value, value: Any, path: str) -> Iterator[Cause]:
    kind = json_type(value)
    whole = kind == "integer" or (isinstance(value, float) and value.is_integer())
    fits = {
        "any": True,
        "integer": whole,
        "number": kind in ("integer", "number"),
        "int-or-string": whole or kind == "string",
    }.get(schema.type, kind == schema.type)
    if not fits:
        yield wrong_type(path, value, schema.type)
    elif schema.enum and value not in schema.enum:
        yield status.unsupported_value(path, value, schema.enum)
    elif schema.pattern and not re.fullmatch(schema.pattern, value):
        yield status.bad_value(path, value, f"{path} in body should match '^{schema.pattern}$'")
    elif schema.minimum is not None and value < schema.minimum:
        why = f"{path} in body should be greater than or equal to {schema.minimum}"
        yield status.bad_value(path, value, why)


def _list(schema: List, value: Any, path: str, old: Any) -> Iterator[Cause]:
    if not isinstance(value, list):
        yield wrong_type(path, value, "array")
        return
    if schema.max is not None and len(value) > schema.max:
        yield status.too_many(path, len(value), schema.max)
    elif len(value) < schema.min:
        why = f"{path} in body should have at least {schema.min} items"
        yield status.bad_value(path, len(value), why)
    for place, inner_schema, inner, before in _inside(schema, value, path, old):
        yield from problems(inner_schema, inner, place, before)


def violations(schema: Schema, value: Any, path: str, old: Any = None) -> Iterator[Cause]:
    """Yield the rules that do not hold; call it when :func:`problems` found nothing."""
    if value is None or (old is not None and value == old):
        return
    if isinstance(schema, Lazy):
        yield from violations(schema.inner[0], value, path, old)
    elif isinstance(schema, List | Map | Struct):
        for rule in () if isinstance(schema, Map) else schema.rules:
            if not rule.holds(value):
                text = f'Invalid value: "{json_type(value)}": {rule.message}'
                yield Cause("FieldValueInvalid", text, path)
        for place, inner_schema, inner, before in _inside(schema, value, path, old):
            yield from violations(inner_schema, inner, place, before)


def _inside(
    schema: List | Map | Struct, value: Any, path: str, old: Any
) -> Iterator[tuple[str, Schema, Any, Any]]:
    if isinstance(schema, List):
        before = old if isinstance(old, list) else []
        for index, item in enumerate(value):
            yield f"{path}[{index}]", schema.items, item, before[index] if index < len(before) else None
        return
    known = old if isinstance(old, dict) else {}
    for key, item in value.items():
        inner = schema.values if isinstance(schema, Map) else schema.fields.get(key)
        if inner is not None:
            yield f"{path}.{key}" if path else key, inner, item, known.get(key)


def unknown(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of fields that the schema does not know."""
    if isinstance(schema, OrBoolean):
        yield from unknown(schema.inner, value, path)
    elif isinstance(schema, Lazy):
        yield from unknown(schema.inner[0], value, path)
    elif isinstance(schema, List) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown(schema.items, item, f"{path}[{index}]")
    elif isinstance(schema, Map) and isinstance(value, dict):
        for key, inner in value.items():
            yield from unknown(schema.values, inner, f"{path}.{key}" if path else key)
    elif isinstance(schema, Struct) and isinstance(value, dict):
        for key, inner in value.items():
            place = f"{path}.{key}" if path else key
            if key in schema.fields:
                yield from unknown(schema.fields[key], inner, place)
            else:
                yield place


def prune_nulls(schema: Schema, value: Any, old: Any = None) -> None:
    """Take out known fields that are ``null``, in place, as the real server does; see :func:`problems`."""
    if old is not None and value == old:
        return
    if isinstance(schema, OrBoolean):
        prune_nulls(schema.inner, value, old)
    elif isinstance(schema, Lazy):
        prune_nulls(schema.inner[0], value, old)
    elif isinstance(schema, List) and isinstance(value, list):
        for item in value:
            prune_nulls(schema.items, item)
    elif isinstance(schema, Map | Struct) and isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for key in list(value):
            inner = schema.values if isinstance(schema, Map) else schema.fields.get(key)
            if isinstance(schema, Struct) and value[key] is None and inner not in (None, ANY):
                del value[key]
            elif inner is not None:
                prune_nulls(inner, value[key], before.get(key))
