"""Functions, classes and imports of a notebook's cells, as they travel along with a step.

Owns which name is a definition (its source travels) and which is a value (it becomes an input). A
later assignment makes a name a value, a later ``def`` or ``import`` a definition. Refuses to look at
values: only text is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from argovx_lab.capture.cells import blanked, parse, python_text
from argovx_lab.capture.changes import patched, sets_state, without_values
from argovx_lab.capture.definition import Definition
from argovx_lab.capture.flow import Flow
from argovx_lab.capture.names import stores
from argovx_lab.capture.scopes import FUNCTIONS, Free, import_names

#: Statements that travel as a whole when they define something; what a loop defines is a value.
_COMPOUND = (ast.If, ast.Try, ast.TryStar, ast.With)

#: Calls that make what only code can carry: a pattern, a logger, a type. Their statement travels.
_RECIPES = {
    "re.compile",
    "logging.getLogger",
    "namedtuple",
    "collections.namedtuple",
    "TypeVar",
    "typing.TypeVar",
    "NewType",
    "typing.NewType",
    "Enum",
    "enum.Enum",
    "IntEnum",
    "enum.IntEnum",
}


class Definitions:
    """What is known of a session or notebook: definitions and names of values.

    Cells are added in the order in which they ran; the latest says what a name is.
    """

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Definition]] = {}  # by their code
        self._hidden: dict[str, dict[str, int]] = {}
        self._cells: list[tuple[str, int]] = []
        self._values: dict[str, int] = {}
        self._stars: list[tuple[str, int]] = []
        self._fresh: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Names that are definitions."""
        return tuple(self._found)

    @property
    def values(self) -> frozenset[str]:
        """Names that are values."""
        return frozenset(self._values)

    def is_value(self, name: str) -> bool:
        """Tell whether ``name`` is a value; as often as one likes, which a look into `values` is not."""
        return name in self._values

    @property
    def stars(self) -> tuple[tuple[str, int], ...]:
        """Modules of ``from MODULE import *`` and the number of the cell."""
        return tuple(self._stars)

    def copy(self) -> Definitions:
        """Return another set that grows on its own."""
        other = Definitions()
        other._found = {name: dict(items) for name, items in self._found.items()}
        other._hidden = {name: dict(items) for name, items in self._hidden.items()}
        other._cells, other._values, other._stars = list(self._cells), dict(self._values), list(self._stars)
        return other

    def add_value(self, *names: str) -> None:
        """Say that ``names`` are values: assigned by code that is not read here."""
        for name in names:
            self._found.pop(name, None)
            self._values[name] = len(self._cells)

    def add_cell(self, source: str, *, cell_id: str = "", number: int = 0) -> frozenset[str]:
        """Read a cell's definitions; a cell that is no Python adds nothing.

        Parameters
        ----------
        source : str
            The whole cell, a magic's line included.

        Returns
        -------
        frozenset of str
            The names that the cell gives a new meaning.
        """
        found = python_text(source)
        if found is None:
            return frozenset()
        text, first_line = found
        try:
            tree = parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            text = blanked(text)
            try:
                tree = parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return frozenset()
        order = len(self._cells)
        self._cells.append((cell_id, number))
        self._fresh = set()
        lines = text.split("\n")
        for node in tree.body:
            self._statement(node, lines, first_line - 1, order)
        return frozenset(self._fresh)

    def get(self, name: str) -> tuple[Definition, ...]:
        """Return the definitions of ``name``: imports of one package's modules, and what alters it."""
        return tuple(self._found.get(name, {}).values())

    def hidden(self, name: str) -> tuple[tuple[str, int], ...]:
        """Return what sets state in ``name`` and does not travel, with the numbers of the cells."""
        return tuple(self._hidden.get(name, {}).items())

    def needs(self, name: str) -> tuple[Free, Free] | None:
        """Return what the definition of ``name`` reads when made and when called, or ``None``."""
        items = self.get(name)
        if not items:
            return None
        if len(items) == 1:
            return items[0].needs
        now, later = Free(), Free()
        for item in items:
            now.add(item.needs[0])
            later.add(item.needs[1])
        return now, later

    def code(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the source of ``names`` for the source document, cell by cell in their order.

        Each entry keeps the lines at which the statements stand in their cell.
        """
        pieces: dict[int, dict[int, list[str]]] = {}
        for name in names:
            for item in self.get(name):
                at = pieces.setdefault(item.order, {}).setdefault(item.line, [])
                if item.code not in at:
                    at.append(item.code)
        result = []
        for order in sorted(pieces):
            cell_id, number = self._cells[order]
            result.append({"code": _placed(pieces[order]), "notebook_cell": cell_id, "number": number})
        return result

    def _statement(self, node: ast.stmt, lines: list[str], offset: int, order: int) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, offset, order)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self._define(node.name, node, lines, offset, order)
        elif _recipe(node):
            self._define(node.targets[0].id, node, lines, offset, order)  # type: ignore[attr-defined]
        elif not self._alters(node, lines, offset, order):
            defined, values, sure = _binds(node)
            for name in values if isinstance(node, _COMPOUND) else values + defined:
                self._found.pop(name, None)
                self._values[name] = order
                self._fresh.add(name)
            for name in defined if isinstance(node, _COMPOUND) else ():
                # What is defined on some paths only leaves an earlier definition in force.
                keep = None if name in sure else self._found.get(name)
                self._define(name, node, lines, offset, order, keep)
            if isinstance(node, ast.Delete):
                for name in [t.id for t in node.targets if isinstance(t, ast.Name)]:
                    self._fresh.add(name)
                    self._found.pop(name, None)
                    self._values.pop(name, None)

    def _define(
        self,
        name: str,
        node: ast.stmt,
        lines: list[str],
        offset: int,
        order: int,
        keep: dict[str, Definition] | None = None,
    ) -> None:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = lines[first - 1 : node.end_lineno]
        if node.col_offset and first == node.lineno:
            text[0] = text[0].encode()[node.col_offset :].decode()
        self._put(Definition(name, node, "\n".join(text), first + offset, order), keep)

    def _import(self, node: ast.Import | ast.ImportFrom, offset: int, order: int) -> None:
        for alias in node.names:
            if alias.name == "*":
                self._stars.append((getattr(node, "module", None) or ".", self._cells[-1][1]))
                continue
            single: ast.Import | ast.ImportFrom = (
                ast.Import([alias])
                if isinstance(node, ast.Import)
                else ast.ImportFrom(node.module, [alias], node.level)
            )
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                continue
            name = next(import_names(single))
            made = Definition(name, single, ast.unparse(single), node.lineno + offset, order)
            self._put(made, self._kept(made))

    def _kept(self, made: Definition) -> dict[str, Definition]:
        """Return what stays in force: ``import a.b`` and ``import a.c`` both bind ``a``, both are needed."""
        there = self._found.get(made.name, {})
        first = next(iter(there.values()), None)
        if first is None or not (first.code == made.code or (made.is_package and first.is_package)):
            return {}
        return there

    def _alters(self, node: ast.stmt, lines: list[str], offset: int, order: int) -> bool:
        """Take note of a statement that alters a definition; tells whether it travels with it."""
        found = patched(node)
        root = found[0] if found else sets_state(node)
        there = self._found.get(root or "", {})
        if root is None or not there:
            return False
        imported = next(iter(there.values())).is_import
        if found and (found[1] or not imported):
            self._define(root, node, lines, offset, order, there)
            return True
        if imported:
            self._hidden.setdefault(root, {})[without_values(node)] = self._cells[order][1]
        return False

    def _put(self, made: Definition, keep: dict[str, Definition] | None = None) -> None:
        self._fresh.add(made.name)
        self._values.pop(made.name, None)
        self._found.pop(made.name, None)
        items = keep if keep is not None else {}
        items.pop(made.code, None)
        items[made.code] = made
        self._found[made.name] = items


def _binds(node: ast.stmt) -> tuple[list[str], list[str], frozenset[str]]:
    """Return the names that a statement defines, those it gives values, and those it binds on every path."""
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):  # most statements; no paths to follow
        found: set[str] = set()
        stores(node, found)
        return [], sorted(found), frozenset(found)
    flow = Flow([node])
    defined = [name for name, kinds in flow.kinds.items() if kinds & {"def", "import"}]
    values = [name for name, kinds in flow.kinds.items() if kinds & {"assign", "loop", "with"}]
    return defined, values, flow.bound


def _recipe(node: ast.stmt) -> bool:
    """Tell whether an assignment makes what only its code can carry: a lambda, a pattern, a logger."""
    if not (
        isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    ):
        return False
    value = node.value
    return isinstance(value, ast.Lambda) or (
        isinstance(value, ast.Call) and ast.unparse(value.func) in _RECIPES
    )


def _placed(pieces: dict[int, list[str]]) -> str:
    """Return the pieces at their lines; several on one line are joined by semicolons."""
    out: list[str] = []
    for line in sorted(pieces):
        out += [""] * (line - 1 - len(out))
        text = (
            "; ".join(pieces[line]) if all("\n" not in p for p in pieces[line]) else "\n".join(pieces[line])
        )
        out += text.split("\n")
    return "\n".join(out) + "\n"
