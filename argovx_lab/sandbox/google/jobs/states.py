"""The life of a custom job as data: states, transitions, and what an end means.

Owns the state machine and the error texts; does no I/O.
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/JobState
"""

from __future__ import annotations

from collections.abc import Mapping
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

#: Running time of a job that sets none. Unit: seconds.
TIMEOUT_DEFAULT_S = 7 * 24 * 3600

TERMINAL = frozenset({SUCCEEDED, FAILED, CANCELLED})
#: State → states it may turn into.
NEXT = {
    QUEUED: {PENDING, CANCELLING, FAILED},
    PENDING: {RUNNING, CANCELLING, FAILED},
    RUNNING: {PENDING, SUCCEEDED, FAILED, CANCELLING},
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
        changed.setdefault("start_time", stamp)
    if state in TERMINAL:
        changed["end_time"] = stamp
    if error is not None:
        changed["error"] = error
    return changed


def timeout_s(job: Mapping[str, Any]) -> float:
    """Return how long a job may run. Unit: seconds."""
    given = (job["job_spec"].get("scheduling") or {}).get("timeout", "0s")
    return float(given.removesuffix("s")) or TIMEOUT_DEFAULT_S


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


def out_of_stock(region: str) -> Document:
    """Return the error of a job for which no machines could be had, or whose Spot machine was taken."""
    text = (
        f"Resources are insufficient in region: {region}. Please try a different region or use a different "
        "accelerator or machine type."
    )
    return status("RESOURCE_EXHAUSTED", text)


def machine_lost(task: str) -> Document:
    """Return the error of a job that lost a machine too often."""
    return status("INTERNAL", f"The replica {task} was lost: its machine went away. Internal error occurred.")


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
