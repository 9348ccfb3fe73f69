"""What the top level of a cell reads before it has made it, in the order in which it runs.

Owns the walk over statements: branches, loops, handlers, definitions that are called later. Loops
and ``with`` count as entered, the branch under ``if __name__ == "__main__"`` as taken; a name that is
made on only some paths and read afterwards is *maybe* read from outside. Refuses nothing itself:
findings are handed to the caller.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from dataclasses import dataclass

from argovx_lab.capture.scopes import (
    COMPREHENSIONS,
    FUNCTIONS,
    Free,
    bound_names,
    class_free,
    comprehension_parts,
    function_free,
    import_names,
    outer_parts,
)

#: Loops inside of loops that are walked twice. Reason: the cost doubles with each.
_TURNS_MAX = 3


@dataclass
class Read:
    """A name that is taken from outside: where first, and whether on every path."""

    node: ast.AST
    sure: bool


class Flow:
    """One walk over a list of statements.

    Parameters
    ----------
    expand : callable, optional
        Given a name that is not bound here, returns what the definition of that name reads when it
        is made and when it is called, or ``None`` when it is no known definition.
    lazy_notes : bool
        ``from __future__ import annotations`` holds: annotations are not read.
    """

    def __init__(
        self,
        body: list[ast.stmt],
        expand: Callable[[str], tuple[Free, Free] | None] | None = None,
        lazy_notes: bool = False,
    ) -> None:
        self.reads: dict[str, Read] = {}
        self.later: dict[str, ast.AST] = {}
        self.kinds: dict[str, set[str]] = {}
        self.deleted: set[str] = set()
        self.used: list[str] = []
        self.odd: list[tuple[str, ast.AST]] = []
        self.calls: list[tuple[str, str, ast.AST]] = []
        self._expand = expand or (lambda _: None)
        self._bound: set[str] = set()
        self._touched: set[str] = set()
        self._defs: dict[str, Free] = {}
        self._done: set[str] = set()
        self._depth = 0
        self._turns = 0
        self._lazy = lazy_notes
        self._body = body
        self._everywhere: dict[str, bool] = {}
        for item in body:
            _stores(item, self._everywhere)
        self._block(body)

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

    # Names

    def _read(self, name: str, node: ast.AST) -> None:
        if name in self._touched:
            self._trigger(name)
        if name not in self._bound:
            self._outside(name, node, sure=name not in self._touched)

    def _outside(self, name: str, node: ast.AST, sure: bool) -> None:
        known = self._expand(name)
        if known is None or not sure:
            there = self.reads.get(name)
            if there is None or (sure and not there.sure):
                self.reads[name] = Read(node, sure)
        if known is None or name in self.used:
            return
        self.used.append(name)
        made, called = known
        for need in made.reads:
            self._outside(need, node, sure=True)
        self._later(called)

    def _later(self, free: Free) -> None:
        """Take what a function reads when it is called, at a point where it may be called."""
        for name, node in free.reads.items():
            if name in self._touched:
                self._trigger(name)
            if name in self._bound:
                continue
            if name not in self._everywhere or self._expand(name) is not None:
                self._outside(name, node, sure=name not in self._everywhere)
            elif self._everywhere[name]:
                self._outside(name, node, sure=False)
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
        self._bound.add(name)
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
        earlier = self._defs.get(name) if self._depth else None
        self._bind(name, "def")
        if earlier is not None:
            free.add(earlier)
        self._defs[name] = free
        self._done.discard(name)

    def _unbind(self, name: str) -> None:
        self._bound.discard(name)
        self._defs.pop(name, None)

    # Statements

    def _block(self, body: list[ast.stmt]) -> bool:
        """Walk statements; returns whether they never run to their end."""
        ended = False
        for item in body:
            ended = self._statement(item) or ended
        return ended

    def _statement(self, node: ast.stmt) -> bool:
        visit = _STATEMENTS.get(type(node))
        if visit is not None:
            return bool(getattr(self, visit)(node))
        for child in ast.iter_child_nodes(node):
            self._expression(child)
        return isinstance(node, (ast.Raise, ast.Return, ast.Break, ast.Continue))

    def _assign(self, node: ast.Assign) -> None:
        first = node.targets[0]
        if isinstance(node.value, ast.Lambda) and len(node.targets) == 1 and isinstance(first, ast.Name):
            self._defaults(node.value)
            self._define(first.id, function_free(node.value))
            return
        self._expression(node.value)
        for target in node.targets:
            self._target(target, "assign")

    def _augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._read(node.target.id, node.target)
        self._expression(node.value)
        self._target(node.target, "assign")

    def _annotated(self, node: ast.AnnAssign) -> None:
        if not self._lazy:
            self._expression(node.annotation)
        if node.value is not None:
            self._expression(node.value)
            self._target(node.target, "assign")

    def _target(self, node: ast.AST, kind: str) -> None:
        if isinstance(node, ast.Name):
            self._bind(node.id, kind)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for item in node.elts:
                self._target(item, kind)
        elif isinstance(node, ast.Starred):
            self._target(node.value, kind)
        else:
            for child in ast.iter_child_nodes(node):
                self._expression(child)
            root = _root(node)
            if root is not None and root not in self._bound:
                self.kinds.setdefault(root, set()).add("change")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        parameters = {p.name for p in getattr(node, "type_params", ())} - self._bound
        self._bound |= parameters
        for part in outer_parts(node, notes=not self._lazy):
            self._expression(part)
        self._bound -= parameters
        self._define(node.name, function_free(node))
        if node.decorator_list:
            self._trigger(node.name)

    def _class(self, node: ast.ClassDef) -> None:
        parameters = {p.name for p in getattr(node, "type_params", ())} - self._bound
        self._bound |= parameters
        for part in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
            self._expression(part)
        self._bound -= parameters
        now, later = class_free(node)
        for name, place in now.reads.items():
            self._read(name, place)
        self._define(node.name, later)
        if node.decorator_list or node.keywords:
            self._trigger(node.name)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if any(alias.name == "*" for alias in node.names):
            self.odd.append(("star", node))
        for name in import_names(node):
            self._bind(name, "import")

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._read(target.id, target)
                self._unbind(target.id)
                self.deleted.add(target.id)
            else:
                self._target(target, "change")

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self._await(node)
        self._expression(node.iter)
        self._target(node.target, "loop")
        self._loop(node.body)
        self._block(node.orelse)

    def _while(self, node: ast.While) -> None:
        self._expression(node.test)
        self._loop(node.body)
        self._block(node.orelse)

    def _loop(self, body: list[ast.stmt]) -> None:
        """Walk a loop's body twice: what one turn defines, the next may call."""
        self._turns += 1
        self._block(body)
        if self._turns <= _TURNS_MAX:
            self._block(body)
        self._turns -= 1

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        self._await(node)
        for item in node.items:
            self._expression(item.context_expr)
            if item.optional_vars is not None:
                self._target(item.optional_vars, "with")
        return self._block(node.body)

    def _if(self, node: ast.If) -> bool:
        self._expression(node.test)
        if _is_main(node.test):
            return self._block(node.body)
        return self._branches([lambda: self._block(node.body), lambda: self._block(node.orelse)])

    def _match(self, node: ast.Match) -> bool:
        self._expression(node.subject)
        cases: list[Callable[[], bool]] = [functools.partial(self._case, case) for case in node.cases]
        last = node.cases[-1]
        if last.guard is not None or not (
            isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        ):
            cases.append(lambda: False)
        return self._branches(cases)

    def _case(self, case: ast.match_case) -> bool:
        for item in ast.walk(case.pattern):
            if isinstance(item, (ast.MatchValue, ast.MatchClass)):
                self._expression(item.value if isinstance(item, ast.MatchValue) else item.cls)
        for name in bound_names(case.pattern):
            self._bind(name, "loop")
        if case.guard is not None:
            self._expression(case.guard)
        return self._block(case.body)

    def _try(self, node: ast.Try) -> bool:
        handlers = [functools.partial(self._handler, handler) for handler in node.handlers]
        ended = self._branches([lambda: self._block([*node.body, *node.orelse]), *handlers])
        return self._block(node.finalbody) or ended

    def _handler(self, node: ast.ExceptHandler) -> bool:
        if node.type is not None:
            self._expression(node.type)
        if node.name:
            self._bind(node.name, "except")
        ended = self._block(node.body)
        if node.name:
            self._unbind(node.name)
        return ended

    def _branches(self, branches: list[Callable[[], bool]]) -> bool:
        """Walk alternatives from the same state; bound afterwards is what all that end well have bound."""
        before, results = set(self._bound), []
        self._depth += 1
        for branch in branches:
            self._bound = set(before)
            if not branch():
                results.append(self._bound)
        self._depth -= 1
        self._bound = set.intersection(*results) if results else before
        return not results

    def _alias(self, node: ast.AST) -> None:
        self._bind(node.name.id, "def")  # type: ignore[attr-defined]

    def _statement_expression(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            root = _root(call.func)
            if root is not None and root not in self._bound:
                self.calls.append((root, call.func.attr, call))
        self._expression(call)

    def _nothing(self, node: ast.AST) -> None:
        del node

    # Expressions

    def _expression(self, node: ast.AST) -> None:
        kind = type(node)
        if kind is ast.Constant:
            return
        if kind is ast.Name:
            self._read(node.id, node)  # type: ignore[attr-defined]
        elif kind is ast.Lambda:
            self._defaults(node)  # type: ignore[arg-type]
            self._later(function_free(node))  # type: ignore[arg-type]
        elif isinstance(node, COMPREHENSIONS):
            self._await(node)
            first, free, walrus = comprehension_parts(node)
            self._expression(first)
            for name, place in free.reads.items():
                self._read(name, place)
            for name in walrus:
                self._bind(name, "assign")
        elif isinstance(node, ast.IfExp):
            self._expression(node.test)
            self._either([node.body], [node.orelse])
        elif isinstance(node, ast.BoolOp):
            self._expression(node.values[0])
            self._either(node.values[1:], [])
        elif kind is ast.NamedExpr:
            self._expression(node.value)  # type: ignore[attr-defined]
            self._target(node.target, "assign")  # type: ignore[attr-defined]
        else:
            if isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom)):
                self.odd.append((kind.__name__.lower(), node))
            for child in ast.iter_child_nodes(node):
                self._expression(child)

    def _either(self, one: list[ast.expr], other: list[ast.expr]) -> None:
        """Walk expressions of which only one side may be evaluated."""

        def walk(side: list[ast.expr]) -> bool:
            for item in side:
                self._expression(item)
            return False

        self._branches([functools.partial(walk, one), functools.partial(walk, other)])

    def _defaults(self, node: ast.Lambda) -> None:
        for default in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
            self._expression(default)

    def _await(self, node: ast.AST) -> None:
        if isinstance(node, (ast.AsyncFor, ast.AsyncWith)):
            self.odd.append(("await", node))
        for generator in getattr(node, "generators", ()):
            if generator.is_async:
                self.odd.append(("await", node))


