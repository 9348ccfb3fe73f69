"""Create or adopt: at most one job for an attempt, whatever dies when.

Owns the create call. A create whose answer was lost is looked up by label, never repeated blindly; a job
that is found is adopted, believed or cancelled only when it is the job that would have been created. While a
job may exist that was not found, nothing final is said.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

from argovx_lab.errors import ArgovxError, Conflict, NotFound, PolicyDenied, StepCancelled, Unavailable
from argovx_lab.identity.http import NOT_SENT
from argovx_lab.launcher import records
from argovx_lab.launcher.claim import Claim
from argovx_lab.launcher.context import Context
from argovx_lab.model.step import StepSpec
from argovx_lab.vertex.capacity import span
from argovx_lab.vertex.custom_job import JobIdentity, build, differences
from argovx_lab.vertex.states import is_terminal

Job = dict[str, Any]

#: Status of an answer that says "later": nothing was done.
_BUSY = 429

#: Shortest pause that is told to the user. Unit: seconds. Reason: nobody reads of shorter ones in time.
SEEN_S = 3.0

_TURN = "waiting for its turn: Vertex takes so many new jobs a minute"

_FULL = "waiting for its turn: the project's new jobs of this minute are used up"

_PLANTED = "Somebody wrote into the run's folder; submit the cell again and tell the bucket's owner."


class Uncertain(Exception):
    """A job may be running although none was found: no exit record may be written.

    Parameters
    ----------
    cause : ArgovxError
        What went wrong; its exit code is the launcher's.
    """

    def __init__(self, cause: ArgovxError) -> None:
        super().__init__(cause.message)
        self.cause = cause


class Launch:
    """The job of one attempt: found, or made.

    Parameters
    ----------
    claim : Claim
        The attempt.
    spec : StepSpec
        What the job is to do.
    say : callable
        Is told what it waits for, when that takes long enough to be seen.

    Attributes
    ----------
    doubtful : bool
        Whether a job of this attempt may exist that this process does not know.
    """

    def __init__(
        self, context: Context, claim: Claim, spec: StepSpec, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._context = context
        self._say = say
        self._claim = claim
        self._body = _body(claim, spec)
        self.doubtful = not claim.fresh

    def obtain(self, known: Callable[[str], None]) -> Job:
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
            When it stays unknown whether there is a job.
        PermissionMissing, RemoteError
            When Vertex refuses to create it, and there is none.
        """
        job = None if self._claim.fresh else self._recorded()
        if job is not None:
            known(job["name"])
            self.cancel_others(job["name"])
            return job
        if self.doubtful:
            job = self._find_lost("an earlier life wrote the intent")
        adopted = job is not None
        if job is None:
            job = self._create()
        known(job["name"])
        self._context.events.emit("created", job=job["name"], adopted=adopted)
        job = self._record(job)
        known(job["name"])
        if self.doubtful:
            self.cancel_others(job["name"])
        return job

    def find(self) -> Job | None:
        """Search by label, several times with growing pauses, since lists may be stale.

        Jobs with our key that are not what this attempt would create are passed over, and said.
        """
        return _look_up(self._context, self._claim.key, self._body)

    def cancel_others(self, keep: str) -> None:
        """Cancel doubles that a stale list had hidden; ``keep`` is the name of the job that counts."""
        _cancel_others(self._context, self._claim.key, self._body, keep)

    def _recorded(self) -> Job | None:
        attempt = self._claim.attempt
        found = records.read(self._context.objects, attempt.bucket, attempt.created, records.CREATED)
        if found is None:
            return None
        name = str(found[0].get("job", ""))
        try:
            job = self._context.jobs.get(name)
        except NotFound:
            raise StepCancelled(
                f"the job {name} was deleted at Vertex", hint="Submit the cell again."
            ) from None
        except ArgovxError as error:
            raise Uncertain(error) from error
        wrong = differences(job, self._body)
        if wrong:
            raise PolicyDenied(f"the recorded job is not this step's: {wrong[0]}", hint=_PLANTED)
        self._context.events.emit("created", job=name, adopted=True)
        return job

    def _record(self, job: Job) -> Job:
        """Write the job's name once; when another life was faster, its job counts and ours is cancelled."""
        context, attempt = self._context, self._claim.attempt
        document = records.created_document(self._claim.key, job["name"])
        try:
            records.write(context.objects, attempt.bucket, attempt.created, document)
        except Conflict:
            other = self._recorded()
            if other is not None and _number(other["name"]) != _number(job["name"]):
                context.jobs.cancel(job["name"])
                return other
        return job

    def _create(self) -> Job:
        """Send the create call until its fate is known and return the job."""
        context, times, waited = self._context, self._context.settings.times, 0.0
        tries = 0
        for number in itertools.count(1):
            context.interrupt.check()
            self._wait(_TURN, self._turn())
            context.events.emit("creating", number=number)
            try:
                return context.jobs.create(self._body)
            except Unavailable as error:
                if error.status != _BUSY and error.reason != NOT_SENT:
                    self.doubtful = True
                    job = self._find_lost(f"the create call's fate is unknown: {error.message}")
                    if job is not None:
                        return job
                tries += error.status != _BUSY
                pause = random.uniform(0.5, 1) * min(times.busy_max_s, 2.0 ** min(number - 1, 9))  # noqa: S311
                waited += pause
                if tries == times.create_tries or waited > times.busy_s:
                    if self.doubtful:
                        raise Uncertain(error) from error
                    raise
                self._wait(_FULL if error.status == _BUSY else error.message, pause)
            except ArgovxError as refusal:
                return self._refused(refusal)
        raise AssertionError("unreachable: the last try returns or raises")

    def _turn(self) -> float:
        """Take a place in the row of create calls; return how far off it is, in seconds.

        Whatever storage answers, no job was made by this; what an earlier call may have made stays doubtful.
        """
        try:
            return self._context.pace.take(self._claim.key, self._context.interrupt.wall())
        except ArgovxError as error:
            if self.doubtful:
                raise Uncertain(error) from error
            raise

    def _wait(self, reason: str, seconds: float) -> None:
        """Wait and say why, in the events and, where a person would notice, in the step's own line."""
        if seconds <= 0:
            return
        self._context.events.emit("waiting", reason=reason, seconds=round(seconds, 1))
        if seconds >= SEEN_S:
            self._say(f"{reason}, {span(seconds)}")
        self._context.interrupt.wait(seconds)

    def _refused(self, refusal: ArgovxError) -> Job:
        """Vertex says no: that is the end, unless an earlier call may have made a job."""
        if not self.doubtful:
            raise refusal
        job = self._find_lost(f"a repeated create call was refused: {refusal.message}")
        if job is not None:
            return job
        raise Uncertain(
            Unavailable(
                f"{refusal.message}; whether an earlier create call made a job is not known",
                hint="The next attempt looks for it; what nobody adopts is cancelled at the Workflow's end.",
                service="aiplatform",
            )
        ) from refusal

    def _find_lost(self, reason: str) -> Job | None:
        self._context.events.emit("adopting", reason=reason)
        try:
            return self.find()
        except ArgovxError as error:
            raise Uncertain(error) from error


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


def _look_up(context: Context, key: str, body: Job) -> Job | None:
    times = context.settings.times
    for number in range(times.lookup_tries):
        for job in context.jobs.by_key(key):
            if _ours(context, job, body):
                return job
        if number + 1 < times.lookup_tries:
            context.interrupt.wait(times.lookup_s * 2**number)
    return None


def _cancel_others(context: Context, key: str, body: Job, keep: str) -> None:
    for job in context.jobs.by_key(key):
        if _number(job["name"]) == _number(keep) or is_terminal(str(job.get("state", ""))):
            continue
        if not _ours(context, job, body):
            continue
        context.jobs.cancel(job["name"])
        context.events.emit("warning", text=f"a second job of this attempt was cancelled: {job['name']}")


def _ours(context: Context, job: Job, body: Job) -> bool:
    """Tell whether a job that carries our key is the one that we would create; say so when it is not."""
    wrong = differences(job, body)
    if wrong:
        context.events.emit("warning", text=f"a job with this attempt's key is passed over: {wrong[0]}")
    return not wrong


def _number(name: str) -> str:
    """Return the job's own id: Vertex writes the project as a number, requests may as text."""
    return name.rpartition("/")[2]
