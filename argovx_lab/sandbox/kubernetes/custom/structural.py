"""A structural schema as a tree, and how a value is brought into its form: pruning, defaults, nulls.

Owns the reading of OpenAPI v3 as definitions of custom kinds write it; whether a value is right is
``validation.py``'s and ``expressions.py``'s business. Nodes are made when they are first met: Argo's full
schemas have tens of thousands.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from argovx_lab.sandbox.kubernetes.interface import Object

PRESERVE, INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
EMBEDDED, RULES = "x-kubernetes-embedded-resource", "x-kubernetes-validations"
LIST_TYPE, MAP_KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"
#: What every object has, and its schema need not name.
HEAD = ("apiVersion", "kind", "metadata")


class Structural:
    """One node of a schema.

    Parameters
    ----------
    raw : dict
        The node as OpenAPI; it is not changed.
    root : bool
        Whether values are whole objects with apiVersion, kind and metadata.
    """

    def __init__(self, raw: Object, *, root: bool = False) -> None:
        self.raw = raw
        self.type: str = raw.get("type") or ""
        self.nullable = bool(raw.get("nullable"))
        self.open = bool(raw.get(PRESERVE))
        self.has_head = root or bool(raw.get(EMBEDDED))
        self._properties: Object = raw.get("properties") or {}
        self._made: dict[str, Structural] = {}

    def child(self, name: str) -> Structural | None:
        """Return the schema of a member; ``None`` when the schema does not know it."""
        if name not in self._properties:
            return self.values
        if name not in self._made:
            self._made[name] = Structural(self._properties[name])
        return self._made[name]

    @property
    def properties(self) -> dict[str, Structural]:
        """The members that have a name."""
        for name in self._properties:
            self.child(name)
        return self._made

    @cached_property
    def values(self) -> Structural | None:
        """The schema of members without a name; ``None`` when there are none."""
        found = self.raw.get("additionalProperties")
        if found is True:
            return Structural({PRESERVE: True, "nullable": True})
        return Structural(found) if isinstance(found, dict) else None

    @cached_property
    def items(self) -> Structural | None:
        """The schema of a list's items."""
        found = self.raw.get("items")
        return Structural(found) if isinstance(found, dict) else None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What tells the items of a list apart that is a map; empty for other lists."""
        return tuple(self.raw.get(MAP_KEYS) or ()) if self.raw.get(LIST_TYPE) == "map" else ()

    @cached_property
    def has_rules(self) -> bool:
        """Whether this node or one below has rules."""
        return any(RULES in raw for raw in every(self.raw))


def every(raw: Object) -> Iterator[Object]:
    """Yield a raw schema and all below it."""
    waiting = [raw]
    while waiting:
        node = waiting.pop()
        yield node
        inner = [
            *(node.get("properties") or {}).values(),
            node.get("items"),
            node.get("additionalProperties"),
        ]
        waiting += [item for item in inner if isinstance(item, dict)]


def unknown(node: Structural, value: Any) -> list[str]:
    """Return the paths of members that the schema does not know, sorted."""
    return sorted(path for path, _, _ in _strangers(node, value, ""))


def prune(node: Structural, value: Any) -> None:
    """Take out what the schema does not know, in place."""
    for _, holder, key in list(_strangers(node, value, "")):
        del holder[key]


def _strangers(node: Structural | None, value: Any, path: str) -> Iterator[tuple[str, Object, str]]:
    if isinstance(value, list):
        items = node.items if node is not None else None
        if items is None and node is not None and node.open:
            return
        for index, item in enumerate(value):
            yield from _strangers(items, item, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if node is not None and node.has_head and key in HEAD:
            continue
        inner = node.child(key) if node is not None else None
        place = f"{path}.{key}" if path else key
        if inner is not None:
            yield from _strangers(inner, item, place)
        elif node is None or not node.open:
            yield place, value, key


def complete(node: Structural, value: Any) -> None:
    """Fill in defaults, also for nulls, and take out nulls that may not be, in place."""
    if isinstance(value, dict):
        _complete_members(node, value)
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            if item is None and not node.items.nullable:
                value[index] = copy.deepcopy(node.items.raw.get("default"))
            complete(node.items, value[index])


def _complete_members(node: Structural, value: Object) -> None:
    for name in node.raw.get("properties") or {}:
        inner = node.child(name)
        assert inner is not None
        given = inner.raw.get("default")
        if given is not None and value.get(name) is None and not (name in value and inner.nullable):
            value[name] = copy.deepcopy(given)
    for key in list(value):
        known = node.child(key)
        if known is None:
            continue
        if value[key] is None and not known.nullable:
            if known.raw.get("default") is None:
                del value[key]
                continue
            value[key] = copy.deepcopy(known.raw["default"])
        complete(known, value[key])


def embedded(node: Structural, value: Any, path: str = "") -> Iterator[tuple[str, Object]]:
    """Yield the path and the value of each object inside a value that has a head of its own."""
    if isinstance(value, dict):
        for key, item in value.items():
            inner = node.child(key)
            if inner is None:
                continue
            place = f"{path}.{key}" if path else key
            if inner.has_head and isinstance(item, dict):
                yield place, item
            yield from embedded(inner, item, place)
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            if node.items.has_head and isinstance(item, dict):
                yield f"{path}[{index}]", item
            yield from embedded(node.items, item, f"{path}[{index}]")
