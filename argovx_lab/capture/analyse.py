"""What a step cell takes in, gives back and needs along: pure analysis of its text.

Owns three rules, shown to the user by the plan:

- *Inputs* are the names that the cell, or a definition it uses, reads before it has made them, and
  that are neither builtins nor definitions of other cells. A name that is made on only some paths is
  an input when the session has a value of that name.
- *Outputs* (without an arrow) are the names that the cell assigns at its top level, in order:
  also by ``+=``, ``:=``, unpacking, and inputs that it changes in place (``df["x"] = …``). Not
  private names (``_x``), imports, functions, classes, names that are only loop variables or
  ``with … as``, what it deletes, and what it assigns on some paths only (unless it came in).
- *Definitions* are functions, classes and imports of other cells that the cell uses, with what they
  use in turn and with what alters them (``Point.area = …``); the values these read become inputs of the step.
  What other cells set in modules otherwise (``np.random.seed(0)``) stays behind, and a note says so.

Refuses, with line and column, what a job cannot do; never imports or runs the user's code.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field

from argovx_lab.capture.cells import Problem, compiles, parse, syntax_problem
from argovx_lab.capture.changes import changed, given
from argovx_lab.capture.definitions import Definitions
from argovx_lab.capture.flow import Flow
from argovx_lab.capture.scopes import Free
from argovx_lab.errors import SpecError

_BUILTINS = frozenset(dir(builtins))

#: Names that exist in every job: module attributes, the facade, and a printing ``display``.
PROVIDED = frozenset({"argovx", "display", "__name__", "__builtins__", "__doc__", "__spec__", "__loader__"})

_NOTEBOOK_ONLY = {
    "input": (
        "a job has nobody who could answer input()",
        "Pass the answer as an input: assign it in a cell.",
    ),
    "breakpoint": ("a job has no debugger to stop in", "Take breakpoint() out."),
    "get_ipython": ("a job has no IPython to ask", "Put what needs get_ipython() in a cell of its own."),
    "In": ("In is the notebook's own history", "Give the text a name in a cell."),
    "Out": ("Out is the notebook's own history", "Give the result a name in a cell."),
    "_": ("_ is the notebook's last result", "Give the result a name in a cell."),
}

_OPAQUE = {"exec", "eval", "globals", "locals", "vars"}

_ODD = {
    "star": ("names from import * cannot be told from others", "Import the names that you use."),
    "await": (
        "await at the top level of a step is not supported",
        "Use asyncio.run(…) of an async function.",
    ),
    "yield": ("yield stands outside of a function", "Put it in a function."),
    "yieldfrom": ("yield from stands outside of a function", "Put it in a function."),
}


@dataclass(frozen=True)
class CellAnalysis:
    """What was found in a cell.

    Parameters
    ----------
    inputs, outputs, definitions : tuple of str
        See the module's rules; in the order of the cell.
    maybe : tuple of str
        Names read on some paths only; those that the session has are among the inputs.
    carried : dict of str to str
        Inputs that the cell itself does not read, and the definition of another cell that does.
    assigned : frozenset of str
        Every name that the cell binds at its top level.
    problems : tuple of Problem
        Reasons why this is no step.
    notes : tuple of Problem
        What the user should know; nothing is refused for them.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    def check(self) -> None:
        """Raise `SpecError` for the first problem, if there is one."""
        if self.problems:
            first = self.problems[0]
            raise SpecError(first.text, hint=first.hint)


def analyse_cell(source: str, known: Definitions | None = None, *, first_line: int = 2) -> CellAnalysis:
    """Analyse a step cell.

    Parameters
    ----------
    source : str
        The cell's text below the magic.
    known : Definitions, optional
        What earlier cells defined and assigned.
    first_line : int
        Line of the notebook cell at which ``source`` begins.
    """
    known = known or Definitions()
    offset = first_line - 1
    try:
        tree = parse(source)
    except SyntaxError as error:
        return CellAnalysis(problems=(syntax_problem(source, error, offset),))
    except (ValueError, RecursionError, MemoryError) as error:
        return CellAnalysis(problems=(Problem(f"the cell cannot be read: {error}", "Split the cell."),))
    if not any(not _is_text(node) for node in tree.body):
        message = "the cell has nothing to run" if source.strip() else "the cell is empty"
        return CellAnalysis(problems=(Problem(message, "Write the step's code below the magic."),))
    return _Analysis(tree, source, known, offset).result()


def check_outputs(analysis: CellAnalysis, outputs: dict[str, str]) -> None:
    """Raise when a declared output is one that the cell never assigns.

    Raises
    ------
    SpecError
        Naming the output and what the cell does assign.
    """
    there_are = analysis.assigned | set(analysis.inputs)
    for name in outputs:
        if name not in there_are:
            there = ", ".join(analysis.outputs) or "nothing"
            raise SpecError(f"the cell never assigns the output {name}", hint=f"It assigns {there}.")


