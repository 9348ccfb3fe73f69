"""The names of a cell while it is walked: which have a value, which are taken from outside.

Owns the rules of reading and binding; knows nothing of statements. A name that is made on only some
paths and read afterwards is *maybe* read from outside. What a function reads counts where it may first
be called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from argovx_lab.capture.scopes import COMPREHENSIONS, FUNCTIONS, Free, bound_names, import_names

#: Given a name, returns what its definition reads when it is made and when it is called; ``None`` when
#: no definition of that name is known.
Expand = Callable[[str], "tuple[Free, Free] | None"]


@dataclass
class Read:
    """A name that is taken from outside: where first, and whether on every path."""

    node: ast.AST
    sure: bool


class Names:
    """The state of one walk.

    Parameters
    ----------
    everywhere : iterable of str
        The names that the cell binds at its top level, wherever.
    expand : callable
        Definitions of other cells.

    Attributes
    ----------
    carried : dict of str to str
        Names that only definitions of other cells read, and the first definition that does.
    """

    def __init__(self, everywhere: Iterable[str], expand: Expand) -> None:
        self.reads: dict[str, Read] = {}
        self.kinds: dict[str, set[str]] = {}
        self.deleted: set[str] = set()
        self.used: dict[str, None] = {}  # in order
        self.carried: dict[str, str] = {}
        self._everywhere = frozenset(everywhere)
        self._expand = expand
        self._bound: set[str] = set()
        self._touched: set[str] = set()
        self._defs: dict[str, Free] = {}
        self._done: set[str] = set()
        self._branch: list[dict[str, bool]] = []

    @property
    def bound(self) -> frozenset[str]:
        """The names that have a value at the end, whichever path was taken."""
        return frozenset(self._bound)

    def pending(self) -> Free:
        """Return what definitions made here read when they are called, calls so far left aside."""
        result = Free()
        for free in self._defs.values():
            for name, node in free.reads.items():
                if name not in self._bound:
                    result.reads.setdefault(name, node)
            result.writes |= free.writes
        return result

    def _read(self, name: str, node: ast.AST) -> None:
        if name in self._touched:
            self._trigger(name)
        if name not in self._bound:
            self._outside(name, node, sure=name not in self._touched)

    def _outside(self, name: str, node: ast.AST, sure: bool, by: str = "") -> None:
        """Take a name from outside; ``by`` is the definition of another cell that reads it."""
        known = self._expand(name)
        if not by:
            self.carried.pop(name, None)
        elif name not in self.reads:
            self.carried[name] = by
        if known is None or not sure:
            there = self.reads.get(name)
            if there is None or (sure and not there.sure):
                self.reads[name] = Read(node, sure)
        if known is None or name in self.used:
            return
        self.used[name] = None
        made, called = known
        for need in made.reads:
            self._outside(need, node, sure=True, by=name)
        self._later(called, by=name)

    def _later(self, free: Free, by: str = "") -> None:
        """Take what a function reads when it is called, at a point where it may be called."""
        for name, node in free.reads.items():
            if name in self._touched:
                self._trigger(name)
            if name in self._bound:
                continue
            self._outside(name, node, sure=name not in self._everywhere, by=by)
        for name in free.writes:
            # Whether a call reaches its assignment is not known here.
            self._touched.add(name)
            self.kinds.setdefault(name, set()).add("assign")

    def _trigger(self, name: str) -> None:
        free = self._defs.get(name)
        if free is not None and name not in self._done:
            self._done.add(name)
            self._later(free)

    def _bind(self, name: str, kind: str) -> None:
        self._set(name, True)
        self._touched.add(name)
        self.deleted.discard(name)
        kinds = self.kinds.setdefault(name, set())
        if kind in ("def", "import"):
            kinds.clear()
        elif kinds & {"def", "import"}:
            kinds.clear()
            self._defs.pop(name, None)
        kinds.add(kind)

    def _define(self, name: str, free: Free) -> None:
        """Bind a definition; inside a branch, an earlier one of the name may be the one that is called."""
        earlier = self._defs.get(name) if self._branch else None
        self._bind(name, "def")
        if earlier is not None:
            free.add(earlier)
        self._defs[name] = free
        self._done.discard(name)

    def _branches(self, branches: list[Callable[[], bool]]) -> bool:
        """Walk alternatives from the same state; bound afterwards is what all that end well have bound.

        What a branch changes is kept and taken back: a cell of many branches and many names stays cheap.
        """
        made: list[set[str]] = []
        lost: set[str] = set()
        for branch in branches:
            self._branch.append({})
            ended = branch()
            before = self._branch.pop()
            if not ended:
                made.append({name for name, was in before.items() if not was and name in self._bound})
                lost |= {name for name, was in before.items() if was and name not in self._bound}
            for name, was in before.items():
                (self._bound.add if was else self._bound.discard)(name)
        for name in set.intersection(*made) if made else ():
            self._set(name, True)
        for name in lost:
            self._set(name, False)
        return not made

    def _set(self, name: str, bound: bool) -> None:
        """Say whether a name has a value; inside a branch, remember what it was before."""
        if self._branch:
            self._branch[-1].setdefault(name, name in self._bound)
        (self._bound.add if bound else self._bound.discard)(name)

    def _unbind(self, name: str) -> None:
        self._set(name, False)
        self._defs.pop(name, None)


def stores(node: ast.AST, found: set[str]) -> None:
    """Add the names that a statement binds at the top level, however deep in blocks."""
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (*FUNCTIONS, ast.ClassDef)):
            found.add(item.name)
            continue
        if isinstance(item, ast.Lambda):
            continue
        if isinstance(item, COMPREHENSIONS):
            found.update(n.target.id for n in ast.walk(item) if isinstance(n, ast.NamedExpr))
            continue
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            found.add(item.id)
        elif isinstance(item, (ast.Import, ast.ImportFrom)):
            found.update(import_names(item))
        elif isinstance(item, ast.match_case):
            found.update(bound_names(item.pattern))
        waiting += ast.iter_child_nodes(item)
