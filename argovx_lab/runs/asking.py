"""What Vertex and the bucket say of executions: the only place of the read path that polls.

Owns the cadence and what was heard. The bucket is asked about executions that run, Vertex seldom; what had
ended before it was first seen is read newest first, a little in each round. An end that fails is named once
and asked again in its turn; what was heard of it before stays.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from argovx_lab.errors import ArgovxError
from argovx_lab.runs.argo import Execution
from argovx_lab.runs.bucket import AttemptReader, Bucket
from argovx_lab.runs.merge import Seen
from argovx_lab.runs.stream import Stream

logger = logging.getLogger(__name__)

#: Time that one round spends on executions that had ended before they were first seen. Unit: seconds.
OLD_S = 0.5

#: Time that one look at a run spends at most on asking; the rest follows in later rounds. Unit: seconds.
LOOK_S = 10.0


class Jobs(Protocol):
    """What is needed of Vertex."""

    def get(self, name: str) -> dict[str, Any]:
        """Return a CustomJob."""

    def console_url(self, name: str) -> str:
        """Return the page of a CustomJob in the console."""


@dataclass(frozen=True)
class Cadence:
    """How often the ends are asked. Unit: seconds."""

    bucket_s: float = 2.0
    vertex_s: float = 20.0


@dataclass
class _Known:
    """What was heard of one execution, and when; one thread asks at a time."""

    reader: AttemptReader | None
    followed: bool = False
    bucket_at: float = float("-inf")
    bucket_failed: bool = False
    bucket_after_end: bool = False
    job: dict[str, Any] = field(default_factory=dict)
    job_at: float = float("-inf")
    job_after_end: bool = False
    asking: threading.Lock = field(default_factory=threading.Lock)


class Asking:
    """Asks the slow ends about executions, and remembers.

    Parameters
    ----------
    bucket_name, prefix : str
        Where attempts write.
    places : tuple of str
        Places of others that may be read, as ``gs://…``. Nobody is asked about an execution that is neither
        ours nor there: it stays as Argo shows it.
    """

    def __init__(
        self,
        jobs: Jobs,
        bucket: Bucket,
        *,
        bucket_name: str,
        prefix: str = "",
        places: tuple[str, ...] = (),
        cadence: Cadence = Cadence(),
    ) -> None:
        self.cadence = cadence
        self._jobs = jobs
        self._bucket = bucket
        self._bucket_name = bucket_name
        self._prefix = prefix
        self._places = places
        self._known: dict[str, _Known] = {}
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    def seen(self, execution: Execution) -> Seen:
        """Return what is known of an execution now; asks nobody."""
        known = self._of(execution)
        reader, job = known.reader, known.job
        return Seen(
            execution,
            reader.stream if reader else Stream(),
            job,
            reader.manifest if reader else {},
            reader.manifest_digest if reader else "",
            reader.uri if reader else "",
            self._jobs.console_url(job["name"]) if job.get("name") else "",
        )

    def reader(self, execution: Execution) -> AttemptReader | None:
        """Return the reader of an execution's folder; ``None`` while it has no attempt."""
        return self._of(execution).reader

    def allowance(self, seconds: float = OLD_S) -> float:
        """Return until when one round may spend time on what had ended before. Unit: s, monotonic."""
        return time.monotonic() + seconds

    def over(self, until: float) -> bool:
        """Tell whether an allowance is spent."""
        return time.monotonic() >= until

    def ask(self, execution: Execution, until: float = float("inf")) -> bool:
        """Ask both ends what is due of an execution; tell whether either said anything new.

        Parameters
        ----------
        until : float
            See `allowance`; after it only executions are asked about that were once seen running.
        """
        if not self._may(execution):
            return False
        known = self._of(execution)
        known.followed |= not execution.final
        if not known.followed and self.over(until):
            return False
        with known.asking:
            before = known.job
            news = bool(self._bucket_due(execution, known) and self._poll(execution, known))
            self._job(execution, known)
            return news or known.job != before

    def settled(self, execution: Execution) -> bool:
        """Tell whether an execution has ended and nothing more is to be asked of the bucket."""
        if not self._may(execution):
            return True
        known = self._of(execution)
        read = known.reader is None or known.reader.complete or known.bucket_after_end
        return execution.final and read

    def forget(self, executions: Iterable[Execution]) -> None:
        """Drop what is known of everything but ``executions``."""
        keys = {_key(execution) for execution in executions}
        with self._lock:
            self._known = {key: known for key, known in self._known.items() if key in keys}

    def _may(self, execution: Execution) -> bool:
        """Tell whether this is ours, or lies where others let us read."""
        if execution.ours or not self._places:
            return execution.ours
        attempt = execution.attempt(self._bucket_name, self._prefix)
        return attempt is not None and attempt.uri.startswith(self._places)

    def _of(self, execution: Execution) -> _Known:
        key = _key(execution)
        with self._lock:
            known = self._known.setdefault(key, _Known(None))
            if known.reader is None:
                attempt = execution.attempt(self._bucket_name, self._prefix)
                known.reader = AttemptReader(self._bucket, attempt) if attempt else None
            return known

    def _bucket_due(self, execution: Execution, known: _Known) -> bool:
        """Tell whether the bucket should be asked: while it runs, and once more after its end."""
        if known.reader is None or known.reader.complete:
            return False
        if execution.final and not known.bucket_failed:
            return not known.bucket_after_end
        return time.monotonic() - known.bucket_at >= self.cadence.bucket_s * 0.9

    def _poll(self, execution: Execution, known: _Known) -> bool:
        assert known.reader is not None
        known.bucket_at, known.bucket_failed = time.monotonic(), True
        news = self._guard(known.reader.poll, f"the bucket about {execution.step}")
        if news is not None:
            known.bucket_failed, known.bucket_after_end = False, execution.final
        return bool(news)

    def _job(self, execution: Execution, known: _Known) -> None:
        name = execution.outputs.get("vertex-job")
        if not name or str(known.job.get("state", "")) in _ENDED:
            return
        old = time.monotonic() - known.job_at >= self.cadence.vertex_s
        if old or (execution.final and not known.job_after_end):
            answer = self._guard(lambda: self._jobs.get(name), f"Vertex about {execution.step}")
            known.job = answer or known.job
            known.job_at, known.job_after_end = time.monotonic(), execution.final

    def _guard(self, call: Any, what: str) -> Any:
        """Call; a failure is said once for as long as it stays the same."""
        try:
            answer = call()
        except ArgovxError as error:
            if self._said.get(what) != error.message:
                self._said[what] = error.message
                logger.warning("could not ask %s: %s", what, error.message)
            return None
        self._said.pop(what, None)
        return answer


_ENDED = frozenset(
    f"JOB_STATE_{word}"
    for word in ("SUCCEEDED", "FAILED", "CANCELLED", "PAUSED", "EXPIRED", "PARTIALLY_SUCCEEDED")
)


def _key(execution: Execution) -> str:
    return f"{execution.uid}/{execution.task}/{execution.ordinal}/{execution.workflow_started_at}"
