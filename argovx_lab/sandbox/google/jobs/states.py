"""The life of a custom job as data: states, transitions, and what an end means.

Owns the state machine and the error texts; does no I/O.
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/JobState
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.google.errors import CODES

QUEUED = "JOB_STATE_QUEUED"
PENDING = "JOB_STATE_PENDING"
RUNNING = "JOB_STATE_RUNNING"
SUCCEEDED = "JOB_STATE_SUCCEEDED"
FAILED = "JOB_STATE_FAILED"
CANCELLING = "JOB_STATE_CANCELLING"
CANCELLED = "JOB_STATE_CANCELLED"

TERMINAL = frozenset({SUCCEEDED, FAILED, CANCELLED})
#: State → states it may turn into.
NEXT = {
    QUEUED: {PENDING, CANCELLING, FAILED},
    PENDING: {RUNNING, CANCELLING, FAILED},
    RUNNING: {SUCCEEDED, FAILED, CANCELLING},
    CANCELLING: {CANCELLED},
}

Document = dict[str, Any]


def advance(job: Document, state: str, now: datetime, error: Document | None = None) -> Document:
    """Return the job in a new state, with its times.

    Raises
    ------
    ValueError
        When the state machine has no such transition: a bug of ours.
    """
    if state not in NEXT.get(job["state"], ()):
        raise ValueError(f"{job['state']} does not turn into {state}")
    stamp = rfc3339(now, fraction=True)
    changed = {**job, "state": state, "update_time": stamp}
    if state == RUNNING:
        changed["start_time"] = stamp
    if state in TERMINAL:
        changed["end_time"] = stamp
    if error is not None:
        changed["error"] = error
    return changed


def status(code: str, message: str) -> Document:
    """Return a ``google.rpc.Status``."""
    return {"code": CODES[code][1], "message": message}


def cancelled() -> Document:
    """Return the error of a cancelled job."""
    return status("CANCELLED", "CANCELED")


def timed_out(timeout_s: float) -> Document:
    """Return the error of a job that ran longer than its timeout."""
    return status("DEADLINE_EXCEEDED", f"The job has been running longer than its timeout of {timeout_s:g}s.")


def image_missing(task: str, image: str) -> Document:
    """Return the error of a job whose image cannot be pulled."""
    text = (
        f'The replica {task} failed to start: the image "{image}" was not found or access to it was denied. '
        "On the sandbox, images stand for local interpreters: see [images] in its settings.toml."
    )
    return status("NOT_FOUND", text)


def lost() -> Document:
    """Return the error of a job whose supervision was lost."""
    return status("INTERNAL", "Internal error occurred for the current attempt.")


def exited(task: str, code: int, *, started: bool, logs: str) -> Document:
    """Return the error of a replica that ended with a non-zero status.

    Parameters
    ----------
    started : bool
        False when the command could not be run at all.
    logs : str
        Where the log is, as a link.
    """
    reason = "Error" if started else "ContainerCannotRun"
    return status(
        "INVALID_ARGUMENT",
        f"The replica {task} exited with a non-zero status of {code}. Termination reason: {reason}. "
        f"To find out more about why your job exited please check the logs: {logs}",
    )
