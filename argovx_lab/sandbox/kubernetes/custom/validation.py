"""Whether a value is what its structural schema says, in the real server's words and order.

Owns types, bounds, patterns, formats, enums, the logical words and the types of lists; rules in CEL are in
``expressions.py``. What an update leaves as it was is not looked at again.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.custom.formats import CHECKS
from argovx_lab.sandbox.kubernetes.custom.structural import EMBEDDED, INT_OR_STRING, LIST_TYPE, Structural
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.schema import json_type
from argovx_lab.sandbox.kubernetes.status import Cause

#: Causes after which rules are not asked: they would see values of other types or of any length.
BLOCKING = (
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
)
#: How the real server writes a field that it lost.
NOWHERE = "<nil>"


def problems(node: Structural, value: Any, path: str = "", old: Any = None) -> Iterator[Cause]:
    """Yield what is wrong with a value; parts that are equal in ``old`` are right."""
    if old is not None and value == old:
        return
    if value is None and node.nullable:
        return
    yield from _typed(node, value, path)
    yield from _logical(node, value, path)
    if isinstance(value, str):
        yield from _text(node.raw, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(node.raw, value, path)
    elif isinstance(value, list):
        yield from _items(node, value, path, old)
    enum = node.raw.get("enum")
    if enum and not any(_same(value, item) for item in enum):
        allowed = [item if isinstance(item, str) else json.dumps(item) for item in enum]
        yield status.unsupported_value(path, value, allowed)
    if isinstance(value, dict):
        yield from _members(node, value, path, old)


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _typed(node: Structural, value: Any, path: str) -> Iterator[Cause]:
    wanted = "integer,string" if node.raw.get(INT_OR_STRING) else node.type
    kind = json_type(value)
    if kind == "number" and value == int(value):
        kind = "integer"
    fits = not wanted or kind in wanted.split(",") or (kind == "integer" and wanted == "number")
    if not fits:
        found = json_type(value)
        text = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
        yield Cause("FieldValueTypeInvalid", text, path)


def _logical(node: Structural, value: Any, path: str) -> Iterator[Cause]:
    raw = node.raw
    for word, end in (("anyOf", "at least one schema (anyOf)"), ("oneOf", "one and only one schema (oneOf)")):
        if not raw.get(word):
            continue
        tried = [list(problems(Structural(part), value, path)) for part in raw[word]]
        good = sum(not causes for causes in tried)
        if not good:
            none = ". Found none valid" if word == "oneOf" else ""
            yield _nowhere(f'"{path}" must validate {end}{none}')
            yield from tried[0]
        elif word == "oneOf" and good > 1:
            yield _nowhere(f'"{path}" must validate {end}. Found {good} valid alternatives')
    tried = [list(problems(Structural(part), value, path)) for part in raw.get("allOf") or []]
    if any(tried):
        yield from (cause for causes in tried for cause in causes)
        none = "" if any(not causes for causes in tried) else ". None validated"
        yield _nowhere(f'"{path}" must validate all the schemas (allOf){none}')
    if raw.get("not") is not None and not list(problems(Structural(raw["not"]), value, path)):
        yield _nowhere(f'"{path}" must not validate the schema (not)')


def _nowhere(text: str) -> Cause:
    return Cause("FieldValueInvalid", f'Invalid value: "": {text}', NOWHERE)


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    """Return a pattern, compiled once; ``$`` is the end of the text, as in RE2, and not of a line."""
    ends = text.endswith("$") and not text.endswith("\\$")
    return re.compile(f"{text[:-1]}\\Z" if ends else text)


def _text(raw: Object, value: str, path: str) -> Iterator[Cause]:
    if len(value) > raw.get("maxLength", len(value)):
        text = f"Too long: may not be more than {raw['maxLength']} bytes"
        yield Cause("FieldValueTooLong", text, path)
    if len(value) < raw.get("minLength", 0):
        yield status.bad_value(
            path, value, f"{path} in body should be at least {raw['minLength']} chars long"
        )
    if raw.get("pattern") and not pattern(raw["pattern"]).search(value):
        yield status.bad_value(path, value, f"{path} in body should match '{raw['pattern']}'")
    check = CHECKS.get(raw.get("format") or "")
    if check is not None and not check(value):
        shown = status.shown(value)
        text = f"Invalid value: {shown}: {path} in body must be of type {raw['format']}: {shown}"
        yield Cause("FieldValueTypeInvalid", text, path)


def _number(raw: Object, value: float, path: str) -> Iterator[Cause]:
    step, low, high = (raw.get(name) for name in ("multipleOf", "minimum", "maximum"))
    if step and not float(value / step).is_integer():
        yield status.bad_value(path, value, f"{path} in body should be a multiple of {step}")
    if high is not None and (value > high or (raw.get("exclusiveMaximum") and value == high)):
        word = "" if raw.get("exclusiveMaximum") else " or equal to"
        yield status.bad_value(path, value, f"{path} in body should be less than{word} {high}")
    if low is not None and (value < low or (raw.get("exclusiveMinimum") and value == low)):
        word = "" if raw.get("exclusiveMinimum") else " or equal to"
        yield status.bad_value(path, value, f"{path} in body should be greater than{word} {low}")


def earlier(node: Structural, old: Any, item: Any) -> Any:
    """Return what an item of a list was before, by its keys; ``None`` when that cannot be told."""
    if not node.keys or not isinstance(old, list) or not isinstance(item, dict):
        return None
    same = [one for one in old if isinstance(one, dict) and all(one.get(k) == item.get(k) for k in node.keys)]
    return same[0] if len(same) == 1 else None


def _items(node: Structural, value: list[Any], path: str, old: Any) -> Iterator[Cause]:
    if node.items is not None:
        for index, item in enumerate(value):
            yield from problems(node.items, item, f"{path}[{index}]", earlier(node, old, item))
    if len(value) < node.raw.get("minItems", 0):
        why = f"{path} in body should have at least {node.raw['minItems']} items"
        yield status.bad_value(path, len(value), why)
    if len(value) > node.raw.get("maxItems", len(value)):
        yield status.too_many(path, len(value), node.raw["maxItems"])


def _members(node: Structural, value: Object, path: str, old: Any) -> Iterator[Cause]:
    raw, known = node.raw, old if isinstance(old, dict) else {}
    if len(value) < raw.get("minProperties", 0):
        why = f"{path} in body should have at least {raw['minProperties']} properties"
        yield status.bad_value(path, len(value), why)
        return
    if len(value) > raw.get("maxProperties", len(value)):
        yield status.too_many(path, len(value), raw["maxProperties"])
        return
    for key, item in value.items():
        inner = node.child(key)
        if inner is not None:
            yield from problems(inner, item, f"{path}.{key}" if path else key, known.get(key))
    head = ("apiVersion", "kind") if raw.get(EMBEDDED) else ()
    for key in (*head, *(raw.get("required") or ())):
        if key not in value or (key in head and not value[key]):
            yield status.missing(f"{path}.{key}" if path else key)


def duplicates(node: Structural, value: Any, path: str = "", old: Any = None) -> Iterator[Cause]:
    """Yield the items that a set or map list holds twice."""
    if old is not None and value == old:
        return
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for key, item in value.items():
            inner = node.child(key)
            if inner is not None:
                yield from duplicates(inner, item, f"{path}.{key}" if path else key, before.get(key))
    elif isinstance(value, list) and node.items is not None:
        seen: set[str] = set()
        for index, item in enumerate(value):
            mark = _mark(node, item)
            if mark in seen:
                yield Cause("FieldValueDuplicate", f"Duplicate value: {mark}", f"{path}[{index}]")
            seen |= {mark} - {""}
        for index, item in enumerate(value):
            yield from duplicates(node.items, item, f"{path}[{index}]", earlier(node, old, item))


def _mark(node: Structural, item: Any) -> str:
    """Return what an item is told apart by; empty when it may stand there twice."""
    if node.raw.get(LIST_TYPE) == "set":
        return json.dumps(item, sort_keys=True, separators=(",", ":"))
    if node.keys and isinstance(item, dict):
        found = {key: item[key] for key in node.keys if key in item}
        return json.dumps(found, sort_keys=True, separators=(",", ":"))
    return ""
