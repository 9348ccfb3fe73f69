"""What runs after what although no value flows: gates, ``--after``, ``--when``; and what ``--for`` gives.

Owns the reading of these for a whole notebook. A name that no step above has is a problem of the cell.
"""

from __future__ import annotations

from dataclasses import replace

from argovx_lab.capture import gates as gate_texts
from argovx_lab.capture.analyse import CellAnalysis
from argovx_lab.capture.cells import Problem
from argovx_lab.capture.each import Each
from argovx_lab.capture.planned import PlannedStep
from argovx_lab.capture.signature import Signature
from argovx_lab.errors import SpecError


def gates_of(
    source: str, cell_id: str, number: int, taken: set[str], producer: dict[str, str]
) -> list[PlannedStep]:
    """Return the gates of a cell: each waits for what its question names, or for everything above."""
    found = []
    for words in gate_texts.find(source):
        gate = PlannedStep("", cell_id, number, kind="approval")
        try:
            typed = gate_texts.parse(words)
        except SpecError as error:
            found.append(replace(gate, problems=(Problem(error.message, error.hint),)))
            continue
        problems = [
            Problem(f"gate {typed.name} asks about {name}, which no step above gives", gate_texts.USAGE)
            for name in typed.names
            if name not in producer
        ]
        if typed.name in taken:
            problems.append(Problem(f"two steps are called {typed.name}", "Give the gate another name."))
        named = dict.fromkeys(producer[name] for name in typed.names if name in producer)
        after = tuple(named) or tuple(sorted(taken - {""}))
        found.append(
            replace(gate, name=typed.name, prompt=typed.prompt, after=after, problems=tuple(problems))
        )
    return found


def ordered(step: PlannedStep, above: list[PlannedStep], gates: tuple[str, ...]) -> PlannedStep:
    """Return a step with what it waits for: ``--after``, ``--when``, and the gate above it."""
    options, problems = step.options, []
    outputs = {other.name: [name for name, _ in other.outputs] for other in above if other.name}
    reads = options.when.reads if options.when else ()
    for flag, name in [*(("--after", n) for n in options.after), *(("--when", n) for n, _ in reads)]:
        if name not in outputs:
            hint = f"Steps above are: {', '.join(outputs) or 'none'}."
            problems.append(Problem(f"{flag} {name}: no step above has this name", hint))
    for name, output in reads:
        if name in outputs and output not in outputs[name]:
            hint = f"It gives: {', '.join(outputs[name]) or 'nothing'}."
            problems.append(Problem(f"--when {name}.{output}: {name} gives no {output}", hint))
    waits = (*options.after, *(name for name, _ in reads), *gates)
    after = tuple(name for name in dict.fromkeys(waits) if name in outputs)
    return replace(step, after=after, problems=(*step.problems, *problems))


def with_each(signature: Signature, each: Each | None) -> Signature:
    """Return a signature whose declared inputs name what ``--for`` gives, in the place of a default."""
    if each is None or signature.inputs is None:
        return signature
    defaults = {name: value for name, value in signature.defaults.items() if name != each.name}
    names = dict.fromkeys((*signature.inputs, each.name))
    return replace(signature, inputs=tuple(names), defaults=defaults)


def reads(analysis: CellAnalysis, name: str) -> bool:
    """Tell whether a cell, or a definition that it needs, may read a name."""
    return name in analysis.inputs or name in analysis.maybe or name in analysis.carried


def each_unread(name: str, line: int = 1) -> Problem:
    """Return the problem of a cell that does not read what ``--for`` gives it."""
    return Problem(f"--for {name}: the cell does not read {name}", f"Use {name} in the cell.", line)
