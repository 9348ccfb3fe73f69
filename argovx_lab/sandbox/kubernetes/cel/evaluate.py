"""CEL trees to values.

Owns operators, macros and the functions of :data:`METHODS` and :data:`CALLS`; a name that is not there is
refused when the expression is compiled, not when it runs. Work is counted: no expression runs for ever.
Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.kubernetes.cel.functions import CALLS, METHODS, binary, equal
from argovx_lab.sandbox.kubernetes.cel.parser import CelError, Tree, parse

#: Steps that one evaluation may take. Unit: nodes of the tree.
STEPS_MAX = 2_000_000
#: Source: https://kubernetes.io/docs/reference/using-api/cel/#escaping
_SIGNS = {"underscores": "__", "dot": ".", "dash": "-", "slash": "/"}
_ESCAPED = re.compile(r"__(underscores|dot|dash|slash)__")
_KEYWORD = re.compile(
    "__(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|"
    "return)__"
)
_MACROS = ("all", "exists", "exists_one", "filter", "map")


class Program:
    """A compiled expression.

    Parameters
    ----------
    names : iterable of str
        The variables it may use.

    Attributes
    ----------
    tree : Tree
        The expression, for those who look at it before it runs.

    Raises
    ------
    CelError
        When it is no expression, or uses a variable or function that is not there.
    """

    def __init__(self, source: str, names: Iterable[str]) -> None:
        self.source, self.tree = source, parse(source)
        _check(self.tree, set(names))

    def __call__(self, variables: Mapping[str, Any]) -> Any:
        """Return its value; :class:`CelError` when it has none."""
        return _Run(dict(variables)).value(self.tree)

    def uses(self, name: str) -> bool:
        """Whether the expression names a variable."""
        return any(tree.kind == "name" and tree.value == name for tree in everything(self.tree))


def compile_cel(source: str, names: Iterable[str]) -> Program:
    """Return a compiled expression."""
    return Program(source, names)


def everything(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and all below it."""
    yield tree
    for part in tree.below:
        yield from everything(part)


def _check(tree: Tree, names: set[str]) -> None:
    if tree.kind == "name" and tree.value not in names:
        raise CelError(f"undeclared reference to '{tree.value}'")
    if tree.kind == "method" and tree.value in _MACROS:
        _check(tree.below[0], names)
        if len(tree.below) not in (3, 4) or tree.below[1].kind != "name":
            raise CelError(f"{tree.value} needs a variable and an expression")
        for part in tree.below[2:]:
            _check(part, names | {str(tree.below[1].value)})
        return
    if tree.kind == "method" and tree.value not in METHODS:
        raise CelError(f"undeclared reference to '{tree.value}': the sandbox does not know this function")
    if tree.kind == "call" and tree.value == "has":
        if len(tree.below) != 1 or tree.below[0].kind != "select":
            raise CelError("has() needs a field selection")
    elif tree.kind == "call" and tree.value not in CALLS:
        raise CelError(f"undeclared reference to '{tree.value}': the sandbox does not know this function")
    for part in tree.below:
        _check(part, names)


