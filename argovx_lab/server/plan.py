"""Planned steps of an open notebook, in the shapes that the panel draws: pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from argovx_lab.capture.arguments import machine
from argovx_lab.capture.cells import Problem
from argovx_lab.capture.fingerprint import machine_part, packages_part
from argovx_lab.capture.notebook import plan
from argovx_lab.capture.planned import PlannedStep
from argovx_lab.errors import SpecError
from argovx_lab.model.run import Cell, Edge, Input, Node, Output, Phase, Run, to_json
from argovx_lab.runs.stale import stale


def planned(
    content: dict[str, Any], path: str, runs: Iterable[Run] = (), images: Sequence[str] = ()
) -> dict[str, Any]:
    """Return ``{nodes, edges, problems, stale}`` of a notebook document.

    Parameters
    ----------
    runs : iterable of Run
        Every run, newest first: that of the notebook tells which results are stale.
    images : sequence of str
        The profile's images; the first is what steps run in without ``--image``.

    Raises
    ------
    SpecError
        When the document is no notebook.
    """
    found = plan(content, path)
    sources = {(name, edge.target): edge.source for edge in found.edges for name in edge.names}
    before: dict[str, list[str]] = {}
    for edge in found.edges:
        before.setdefault(edge.target, []).append(edge.source)
    steps: dict[str, PlannedStep] = {}
    for step in found.steps:
        if step.name:
            steps.setdefault(step.name, step)  # a second one of that name is a problem, not a node
    return {
        "nodes": [to_json(_node(step, found.path, sources, before)) for step in steps.values()],
        "edges": [to_json(Edge(edge.source, edge.target, edge.names)) for edge in found.edges],
        "problems": [
            {"cell": step.cell_id, "message": problem.text, "hint": problem.hint}
            for step in found.steps
            for problem in _problems(step)
        ],
        "stale": stale(_ran(runs, found.path), {name: parts(step, images) for name, step in steps.items()}),
    }


def parts(step: PlannedStep, images: Sequence[str]) -> dict[str, str]:
    """Return what decides a step's result, as far as its text and the profile say."""
    known, image = dict(step.parts), step.options.image or next(iter(images), "")
    if image:
        known["packages"] = packages_part(image, step.options.requirements)
    with contextlib.suppress(SpecError):  # what cannot be submitted is said already
        known["machine"] = machine_part(machine(step.options))
    return known


def _ran(runs: Iterable[Run], path: str) -> tuple[Node, ...]:
    """Return the steps of the newest run of a notebook."""
    return next((run.nodes for run in runs if run.notebook and run.notebook == path), ())


def _node(
    step: PlannedStep, path: str, sources: dict[tuple[str, str], str], before: dict[str, list[str]]
) -> Node:
    after = before.get(step.name)
    problem = next(iter(_problems(step)), None)
    ready = step.prompt or "ready to run"
    return Node(
        id=step.name,
        name=step.name,
        phase=Phase.PLANNED,
        kind=step.kind,
        line=problem.text if problem else (f"after {', '.join(after)}" if after else ready),
        hint=problem.hint if problem else "",
        machine=step.machine,
        cell=Cell(path, step.cell_id, step.number),
        inputs=tuple(Input(name, step=sources.get((name, step.name), "")) for name in step.inputs),
        outputs=tuple(Output(name, codec=codec) for name, codec in step.outputs),
        actions=("cell",),
    )


def _problems(step: PlannedStep) -> tuple[Problem, ...]:
    """Return what is wrong with a step's text and with its machines."""
    try:
        machine(step.options)
    except SpecError as error:
        return (*step.problems, Problem(error.message, error.hint))
    return step.problems
