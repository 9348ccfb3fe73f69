"""A step cell that is more than one task: it waits for another step, has a condition, or runs for each value.

Owns what ``--after``, ``--when``, ``--for`` and unfinished inputs become when a cell runs by itself: a
Workflow of its own in the notebook's run, with an ``await`` for each step that has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.capture.arguments import Options
from argovx_lab.compile.graph import Await, GraphNode, graph
from argovx_lab.compile.manifest import Placement
from argovx_lab.errors import RunError, SpecError
from argovx_lab.model import names
from argovx_lab.notebook import plan as plans
from argovx_lab.notebook.blueprint import Blueprint, node_of, parts_of, values_of
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.made import Made, recorded
from argovx_lab.notebook.session import Session
from argovx_lab.runs.argo import Execution
from argovx_lab.runs.shapes import mapping, parsed

#: Codecs and size of results that a condition reads. Unit: bytes. Reason: it compares single values.
SMALL_CODECS = ("json", "text", "numpy-scalar")
SMALL_MAX = 4096


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
            known[step, name] = ended.value(name)
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
    leaking = dict.fromkeys(it for part in parts for it in part.leaking)
    if leaking:
        manifest["metadata"]["annotations"][names.ANNOTATION_SECRETS] = "; ".join(leaking)
    held = tuple(f"waits for {step}, which has not ended" for step in waits)
    return Blueprint(session, parts, nodes, manifest, f"cell of {draft.name}", held)


def _add(session: Session, step: str, flag: str, waits: dict[str, Await]) -> _Ended | None:
    """Return a step's newest end if it is a good one; a step that has not ended is waited for."""
    found = session.newest(step)
    made = _here(session, step, found)
    if made:
        return _Ended(step, {item.name: session.made_here(item) for item in made})
    if found is None:
        raise SpecError(
            f"{flag} {step}: run {session.run_id} has no step {step}", hint="%argovx status lists its steps."
        )
    if not found.final and not found.cached:
        waits.setdefault(step, Await(step, found.workflow, found.uid, f"{found.workflow}.{found.path}"))
        return None
    if not found.good:
        word = "was stopped" if found.stopped else f"has {found.phase.lower()}"
        raise RunError(f"{flag} {step}: {step} {word}", hint=f"Mend the cell of {step} and run it again.")
    given = [output["name"] for output in found.about.get("outputs") or []]
    handles = {name: session.make_handle(step, name, found.workflow) for name in given}
    return _Ended(step, handles, mapping(parsed(found.outputs.get("values"))))


def _here(session: Session, step: str, found: Execution | None) -> list[Made]:
    """Return what a step gave on this machine, where that is newer than its newest execution."""
    mine = [item for item in recorded(session.services, session.run_id) if item.step == step]
    newest = max((item.created_at for item in mine), default="")
    if not newest or (found is not None and found.created_at > newest):
        return []
    return [item for item in mine if item.created_at == newest]


@dataclass(frozen=True)
class _Ended:
    """A step that has ended well: its results, and those values that Argo has."""

    step: str
    handles: Mapping[str, Handle]
    values: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """Return a small result; of a step that was cached or ran on this machine, its bytes are read.

        Raises
        ------
        SpecError
            When the step gives none of that name.
        RunError, PolicyDenied
            When it cannot be had.
        """
        if name in self.values:
            return self.values[name]
        if name in self.handles:
            found = self.handles[name].resolve()
            if found.codec in SMALL_CODECS and found.size_bytes <= SMALL_MAX:
                value = self.handles[name].get()
                return value.item() if found.codec == "numpy-scalar" else value
        there = ", ".join(self.values or self.handles) or "none"
        raise SpecError(
            f"--when {self.step}.{name}: {self.step} has no small result {name}; it has {there}",
            hint="A condition reads numbers, texts and truth values that a step gives as outputs.",
        )


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
