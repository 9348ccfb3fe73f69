"""Filterable and sortable fields of a resource: their kinds, how they compare, and list order.

Owns the leaf of a filter (:mod:`.filters`): which names a service takes, and how a string, number, time,
enum, label map or ``metadata`` Struct compares. Unknown names are INVALID_ARGUMENT.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from argovx_lab.sandbox.google import filters
from argovx_lab.sandbox.google.errors import GoogleError, invalid
from argovx_lab.sandbox.google.filters import Call, Comparison

Document = Mapping[str, Any]
_ORDER = re.compile(r"([A-Za-z_.]+)(?:\s+(asc|desc))?", re.IGNORECASE)
_EQUALITY = ("=", "!=", ":")


@dataclass(frozen=True)
class Fields:
    """What a list call can filter and sort by.

    Parameters
    ----------
    kinds : mapping
        Field name → ``string``, ``number``, ``bool``, ``time``, ``enum``, ``labels``, ``struct`` or ``list``.
    order : tuple of str
        Fields that ``order_by`` takes.
    calls : tuple of str
        Functions that the filter takes.
    default : str
        Kind of names not in ``kinds``; empty: they are refused.
    """

    kinds: Mapping[str, str]
    order: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def parse(self, text: str) -> filters.Expression | None:
        """Return a checked filter."""
        expression = filters.parse(text)
        for leaf in filters.leaves(expression):
            self._check(leaf)
        return expression

    def _check(self, leaf: Comparison | Call) -> None:
        if isinstance(leaf, Call):
            if leaf.name not in self.calls:
                raise _unknown(f"function '{leaf.name}'", self.calls)
            return
        kind, rest = self.kind(leaf.field)
        if kind in ("labels", "struct") and not rest and leaf.op != ":":
            raise invalid(f"Invalid filter: '{leaf.field}' needs a key, as in {leaf.field}.key.", ["filter"])
        if kind in ("enum", "bool", "labels", "list") and leaf.op not in _EQUALITY:
            raise invalid(f"Invalid filter: '{leaf.field}' does not take '{leaf.op}'.", ["filter"])
        for value in leaf.values:
            if kind == "time":
                moment(value, leaf.field)
            elif kind == "number" and number(value) is None:
                raise invalid(f"Invalid filter: '{value}' is not a number ({leaf.field}).", ["filter"])

    def kind(self, name: str) -> tuple[str, str]:
        """Return the kind of a field and the key within it (``labels.k`` → ``("labels", "k")``)."""
        name = self.aliases.get(name, name)
        if name in self.kinds:
            return self.kinds[name], ""
        head, _, rest = name.partition(".")
        if rest and self.kinds.get(head) in ("labels", "struct"):
            return self.kinds[head], rest.strip('"')
        raise _unknown(f"field '{name}'", tuple(self.kinds))

    def compare(self, leaf: Comparison, document: Document) -> bool:
        """Decide one comparison."""
        name = self.aliases.get(leaf.field, leaf.field)
        kind, rest = self.kind(name)
        if leaf.op == "!=":
            return not any(self._one(kind, name, rest, "=", v, document) for v in leaf.values)
        return any(self._one(kind, name, rest, leaf.op, v, document) for v in leaf.values)

    def _one(self, kind: str, name: str, rest: str, op: str, value: str, document: Document) -> bool:
        if kind == "labels":
            found = document.get(name.partition(".")[0]) or {}
            return label(found, rest, op, value)
        if kind == "struct":
            return struct(document.get(name.partition(".")[0]) or {}, rest, op, value)
        present = document.get(name)
        if kind == "list":
            return (value == "*" and bool(present)) or any(text_match(str(v), value) for v in present or ())
        if op == ":":
            if value == "*":
                return present not in (None, "")
            return kind == "string" and value.strip("*").lower() in str(present or "").lower()
        if kind == "time":
            return present is not None and ordered(moment(str(present)), op, moment(value))
        if kind == "number":
            return present is not None and ordered(float(present), op, number(value) or 0.0)
        if kind == "bool":
            return bool(present) is (value.lower() == "true")
        if kind == "enum":
            return str(present) == value
        return ordered(str(present or ""), op, value) if op != "=" else text_match(str(present or ""), value)

    def sort(self, documents: list[Any], order_by: str, default: str) -> list[Any]:
        """Return ``documents`` in the order of ``order_by``; ties keep their place."""
        keys = []
        for piece in (order_by or default).split(","):
            found = _ORDER.fullmatch(piece.strip())
            if found is None or found[1] not in self.order:
                raise invalid(
                    f"Invalid order_by '{piece.strip()}'; sortable fields: {', '.join(self.order)}.",
                    ["order_by"],
                )
            keys.append((found[1], (found[2] or "asc").lower() == "desc"))
        for name, descending in reversed(keys):
            documents = sorted(documents, key=lambda d: sort_key(d.get(name)), reverse=descending)
        return documents


def _unknown(what: str, known: Iterable[str]) -> GoogleError:
    names = ", ".join(known) or "none"
    return invalid(f"Invalid filter: unknown {what}; this method filters by: {names}.", ["filter"])


def sort_key(value: Any) -> tuple[int, Any]:
    """Return a key that sorts absent values first and never compares unlike types."""
    if value is None:
        return (0, 0)
    return (1, float(value)) if isinstance(value, (int, float)) else (2, str(value))


def moment(text: str, name: str = "") -> datetime:
    """Return an RFC 3339 time; a wrong one is INVALID_ARGUMENT."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise invalid(f"Invalid filter: '{text}' is not an RFC 3339 time ({name}).", ["filter"]) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def number(text: str) -> float | None:
    """Return a number, or ``None``."""
    try:
        return float(text)
    except ValueError:
        return None


def ordered(left: Any, op: str, right: Any) -> bool:
    """Compare two values of one type."""
    if op in ("=", ":"):
        return bool(left == right)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op])


def text_match(present: str, value: str) -> bool:
    """Compare text, where ``*`` at either end of ``value`` is a wildcard."""
    if len(value) > 1 and value.startswith("*") and value.endswith("*"):
        return value.strip("*") in present
    if len(value) > 1 and value.endswith("*"):
        return present.startswith(value[:-1])
    if len(value) > 1 and value.startswith("*"):
        return present.endswith(value[1:])
    return present == value


def label(found: Mapping[str, str], key: str, op: str, value: str) -> bool:
    """Decide ``labels.k = v``, ``labels.k:*`` and ``labels:k``."""
    if not key:
        return value in found
    if op == ":" and value == "*":
        return key in found
    return key in found and text_match(found[key], value)


def struct(found: Mapping[str, Any], path: str, op: str, value: str) -> bool:
    """Decide ``metadata.f.number_value > 1`` and its kin; nested Structs go by ``struct_value.fields``."""
    parts = [part for part in path.split(".") if part not in ("struct_value", "fields")]
    kind = parts.pop() if parts and parts[-1] in ("number_value", "string_value", "bool_value") else ""
    if not kind:
        text = f"Invalid filter: 'metadata.{path}' must end in number_value, string_value or bool_value."
        raise invalid(text, ["filter"])
    present: Any = found
    for part in parts:
        present = present.get(part) if isinstance(present, Mapping) else None
    if kind == "bool_value":
        return isinstance(present, bool) and present is (value.lower() == "true")
    if kind == "number_value":
        right = number(value)
        is_number = isinstance(present, (int, float)) and not isinstance(present, bool)
        return is_number and right is not None and ordered(float(present), op, right)
    if not isinstance(present, str):
        return False
    return text_match(present, value) if op in ("=", ":") else ordered(present, op, value)