class _Analysis:
    """One cell's analysis, put together from its flow."""

    def __init__(self, tree: ast.Module, source: str, known: Definitions, offset: int) -> None:
        self._tree = tree
        self._source = source
        self._known = known
        self._offset = offset
        self._problems: list[Problem] = []
        self._notes: list[Problem] = []
        self._told: set[str] = set()
        lazy = any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)
        self._flow = Flow(tree.body, self._expand, lazy)

    def result(self) -> CellAnalysis:
        """Return what was found."""
        flow = self._flow
        for kind, node in flow.odd:
            self._problem(*_ODD[kind], node)
        inputs, maybe = self._inputs()
        taken = frozenset(inputs)
        if not self._problems:
            error = compiles(self._source)
            if error is not None:
                self._problems.append(syntax_problem(self._source, error, self._offset))
        changed = frozenset(n for n, kinds in flow.kinds.items() if "change" in kinds and n in taken)
        outputs = self._outputs(taken, changed)
        self._in_place(taken.difference(outputs))
        self._hidden()
        return CellAnalysis(
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            definitions=tuple(flow.used),
            maybe=tuple(maybe),
            carried={name: by for name, by in flow.carried.items() if name in taken},
            assigned=frozenset(n for n, kinds in flow.kinds.items() if kinds - {"change", "except"})
            - flow.deleted
            | changed,
            problems=tuple(sorted(dict.fromkeys(self._problems), key=lambda p: (p.line, p.column))),
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _expand(self, name: str) -> tuple[Free, Free] | None:
        return self._known.needs(name)

    def _inputs(self) -> tuple[list[str], list[str]]:
        inputs, maybe = [], []
        for name, read in self._flow.reads.items():
            value = self._known.is_value(name)
            if not value and (name in PROVIDED or self._known.get(name)):
                continue
            if not value and name in _NOTEBOOK_ONLY:
                self._problem(*_NOTEBOOK_ONLY[name], read.node)
                continue
            if not value and name in _BUILTINS:
                if name in _OPAQUE:
                    self._note(f"names used through {name}() cannot be found", "", read.node)
                continue
            if not value and read.sure and self._known.stars:
                module, number = self._known.stars[-1]
                self._problem(
                    f"{name} may come from the import * of cell {number}",
                    f"Write from {module} import {name} in a cell.",
                    read.node,
                )
                continue
            if not read.sure and (value or self._flow.kinds.get(name, set()) - {"def", "import"}):
                maybe.append(name)
            if read.sure or value:
                inputs.append(name)
        return inputs, maybe

    def _outputs(self, inputs: frozenset[str], changed: frozenset[str]) -> list[str]:
        found, bound = [], self._flow.bound
        for name, kinds in self._flow.kinds.items():
            assigned = "assign" in kinds and not kinds & {"def", "import"}
            if not (assigned or name in changed) or name in self._flow.deleted or name.startswith("_"):
                continue
            if not name.isascii():
                self._notes.append(Problem(f"{name} is no output: its name is not ASCII", "Rename it."))
            elif name not in bound and name not in inputs:
                message = f"{name} is no output: the cell assigns it on some paths only"
                hint = f"Assign it before, or name it after the arrow: -> {name}"
                self._notes.append(Problem(message, hint))
            else:
                found.append(name)
        return found

    def _in_place(self, kept: frozenset[str]) -> None:
        """Note which of ``kept``, inputs that are no outputs, a method or a function may change."""
        for name, method, node in [*self._flow.calls, *changed(self._tree)]:
            if method:
                self._may_change(kept, name, f"{name}.{method}(…)", node)
        for name in self._flow.used:
            for made in self._known.get(name):
                for other in sorted(made.changes):
                    self._may_change(kept, other, name, None)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for made in self._known.get(node.func.id):
                    for other in given(node, made.changes_parameters):
                        self._may_change(kept, other, f"{node.func.id}(…)", node)

    def _may_change(self, kept: frozenset[str], name: str, by: str, node: ast.AST | None) -> None:
        if name in kept and not self._known.get(name) and name not in self._told:
            self._told.add(name)
            message = f"{name} may be changed by {by} and does not come back"
            self._note(message, f"Name it after the arrow if it should: -> {name}", node)

    def _hidden(self) -> None:
        """Note what other cells have set in modules that this one uses."""
        for name in self._flow.used:
            for text, number in self._known.hidden(name):
                shown = text if len(text) <= 60 else text[:59] + "…"
                message = f"{name}: {shown} of cell {number} does not travel"
                self._note(message, "Write it in this cell too if its result depends on it.", None)

    def _problem(self, message: str, hint: str, node: ast.AST) -> None:
        self._problems.append(self._at(message, hint, node))

    def _note(self, message: str, hint: str, node: ast.AST | None) -> None:
        self._notes.append(self._at(message, hint, node))

    def _at(self, message: str, hint: str, node: ast.AST | None) -> Problem:
        line = getattr(node, "lineno", 0)
        column = getattr(node, "col_offset", -1) + 1
        return Problem(message, hint, line + self._offset if line else 0, column)


def _is_text(node: ast.stmt) -> bool:
    """Tell whether a statement does nothing: text that stands alone, or ``pass``."""
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
