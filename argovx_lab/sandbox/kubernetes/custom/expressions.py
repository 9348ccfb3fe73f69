"""The rules in CEL of a structural schema, and what they say of a value.

Owns ``x-kubernetes-validations``: ``self``, ``oldSelf`` (a rule that names it is asked only where there was
something before), messages and reasons. Costs are not estimated: every evaluation counts its steps.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from argovx_lab.sandbox.kubernetes.cel import CelError, Program, compile_cel
from argovx_lab.sandbox.kubernetes.custom.structural import RULES, Structural
from argovx_lab.sandbox.kubernetes.custom.validation import earlier
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.schema import json_type
from argovx_lab.sandbox.kubernetes.status import Cause

#: Reason of a rule → how a cause of that reason begins.
REASONS = {
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueInvalid": "Invalid value",
    "FieldValueRequired": "Required value",
}


@lru_cache(maxsize=4096)
def program(source: str) -> Program:
    """Return a rule, compiled once; :class:`CelError` when it is none."""
    return compile_cel(source, ("self", "oldSelf"))


def violations(node: Structural, value: Any, path: str = "", old: Any = None) -> Iterator[Cause]:
    """Yield the rules that do not hold, of this node and below."""
    if value is None or not node.has_rules:
        return
    same = old is not None and value == old
    for rule in node.raw.get(RULES) or ():
        yield from _asked(rule, value, path, old, same)
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for key in sorted(value):
            inner = node.child(key)
            if inner is not None:
                yield from violations(inner, value[key], f"{path}.{key}" if path else key, before.get(key))
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            yield from violations(node.items, item, f"{path}[{index}]", earlier(node, old, item))


def _asked(rule: Object, value: Any, path: str, old: Any, same: bool) -> Iterator[Cause]:
    found = program(rule["rule"])
    transition = found.uses("oldSelf")
    if (old is None) if transition else same:
        return
    names = {"self": value, "oldSelf": old}
    text = " ".join((rule.get("message") or rule["rule"]).split())
    try:
        if found(names) is True:
            return
    except CelError as error:
        yield _cause("FieldValueInvalid", value, f"{error} evaluating rule: {text}", path)
        return
    inner = rule.get("fieldPath") or ""
    place = f"{path}{inner}" if path else inner.removeprefix(".")
    why = _message(rule, names)
    yield _cause(rule.get("reason") or "FieldValueInvalid", value, why, place)


def _cause(reason: str, value: Any, why: str, path: str) -> Cause:
    begin = REASONS[reason]
    if reason == "FieldValueInvalid":
        return Cause(reason, f'{begin}: "{json_type(value)}": {why}', path)
    if reason == "FieldValueDuplicate":
        return Cause(reason, f'{begin}: "{json_type(value)}"', path)
    return Cause(reason, f"{begin}: {why}", path)


def _message(rule: Object, names: dict[str, Any]) -> str:
    if rule.get("messageExpression"):
        try:
            found = program(rule["messageExpression"])(names)
            if isinstance(found, str) and found.strip() and "\n" not in found:
                return found.strip()
        except CelError:
            pass  # the real one falls back, too
    return str(rule.get("message") or f"failed rule: {' '.join(rule['rule'].split())}").strip()
