"""``withItems``, ``withParam``, ``withSequence``: one step or task → several, named ``x(index:item)``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import gojson
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.parameters import Scope
from argovx_lab.sandbox.argo.tags import substitute
from argovx_lab.sandbox.argo.when import should_execute

#: Most members of one fan-out; Argo has no such limit, an object of 1 MiB does.
ITEMS_MAX = 10_000
_FIELDS = ("withItems", "withParam", "withSequence")
_FORMAT = re.compile(r"%(0?)(\d*)([dxXo])|%%")


def is_loop(step: Mapping[str, Any]) -> bool:
    """Tell whether a step or task fans out."""
    return any(step.get(name) is not None for name in _FIELDS)


def items_of(step: Mapping[str, Any]) -> list[Any]:
    """Return the items of a loop whose tags are replaced.

    Raises
    ------
    NodeError
        When ``withParam`` is no JSON list or a sequence's bounds are no numbers.
    """
    if step.get("withItems") is not None:
        items = list(step["withItems"])
    elif step.get("withParam") is not None:
        items = _parsed(str(step["withParam"]))
    else:
        items = _sequence(step["withSequence"])
    if len(items) > ITEMS_MAX:
        raise NodeError(f"a loop of {len(items)} items: at most {ITEMS_MAX}")
    return items


def _parsed(text: str) -> list[Any]:
    try:
        found = gojson.loads(text)
    except gojson.GoJsonError as error:
        raise NodeError(f"withParam value could not be parsed as a JSON list: {text}: {error}") from None
    if not isinstance(found, list):
        kind = {dict: "object", str: "string", bool: "bool"}.get(type(found), "number")
        raise NodeError(
            f"withParam value could not be parsed as a JSON list: {text}: json: cannot unmarshal {kind}"
            " into Go value of type []v1alpha1.Item"
        )
    return found


def _number(value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise NodeError(f"strconv.Atoi: parsing {gojson.dumps(str(value))}: invalid syntax") from None


def _sequence(sequence: Mapping[str, Any]) -> list[str]:
    start = _number(sequence.get("start") if sequence.get("start") is not None else 0)
    if sequence.get("end") is not None:
        end = _number(sequence["end"])
    elif sequence.get("count") is not None:
        if (count := _number(sequence["count"])) == 0:
            return []
        end = start + count - 1
    else:
        raise NodeError("must have one of withSequence.count or withSequence.end")
    size = abs(end - start) + 1
    if size > ITEMS_MAX:
        raise NodeError(f"a loop of {size} items: at most {ITEMS_MAX}")
    step = 1 if end >= start else -1
    numbers = [start + step * i for i in range(size)]
    return [_formatted(sequence.get("format") or "%d", n) for n in numbers]


def _formatted(pattern: str, number: int) -> str:
    def replace(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%"
        zero, width, kind = match.groups()
        if len(width) > 3:
            raise NodeError(f"withSequence: format '{pattern[:64]}' is wider than 999 characters")
        return format(number, f"{zero}{width}{kind}")

    text = _FORMAT.sub(replace, pattern)
    used = any(match.group(3) for match in _FORMAT.finditer(pattern))
    return text if used else f"{text}%!(EXTRA int={number})"  # as Go's Sprintf says it


def expand(step: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """Return the members of a loop, each with its name and its ``item`` tags replaced."""
    body = {k: v for k, v in step.items() if k not in _FIELDS}
    spared = _is_false(step.get("when"))
    try:
        items = items_of(step)
    except NodeError:
        if not spared:
            raise
        items = []
    return [_member(body, index, item, scope, spared) for index, item in enumerate(items)]


def _is_false(condition: str | None) -> bool:
    """Tell whether no member will run, whatever its item."""
    try:
        return not should_execute(condition)
    except NodeError:
        return False


def _member(body: Mapping[str, Any], index: int, item: Any, scope: Scope, spared: bool) -> dict[str, Any]:
    local = {**scope, **_item_scope(item)}
    member: dict[str, Any] = dict(substitute(dict(body), local, allow_unresolved=spared))
    member["name"] = f"{body['name']}({index}:{_shown(item)})"
    return member


def _item_scope(item: Any) -> Scope:
    if isinstance(item, dict):
        entries = {f"item.{k}": _bare(v) for k, v in item.items()}
        return {"item": gojson.dumps(item), **entries}
    return {"item": item if isinstance(item, str) else gojson.dumps(item)}


def _bare(item: Any) -> str:
    """Return an item as Argo prints it: JSON, and of a string the inside of its quotes, escapes and all."""
    text = gojson.dumps(item)
    for code, sign in (("\\u003c", "<"), ("\\u003e", ">"), ("\\u0026", "&")):
        text = text.replace(code, sign)
    return text[1:-1] if isinstance(item, str) else text


def _shown(item: Any) -> str:
    if isinstance(item, dict):
        text = ",".join(f"{k}:{_bare(item[k])}" for k in sorted(item))
    elif item is None:
        text = "[]"
    else:
        text = f"[{' '.join(map(_bare, item))}]" if isinstance(item, list) else _bare(item)
    return text.replace("(", "").replace(")", "")
