"""The step cells of a notebook document, before any of them has run: the plan.

Owns the reading of nbformat 4 and the edges between steps: from the signatures, and where a cell has
none from its analysis. Pure: no kernel, no file, nothing of the notebook is run. Refuses documents
that are no notebook; a cell that is no step is a problem in the plan, not an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from argovx_lab.capture import secrets
from argovx_lab.capture.analyse import CellAnalysis, analyse_cell, check_outputs
from argovx_lab.capture.arguments import Options, parse_line, without_flags
from argovx_lab.capture.cells import Problem
from argovx_lab.capture.definitions import Definitions
from argovx_lab.capture.each import Each
from argovx_lab.capture.fingerprint import code_parts
from argovx_lab.capture.order import each_unread, gates_of, ordered, reads, with_each
from argovx_lab.capture.planned import Plan, PlannedEdge, PlannedStep, StepText
from argovx_lab.capture.signature import Signature, parse
from argovx_lab.codecs import AUTO
from argovx_lab.errors import SpecError

MAGIC = "%%vertex_step"

_DRY_RUN = re.compile(r"(?:^|\s)--dry-run(?:\s|\Z)")

#: Line magics that bring names which no cell shows.
_BRINGS_NAMES = re.compile(r"^\s*%(?:run|store|pylab|load|macro|env|sql)\b", re.MULTILINE)


def plan(document: Any, path: str, *, texts: bool = False) -> Plan:
    """Find the steps of a notebook.

    Parameters
    ----------
    document : dict
        The notebook as nbformat 4 JSON.
    path : str
        Its path, for the plan's own record.
    texts : bool
        Whether the plan holds each step's text and definitions: a run needs them, a view does not.
        Whoever runs it judges which names have a value; a cell above need not give them.

    Raises
    ------
    SpecError
        When the document is no notebook of format 4.
    """
    known, opaque = Definitions(), False
    own_codecs = any("register_codec" in source for _, source in code_cells(document))
    steps: list[PlannedStep] = []
    taken: set[str] = set()
    producer: dict[str, str] = {}
    edges: list[PlannedEdge] = []
    gates: tuple[str, ...] = ()
    for number, (cell_id, source) in enumerate(code_cells(document), 1):
        head = step_head(source)
        if head is not None and _DRY_RUN.search(head[0]):
            continue  # it shows a plan and submits nothing
        if head is None:
            opaque = opaque or _BRINGS_NAMES.search(source) is not None
            for name in known.add_cell(source, cell_id=cell_id, number=number):
                producer.pop(name, None)
            for gate in gates_of(source, cell_id, number, taken, producer):
                steps.append(gate)
                taken.add(gate.name)
                gates = (*gates, gate.name) if gate.name else gates
                edges += [PlannedEdge(before, gate.name, ()) for before in gate.after]
            continue
        step = _step(head, known, cell_id, number, texts=texts, own_codecs=own_codecs)
        problems = [*_twice(step, taken, head), *([] if opaque or texts else _unknown(step, known))]
        step = ordered(replace(step, problems=(*step.problems, *problems)), steps, gates[-1:])
        steps.append(step)
        taken.add(step.name)
        edges += _edges(step, producer)
        known.add_cell(source, cell_id=cell_id, number=number)
        known.add_value(*(name for name, _ in step.outputs))
        if step.name and not any(p.message.startswith("two steps") for p in step.problems):
            producer.update({name: step.name for name, _ in step.outputs})
    return Plan(path, tuple(steps), tuple(edges))


def step_names(cells: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return ``(cell id, step name)`` of the step cells that submit something, in order; analyses nothing.

    Parameters
    ----------
    cells : iterable of tuple
        ``(cell id, text)``, see `code_cells`.
    """
    found = []
    for cell_id, source in cells:
        head = step_head(source)
        if head is None or _DRY_RUN.search(head[0]):
            continue
        try:
            found.append((cell_id, parse(without_flags(head[0]), any_codec=True).name))
        except SpecError:
            continue  # a head that cannot be read names nothing
    return found


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


def as_given(known: Definitions, signature: Signature, each: Each | None) -> Definitions:
    """Return what is known of a notebook with the step's own values: their names are no definitions."""
    own = (*signature.defaults, *([each.name] if each else []))
    if not own:
        return known
    found = known.copy()
    found.add_value(*own)
    return found


def found_signature(name: str, analysis: CellAnalysis) -> Signature:
    """Return the signature that a cell without one has by analysis."""
    return Signature(name, analysis.inputs, dict.fromkeys(analysis.outputs, AUTO))


