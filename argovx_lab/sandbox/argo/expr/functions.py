"""Operators and functions of expr-lang, and Argo's ``asInt``, ``asFloat``, ``toJson``, ``jsonpath``."""

from __future__ import annotations

import base64
import json
import math
import operator as operators
from collections.abc import Callable
from typing import Any

from argovx_lab.sandbox.argo import gojson
from argovx_lab.sandbox.argo.expr.jsonpath import jsonpath
from argovx_lab.sandbox.argo.expr.lexer import ExprError
from argovx_lab.sandbox.patterns import search

_TYPES = {bool: "bool", int: "int", float: "float64", str: "string", list: "array", dict: "map"}


def type_name(value: Any) -> str:
    """Return a value's type as expr-lang calls it."""
    return "nil" if value is None else _TYPES.get(type(value), type(value).__name__)


def go_string(value: Any) -> str:
    """Return a value as Go's ``%v`` prints it; lists and maps as JSON."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if isinstance(value, list | dict):
        return gojson.dumps(value)
    return str(value)


def go_json(value: Any) -> str:
    """Return a value of an expression as JSON: Go writes whole floats without a fraction."""
    return gojson.dumps(_whole(value))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {k: _whole(v) for k, v in value.items()} if isinstance(value, dict) else value


def need_number(value: Any, what: str) -> int | float:
    """Return a number or refuse."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExprError(f"invalid operation: {what} on {type_name(value)} ({go_string(value)})")
    return value


def fetch(holder: Any, key: Any) -> Any:
    """Return a map's entry (``nil`` when absent) or a list's element."""
    if isinstance(holder, dict):
        return holder.get(key)
    if isinstance(holder, list | str) and isinstance(key, int) and not isinstance(key, bool):
        if -len(holder) <= key < len(holder):
            return holder[key]
        raise ExprError(f"index out of range: {key} (length is {len(holder)})")
    raise ExprError(f"cannot fetch {key} from {type_name(holder)}")


def binary(operator: str, left: Any, right: Any, size_max: int) -> Any:
    """Apply a binary operator other than the short-circuit ones."""
    if operator in ("==", "!="):
        same = _equal(left, right)
        return same if operator == "==" else not same
    if operator in _STRINGS:
        if not (isinstance(left, str) and isinstance(right, str)):
            raise ExprError(f"{operator} expects strings, got {type_name(left)} and {type_name(right)}")
        return _STRINGS[operator](left, right)
    if operator == "in":
        return _within(left, right)
    if operator in ("<", ">", "<=", ">="):
        return _ordered(operator, left, right)
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return _bounded(left + right, size_max)
    return _arithmetic(operator, left, right, size_max)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)


def _within(left: Any, right: Any) -> bool:
    if right is None:
        return False
    if isinstance(right, dict):
        return left in right
    if isinstance(right, list):
        return any(_equal(left, element) for element in right)
    raise ExprError(f"in expects an array or a map, got {type_name(right)}")


def _ordered(operator: str, left: Any, right: Any) -> bool:
    if not (isinstance(left, str) and isinstance(right, str)):
        need_number(left, operator)
        need_number(right, operator)
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b
    }  # fmt: skip
    return compare[operator](left, right)


def _arithmetic(operator: str, left: Any, right: Any, size_max: int) -> Any:
    a, b = need_number(left, operator), need_number(right, operator)
    if operator in _NUMBERS:
        return _wrapped(_NUMBERS[operator](a, b))
    if operator == "/":
        if b == 0:
            raise ExprError("division by zero")
        return a / b
    if operator == "%":
        return math.fmod(a, b) if isinstance(a, float) or isinstance(b, float) else int(math.fmod(a, b))
    if operator in ("**", "^"):
        return math.pow(a, b)
    if operator == ".." and isinstance(a, int) and isinstance(b, int):
        if b - a >= size_max:
            raise ExprError(f"range of {b - a + 1} elements; at most {size_max}")
        return list(range(a, b + 1))
    raise ExprError(f"invalid operation: {operator} on {type_name(left)} and {type_name(right)}")


def _wrapped(value: int | float) -> int | float:
    """Return a whole number as Go's 64 bits keep it."""
    return value if isinstance(value, float) else (value + (1 << 63)) % (1 << 64) - (1 << 63)


_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operators.add, "-": operators.sub, "*": operators.mul
}  # fmt: skip


def _bounded(text: str, size_max: int) -> str:
    if len(text) > size_max:
        raise ExprError(f"string of {len(text)} characters; at most {size_max}")
    return text


_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "matches": lambda a, b: search(b, a) is not None,
    "contains": lambda a, b: b in a,
    "startsWith": lambda a, b: a.startswith(b),
    "endsWith": lambda a, b: a.endswith(b),
}


