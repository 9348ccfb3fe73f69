"""``%argovx run`` from the line to the end: submit, follow all steps in one display, bind what was made.

Names in the user's namespace change only for steps that did not fail. A gate that waits for a person gives
the cell back, so that the person can answer.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from html import escape
from typing import Any

from argovx_lab.errors import ArgovxError, NotFound, RunError, StepCancelled
from argovx_lab.model.run import Node, Phase, Run
from argovx_lab.notebook import whole
from argovx_lab.notebook.blueprint import Blueprint, Part
from argovx_lab.notebook.session import Session
from argovx_lab.notebook.wait import APPEAR_S, REDRAW_S, SETTLE_S, BusyLine, raise_for, settled
from argovx_lab.runs.words import state_line

_OPEN = (Phase.QUEUED, Phase.PROVISIONING, Phase.RUNNING, Phase.UPLOADING)


@dataclass(frozen=True)
class Going:
    """Shown when the cell does not wait for the run, or no longer.

    Parameters
    ----------
    asks : tuple of str
        Gates that wait for somebody.
    """

    run: str
    asks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        if self.asks:
            answers = " or ".join(f"%argovx {word} {self.asks[0]}" for word in ("approve", "deny"))
            return f"{self.run} waits for you at {', '.join(self.asks)}. {answers} answers it."
        return f"{self.run} goes on without this cell. The panel shows it; %argovx runs lists it."


def run(session: Session, shell: Any, line: str) -> Any:
    """Plan, submit and follow the whole notebook; returns what is displayed, or ``None``.

    Raises
    ------
    ArgovxError
        One line and a hint; nothing was submitted unless a step itself failed.
    """
    wanted = whole.wish(line)
    session.begin()
    try:
        plan = whole.make(session, shell, wanted)
        if wanted.dry_run:
            return plan
        plan.send()
    except KeyboardInterrupt:
        raise _interrupted() from None
    waits = submit(session, plan, plan.run) and wanted.wait
    session.wholes.append(plan.run)
    return follow(session, shell, plan, waits=waits)


def submit(session: Session, plan: Blueprint, what: str) -> bool:
    """Create the Workflow; returns whether the user still waits.

    Raises
    ------
    StepCancelled
        When the user interrupted before it was there.
    """
    cluster, waits = session.services.cluster, True
    try:
        cluster.create_workflow(plan.manifest, waiting=BusyLine(what))
    except KeyboardInterrupt:
        if cluster.get_workflow(plan.workflow) is None:
            raise _interrupted() from None
        waits = False
    return waits


def follow(session: Session, shell: Any, plan: Blueprint, *, waits: bool) -> Going | None:
    """Follow a submitted Workflow, bind what was made, and raise what the first bad end means."""
    ended: Run | Going | None = None
    if waits:
        try:
            ended = Watch(session, plan.run, plan.workflow).wait()
        except KeyboardInterrupt:
            ended = None
    everything = {part.spec.name for part in plan.parts}
    _bind(session, shell.user_ns, plan, _good(ended) if isinstance(ended, Run) else everything)
    if isinstance(ended, Run):
        _raise_first(ended)
        return None
    return ended or Going(plan.run)


def _bind(session: Session, namespace: dict[str, Any], plan: Blueprint, good: set[str]) -> None:
    """Bind the results of steps that did not fail, those of a fan-out as one list."""
    fans: dict[str, list[Part]] = {}
    for part in plan.parts:
        if part.fan:
            fans.setdefault(part.fan, []).append(part)
        elif part.spec.name in good:
            for name in part.spec.outputs:
                namespace[name] = session.make_handle(part.spec.name, name, plan.workflow)
    for fan, members in fans.items():
        steps = [member.spec.name for member in members]
        if good.issuperset(steps):
            for name in members[0].spec.outputs:
                namespace[name] = session.make_list(fan, name, steps, plan.workflow)


def _good(run: Run) -> set[str]:
    return {node.id for node in run.nodes if node.phase in (Phase.SUCCEEDED, Phase.CACHED)}


def _raise_first(run: Run) -> None:
    """Raise what the first step that did not end well means, with the names of the others."""
    bad = [node for node in run.nodes if node.phase in (Phase.FAILED, Phase.STOPPED)]
    for node in run.nodes:
        if node.phase is Phase.SKIPPED and not bad and node.line.startswith("step "):
            raise RunError(f"{node.name} did not run: {node.line}", hint="%argovx status shows that step.")
    for node in bad:
        others = [other.name for other in bad if other is not node]
        try:
            raise_for(node)
        except ArgovxError as error:
            if others:
                error.hint = f"{error.hint}\n  Not well ended either: {', '.join(others)}".lstrip()
            raise


def _interrupted() -> StepCancelled:
    return StepCancelled(
        "it was interrupted before it was submitted", hint="Nothing runs. Run it again when it may go on."
    )


class Watch:
    """One display area that follows a run of one Workflow.

    Parameters
    ----------
    run, workflow : str
        The run's id, and the one Workflow of it that is followed.
    """

    def __init__(self, session: Session, run: str, workflow: str) -> None:
        self._path = session.path
        self._run = run
        self._workflow = workflow
        self._handle: Any = None
        self._drawn = ""

    def wait(self) -> Run | Going:
        """Follow until every step has ended, or only gates are left; KeyboardInterrupt passes through.

        Raises
        ------
        NotFound
            When the Workflow does not appear or disappears.
        """
        woken = threading.Event()
        end = self._path.store.listen(woken.set)
        missing_s, ended_at = 0.0, 0.0
        try:
            while True:
                run = self._path.follower.workflow(self._workflow)
                if run is not None and _over(run) and not ended_at:
                    ended_at = time.monotonic()
                    self._path.follower.look(self._run)  # last words: tracebacks, manifests
                    run = self._path.follower.workflow(self._workflow)
                if run is not None:
                    missing_s = 0.0
                    self._draw(run)
                    asks = tuple(node.name for node in run.nodes if node.phase is Phase.WAITING)
                    if asks and not any(node.phase in _OPEN and _started(node) for node in run.nodes):
                        return Going(self._run, asks)
                    waited_s = time.monotonic() - ended_at if ended_at else 0.0
                    if _over(run) and (all(map(settled, run.nodes)) or waited_s > SETTLE_S):
                        return run
                elif missing_s > APPEAR_S:
                    raise NotFound(
                        f"run {self._run} is not to be seen", hint="Run: %argovx doctor", service="kubernetes"
                    )
                woken.clear()
                if not woken.wait(REDRAW_S) and run is None:
                    missing_s += REDRAW_S
        finally:
            end()

    def _draw(self, run: Run) -> None:
        """Show the present state of all steps, in place."""
        from IPython.display import display

        lines = [f"run {run.id} · {run.phase.value}", *(state_line(node) for node in run.nodes)]
        if run.note:
            lines.append(run.note)
        text = "\n".join(lines)
        if text == self._drawn:
            return
        self._drawn = text
        data = {"text/plain": text, "text/html": f"<pre>{escape(text)}</pre>"}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, raw=True)


def _over(run: Run) -> bool:
    return all(node.phase.final for node in run.nodes)


def _started(node: Node) -> bool:
    return node.argo is not None and bool(node.argo.phase)
