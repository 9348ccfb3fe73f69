"""Create or adopt: at most one job for an attempt, whatever dies when.

Owns the create call. A create whose answer was lost is looked up by label, never repeated blindly; a job that
is found is adopted only when it is the job that would have been created.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from argovx_lab.errors import Conflict, NotFound, PolicyDenied, StepCancelled, Unavailable
from argovx_lab.identity.http import NOT_SENT
from argovx_lab.launcher import records
from argovx_lab.launcher.claim import Claim
from argovx_lab.launcher.context import Context
from argovx_lab.model.step import StepSpec
from argovx_lab.vertex.custom_job import JobIdentity, build, differences
from argovx_lab.vertex.states import is_terminal

Job = dict[str, Any]


class Uncertain(Exception):
    """A job may be running although none was found: no exit record may be written.

    Parameters
    ----------
    cause : Unavailable
        What went wrong.
    """

    def __init__(self, cause: Unavailable) -> None:
        super().__init__(cause.message)
        self.cause = cause


def obtain(context: Context, claim: Claim, spec: StepSpec, known: Callable[[str], None]) -> Job:
    """Return the job of this attempt, creating it when there is none.

    Parameters
    ----------
    known : callable
        Is told the job's name as soon as there is one, before it is recorded.

    Raises
    ------
    PolicyDenied
        When the recorded job is not the one that would have been created.
    StepCancelled
        When the recorded job was deleted.
    Uncertain
        When the create call's fate stays unknown.
    PermissionMissing, RemoteError
        When Vertex refuses to create it.
    """
    body = _body(claim, spec)
    job = None if claim.fresh else _recorded(context, claim, body)
    if job is not None:
        known(job["name"])
        return job
    doubtful = not claim.fresh
    if doubtful:
        context.events.emit("adopting", reason="an earlier life wrote the intent")
        job = _look_up(context, claim.key, body)
    adopted = job is not None
    if job is None:
        job, unsure = _create(context, claim.key, body)
        doubtful = doubtful or unsure
    known(job["name"])
    context.events.emit("created", job=job["name"], adopted=adopted)
    job = _record(context, claim, body, job)
    known(job["name"])
    if doubtful:
        _cancel_others(context, claim.key, job["name"])
    return job


def _body(claim: Claim, spec: StepSpec) -> Job:
    identity = JobIdentity(
        key=claim.key,
        workflow_uid=claim.intent["workflow_uid"],
        task=claim.intent["task"],
        user=claim.intent["user"],
        intent_uri=claim.uri,
        intent_digest=claim.digest,
        prefix=claim.attempt.uri,
    )
    return build(spec, identity)


def _recorded(context: Context, claim: Claim, body: Job) -> Job | None:
    found = records.read(context.objects, claim.attempt.bucket, claim.attempt.created, records.CREATED)
    if found is None:
        return None
    name = str(found[0].get("job", ""))
    try:
        job = context.jobs.get(name)
    except NotFound:
        raise StepCancelled(f"the job {name} was deleted at Vertex", hint="Submit the cell again.") from None
    wrong = differences(job, body)
    if wrong:
        raise PolicyDenied(
            f"the recorded job is not this step's: {wrong[0]}",
            hint="Somebody wrote into the run's folder; submit the cell again and tell the bucket's owner.",
        )
    context.events.emit("created", job=name, adopted=True)
    return job


def _record(context: Context, claim: Claim, body: Job, job: Job) -> Job:
    """Write the job's name once; when another life was faster, its job counts and ours is cancelled."""
    document = records.created_document(claim.key, job["name"])
    try:
        records.write(context.objects, claim.attempt.bucket, claim.attempt.created, document)
    except Conflict:
        other = _recorded(context, claim, body)
        if other is not None and _number(other["name"]) != _number(job["name"]):
            context.jobs.cancel(job["name"])
            return other
    return job


def _look_up(context: Context, key: str, body: Job) -> Job | None:
    """Search by label, several times, since lists may be stale; foreign jobs with our key are passed over."""
    times = context.settings.times
    for number in range(times.lookup_tries):
        for job in context.jobs.by_key(key):
            wrong = differences(job, body)
            if not wrong:
                return job
            context.events.emit("warning", text=f"a job with this attempt's key is passed over: {wrong[0]}")
        if number + 1 < times.lookup_tries:
            context.interrupt.wait(times.lookup_s)
    return None


def _create(context: Context, key: str, body: Job) -> tuple[Job, bool]:
    """Send the create call until its fate is known; returns the job and whether there may be another."""
    times, waited, unsure = context.settings.times, 0.0, False
    for number in range(1, times.create_tries + 1):
        context.interrupt.check()
        context.events.emit("creating", number=number)
        try:
            return context.jobs.create(body), unsure
        except Unavailable as error:
            rejected = error.status == 429 or error.reason == NOT_SENT
            if not rejected:
                unsure = True
                job = _find_lost(context, key, body, error)
                if job is not None:
                    return job, unsure
            pause = random.uniform(0.5, 1) * min(times.busy_max_s, 2.0 ** (number - 1))  # noqa: S311
            waited += pause
            if number == times.create_tries or waited > times.busy_s:
                if unsure:
                    raise Uncertain(error) from error
                raise
            context.events.emit("waiting", reason=error.message, seconds=round(pause, 1))
            context.interrupt.wait(pause)
    raise AssertionError("unreachable: the last try returns or raises")


def _find_lost(context: Context, key: str, body: Job, error: Unavailable) -> Job | None:
    context.events.emit("adopting", reason=f"the create call's fate is unknown: {error.message}")
    try:
        return _look_up(context, key, body)
    except Unavailable as unknown:
        raise Uncertain(unknown) from unknown


def _cancel_others(context: Context, key: str, keep: str) -> None:
    """Cancel doubles that a stale list had hidden."""
    for job in context.jobs.by_key(key):
        same = _number(job["name"]) == _number(keep)
        if same or is_terminal(str(job.get("state", ""))) or job.get("labels", {}).get("argovx-key") != key:
            continue
        context.jobs.cancel(job["name"])
        context.events.emit("warning", text=f"a second job of this attempt was cancelled: {job['name']}")


def _number(name: str) -> str:
    """Return the job's own id: Vertex writes the project as a number, requests may as text."""
    return name.rpartition("/")[2]