def as_int(value: Any) -> int:
    """Return an integer out of a number or its text.

    Raises
    ------
    ExprError
        When the text is no integer, as Argo's ``asInt`` refuses it.
    """
    if isinstance(value, bool):
        raise ExprError(f"cannot convert {go_string(value)} to an int")
    if isinstance(value, int | float):
        return int(value)
    try:
        return int(str(value).strip(), 10)
    except ValueError:
        try:
            return int(float(str(value)))
        except (ValueError, OverflowError):
            raise ExprError(f"cannot convert {go_string(value)!r} to an int") from None


def as_float(value: Any) -> float:
    """Return a float out of a number or its text."""
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError
        return float(value)
    except (TypeError, ValueError):
        raise ExprError(f"cannot convert {go_string(value)!r} to a float") from None


def from_json(text: Any) -> Any:
    """Parse JSON."""
    try:
        return gojson.loads(str(text))
    except gojson.GoJsonError as error:
        raise ExprError(str(error)) from None


def pretty_json(value: Any) -> str:
    """Return indented JSON, as expr-lang's ``toJSON``."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _round(value: float) -> float:
    return float(math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1))


#: Longest text that a function may make. Unit: characters.
TEXT_MAX = 1_000_000


def _fits(size: int, value: int) -> int:
    if size > TEXT_MAX:
        raise ExprError(f"string of {size} characters; at most {TEXT_MAX}")
    return value


def replaced(text: str, old: str, new: str) -> str:
    """Return a text with every ``old`` replaced; ``ExprError`` when it would be longer than `TEXT_MAX`."""
    _fits(len(text) + text.count(old) * (len(new) - len(old)), 0)
    return text.replace(old, new)


def joined(items: list[str], separator: str = "") -> str:
    """Return the items as one text; ``ExprError`` when it would be longer than `TEXT_MAX`."""
    _fits(sum(map(len, items)) + len(separator) * len(items), 0)
    return separator.join(items)


def _extreme(pick: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        flat = [x for v in values for x in (v if isinstance(v, list) else [v])]
        return pick(flat)

    return run


def _flat(items: list[Any]) -> list[Any]:
    return [x for i in items for x in (_flat(i) if isinstance(i, list) else [i])]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": as_int, "asFloat": as_float, "string": go_string, "int": as_int, "float": as_float,
    "toJson": go_json, "toJSON": pretty_json, "fromJSON": from_json, "jsonpath": jsonpath,
    "len": len, "abs": abs, "ceil": lambda x: float(math.ceil(x)), "floor": lambda x: float(math.floor(x)),
    "round": _round, "max": _extreme(max), "min": _extreme(min),
    "mean": lambda items: sum(items) / len(items) if items else 0, "type": type_name,
    "first": lambda items: items[0] if items else None, "last": lambda items: items[-1] if items else None,
    "take": lambda items, n: items[:n], "reverse": lambda items: items[::-1], "flatten": _flat,
    "uniq": lambda items: list({gojson.dumps(x): x for x in items}.values()),
    "concat": lambda *lists: [x for part in lists for x in part],
    "sort": lambda items, order="asc": sorted(items, reverse=order == "desc"),
    "keys": sorted, "values": lambda m: [m[k] for k in sorted(m)],
    "toPairs": lambda m: [[k, m[k]] for k in sorted(m)],
    "fromPairs": lambda pairs: {p[0]: p[1] for p in pairs},
    "get": lambda holder, key, default=None: _get(holder, key, default),
    "upper": lambda s: s.upper(), "lower": lambda s: s.lower(),
    "trim": lambda s, chars=None: s.strip(chars), "trimPrefix": lambda s, p=" ": s.removeprefix(p),
    "trimSuffix": lambda s, p=" ": s.removesuffix(p),
    "repeat": lambda s, n: s * _fits(len(s) * n, n),
    "split": lambda s, sep, n=-1: s.split(sep, n - 1 if n > 0 else -1),
    "splitAfter": lambda s, sep: [p + sep for p in s.split(sep)[:-1]] + [s.split(sep)[-1]],
    "replace": replaced, "join": joined,
    "indexOf": lambda s, part: s.find(part), "lastIndexOf": lambda s, part: s.rfind(part),
    "hasPrefix": lambda s, p: s.startswith(p), "hasSuffix": lambda s, p: s.endswith(p),
    "toBase64": lambda s: base64.b64encode(s.encode()).decode(),
    "fromBase64": lambda s: base64.b64decode(s, validate=True).decode(),
}  # fmt: skip


def _get(holder: Any, key: Any, default: Any) -> Any:
    try:
        found = fetch(holder, key)
    except ExprError:
        return default
    return default if found is None else found
