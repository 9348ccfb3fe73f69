"""Brings the inputs of a step into the kernel, as the step got them, so that a failure can be tried here.

Owns nothing but the order of things: everything is read and checked before a name is bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from typing import Any

from argovx_lab import codecs
from argovx_lab.errors import NotFound, OutputsMissing, SpecError
from argovx_lab.model.layout import split_uri
from argovx_lab.notebook.session import Session
from argovx_lab.runs.argo import executions, input_arguments


def pull(session: Session, step: str, namespace: MutableMapping[str, Any]) -> list[str]:
    """Bind the inputs of a step's newest execution under their names; returns a line for each.

    Raises
    ------
    SpecError
        When the run has no such step.
    OutputsMissing
        When an input is gone, or is not what the step got.
    """
    workflow, task = _newest(session, step)
    refs = input_arguments(workflow.get("spec") or {}).get(task) or {}
    values = {name: _value(session, name, ref) for name, ref in refs.items()}
    lines = []
    for name, value in values.items():
        replaced = " (replaced)" if name in namespace else ""
        lines.append(f"{name}: {codecs.describe(value)} · as {step} got it{replaced}")
    namespace.update(values)
    return lines or [f"{step} has no inputs"]


def _newest(session: Session, step: str) -> tuple[dict[str, Any], str]:
    found = [
        (execution.created_at, execution.uid, workflow, execution.task)
        for workflow in session.workflows()
        for execution in executions(workflow)
        if execution.step == step
    ]
    if not found:
        raise SpecError(f"run {session.run_id} has no step {step}", hint="%argovx status lists its steps.")
    *_, workflow, task = max(found, key=lambda item: item[:2])
    return workflow, task


def _value(session: Session, name: str, ref: Mapping[str, Any]) -> Any:
    bucket, path = split_uri(str(ref["uri"]))
    try:
        data = session.services.objects.get(bucket, path)
    except NotFound as error:
        raise OutputsMissing(f"the input {name} is gone from the bucket") from error
    if hashlib.sha256(data).hexdigest() != ref["digest"]:
        raise OutputsMissing(f"the input {name} is not what the step got; somebody has changed the object")
    return codecs.decode(data, str(ref["codec"]), name=name)
