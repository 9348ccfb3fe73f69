"""The live view under a cell while a step runs, until it ends or the user detaches.

Ctrl-C detaches: the step goes on. A failed step raises the user's own traceback, nothing of ours above it.
"""

from __future__ import annotations

import threading
import time
from typing import Any, NoReturn

from argovx_lab.errors import NotFound, OutputsMissing, StepCancelled, StepFailed, shorten
from argovx_lab.model.exits import Meaning, meaning
from argovx_lab.model.run import Exit, Node, Phase, Run
from argovx_lab.notebook.display import bundle, line
from argovx_lab.wiring import ReadPath

#: How often the line under the cell is drawn anew, so that time moves. Unit: seconds.
REDRAW_S = 1.0

#: A Workflow that the mirror does not show after so long is lost. Unit: seconds.
APPEAR_S = 30.0


#: Longest sentence about an end. Unit: characters. Reason: it may hold a grant's whole command.
REASON_MAX = 1000

#: After its end, a step's manifest is waited for so long. Unit: seconds.
SETTLE_S = 15.0


class BusyLine:
    """One line under the cell while the Kubernetes API does not take the step yet.

    Parameters
    ----------
    step : str
        Whose submission waits.
    """

    def __init__(self, step: str) -> None:
        self._step = step
        self._handle: Any = None

    def __call__(self, pause_s: float, reason: str) -> None:
        """Say how long the next pause is, and why."""
        from IPython.display import display

        data = line(f"{self._step} is not submitted yet: {reason}; trying again in {pause_s:.0f} s")
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, raw=True)


class LiveView:
    """One display area that follows one execution of a step.

    Parameters
    ----------
    workflow : str
        Name of the Workflow that runs the execution.
    """

    def __init__(self, path: ReadPath, run_id: str, step: str, workflow: str) -> None:
        self._path = path
        self._run_id = run_id
        self._step = step
        self._workflow = workflow
        self._handle: Any = None
        self._drawn: tuple[int, str] | None = None

    def current(self) -> tuple[Run, Node] | None:
        """Return the run and node of this execution, or ``None`` until the mirror shows it."""
        run = self._path.store.get(self._run_id)
        for node in run.nodes if run else ():
            if node.id == self._step and node.argo and node.argo.workflow == self._workflow:
                return run, node  # type: ignore[return-value]  # run is not None here
        return self._path.follower.execution(self._workflow)  # its step may have a newer one by now

    def draw(self, run: Run, node: Node) -> None:
        """Show the present state, in place."""
        from IPython.display import display

        data = bundle(run, node)
        state = (run.revision, data["text/plain"])
        if state == self._drawn:
            return
        self._drawn = state
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, raw=True)

    def wait(self) -> Node:
        """Follow until the execution has ended; KeyboardInterrupt passes through.

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
                found = self.current()
                if found and found[1].phase.final and not ended_at:
                    ended_at = time.monotonic()
                    self._path.follower.look(self._run_id)  # its last words: traceback, manifest
                    found = self.current()
                if found:
                    missing_s = 0.0
                    self.draw(*found)
                    waited_s = time.monotonic() - ended_at if ended_at else 0.0
                    if found[1].phase.final and (settled(found[1]) or waited_s > SETTLE_S):
                        return found[1]
                elif missing_s > APPEAR_S:
                    raise NotFound(
                        f"Workflow {self._workflow} of step {self._step} is not to be seen",
                        hint="Run: %argovx doctor",
                        service="kubernetes",
                    )
                woken.clear()
                if not woken.wait(REDRAW_S) and not found:
                    missing_s += REDRAW_S
        finally:
            end()


def settled(node: Node) -> bool:
    """Tell whether a succeeded step's manifest is in: the last thing that is read."""
    if node.phase is not Phase.SUCCEEDED:
        return True
    return all(output.state != "declared" for output in node.outputs)


def left_out(node: Node) -> tuple[str, ...]:
    """Return one line that names the outputs which stayed behind, and why; nothing when none did."""
    found = [f"{o.name} ({o.summary.rstrip('.')})" for o in node.outputs if o.state == "left-out"]
    return (f"{node.name} left out {'; '.join(found)}",) if found else ()


def raise_for(node: Node) -> None:
    """Raise what an execution that did not succeed means to the user."""
    if node.phase is Phase.SUCCEEDED and not settled(node):
        raise OutputsMissing(
            f"{node.name} succeeded, but its manifest cannot be read or is not the one that Argo recorded",
            hint="%argovx doctor tells whether the bucket can be read; else run the cell again.",
        )
    if node.phase in (Phase.SUCCEEDED, Phase.CACHED, Phase.SKIPPED):
        return
    ended = node.exit or Exit()
    meant = meaning(ended.code)
    if node.phase is Phase.STOPPED:
        _raise_stopped(node, meant)
    hint, what = node.hint or meant.hint, _reason(node, ended)
    if meant.error is StepFailed:
        hint = offers(node) if node.argo else hint
        place = f" · {ended.place}" if ended.place else ""
        raise StepFailed(
            f"{node.name} {meant.words}: {what}{place}", hint=hint, traceback=list(ended.traceback)
        )
    raise meant.error(f"{node.name} {meant.words}: {what}", hint=hint)


def offers(node: Node) -> str:
    """Return what can be done about a step whose own code failed, the most useful first."""
    return (
        f"Mend the cell and run it again, and what follows: what succeeded stays;"
        f" %argovx pull {node.name} brings its inputs here.\n"
        f"  To retry the same code: %argovx retry {node.name}"
    )


def _raise_stopped(node: Node, meant: Meaning) -> NoReturn:
    """Raise a stop, also where the launcher was killed before it could say so."""
    stop = meant if meant.error is StepCancelled else meaning(143)
    by = f" by {node.stop.by}" if node.stop and node.stop.by else ""
    raise StepCancelled(f"{node.name} {stop.words}{by}", hint=stop.hint)


def _reason(node: Node, ended: Exit) -> str:
    """Return the sentence that says most: the runner's, else the launcher's, else Argo's."""
    said = ended.reason.partition(": ")[2]  # a word, then the sentence
    return shorten(ended.error or said or node.message, REASON_MAX) or "no reason was given"
