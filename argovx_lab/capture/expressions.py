"""What an expression reads and binds, in the order in which it is evaluated.

Owns the walk over expressions: comprehensions, lambdas, short circuits, ``:=``. What only asynchronous or
generating code may do is noted as odd; whoever walks statements decides about it.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable

from argovx_lab.capture.names import Expand, Names
from argovx_lab.capture.scopes import COMPREHENSIONS, comprehension_parts, function_free, queried, root_name


class Expressions(Names):
    """One walk, as far as expressions go.

    Attributes
    ----------
    odd : list of tuple
        ``(kind, node)`` of what a step's top level may not hold.
    """

    def __init__(self, everywhere: Iterable[str], expand: Expand) -> None:
        super().__init__(everywhere, expand)
        self.odd: list[tuple[str, ast.AST]] = []

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
            for name in queried(node) if kind is ast.Call else ():
                self._read(name, node)

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
            root = root_name(node)
            if root is not None and root not in self._bound:
                self.kinds.setdefault(root, set()).add("change")
