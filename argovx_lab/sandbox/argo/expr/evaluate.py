"""A tree and an environment of nested maps → a value.

Numbers, strings, booleans, ``nil``, lists and maps only: an expression cannot reach Python. Work is
bounded by :data:`STEPS_MAX`, so that no workflow can hang the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from argovx_lab.sandbox.argo.expr import functions, predicates
from argovx_lab.sandbox.argo.expr.lexer import ExprError, ExprUnsupported
from argovx_lab.sandbox.argo.expr.parser import PREDICATES, Tree, parse
from argovx_lab.sandbox.argo.expr.sprig import SPRIG

#: Nodes of the tree that one evaluation may visit.
STEPS_MAX = 200_000
#: Longest list or string that an operator may make. Unit: elements or characters.
SIZE_MAX = 1_000_000

#: Parts of a tree that make new values; names and members hand on what is there.
_MAKERS = frozenset(("binary", "call", "list", "map", "slice"))

_parse = lru_cache(maxsize=2048)(parse)


def evaluate(source: str, env: Mapping[str, Any]) -> Any:
    """Return the value of an expression.

    Raises
    ------
    ExprError
        When it cannot be read, uses an unknown name or function, or has no value.
    """
    try:
        return _Evaluator(env).value(_parse(source))
    except ExprError:
        raise
    except RecursionError:
        raise ExprError(f"expression {source!r} nests too deeply") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, re.error) as error:
        raise ExprError(f"{error} in expression {source!r}") from None


def evaluate_bool(source: str, env: Mapping[str, Any]) -> bool:
    """Return the value of an expression that must be true or false."""
    result = evaluate(source, env)
    if not isinstance(result, bool):
        raise ExprError(f"unable to cast expression result '{functions.go_string(result)}' to bool")
    return result


def names_in(source: str) -> set[str]:
    """Return the names that an expression reads, such as ``tasks.a.outputs.result``; no functions."""
    found: set[str] = set()
    _collect(_parse(source), found)
    return found


def _collect(tree: Any, found: set[str]) -> None:
    if not isinstance(tree, tuple):
        return
    path = _path(tree)
    if path:
        found.add(path)
        return
    if tree and tree[0] == "call":
        _collect(tree[2], found)
        return
    if tree and tree[0] == "binary" and tree[1] == "??":
        _collect(_unguarded(tree[2]), found)
        _collect(tree[3], found)
        return
    for part in tree[1:] if tree and isinstance(tree[0], str) else tree:
        _collect(part, found)


def _unguarded(tree: Tree) -> Tree:
    """Return what of the left side of ``??`` must be there: of a path, its first name alone."""
    while tree and tree[0] == "member" and _path(tree):
        tree = tree[1]
    return tree


def _path(tree: Tree) -> str:
    if tree and tree[0] == "name" and len(tree) == 2:
        return str(tree[1])
    if tree and tree[0] == "member" and tree[2][0] == "literal" and isinstance(tree[2][1], str):
        head = _path(tree[1])
        return f"{head}.{tree[2][1]}" if head else ""
    return ""


class _Evaluator:
    def __init__(self, env: Mapping[str, Any]) -> None:
        self._env = dict(env)
        self._steps = 0

    def value(self, tree: Tree) -> Any:
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise ExprError(f"expression takes more than {STEPS_MAX} steps")
        method: Callable[..., Any] = getattr(self, "_do_" + tree[0])
        result = method(*tree[1:])
        return self._counted(result) if tree[0] in _MAKERS else result

    def _counted(self, made: Any) -> Any:
        """Let what is made cost as much as it holds, repeats of one part included."""
        if isinstance(made, str | list | dict):
            size = _size(made)
            if size > SIZE_MAX:
                raise ExprError(f"expression makes more than {SIZE_MAX} elements or characters")
            self._steps += size // 20
        return made

    def _do_literal(self, value: Any) -> Any:
        return value

    def _do_name(self, name: str) -> Any:
        if name in self._env:
            return self._env[name]
        raise ExprError(f"unknown name {name}")

    def _do_list(self, items: tuple[Tree, ...]) -> list[Any]:
        return [self.value(i) for i in items]

    def _do_map(self, pairs: tuple[tuple[Tree, Tree], ...]) -> dict[str, Any]:
        return {functions.go_string(self.value(k)): self.value(v) for k, v in pairs}

    def _do_if(self, condition: Tree, chosen: Tree, other: Tree) -> Any:
        return self.value(chosen if _truth(self.value(condition)) else other)

    def _do_or_else(self, condition: Tree, other: Tree) -> Any:
        found = self.value(condition)
        return found or self.value(other)

    def _do_unary(self, operator: str, operand: Tree) -> Any:
        value = self.value(operand)
        if operator == "not":
            return not _truth(value)
        functions.need_number(value, operator)
        return -value if operator == "-" else value

    def _do_member(self, owner: Tree, key: Tree, optional: bool) -> Any:
        holder = self.value(owner)
        if holder is None:
            if optional:
                return None
            raise ExprError(f"cannot fetch {self.value(key)} from nil")
        return functions.fetch(holder, self.value(key))

    def _do_slice(self, owner: Tree, start: Tree | None, end: Tree | None) -> Any:
        holder = self.value(owner)
        if not isinstance(holder, list | str):
            raise ExprError(f"cannot slice {functions.type_name(holder)}")
        return holder[self.value(start) if start else None : self.value(end) if end else None]

    def _do_binary(self, operator: str, left: Tree, right: Tree) -> Any:
        first = self.value(left)
        if operator == "??":
            return self.value(right) if first is None else first
        if operator in ("and", "&&"):
            return _truth(first) and _truth(self.value(right))
        if operator in ("or", "||"):
            return _truth(first) or _truth(self.value(right))
        return functions.binary(operator, first, self.value(right), SIZE_MAX)

    def _do_call(self, target: Tree, arguments: tuple[Tree, ...]) -> Any:
        name = _path(target)
        if name in PREDICATES and name not in self._env:
            return predicates.call(name, self.value(arguments[0]), self._predicate(arguments), len(arguments))
        function = self._function(name)
        return function(*[self.value(a) for a in arguments])

    def _function(self, name: str) -> Callable[..., Any]:
        if name.startswith("sprig."):
            found = SPRIG.get(name.removeprefix("sprig."))
        else:
            found = functions.FUNCTIONS.get(name)
        if found is None:
            raise ExprUnsupported(f"unknown function {name or '(computed)'}: not in this engine's list")
        return found

    def _predicate(self, arguments: tuple[Tree, ...]) -> Callable[..., Any]:
        if len(arguments) < 2:
            return lambda element, _index, _acc=None: element
        body = arguments[1][1] if arguments[1][0] == "predicate" else arguments[1]
        initial = self.value(arguments[2]) if len(arguments) > 2 else None

        def run(element: Any, index: int, acc: Any = None) -> Any:
            saved = {k: self._env.get(k) for k in ("#", "#index", "#acc")}
            self._env.update({"#": element, "#index": index, "#acc": initial if acc is None else acc})
            try:
                return self.value(body)
            finally:
                self._env.update(saved)

        return run


def _size(value: Any) -> int:
    """Return how many characters and elements a value holds; counting ends past :data:`SIZE_MAX`."""
    size, waiting = 0, [value]
    while waiting and size <= SIZE_MAX:
        one = waiting.pop()
        if isinstance(one, str | list | dict):
            size += len(one)
            if not isinstance(one, str) and size <= SIZE_MAX:
                waiting += one.values() if isinstance(one, dict) else one
        size += not isinstance(one, str)
    return size // (1 if isinstance(value, str) else 2)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ExprError(f"expected a bool, got {functions.type_name(value)} ({functions.go_string(value)})")
    return value
