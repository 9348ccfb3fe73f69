"""What an end at Vertex and the runner's last word mean for the step: pure.

Owns the table from (job state, error text, ``closed``) to one of our errors. An end that the table does not
know is the platform's fault, not the user's.

Notes
-----
Source: the texts that Vertex puts into ``CustomJob.error``, collected from its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argovx_lab import errors
from argovx_lab.errors import (
    ArgovxError,
    CodecError,
    OutputsMissing,
    PermissionMissing,
    RemoteError,
    SpecError,
    StepCancelled,
    StepFailed,
    StepTimedOut,
    shorten,
)
from argovx_lab.vertex import bootstrap, states

_STATUS = re.compile(r"non-zero status of (\d+)")

_WORKER = re.compile(r"\bworkerpool1-(\d{1,3})\b")

_IMAGE = re.compile(r"\bimage\b.*(not found|denied|does not exist|cannot be pulled)", re.IGNORECASE)

#: ``google.rpc.Code`` of a deadline that passed and of a permission that is missing.
_DEADLINE, _DENIED = 4, 7

#: Exit status of the job's first process → what it means when the runner could not say more.
_EXITS: dict[int, ArgovxError] = {
    bootstrap.EXIT_NO_TOKEN: RemoteError("the job got no token from its metadata server", service="metadata"),
    bootstrap.EXIT_NO_RUNNER: PermissionMissing(
        "the job could not fetch the runner from the bucket",
        hint="The job's service account needs storage.objects.get on the user's folder.",
    ),
    bootstrap.EXIT_BAD_RUNNER: SpecError(
        "the runner in the bucket is not the one that the step names", hint="Submit the cell again."
    ),
    126: SpecError("the image cannot run python3", hint="Use an image with Python 3.9 or later."),
    127: SpecError("the image has no python3", hint="Use an image with Python 3.9 or later."),
    137: StepFailed(
        "the job was killed (137), most likely out of memory", hint="Use a larger machine: --on n1-highmem-8."
    ),
    134: StepFailed("the job's process aborted (134)", hint="A library crashed; the log has its last words."),
    139: StepFailed("the job's process crashed (139, segmentation fault)", hint="A library crashed."),
}


def judge(job: Mapping[str, Any], closed: Mapping[str, Any] | None) -> ArgovxError | None:
    """Return why the step did not succeed, or ``None`` when its outputs are to be verified.

    Parameters
    ----------
    job : dict
        The custom job in its last known state.
    closed : dict or None
        Parameters of the runner's ``closed``; ``None`` when it never came.
    """
    state = str(job.get("state", ""))
    if state == states.CANCELLED:
        return _cancelled(job)
    if state == states.EXPIRED:
        return StepTimedOut(f"the job expired at Vertex: {_text(job) or 'it ran or waited too long'}")
    if closed is not None and closed.get("outcome") == "failed":
        if _is_timeout(job):
            return _timed_out(job)
        return _closed(closed)
    if state == states.FAILED:
        return _failed(job)
    if state in (states.PAUSED, states.PARTIALLY_SUCCEEDED):
        return RemoteError(f"the job ended {states.word(state)} at Vertex", service="aiplatform")
    if closed is None:
        return OutputsMissing(
            "the job ended without a word from the runner", hint="See the job's log in the Cloud console."
        )
    return None


def blamed(job: Mapping[str, Any]) -> int:
    """Return the number of the worker that Vertex blames for a failed job; 0 when it names none.

    Notes
    -----
    The primary is told to stop then, so that its own last word says nothing. Workers are pool 1.
    """
    found = _WORKER.search(_text(job))
    return int(found.group(1)) + 1 if found and job.get("state") == states.FAILED else 0


def line(error: Mapping[str, Any]) -> str:
    """Return ``KeyError: 'label' · cell 7, line 12`` for the error of a ``closed``."""
    text = shorten(f"{error.get('type', 'Error')}: {error.get('message', '')}".rstrip(": "), 1000)
    place = shorten(str(error.get("place") or ""), 200)
    return f"{text} · {place}" if place else text


def _closed(closed: Mapping[str, Any]) -> ArgovxError:
    error = closed.get("error") or {}
    trace = [str(item) for item in error.get("traceback") or []]
    kind = getattr(errors, str(error.get("type", "")), None)
    if isinstance(kind, type) and issubclass(kind, ArgovxError) and not trace and not error.get("place"):
        # the runner's own word, not the user's code; that a value cannot travel is the cell's to mend
        message = shorten(str(error.get("message", "")), 1000)
        return StepFailed(message) if issubclass(kind, CodecError) else kind(message)
    return StepFailed(line(error), traceback=trace)


def _cancelled(job: Mapping[str, Any]) -> ArgovxError:
    if _is_timeout(job):
        return _timed_out(job)
    text = _text(job)
    return StepCancelled(text if "deleted" in text else "the job was cancelled at Vertex")


def _is_timeout(job: Mapping[str, Any]) -> bool:
    text = _text(job).lower()
    code = (job.get("error") or {}).get("code")
    return code == _DEADLINE or "timeout" in text or "timed out" in text or "deadline" in text


def _timed_out(job: Mapping[str, Any]) -> StepTimedOut:
    limit = ((job.get("jobSpec") or {}).get("scheduling") or {}).get("timeout", "")
    return StepTimedOut(
        f"the job ran longer than its time-out{f' of {limit}' if limit else ''}",
        hint="Raise it: --timeout 4h.",
    )


def _failed(job: Mapping[str, Any]) -> ArgovxError:
    text, code = _text(job), (job.get("error") or {}).get("code")
    status = _STATUS.search(text)
    if "out of memory" in text.lower():
        return StepFailed(
            "the machine ran out of memory", hint="Use a larger machine, such as --on n1-highmem-8."
        )
    if _is_timeout(job):
        return _timed_out(job)
    if status:
        number = int(status.group(1))
        return _EXITS.get(number) or StepFailed(
            f"the job ended with exit status {number} before the runner could say why",
            hint="See the step's log.",
        )
    if _IMAGE.search(text):
        return SpecError(
            f"the image cannot be pulled: {text}", hint="Check --image and the registry's grants."
        )
    if code == _DENIED:
        return PermissionMissing(f"Vertex lacks a permission: {text}", hint="Often the image's registry.")
    return RemoteError(f"the job failed at Vertex: {text or 'no reason given'}", service="aiplatform")


def _text(job: Mapping[str, Any]) -> str:
    return shorten(str((job.get("error") or {}).get("message") or ""))