class _Run:
    """One evaluation."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables, self._steps = variables, 0
        self._kinds: dict[str, Callable[[Tree], Any]] = {
            "literal": lambda tree: tree.value,
            "name": lambda tree: self._variables[tree.value],
            "list": lambda tree: [self.value(part) for part in tree.below],
            "map": self._map,
            "if": self._if,
            "unary": self._unary,
            "binary": self._binary,
            "select": lambda tree: _field(self.value(tree.below[0]), tree.value),
            "index": lambda tree: _item(self.value(tree.below[0]), self.value(tree.below[1])),
            "call": self._call,
            "method": self._method,
        }

    def value(self, tree: Tree) -> Any:
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise CelError("the expression takes too long: operation cancelled: actual cost limit exceeded")
        return self._kinds[tree.kind](tree)

    def _map(self, tree: Tree) -> Any:
        keys, values = tree.below[::2], tree.below[1::2]
        return {self.value(key): self.value(value) for key, value in zip(keys, values, strict=True)}

    def _if(self, tree: Tree) -> Any:
        return self.value(tree.below[1] if _truth(self.value(tree.below[0])) else tree.below[2])

    def _unary(self, tree: Tree) -> Any:
        value = self.value(tree.below[0])
        if tree.value == "!":
            return not _truth(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CelError("no such overload: -")
        return -value

    def _binary(self, tree: Tree) -> Any:
        if tree.value in ("&&", "||"):
            return self._logical(tree.value == "||", tree.below)
        return binary(tree.value, self.value(tree.below[0]), self.value(tree.below[1]))

    def _logical(self, decides: bool, parts: tuple[Tree, ...]) -> bool:
        """One side that decides is enough, even when the other comes to an error."""
        failed: CelError | None = None
        for part in parts:
            try:
                if _truth(self.value(part)) is decides:
                    return decides
            except CelError as error:
                failed = error
        if failed is not None:
            raise failed
        return not decides

    def _call(self, tree: Tree) -> Any:
        if tree.value == "has":
            holder, name = self.value(tree.below[0].below[0]), tree.below[0].value
            if not isinstance(holder, Mapping):
                raise CelError(f"no such key: {name}")
            return _found(holder, name) is not None
        return CALLS[tree.value](*(self.value(part) for part in tree.below))

    def _method(self, tree: Tree) -> Any:
        if tree.value in _MACROS:
            return self._macro(tree)
        return METHODS[tree.value](*(self.value(part) for part in tree.below))

    def _macro(self, tree: Tree) -> Any:
        items, name, last = self.value(tree.below[0]), str(tree.below[1].value), tree.below[-1]
        if not isinstance(items, list | Mapping):
            raise CelError(f"no such overload: {tree.value}")
        outer = self._variables
        results: list[tuple[Any, Any]] = []
        failed: CelError | None = None
        for item in items:
            self._variables = {**outer, name: item}
            try:
                if tree.value == "map":
                    if len(tree.below) == 4 and not _truth(self.value(tree.below[2])):
                        continue
                    results.append((item, self.value(last)))
                    continue
                found = _truth(self.value(last))
                if (tree.value, found) in (("all", False), ("exists", True)):
                    return found
                results.append((item, found))
            except CelError as error:
                if tree.value not in ("all", "exists"):
                    raise
                failed = error
            finally:
                self._variables = outer
        if failed is not None:
            raise failed
        return _gathered(tree.value, results)


def _gathered(macro: str, results: list[tuple[Any, Any]]) -> Any:
    if macro == "map":
        return [value for _, value in results]
    if macro == "filter":
        return [item for item, value in results if value]
    if macro == "exists_one":
        return sum(bool(value) for _, value in results) == 1
    return macro == "all"


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CelError("no such overload: a condition must be a bool")
    return value


def _field(holder: Any, name: str) -> Any:
    found = _found(holder, name) if isinstance(holder, Mapping) else None
    if found is None:
        raise CelError(f"no such key: {name}")
    return found


def _found(holder: Mapping[Any, Any], name: str) -> Any:
    """Return a member; a name that is no identifier is written with escapes, as Kubernetes does."""
    found = holder.get(name)
    return holder.get(unescaped(name)) if found is None and "__" in name else found


def unescaped(name: str) -> str:
    """Return the member's name that an identifier such as ``a__dash__b`` stands for."""
    plain = _KEYWORD.fullmatch(name)
    return plain[1] if plain else _ESCAPED.sub(lambda part: _SIGNS[part[1]], name)


def _item(holder: Any, key: Any) -> Any:
    if isinstance(holder, list) and isinstance(key, int) and not isinstance(key, bool):
        if not 0 <= key < len(holder):
            raise CelError(f"index out of bounds: {key}")
        return holder[key]
    if isinstance(holder, Mapping):
        for known, value in holder.items():
            if equal(known, key):
                return value
        raise CelError(f"no such key: {key}")
    raise CelError("no such overload: _[_]")
