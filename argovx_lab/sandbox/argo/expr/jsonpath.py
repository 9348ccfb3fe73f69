"""``jsonpath(json, path)`` with the steps that Argo users write.

These are ``$.a.b``, ``$['a']``, ``$[0]``, ``$[1:2]``, ``[*]`` and ``..name``.
Filters and scripts are refused by name.
"""

from __future__ import annotations

import re
from typing import Any

from argovx_lab.sandbox.argo import gojson
from argovx_lab.sandbox.argo.expr.lexer import ExprError

_STEP = re.compile(
    r"""\.\.(?P<deep>[A-Za-z_][\w-]*)|\.(?P<name>[A-Za-z_][\w-]*|\*)
      |\[(?P<index>-?\d+)\]|\[(?P<star>\*)\]|\[(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]
      |\[(?P<start>-?\d*):(?P<stop>-?\d*)\]""",
    re.VERBOSE,
)


def jsonpath(text: Any, path: str) -> Any:
    """Return what a path selects: one value, or a list where the path fans out.

    Raises
    ------
    ExprError
        When the text is no JSON, the path is not understood or selects nothing.
    """
    try:
        document = gojson.loads(text) if isinstance(text, str) else text
    except gojson.GoJsonError as error:
        raise ExprError(str(error)) from None
    found, many, position = [document], False, 1 if path.startswith("$") else 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ExprError(f"jsonpath {path!r} is not supported from {path[position:]!r}")
        found, fans = _apply(step, found)
        many, position = many or fans, step.end()
    if many:
        return found
    if not found:
        raise ExprError(f"jsonpath {path!r} selects nothing")
    return found[0]


def _apply(step: re.Match[str], values: list[Any]) -> tuple[list[Any], bool]:
    groups = step.groupdict()
    if groups["deep"] is not None:
        return [x for v in values for x in _deep(v, groups["deep"])], True
    if groups["star"] or groups["name"] == "*":
        return [x for v in values for x in _elements(v)], True
    if groups["index"] is not None:
        index = int(groups["index"])
        return [v[index] for v in values if isinstance(v, list) and -len(v) <= index < len(v)], False
    if groups["start"] is not None:
        bounds = slice(*(int(b) if b else None for b in (groups["start"], groups["stop"])))
        return [x for v in values if isinstance(v, list) for x in v[bounds]], True
    key = next(groups[k] for k in ("name", "single", "double") if groups[k] is not None)
    return [v[key] for v in values if isinstance(v, dict) and key in v], False


def _elements(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _deep(value: Any, key: str) -> list[Any]:
    here = [value[key]] if isinstance(value, dict) and key in value else []
    return here + [x for part in _elements(value) for x in _deep(part, key)]
