"""``%argovx gate``, ``approve`` and ``deny``: a run waits for a person, and the person answers.

Owns the search for the gate that waits. Refuses to answer one that is not the user's, or one of several.
"""

from __future__ import annotations

from typing import Any

from argovx_lab.capture.gates import parse
from argovx_lab.cluster import control
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.ours import refusal
from argovx_lab.notebook import words
from argovx_lab.notebook.session import Session
from argovx_lab.runs.argo import Execution, executions


def gate(_session: Session, _shell: Any, line: str) -> list[str]:
    """Check a gate's words; it acts in a run of the whole notebook."""
    typed = parse(line)
    return [
        f"{typed.name} is a gate of %argovx run: before the steps below it asks: {typed.prompt}",
        f"%argovx approve {typed.name} or %argovx deny {typed.name} answers it.",
    ]


def approve(session: Session, _shell: Any, line: str) -> list[str]:
    """Let a run go on that waits at a gate."""
    waiting = _waiting(session, line, "approve")
    control.resume(
        session.services.cluster, waiting.workflow, session.profile.principal, node=task_name(waiting.step)
    )
    return [f"{waiting.step} is approved; run {waiting.run} goes on"]


def deny(session: Session, _shell: Any, line: str) -> list[str]:
    """End a gate so that nothing below it runs."""
    waiting = _waiting(session, line, "deny")
    control.deny(
        session.services.cluster, waiting.workflow, task_name(waiting.step), session.profile.principal
    )
    return [f"{waiting.step} is denied; what waits for it in run {waiting.run} does not run"]


def _waiting(session: Session, line: str, verb: str) -> Execution:
    usage = f"Write: %argovx {verb} GATE [RUN]"
    typed = words.read(line, usage=usage)
    if not 1 <= len(typed.words) <= 2:
        raise SpecError(f"%argovx {verb} takes a gate, and a run where several wait", hint=usage)
    name, run = typed.words[0].text, typed.words[1].text if len(typed.words) > 1 else ""
    user = session.profile.user
    found, _ = session.services.cluster.list_workflows(f"{names.LABEL_USER}={user}")
    open_gates = [
        execution
        for workflow in found
        if not refusal(workflow, user)
        for execution in executions(workflow)
        if execution.about.get("kind") == "approval" and execution.phase == "Running"
    ]
    fits = [gate for gate in open_gates if gate.step == name and run in ("", gate.run)]
    if not fits:
        there = ", ".join(f"{gate.step} of {gate.run}" for gate in open_gates) or "none"
        raise words.at(typed.words[0], f"no gate {name!r} waits", f"Waiting are: {there}.")
    if len(fits) > 1:
        runs = ", ".join(gate.run for gate in fits)
        raise words.at(typed.words[0], f"{name} waits in several runs: {runs}", usage)
    return fits[0]
