"""Cloud Logging's query language over entries as dicts.

Owns which paths an entry has, how values compare, and which entries a query can match at all, so that
sources that cannot contribute are not read. A path whose first part is no field of a log entry is
INVALID_ARGUMENT; below a payload every path may be asked for.
Source: https://cloud.google.com/logging/docs/view/logging-query-language
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from argovx_lab.sandbox.google import filters
from argovx_lab.sandbox.google.errors import invalid
from argovx_lab.sandbox.google.fields import moment, number, ordered, text_match
from argovx_lab.sandbox.google.filters import Both, Call, Comparison, Expression
from argovx_lab.sandbox.google.messages import snake

SEVERITIES: Final = (
    *("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"),
)
#: Fields of a log entry, as the language spells them.
_FIELDS: Final = frozenset(
    {
        *("logName", "resource", "timestamp", "receiveTimestamp", "severity", "insertId", "labels", "trace"),
        *("spanId", "traceSampled", "httpRequest", "operation", "sourceLocation", "textPayload"),
        *("jsonPayload", "protoPayload", "split"),
    }
)
_TIMES: Final = ("timestamp", "receiveTimestamp")
#: Messages whose keys are the user's own, not names of fields.
_FREE: Final = ("labels", "json_payload")
_PATH: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')


def parse(text: str) -> Expression | None:
    """Return a checked query, ``None`` for an empty one."""
    # two dashes begin a comment
    expression = filters.parse(re.sub(r"(?m)(^|\s)--.*$", "", text), logging=True)
    for leaf in filters.leaves(expression):
        _check(leaf)
    return expression


def _check(leaf: Comparison | Call) -> None:
    if isinstance(leaf, Call):
        if leaf.name:
            raise invalid(f"Invalid filter: the function '{leaf.name}' is not there.", ["filter"])
        return
    path = _path(leaf.field)
    if not path or path[0] not in _FIELDS:
        raise invalid(f"Invalid filter: Field not found: '{leaf.field}'.", ["filter"])
    for value in leaf.values:
        if path[0] in _TIMES:
            moment(value, leaf.field)
        elif path[0] == "severity" and value != "*" and value.upper() not in SEVERITIES:
            raise invalid(f"Invalid filter: severity '{value}' does not exist.", ["filter"])
        elif leaf.op in ("=~", "!~"):
            try:
                re.compile(value)
            except re.error as error:
                raise invalid(
                    f"Invalid filter: '{value}' is no regular expression: {error}", ["filter"]
                ) from None


def _path(name: str) -> list[str]:
    """Split a path; names may be the proto's own (``log_name``) or JSON's."""
    parts = [quoted or plain for quoted, plain in _PATH.findall(name)]
    if parts:
        parts[0] = re.sub(r"_([a-z])", lambda m: m[1].upper(), parts[0])
    if len(parts) > 1 and parts[0] == "resource" and parts[1] == "label":
        parts[1] = "labels"
    return parts


def leaf(part: Comparison | Call, entry: Mapping[str, Any]) -> bool:
    """Decide one comparison for one entry."""
    if isinstance(part, Call):
        return any(part.argument.lower() in text.lower() for text in _texts(entry))
    path = _path(part.field)
    if part.op in ("!=", "!~"):
        return not any(_one(path, part.op[1:] if part.op == "!=" else "=~", v, entry) for v in part.values)
    return any(_one(path, part.op, value, entry) for value in part.values)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _found(path: list[str], entry: Mapping[str, Any]) -> Any:
    value: Any = entry
    free = False
    for part in path:
        if isinstance(value, list):  # any element counts; the first is what we keep of them
            value = value[0] if value else None
        if not isinstance(value, Mapping):
            return None
        name = part if free else snake(part)
        value = value.get(name, value.get(part))
        free = free or name in _FREE
    return value


def _one(path: list[str], op: str, value: str, entry: Mapping[str, Any]) -> bool:
    present = _found(path, entry)
    if path[0] in _TIMES:
        return present is not None and ordered(moment(present), op, moment(value))
    if path[0] == "severity":
        level = SEVERITIES.index(entry.get("severity", "DEFAULT"))
        return value == "*" or ordered(level, op, SEVERITIES.index(value.upper()))
    if present is None:
        return False
    if op == ":" and value == "*":
        return True
    if isinstance(present, list) and op != ":":  # of a repeated field any element counts
        return any(not isinstance(item, (Mapping, list)) and _scalar(item, op, value) for item in present)
    if isinstance(present, (Mapping, list)):
        return op == ":" and (value in present or any(value.lower() in t.lower() for t in _texts(present)))
    return _scalar(present, op, value)


def _scalar(present: Any, op: str, value: str) -> bool:
    if present is None:
        return False
    if isinstance(present, bool):
        return op in ("=", ":") and present is (value.lower() == "true")
    if isinstance(present, (int, float)):
        right = number(value)
        return right is not None and op != "=~" and ordered(float(present), op, right)
    if op == "=~":
        return re.search(value, present) is not None
    if op == ":":
        return value.lower() in present.lower()
    return text_match(present.lower(), value.lower()) if op == "=" else ordered(present, op, value)


def only(expression: Expression | None, *fields: str) -> list[str] | None:
    """Return the values that one of ``fields`` must have, ``None`` when it can have any."""
    if isinstance(expression, Comparison):
        named = expression.field in fields and expression.op == "="
        return list(expression.values) if named and not any("*" in v for v in expression.values) else None
    if isinstance(expression, Both):
        found = [only(item, *fields) for item in expression.items]
        if expression.every:
            return next((values for values in found if values is not None), None)
        if all(values is not None for values in found):
            return [value for values in found for value in values or ()]
    return None
