"""What CEL's operators and functions do with values.

Owns :data:`CALLS` and :data:`METHODS`: CEL's standard library and Kubernetes' list and string functions, as
far as they are needed; wrong types are errors, never guesses.
Source: https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from argovx_lab.sandbox.kubernetes.cel.parser import CelError
from argovx_lab.sandbox.patterns import search

_NAMES = {bool: "bool", int: "int", float: "double", str: "string", list: "list", dict: "map"}
#: Longest text that an expression may make. Unit: characters.
_TEXT_MAX = 1_000_000
#: What RE2 does not have and Python does: look-around and back references.
NOT_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]")


def type_of(value: Any) -> str:
    """Return CEL's name of a value's type."""
    return "null_type" if value is None else _NAMES.get(type(value), "map")


def equal(left: Any, right: Any) -> bool:
    """Compare as CEL does: numbers by value, everything else only with its own type."""
    if _number(left) and _number(right):
        return bool(left == right)
    return type_of(left) == type_of(right) and bool(left == right)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(name: str, *values: Any) -> CelError:
    return CelError(f"no such overload: {name}({', '.join(type_of(value) for value in values)})")


def binary(sign: str, left: Any, right: Any) -> Any:
    """Return what an operator makes of two values."""
    if sign == "==":
        return equal(left, right)
    if sign == "!=":
        return not equal(left, right)
    if sign == "in":
        if isinstance(right, list | Mapping):
            return any(equal(left, item) for item in right)
    elif sign in ("<", "<=", ">", ">="):
        return _ordered(sign, left, right)
    elif sign == "+" and type(left) is type(right) and isinstance(left, str | list):
        if len(left) + len(right) > _TEXT_MAX:
            raise CelError("a value is too long")
        return left + right
    elif _number(left) and type(left) is type(right):
        return _arithmetic(sign, left, right)
    raise _refuse(sign, left, right)


def _ordered(sign: str, left: Any, right: Any) -> bool:
    if not (_number(left) and _number(right)) and not (
        type(left) is type(right) and isinstance(left, str | bool)
    ):
        raise _refuse(sign, left, right)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign])


def _arithmetic(sign: str, left: Any, right: Any) -> Any:
    if sign in "/%" and right == 0 and isinstance(left, int):
        raise CelError("division by zero" if sign == "/" else "modulus by zero")
    if sign == "%" and isinstance(left, float):
        raise _refuse(sign, left, right)
    if sign in "/%" and isinstance(left, int):
        whole = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        found: Any = whole if sign == "/" else left - whole * right
    elif sign == "/":
        found = (
            left / right if right else float("nan") if not left else float("inf") * (1 if left > 0 else -1)
        )
    else:
        found = {"+": left + right, "-": left - right, "*": left * right}[sign]
    if isinstance(found, int) and not -(2**63) <= found < 2**63:
        raise CelError("integer overflow")
    return found


def _typed(name: str, work: Callable[..., Any], *types: type) -> Callable[..., Any]:
    """Return ``work`` that refuses arguments of other types; the last types may be left out."""

    def call(*values: Any) -> Any:
        least = work.__code__.co_argcount - len(work.__defaults__ or ())
        fits = least <= len(values) <= len(types) and all(
            isinstance(value, kind) and not (kind is int and isinstance(value, bool))
            for value, kind in zip(values, types, strict=False)
        )
        if not fits:
            raise _refuse(name, *values)
        return work(*values)

    return call


def _size(*values: Any) -> int:
    if len(values) != 1 or not isinstance(values[0], str | list | Mapping):
        raise _refuse("size", *values)
    return len(values[0])


def _matches(*values: Any) -> bool:
    if len(values) != 2 or not all(isinstance(value, str) for value in values):
        raise _refuse("matches", *values)
    text, pattern = values
    if NOT_RE2.search(pattern):
        raise CelError(f"invalid regular expression: {pattern} is not RE2")
    try:
        return search(pattern, text) is not None
    except re.error as error:
        raise CelError(f"invalid regular expression: {pattern}") from error


def _int(*values: Any) -> int:
    try:
        if len(values) == 1 and not isinstance(values[0], bool | list | Mapping) and values[0] is not None:
            return int(values[0])
    except (ValueError, OverflowError) as error:
        raise CelError(f"type conversion error: {str(values[0])[:50]} is no int") from error
    raise _refuse("int", *values)


def _double(*values: Any) -> float:
    try:
        if len(values) == 1 and not isinstance(values[0], bool | list | Mapping) and values[0] is not None:
            return float(values[0])
    except ValueError as error:
        raise CelError(f"type conversion error: {str(values[0])[:50]} is no double") from error
    raise _refuse("double", *values)


def _text(*values: Any) -> str:
    if len(values) != 1 or isinstance(values[0], list | Mapping) or values[0] is None:
        raise _refuse("string", *values)
    value = values[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _dyn(*values: Any) -> Any:
    if len(values) != 1:
        raise _refuse("dyn", *values)
    return values[0]


def _type(*values: Any) -> str:
    return type_of(_dyn(*values))


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= last <= len(text):
        raise CelError(f"index out of range: {start}")
    return text[start:last]


def _replaced(text: str, old: str, new: str, count: int = -1) -> str:
    found = text.replace(old, new, count)
    if len(found) > _TEXT_MAX:
        raise CelError("a value is too long")
    return found


def _joined(items: list[Any], between: str = "") -> str:
    if any(not isinstance(item, str) for item in items):
        raise CelError("no such overload: join")
    return between.join(items)


def _extreme(pick: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def call(items: list[Any]) -> Any:
        if not items or not (all(map(_number, items)) or all(isinstance(item, str) for item in items)):
            raise CelError("min, max and sum need a list of numbers")
        return pick(items)

    return call


#: Functions that are called by name.
CALLS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "matches": _matches,
    "int": _int,
    "uint": _int,
    "double": _double,
    "string": _text,
    "dyn": _dyn,
    "type": _type,
}
#: Functions that are called on a value.
METHODS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "matches": _matches,
    "contains": _typed("contains", lambda text, part: part in text, str, str),
    "startsWith": _typed("startsWith", lambda text, part: text.startswith(part), str, str),
    "endsWith": _typed("endsWith", lambda text, part: text.endswith(part), str, str),
    "lowerAscii": _typed("lowerAscii", lambda text: text.lower(), str),
    "upperAscii": _typed("upperAscii", lambda text: text.upper(), str),
    "trim": _typed("trim", lambda text: text.strip(), str),
    "indexOf": _typed("indexOf", lambda text, part: text.find(part), str, str),
    "lastIndexOf": _typed("lastIndexOf", lambda text, part: text.rfind(part), str, str),
    "substring": _typed("substring", _substring, str, int, int),
    "replace": _typed("replace", _replaced, str, str, str, int),
    "split": _typed("split", lambda text, part: text.split(part) if part else list(text), str, str),
    "join": _typed("join", _joined, list, str),
    "min": _typed("min", _extreme(min), list),
    "max": _typed("max", _extreme(max), list),
    "sum": _typed("sum", _extreme(sum), list),
    "isSorted": _typed("isSorted", lambda items: items == sorted(items), list),
}
