"""Following a job: the bucket often, Vertex seldom, until both have said their last word.

Owns the pace; with ``context.py`` the only place that waits. Ends out of reach are waited for: giving up
would leave a job behind.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, replace
from typing import Any

from argovx_lab.errors import ArgovxError, InternalError, NotFound, RemoteError, Unavailable
from argovx_lab.launcher.claim import Claim
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.report import Report
from argovx_lab.launcher.settings import Times
from argovx_lab.launcher.stream import Stream
from argovx_lab.vertex.capacity import anew, waiting
from argovx_lab.vertex.states import CANCELLED, is_terminal, word

#: The bucket is asked for a new life of the replica once in so many looks.
_LIFE_EVERY = 10


@dataclass(frozen=True)
class End:
    """How it ended.

    Parameters
    ----------
    job : dict
        The custom job as last seen.
    closed : dict or None
        Parameters of the runner's ``closed``.
    """

    job: dict[str, Any]
    closed: dict[str, Any] | None
    metrics: dict[str, float]


class Follower:
    """Follows one job."""

    def __init__(self, context: Context, claim: Claim, job: dict[str, Any], report: Report) -> None:
        self._context = context
        self._times = _among_many(context.settings.times) if context.pace.crowded else context.settings.times
        self._job = job
        self._report = report
        self._stream = Stream(context.objects, claim.attempt, _to_stdout)
        self._phase = ""
        self._progress: tuple[int, int] | None = None
        self._looks = 0
        self._told = False
        self._damage: InternalError | None = None
        self._odd_since: float | None = None
        self._since = context.interrupt.clock()

    def run(self) -> End:
        """Follow until the end and return it.

        Raises
        ------
        Interrupted
            When ``SIGTERM`` arrives.
        PermissionMissing, CredentialError, InternalError
            When it cannot be followed any further.
        """
        self._context.events.emit("following", job=self._job["name"])
        self._follow()
        while not self._settle():
            self._follow()
        if self._damage is not None and self._stream.state.closed is None:
            raise self._damage
        return End(self._job, self._stream.state.closed, dict(self._stream.state.metrics))

    @property
    def _strategy(self) -> str:
        scheduling = (self._job.get("jobSpec") or {}).get("scheduling") or {}
        return str(scheduling.get("strategy", ""))

    @property
    def _ended(self) -> bool:
        return is_terminal(str(self._job.get("state", "")))

    @property
    def _over(self) -> bool:
        return self._ended or self._stream.state.closed is not None

    def _follow(self) -> None:
        ask_s, pause = self._times.vertex_first_s, self._times.bucket_min_s
        ask = self._context.interrupt.deadline(ask_s)
        while not self._over:
            news = self._look()
            pause = self._times.bucket_min_s if news else min(pause * 1.3, self._times.bucket_max_s)
            if ask.passed and not self._over:
                self._ask()
                ask_s = min(ask_s * 2, self._times.vertex_max_s)
                ask = self._context.interrupt.deadline(ask_s * random.uniform(1, 1.2))  # noqa: S311
            if not self._over:
                self._context.interrupt.wait(pause)

    def _settle(self) -> bool:
        """Wait for Vertex' own last word, then read what the bucket got in the meantime.

        ``False`` means that Vertex has started the replica anew instead.
        """
        pause, limit = self._times.settle_min_s, self._context.interrupt.deadline(self._times.settle_s)
        if not self._ended:
            self._ask()
        while not self._ended and not limit.passed:
            self._context.interrupt.wait(pause)
            pause = min(pause * 2.5, self._times.settle_max_s)
            self._ask()
            if (
                pause >= self._times.settle_max_s
                and not self._ended
                and self._look(lives=True)
                and not self._over
            ):
                return False
        if not self._ended:
            self._context.events.emit("warning", text="Vertex has not confirmed the end of the job yet")
        while self._look(lives=True):
            pass
        return True

    def _look(self, *, lives: bool = False) -> bool:
        """Read the bucket once; tell whether there was news."""
        if self._damage is not None:
            return False
        self._looks += 1
        try:
            news = self._stream.poll()
            if (lives or self._looks % _LIFE_EVERY == 0) and self._stream.next_life():
                self._told = False
                reason = anew(self._stream.life, self._strategy)
                self._context.events.emit("life", number=self._stream.life, reason=reason)
                news = True
        except InternalError as error:  # what stands there can never be read; Vertex says how it ends
            self._damage = error
            self._context.events.emit("warning", text=f"{error.message}; only Vertex is followed now")
            return False
        except ArgovxError as error:
            self._patience(error)
            return True
        self._odd_since = None
        self._tell()
        return news

    def _ask(self) -> None:
        before = self._job.get("state")
        try:
            self._job = self._context.jobs.get(self._job["name"])
        except NotFound:
            self._job = {
                **self._job,
                "state": CANCELLED,
                "error": {"message": "the job was deleted at Vertex"},
            }
        except ArgovxError as error:
            self._patience(error)
        else:
            self._odd_since = None
        if self._job.get("state") != before:
            self._context.events.emit(
                "state", state=self._job.get("state"), text=word(str(self._job.get("state")))
            )
        seconds = self._context.interrupt.clock() - self._since
        reason = waiting(self._job, seconds)
        if reason:
            self._context.events.emit("waiting", reason=reason, seconds=round(seconds, 1))

    def _patience(self, error: ArgovxError) -> None:
        """Wait after an end that did not answer as it should: a healthy job is not given up for that.

        Raises
        ------
        Unavailable
            When a remote end answers oddly for so long that nothing is known of the job: the retry adopts it.
        PermissionMissing, CredentialError
            When it may not be followed any further for so long.
        """
        if not isinstance(error, Unavailable):
            now = self._context.interrupt.clock()
            self._odd_since = now if self._odd_since is None else self._odd_since
            if now - self._odd_since > self._times.settle_s:
                raise Unavailable(error.message) if isinstance(error, RemoteError) else error
        self._context.events.emit("warning", text=error.message)
        self._context.interrupt.wait(self._times.silence_s)

    def _tell(self) -> None:
        state = self._stream.state
        if state.phase != self._phase:
            self._phase = state.phase
            self._context.events.emit("phase", phase=state.phase)
        if state.progress and state.progress != self._progress:
            self._progress = state.progress
            self._report.progress(*state.progress)
        if state.closed is not None and not self._told:
            self._told = True
            self._context.events.emit("closed", outcome=state.closed.get("outcome"))


def _among_many(times: Times) -> Times:
    """Return the times of one launcher of hundreds, who share what Vertex answers in a minute."""
    return replace(times, vertex_first_s=times.vertex_max_s, settle_min_s=times.settle_max_s)


def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