def _step(
    head: tuple[str, str, int],
    known: Definitions,
    cell_id: str,
    number: int,
    *,
    texts: bool,
    own_codecs: bool,
) -> PlannedStep:
    """Return the step of a cell, with everything about its text that a submission would refuse."""
    text, body, first_line = head
    here, problems, typed = first_line - 1, [], None
    try:
        typed = parse_line(text)
    except SpecError as error:
        problems.append(Problem(error.message, error.hint, here))
    options = typed.options if typed else Options()
    step = PlannedStep("", cell_id, number, options.machine, options=options)
    try:
        signature = parse(typed.head if typed else without_flags(text), any_codec=own_codecs)
    except SpecError as error:
        return replace(step, problems=(*problems, Problem(error.message, error.hint, here)))
    signature = with_each(signature, options.each)
    known = as_given(known, signature, options.each)
    analysis = analyse_cell(body, known, first_line=first_line)
    whole = effective(signature, analysis)
    if options.each is not None and not reads(analysis, options.each.name):
        problems.append(each_unread(options.each.name, here))
    problems += analysis.problems
    if not (typed and typed.options.allow_secret):
        problems += secrets.problems(head[0], here - 1) + secrets.problems(body, here)
    if not analysis.problems:
        problems += _contract(signature, analysis, here)
    return replace(
        step,
        name=signature.name,
        inputs=whole.inputs or (),
        defaults=signature.defaults,
        outputs=tuple((whole.outputs or {}).items()),
        signature=whole.text,
        problems=tuple(problems),
        notes=(*analysis.notes, *carried_notes(signature, analysis)) if texts else analysis.notes,
        text=StepText(body, first_line, tuple(known.code(analysis.definitions))) if texts else None,
        parts=code_parts(body, (item["code"] for item in known.code(analysis.definitions))),
    )


def effective(signature: Signature, analysis: CellAnalysis) -> Signature:
    """Return a signature with what it leaves open filled in from the analysis.

    What definitions of other cells read travels with them, whatever the parentheses say: these are the
    contract of the cell's own text. A definition that they name travels as what it is, by its source.
    """
    found = found_signature(signature.name, analysis)
    typed, definitions = signature.inputs, frozenset(analysis.definitions)
    values = [name for name in typed or () if name not in definitions]
    inputs = found.inputs if typed is None else (*values, *_carried(signature, analysis))
    outputs = found.outputs if signature.outputs is None else signature.outputs
    return replace(signature, inputs=inputs, outputs=outputs)


def carried_notes(signature: Signature, analysis: CellAnalysis) -> list[Problem]:
    """Return a note for each input that travels although the parentheses do not name it."""
    return [
        Problem(f"{name} goes in too: {analysis.carried[name]} reads it")
        for name in _carried(signature, analysis)
    ]


def _carried(signature: Signature, analysis: CellAnalysis) -> list[str]:
    if signature.inputs is None:
        return []
    typed = frozenset(signature.inputs)
    return [name for name in analysis.carried if name not in typed]


def _contract(signature: Signature, analysis: CellAnalysis, line: int) -> list[Problem]:
    """Return where the cell does not keep what its signature says."""
    problems = [] if signature.inputs is None else undeclared(analysis, signature.inputs, line)
    try:
        check_outputs(analysis, signature.outputs or {})
    except SpecError as error:
        problems.insert(0, Problem(error.message, error.hint, line))
    return problems


def undeclared(analysis: CellAnalysis, inputs: tuple[str, ...], line: int = 1) -> list[Problem]:
    """Return a problem for each name that the cell reads and a declared signature leaves out."""
    open_names = {*inputs, *analysis.maybe, *analysis.carried}
    missing = [name for name in analysis.inputs if name not in open_names]
    return [
        Problem(
            f"the cell reads {name}, which is not among its inputs", f"Add {name} in the parentheses.", line
        )
        for name in missing
    ]


def _twice(step: PlannedStep, taken: set[str], head: tuple[str, str, int]) -> list[Problem]:
    if not step.name or step.name not in taken:
        return []
    return [Problem(f"two steps are called {step.name}", "Give this one another name.", head[2] - 1)]


def _unknown(step: PlannedStep, known: Definitions) -> list[Problem]:
    """Return a problem for each input that no cell above assigns or gives."""
    each = step.options.each
    given = (*step.defaults, *([each.name] if each else []))
    source = (each.source,) if each and each.source else ()
    return [
        Problem(f"no cell above gives {name}", f"Assign {name} in a cell above, or let a step give it.")
        for name in (*step.inputs, *source)
        if name not in given and not known.is_value(name) and not known.get(name)
    ]


def _edges(step: PlannedStep, producer: dict[str, str]) -> list[PlannedEdge]:
    names: dict[str, list[str]] = {}
    each = step.options.each
    given = {*step.defaults, *([each.name] if each else [])}
    over = [each.source] if each and each.source else []
    for name in dict.fromkeys([*(n for n in step.inputs if n not in given), *over]):
        source = producer.get(name)
        if source and step.name and source != step.name:
            names.setdefault(source, []).append(name)
    for before in step.after:
        names.setdefault(before, [])
    return [PlannedEdge(source, step.name, tuple(found)) for source, found in names.items()]


def code_cells(document: Any) -> list[tuple[str, str]]:
    """Return ``(cell id, text)`` of a notebook's code cells; an id is empty where there is none.

    Raises
    ------
    SpecError
        When the document is no notebook of format 4.
    """
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
