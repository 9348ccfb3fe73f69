"""After a failure: the step's inputs into the kernel, as it got them, and the same code once more.

What a failed cell had assigned comes along, under names that end in ``_partial``.

Owns nothing but the order of things: everything is read and checked before a name is bound.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any, TypeAlias

from argovx_lab import codecs
from argovx_lab.compile.again import again
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import NotFound, OutputsMissing, SpecError
from argovx_lab.model.layout import split_uri
from argovx_lab.model.ours import leaves
from argovx_lab.notebook.partial import SUFFIX, Partial, find
from argovx_lab.notebook.session import Session
from argovx_lab.runs.argo import Execution, executions, input_arguments

#: Step → Workflow and execution.
Newest: TypeAlias = dict[str, tuple[dict[str, Any], Execution]]


def pull(session: Session, name: str, namespace: MutableMapping[str, Any]) -> list[str]:
    """Bind the inputs of a step's newest execution under their names; returns a line for each.

    When it failed, what its cell had assigned is bound as well, as ``NAME_partial``.

    Parameters
    ----------
    name : str
        A step, or an output that a failed step had assigned: then that alone is bound.

    Raises
    ------
    SpecError
        When the run has no such step, and no failed step had assigned such an output.
    OutputsMissing
        When a value is gone, or is not what the step got or had written.
    """
    newest = _newest(session)
    if name not in newest:
        return _one(session, newest, name, namespace)
    workflow, execution = newest[name]
    refs = input_arguments(workflow.get("spec") or {}).get(execution.task) or {}
    values = _joined({key: _value(session, key, ref, workflow) for key, ref in refs.items()})
    notes = dict.fromkeys(values, f"as {name} got it")
    partial = _partial(session, execution)
    behind = _assigned(session, execution, partial, values, notes) if partial else []
    lines = []
    for key, value in values.items():
        replaced = " (replaced)" if key in namespace else ""
        lines.append(f"{key}: {codecs.describe(value)} · {notes[key]}{replaced}")
    namespace.update(values)
    return [*lines, *behind] or [f"{name} has no inputs"]


def _one(session: Session, newest: Newest, name: str, namespace: MutableMapping[str, Any]) -> list[str]:
    """Bind one output that the newest failed step which declares it had assigned."""
    makers = [
        execution
        for _, execution in newest.values()
        if name in [output["name"] for output in execution.about.get("outputs") or []]
    ]
    for execution in sorted(makers, key=lambda item: (item.created_at, item.uid), reverse=True):
        if execution.phase == "Succeeded":
            hint = f"{name} is a result of step {execution.step}: {name}.get() brings it here."
            raise SpecError(f"run {session.run_id} has no step {name}", hint=hint)
        partial = _partial(session, execution)
        if partial is not None and name in partial.outputs:
            values: dict[str, Any] = {}
            notes: dict[str, str] = {}
            _assigned(
                session, execution, replace(partial, outputs={name: partial.outputs[name]}), values, notes
            )
            replaced = " (replaced)" if name + SUFFIX in namespace else ""
            namespace.update(values)
            return [f"{key}: {codecs.describe(values[key])} · {notes[key]}{replaced}" for key in values]
    raise SpecError(
        f"run {session.run_id} has no step {name}, and no failed step that had assigned it",
        hint="%argovx status lists its steps.",
    )


def _assigned(
    session: Session, execution: Execution, partial: Partial, values: dict[str, Any], notes: dict[str, str]
) -> list[str]:
    """Add what a failed cell had assigned; returns a line for each value that could not be kept."""
    declared = {output["name"]: output["codec"] for output in execution.about.get("outputs") or []}
    for name in partial.outputs:
        value = partial.value(session.services.objects, name, declared.get(name, ""))
        values[name + SUFFIX] = value
        notes[name + SUFFIX] = f"partial: assigned before {execution.step} failed with {partial.error}"
    return [
        f"{name}: assigned before {execution.step} failed, not kept: {why}"
        for name, why in partial.left_out.items()
    ]


def _partial(session: Session, execution: Execution) -> Partial | None:
    """Return what a failed execution's cell had assigned."""
    layout = session.profile.layout
    attempt = execution.attempt(layout.bucket, layout.prefix)
    if attempt is None or execution.phase not in ("Failed", "Error"):
        return None
    return find(session.services.objects, attempt, layout.root)


def retry(session: Session, step: str) -> str:
    """Submit a step's newest execution once more, as it was; returns the new Workflow's name.

    Raises
    ------
    SpecError
        When the run has no such step, or it is under way.
    """
    newest = _newest(session)
    if step not in newest:
        raise SpecError(f"run {session.run_id} has no step {step}", hint="%argovx status lists its steps.")
    workflow, execution = newest[step]
    if not execution.final:
        raise SpecError(f"{step} is under way", hint=f"Wait for it, or: %argovx stop {step}")
    name = f"{task_name(step)}-{secrets.token_hex(3)}"
    session.services.cluster.create_workflow(again(workflow, name, session.profile.user, step=step))
    return name


def _newest(session: Session) -> Newest:
    """Return each step's newest execution, with its Workflow."""
    found = [
        (execution.created_at, execution.uid, workflow, execution)
        for workflow in session.workflows()
        for execution in executions(workflow)
    ]
    found.sort(key=lambda item: item[:2])
    return {execution.step: (workflow, execution) for *_, workflow, execution in found}


def _joined(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the members of a fan-out as the list that the cell got."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        base, bracket, _ = name.partition("[")
        if bracket:
            found.setdefault(base, []).append(value)
        else:
            found[name] = value
    return found


def _value(session: Session, name: str, ref: Mapping[str, Any], workflow: Mapping[str, Any]) -> Any:
    if not ref.get("digest") and ref.get("output"):  # made by another step, of the same Workflow or another
        step = str(ref["step"])
        made = session.make_handle(step, str(ref["output"]), _maker(workflow, step))
        return made.get()
    bucket, path = split_uri(str(ref["uri"]))
    try:
        data = session.services.objects.get(bucket, path)
    except NotFound as error:
        raise OutputsMissing(f"the input {name} is gone from the bucket") from error
    if hashlib.sha256(data).hexdigest() != ref["digest"]:
        raise OutputsMissing(f"the input {name} is not what the step got; somebody has changed the object")
    return codecs.decode(data, str(ref["codec"]), name=name)


def _maker(workflow: Mapping[str, Any], step: str) -> str:
    """Return the Workflow that makes a step's results: another one where this one waits for it."""
    for leaf in leaves(workflow.get("spec") or {}):
        if leaf.kind == "await" and leaf.name == task_name(step):
            given = (leaf.task.get("arguments") or {}).get("parameters") or []
            return next((str(one.get("value")) for one in given if one.get("name") == "workflow"), "")
    return str(workflow["metadata"]["name"])
