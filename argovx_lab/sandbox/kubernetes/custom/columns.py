"""The JSONPath of printer columns: fields, indices, ``[*]`` and filters on one field.

What is written otherwise finds nothing, as what is not there.
Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

_STEP: Final = re.compile(
    r"""\.?(?:
        \[\?\(\s*@\.(?P<field>[\w.-]+)\s*(?P<sign>==|!=)\s*(?P<quote>["'])(?P<text>[^"']*)(?P=quote)\s*\)\]
        | \[(?P<index>-?\d{1,9})\]
        | \[(?P<all>\*)\]
        | \[(?P<mark>["'])(?P<key>[^"']+)(?P=mark)\]
        | (?P<name>(?:\\.|[^.\[\]\\])+)
    )""",
    re.VERBOSE,
)


@lru_cache(maxsize=256)
def _steps(path: str) -> tuple[re.Match[str], ...] | None:
    found, place = [], 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            return None
        found.append(match)
        place = match.end()
    return tuple(found)


def look_up(path: str, value: Any) -> list[Any]:
    """Return what a path finds, in order; ``null`` is nothing."""
    steps = _steps(path)
    if steps is None:
        return []
    values = [value]
    for step in steps:
        values = [inner for one in values for inner in _walk(step, one)]
    return [found for found in values if found is not None]


def _walk(step: re.Match[str], value: Any) -> list[Any]:
    if step["field"] is not None:
        wanted = step["sign"] == "=="
        items = value if isinstance(value, list) else []
        return [item for item in items if (step["text"] in look_up(f".{step['field']}", item)) == wanted]
    if step["index"] is not None:
        place = int(step["index"])
        return [value[place]] if isinstance(value, list) and -len(value) <= place < len(value) else []
    if step["all"] is not None:
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    name = step["key"] or re.sub(r"\\(.)", r"\1", step["name"])
    return [value[name]] if isinstance(value, dict) and name in value else []
