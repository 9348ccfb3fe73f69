"""Label and field selectors: text to predicate.

Owns the grammar; a selector that the real server refuses is refused here with its words.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.history import Match, Record
from argovx_lab.sandbox.kubernetes.kinds import Kind

_KEY = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*")
_SET = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*")
_ORDER = re.compile(rf"\s*({_KEY})\s*([<>])\s*(-?\d{{1,18}})\s*")

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]


def label_tests(text: str) -> list[Test]:
    """Return the requirements of a label selector; all must hold. 400 for wrong grammar."""
    tests = []
    for part in _split(text):
        test = _equality(part) or _membership(part) or _order(part) or _existence(part)
        if test is None:
            raise status.bad_request(
                f"unable to parse requirement: {status.shown(part)} is no label requirement"
            )
        tests.append(test)
    return tests


def _split(text: str) -> list[str]:
    if not text.strip():
        return []
    return re.split(r",(?![^()]*\))", text)


def _equality(part: str) -> Test | None:
    found = _EQUAL.fullmatch(part)
    if not found:
        return None
    key, operator, value = found.groups()
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _membership(part: str) -> Test | None:
    found = _SET.fullmatch(part)
    if not found:
        return None
    key, operator, inside = found.groups()
    values = {value.strip() for value in inside.split(",")}
    for value in values:
        if not re.fullmatch(_VALUE, value):
            raise status.bad_request(f"unable to parse requirement: {status.shown(value)} is no label value")
    if operator == "in":
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _order(part: str) -> Test | None:
    found = _ORDER.fullmatch(part)
    if not found:
        return None
    key, operator, bound = found.group(1), found.group(2), int(found.group(3))

    def test(labels: Labels) -> bool:
        value = labels.get(key, "")
        if not re.fullmatch(r"-?\d{1,18}", value):
            return False
        return int(value) > bound if operator == ">" else int(value) < bound

    return test


def _existence(part: str) -> Test | None:
    found = _EXISTS.fullmatch(part)
    if not found:
        return None
    absent, key = found.groups()
    if absent:
        return lambda labels: key not in labels
    return lambda labels: key in labels


def field_tests(kind: Kind, text: str) -> list[tuple[str, bool, str]]:
    """Return ``(field, wanted equal, value)`` for each requirement; 400 for an unknown field."""
    tests = []
    for part in (piece for piece in text.split(",") if piece.strip()):
        found = re.fullmatch(r"\s*([A-Za-z.]+)\s*(==|=|!=)(.*)", part)
        if not found:
            raise status.bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        name, operator, value = found.group(1), found.group(2), found.group(3).strip()
        if name not in kind.selectable:
            if not kind.fields and not kind.custom:
                why = 'is not a known field selector: only "metadata.name", "metadata.namespace"'
                raise status.bad_request(f'"{name}" {why}')
            raise status.bad_request(f"field label not supported: {name}")
        tests.append((name, operator != "!=", value))
    return tests


def matcher(kind: Kind, namespace: str = "", labels: str = "", fields: str = "") -> Match:
    """Return the predicate of a list or watch; 400 for a selector that cannot be read."""
    label_list, field_list = label_tests(labels), field_tests(kind, fields)

    def match(record: Record) -> bool:
        return (
            (not namespace or record.namespace == namespace)
            and all(test(record.labels) for test in label_list)
            and all((record.fields[name] == value) is equal for name, equal, value in field_list)
        )

    return match