def _stores(node: ast.AST, found: dict[str, bool]) -> None:
    """Add the names that a statement binds at the top level: ``True`` when not only by def or import."""
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (*FUNCTIONS, ast.ClassDef)):
            found.setdefault(item.name, False)
            continue
        if isinstance(item, ast.Lambda):
            continue
        if isinstance(item, COMPREHENSIONS):
            found.update({n.target.id: True for n in ast.walk(item) if isinstance(n, ast.NamedExpr)})
            continue
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            found[item.id] = True
        elif isinstance(item, (ast.Import, ast.ImportFrom)):
            for name in import_names(item):
                found.setdefault(name, False)
        elif isinstance(item, ast.match_case):
            found.update(dict.fromkeys(bound_names(item.pattern), True))
        waiting += ast.iter_child_nodes(item)


def _root(node: ast.AST) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )


_STATEMENTS: dict[type, str] = {
    ast.Assign: "_assign",
    ast.AugAssign: "_augmented",
    ast.AnnAssign: "_annotated",
    ast.FunctionDef: "_function",
    ast.AsyncFunctionDef: "_function",
    ast.ClassDef: "_class",
    ast.Import: "_import",
    ast.ImportFrom: "_import",
    ast.Delete: "_delete",
    ast.For: "_for",
    ast.AsyncFor: "_for",
    ast.While: "_while",
    ast.With: "_with",
    ast.AsyncWith: "_with",
    ast.If: "_if",
    ast.Match: "_match",
    ast.Try: "_try",
    ast.TryStar: "_try",
    ast.Expr: "_statement_expression",
    ast.Global: "_nothing",
}
if hasattr(ast, "TypeAlias"):  # Python 3.12
    _STATEMENTS[ast.TypeAlias] = "_alias"
