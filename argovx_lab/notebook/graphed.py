"""A step cell that is more than one task: it waits for another step, has a condition, or runs for each value.

Owns what ``--after``, ``--when``, ``--for`` and unfinished inputs become when a cell runs by itself: a
Workflow of its own in the notebook's run, with an ``await`` for each step that has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.capture.arguments import Options
from argovx_lab.compile.graph import Await, GraphNode, graph
from argovx_lab.compile.manifest import Placement
from argovx_lab.errors import RunError, SpecError
from argovx_lab.model import names
from argovx_lab.notebook import plan as plans
from argovx_lab.notebook.blueprint import Blueprint, node_of, parts_of, values_of
from argovx_lab.notebook.session import Session
from argovx_lab.runs.argo import Execution
from argovx_lab.runs.shapes import mapping, parsed


def is_graph(options: Options, draft: plans.Draft) -> bool:
    """Tell whether a cell needs more than one plain task."""
    return bool(options.after or options.when or options.each or any(item.waits for item in draft.inputs))


def make(session: Session, options: Options, draft: plans.Draft, namespace: Mapping[str, Any]) -> Blueprint:
    """Make the plan of such a cell.

    Raises
    ------
    SpecError
        For a step that the run does not have, or values that are no list.
    RunError
        When a step that it waits for has not ended well.
    """
    waits = {
        item.waits.step: Await(item.waits.step, item.waits.workflow, item.waits.uid, item.waits.node)
        for item in draft.inputs
        if item.waits
    }
    known: dict[tuple[str, str], Any] = {}
    for step in options.after:
        _add(session, step, "--after", waits)
    for step, name in options.when.reads if options.when else ():
        ended = _add(session, step, "--when", waits)
        if ended is not None:
            known[step, name] = _value(ended, name)
    parts = parts_of(session, options, draft, _values(session, options, draft.name, namespace))
    after = tuple(step for step in options.after if step in waits)
    nodes: tuple[GraphNode, ...] = (
        *waits.values(),
        node_of(session, draft.name, options, parts, after, known),
    )
    profile = session.profile
    place = Placement(
        draft.workflow,
        profile.namespace,
        profile.user,
        draft.run,
        draft.cell.notebook,
        session.services.policy.digest,
    )
    manifest = graph(nodes, place, step=draft.name)
    if draft.leaking:
        manifest["metadata"]["annotations"][names.ANNOTATION_SECRETS] = "; ".join(draft.leaking)
    held = tuple(f"waits for {step}, which has not ended" for step in waits)
    return Blueprint(session, parts, nodes, manifest, f"cell of {draft.name}", held)


def _add(session: Session, step: str, flag: str, waits: dict[str, Await]) -> Execution | None:
    """Return a step's newest execution if it has ended well; one that has not ended is waited for."""
    found = session.newest(step)
    if found is None:
        raise SpecError(
            f"{flag} {step}: run {session.run_id} has no step {step}", hint="%argovx status lists its steps."
        )
    if not found.final:
        waits.setdefault(step, Await(step, found.workflow, found.uid, f"{found.workflow}.{found.path}"))
        return None
    if found.phase != "Succeeded":
        word = "was stopped" if found.stopped else f"has {found.phase.lower()}"
        raise RunError(f"{flag} {step}: {step} {word}", hint=f"Mend the cell of {step} and run it again.")
    return found


def _value(ended: Execution, name: str) -> Any:
    values = mapping(parsed(ended.outputs.get("values")))
    if name not in values:
        there = ", ".join(values) or "none"
        raise SpecError(
            f"--when {ended.step}.{name}: {ended.step} has no small result {name}; it has {there}",
            hint="A condition reads numbers, texts and truth values that a step gives as outputs.",
        )
    return values[name]


def _values(
    session: Session, options: Options, step: str, namespace: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    each = options.each
    if each is None or each.values is not None:
        return each.values if each else None
    value = namespace[each.source] if each.source in namespace else session.handle(each.source)
    if value is None:
        raise SpecError(
            f"{step} runs for each of {each.source}, which this kernel does not have",
            hint=f"Run the cell that assigns {each.source} first.",
        )
    return values_of(each, value)
