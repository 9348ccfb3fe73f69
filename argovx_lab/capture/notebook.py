"""The step cells of a notebook document, before any of them has run: the plan.

Owns the reading of nbformat 4 and the edges between steps: from the signatures, and where a cell has
none from its analysis. Pure: no kernel, no file, nothing of the notebook is run. Refuses documents
that are no notebook; a cell that is no step is a problem in the plan, not an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from argovx_lab.capture.analyse import CellAnalysis, analyse_cell, check_outputs
from argovx_lab.capture.cells import Problem
from argovx_lab.capture.definitions import Definitions
from argovx_lab.capture.signature import Signature, parse
from argovx_lab.codecs import AUTO
from argovx_lab.errors import SpecError

MAGIC = "%%vertex_step"

_FLAGS = re.compile(r"(?:^|\s)--[A-Za-z]")
_DRY_RUN = re.compile(r"(?:^|\s)--dry-run(?:\s|\Z)")
_MACHINE = re.compile(r"\s--on[=\s]+(\S+)")


@dataclass(frozen=True)
class PlannedStep:
    """A step cell.

    Parameters
    ----------
    name : str
        Name of the step; empty when the head could not be read.
    cell_id : str
        nbformat cell id; empty when the document has none.
    number : int
        Position among the code cells, from 1.
    machine : str
        The text after ``--on``; empty for the default.
    inputs : tuple of str
        Names that go in.
    outputs : tuple of tuple
        ``(name, codec or "auto")``.
    signature : str
        Signature as typed or, where there is none, as found.
    problems : tuple of Problem
        Reasons why this cell cannot be submitted as it is.
    notes : tuple of Problem
        What the user should know.
    """

    name: str
    cell_id: str
    number: int
    machine: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    signature: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class PlannedEdge:
    """Values that flow from one planned step to another."""

    source: str
    target: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The steps of a notebook in its order, and the edges between them."""

    path: str
    steps: tuple[PlannedStep, ...] = ()
    edges: tuple[PlannedEdge, ...] = ()


def plan(document: Any, path: str) -> Plan:
    """Find the steps of a notebook.

    Parameters
    ----------
    document : dict
        The notebook as nbformat 4 JSON.
    path : str
        Its path, for the plan's own record.

    Raises
    ------
    SpecError
        When the document is no notebook of format 4.
    """
    known = Definitions()
    steps: list[PlannedStep] = []
    producer: dict[str, str] = {}
    edges: list[PlannedEdge] = []
    for number, (cell_id, source) in enumerate(_code_cells(document), 1):
        head = step_head(source)
        if head is not None and _DRY_RUN.search(head[0]):
            continue  # it shows a plan and submits nothing
        if head is None:
            for name in known.add_cell(source, cell_id=cell_id, number=number):
                producer.pop(name, None)
            continue
        step = _step(head, known, cell_id, number, {s.name for s in steps if s.name})
        steps.append(step)
        edges += _edges(step, producer)
        known.add_cell(source, cell_id=cell_id, number=number)
        known.add_value(*(name for name, _ in step.outputs))
        if step.name and not any(p.message.startswith("two steps") for p in step.problems):
            producer.update({name: step.name for name, _ in step.outputs})
    return Plan(path, tuple(steps), tuple(edges))


def step_head(source: str) -> tuple[str, str, int] | None:
    """Return a step cell's line after the magic, the text below it, and that text's first line.

    Returns
    -------
    tuple or None
        ``None`` when the cell is no step cell.
    """
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    match = re.match(re.escape(MAGIC) + r"(?:\s(.*))?\Z", lines[first])
    if match is None:
        return None
    return (match.group(1) or "").strip(), "\n".join(lines[first + 1 :]), first + 2


def found_signature(name: str, analysis: CellAnalysis) -> Signature:
    """Return the signature that a cell without one has by analysis."""
    return Signature(name, analysis.inputs, dict.fromkeys(analysis.outputs, AUTO))


def _step(
    head: tuple[str, str, int],
    known: Definitions,
    cell_id: str,
    number: int,
    taken: set[str],
) -> PlannedStep:
    line, body, first_line = head
    match = _FLAGS.search(line)
    machine = _MACHINE.search(" " + line)
    step = PlannedStep("", cell_id, number, machine.group(1) if machine else "")
    try:
        signature = parse(line[: match.start()] if match else line)
    except SpecError as error:
        return replace(step, problems=(Problem(error.message, error.hint, first_line - 1),))
    analysis = analyse_cell(body, known, first_line=first_line)
    problems = list(analysis.problems)
    found = found_signature(signature.name, analysis)
    whole = Signature(
        signature.name,
        found.inputs if signature.inputs is None else signature.inputs,
        found.outputs if signature.outputs is None else signature.outputs,
    )
    if signature.outputs and not problems:
        try:
            check_outputs(analysis, signature.outputs)
        except SpecError as error:
            problems.append(Problem(error.message, error.hint, first_line - 1))
    if signature.name in taken:
        message = f"two steps are called {signature.name}"
        problems.append(Problem(message, "Give this one another name.", first_line - 1))
    if signature.inputs is not None and not problems:
        problems += undeclared(analysis, signature.inputs, first_line - 1)
    return replace(
        step,
        name=signature.name,
        inputs=whole.inputs or (),
        outputs=tuple((whole.outputs or {}).items()),
        signature=whole.text,
        problems=tuple(problems),
        notes=analysis.notes,
    )


def undeclared(analysis: CellAnalysis, inputs: tuple[str, ...], line: int = 1) -> list[Problem]:
    """Return a problem for each name that the cell reads and a declared signature leaves out."""
    missing = [name for name in analysis.inputs if name not in inputs and name not in analysis.maybe]
    return [
        Problem(
            f"the cell reads {name}, which is not among its inputs", f"Add {name} in the parentheses.", line
        )
        for name in missing
    ]


def _edges(step: PlannedStep, producer: dict[str, str]) -> list[PlannedEdge]:
    names: dict[str, list[str]] = {}
    for name in step.inputs:
        source = producer.get(name)
        if source and step.name and source != step.name:
            names.setdefault(source, []).append(name)
    return [PlannedEdge(source, step.name, tuple(found)) for source, found in names.items()]


def _code_cells(document: Any) -> list[tuple[str, str]]:
    if not isinstance(document, dict) or not isinstance(document.get("cells"), list):
        raise SpecError("the document is not a notebook of format 4", hint="Save it with JupyterLab.")
    found = []
    for cell in document["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        text = "".join(map(str, source)) if isinstance(source, list) else str(source)
        found.append((str(cell.get("id") or ""), text.replace("\r\n", "\n")))
    return found
