"""What the top level of a cell reads before it has made it, in the order in which it runs.

Owns the walk over statements and expressions: branches, loops, handlers, short circuits. Loops and
``with`` count as entered, the branch under ``if __name__ == "__main__"`` as taken. Refuses nothing
itself: findings are handed to the caller.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable

from argovx_lab.capture.expressions import Expressions
from argovx_lab.capture.names import Expand, stores
from argovx_lab.capture.scopes import (
    bound_names,
    class_free,
    function_free,
    import_names,
    is_main_test,
    outer_parts,
    root_name,
)

#: Loops inside of loops that are walked twice. Reason: the cost doubles with each.
_TURNS_MAX = 3


class Flow(Expressions):
    """One walk over a list of statements.

    Parameters
    ----------
    expand : callable, optional
        Definitions of other cells, see `Expand`.
    lazy_notes : bool
        ``from __future__ import annotations`` holds: annotations are not read.
    """

    def __init__(self, body: list[ast.stmt], expand: Expand | None = None, lazy_notes: bool = False) -> None:
        everywhere: set[str] = set()
        for item in body:
            stores(item, everywhere)
        super().__init__(everywhere, expand or (lambda _: None))
        self.calls: list[tuple[str, str, ast.AST]] = []
        self._turns = 0
        self._lazy = lazy_notes
        self._block(body)

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
        if is_main_test(node.test):
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

    def _alias(self, node: ast.AST) -> None:
        self._bind(node.name.id, "def")  # type: ignore[attr-defined]

    def _statement_expression(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            root = root_name(call.func)
            if root is not None and root not in self._bound:
                self.calls.append((root, call.func.attr, call))
        self._expression(call)

    def _nothing(self, node: ast.AST) -> None:
        del node


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
