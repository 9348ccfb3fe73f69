"""expr-lang's functions over the elements of a list: ``filter(list, {# > 1})`` and its relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from argovx_lab.sandbox.argo.expr.lexer import ExprError


def call(name: str, items: Any, test: Callable[..., Any], arguments: int) -> Any:
    """Apply the function ``name`` to a list (or a map's values)."""
    if isinstance(items, dict):
        items = list(items.values())
    if not isinstance(items, list):
        raise ExprError(f"{name} expects an array, got {type(items).__name__}")
    if name == "reduce":
        return _reduce(items, test, arguments)
    if name in ("groupBy", "sortBy"):
        return _arranged(name, items, test)
    results = [test(element, index) for index, element in enumerate(items)]
    return _COMBINE[name](items, results)


def _reduce(items: list[Any], test: Callable[..., Any], arguments: int) -> Any:
    if not items and arguments < 3:
        raise ExprError("reduce of an empty array with no initial value")
    start, acc = (0, None) if arguments > 2 else (1, items[0])
    for index in range(start, len(items)):
        acc = test(items[index], index, acc)
    return acc


def _arranged(name: str, items: list[Any], test: Callable[..., Any]) -> Any:
    keys = [test(element, index) for index, element in enumerate(items)]
    if name == "sortBy":
        return [items[i] for i in sorted(range(len(items)), key=lambda i: keys[i])]
    groups: dict[str, list[Any]] = {}
    for key, element in zip(keys, items, strict=True):
        groups.setdefault(str(key), []).append(element)
    return groups


def _chosen(items: list[Any], results: list[Any]) -> list[Any]:
    return [e for e, r in zip(items, results, strict=True) if r]


_COMBINE: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "filter": _chosen,
    "map": lambda _items, results: results,
    "all": lambda _items, results: all(results),
    "any": lambda _items, results: any(results),
    "one": lambda _items, results: sum(map(bool, results)) == 1,
    "none": lambda _items, results: not any(results),
    "count": lambda _items, results: sum(map(bool, results)),
    "sum": lambda _items, results: sum(results),
    "find": lambda items, results: next(iter(_chosen(items, results)), None),
    "findLast": lambda items, results: next(reversed(_chosen(items, results)), None),
    "findIndex": lambda _items, results: next((i for i, r in enumerate(results) if r), -1),
}
