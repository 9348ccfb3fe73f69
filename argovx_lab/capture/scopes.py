"""The free names of a function, lambda, class or comprehension: what it takes from outside.

Owns Python's scope rules below the top level of a cell. Pure functions over syntax trees; the
binding order inside a function does not matter, inside a class body it does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

#: A local name in an expression of pandas.
_AT = re.compile(r"(?<![\w@])@([A-Za-z_]\w*)")

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class Free:
    """Names that a scope reads from outside, and those it assigns there (``global``).

    Parameters
    ----------
    reads : dict of str to node
        Name → first place where it is read.
    writes : set of str
        Global names that it assigns.
    """

    reads: dict[str, ast.AST] = field(default_factory=dict)
    writes: set[str] = field(default_factory=set)

    def add(self, other: Free) -> None:
        """Take over what ``other`` reads and writes."""
        for name, node in other.reads.items():
            self.reads.setdefault(name, node)
        self.writes |= other.writes


def function_free(node: Function) -> Free:
    """Return the free names of a function's body; defaults and decorators belong to the scope around it."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    scope = _Scope()
    args = node.args
    for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
        if arg is not None:
            scope.locals.add(arg.arg)
    scope.locals |= {p.name for p in getattr(node, "type_params", ())}
    for item in body:
        scope.visit(item)
    return scope.free()


def class_free(node: ast.ClassDef) -> tuple[Free, Free]:
    """Return what a class body reads when it runs, and what its methods read when they are called."""
    now, later, bound = Free(), Free(), {"__module__", "__qualname__"}
    bound |= {p.name for p in getattr(node, "type_params", ())}
    for item in node.body:
        scope = _Scope(deferred=True)
        scope.visit(item)
        for name, place in scope.reads.items():
            if name not in bound:
                now.reads.setdefault(name, place)
        # A name bound by an earlier line of the class is not free in later lines of the class body.
        bound |= scope.locals - scope.globals
        later.add(scope.later)
        now.writes |= scope.locals & scope.globals
    return now, later


def comprehension_parts(node: ast.AST) -> tuple[ast.expr, Free, set[str]]:
    """Return the first iterable, the free names of the rest, and the names that ``:=`` binds outside."""
    generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
    scope = _Scope()
    for index, generator in enumerate(generators):
        if index:
            scope.visit(generator.iter)
        scope.targets(generator.target)
        for condition in generator.ifs:
            scope.visit(condition)
    elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]  # type: ignore[attr-defined]
    for element in elements:
        scope.visit(element)
    walrus = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
    scope.locals -= walrus - _target_names(generators)
    free = scope.free()
    for name in walrus - scope.early:
        free.reads.pop(name, None)
    return generators[0].iter, free, walrus


def bound_names(pattern: ast.AST) -> Iterator[str]:
    """Yield the names that a ``match`` pattern captures."""
    for node in ast.walk(pattern):
        if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest


def import_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the names that an import binds; none for ``*``."""
    for alias in node.names:
        if alias.name != "*":
            yield alias.asname or (
                alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name
            )


def _target_names(generators: Iterable[ast.comprehension]) -> set[str]:
    return {n.id for g in generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}


class _Scope:
    """Collects loads and stores of one scope; nested scopes are resolved on the way.

    Parameters
    ----------
    deferred : bool
        Keep what nested functions read apart, in ``later`` (class bodies).
    """

    def __init__(self, deferred: bool = False) -> None:
        self.locals: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.reads: dict[str, ast.AST] = {}
        self.early: set[str] = set()
        self.nested = Free()
        self.later = self.nested if not deferred else Free()

    def free(self) -> Free:
        """Return what is not local."""
        own = self.locals - self.globals - self.nonlocals
        result = Free(writes=self.locals & self.globals | self.nested.writes)
        for reads in (self.reads, self.nested.reads):
            for name, node in reads.items():
                if name not in own:
                    result.reads.setdefault(name, node)
        # A nonlocal name is some outer function's; a global one is read through the module.
        return result

    def targets(self, node: ast.AST) -> None:
        """Bind the names of a comprehension's target."""
        for item in ast.walk(node):
            if isinstance(item, ast.Name):
                self.locals.add(item.id)

    def visit(self, node: ast.AST) -> None:
        """Collect from ``node`` and below."""
        kind = type(node)
        if kind is ast.Name:
            self._name(node)  # type: ignore[arg-type]
        elif kind is ast.Constant:
            return
        elif isinstance(node, (*FUNCTIONS, ast.Lambda)):
            self._function(node)
        elif isinstance(node, ast.NamedExpr):
            self.visit(node.value)
            self.visit(node.target)
        elif kind is ast.ClassDef:
            self._class(node)  # type: ignore[arg-type]
        elif isinstance(node, COMPREHENSIONS):
            first, free, walrus = comprehension_parts(node)
            self.visit(first)
            self._take(free)
            self.locals |= walrus
        else:
            self._statement(node)
            for child in ast.iter_child_nodes(node):
                self.visit(child)
            for name in queried(node) if kind is ast.Call else ():
                self._load(name, node)

    def _statement(self, node: ast.AST) -> None:
        if isinstance(node, ast.Global):
            self.globals.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            self.nonlocals.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self.locals.update(import_names(node))
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
        ):
            self.locals.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self.locals.add(node.rest)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.reads.setdefault(node.target.id, node.target)

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._load(node.id, node)
        else:
            self.locals.add(node.id)
            if isinstance(node.ctx, ast.Del):
                self.reads.setdefault(node.id, node)

    def _load(self, name: str, node: ast.AST) -> None:
        self.reads.setdefault(name, node)
        if name not in self.locals:
            self.early.add(name)

    def _function(self, node: Function) -> None:
        if not isinstance(node, ast.Lambda):
            self.locals.add(node.name)
            for part in outer_parts(node):
                self.visit(part)
        else:
            for part in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
                self.visit(part)
        self.later.add(function_free(node))
        if self.later is not self.nested:
            self.nested.writes |= self.later.writes

    def _class(self, node: ast.ClassDef) -> None:
        self.locals.add(node.name)
        for part in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
            self.visit(part)
        now, later = class_free(node)
        self._take(now)
        self.later.add(later)

    def _take(self, free: Free) -> None:
        for name, place in free.reads.items():
            self._load(name, place)
        self.nested.writes |= free.writes


def outer_parts(node: ast.FunctionDef | ast.AsyncFunctionDef, notes: bool = True) -> list[ast.expr]:
    """Return the parts of a definition that run where it stands: decorators, defaults, annotations."""
    args = node.args
    parts = [*node.decorator_list, *args.defaults, *(d for d in args.kw_defaults if d is not None)]
    if notes:
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        parts += [a.annotation for a in every if a is not None and a.annotation is not None]
        parts += [node.returns] if node.returns is not None else []
    return parts


def queried(node: ast.AST) -> list[str]:
    """Return the names that ``frame.query("a > @name")`` and ``frame.eval(…)`` take from around the call."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return []
    if node.func.attr not in ("query", "eval"):
        return []
    texts = [n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)]
    return [name for text in texts if isinstance(text, str) for name in _AT.findall(text)]


def root_name(node: ast.AST) -> str | None:
    """Return the name at the bottom of ``name.attribute[item]…``, or ``None``."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_main_test(test: ast.expr) -> bool:
    """Tell whether a condition is ``__name__ == "__main__"``, which holds in a job."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )
