"""Custom jobs in the store: the public job, what its runner needs, and its log's index.

Owns keys and ids. A record is ``{"job": CustomJob as a dict, "run": {...}}`` below ``LOCATION/ID``; the
index of a job's log outlives the job, as Cloud Logging's entries do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.jobs.states import TERMINAL
from argovx_lab.sandbox.google.store import Store

JOBS = "custom_jobs"
LOGS = "job_logs"
LINES = "job_service_lines"

Record = dict[str, Any]


class Records:
    """All custom jobs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def new_id(self) -> str:
        """Return the next job id: a decimal string of 19 digits that grows with time."""
        number = self._store.next_id("custom_jobs", 1)
        return str(int(self._clock.now().timestamp() * 1000) * 1_000_000 + number % 1_000_000)

    def get(self, key: str) -> Record | None:
        """Return a record, or ``None``."""
        return self._store.get(JOBS, key)

    def require(self, key: str) -> Record:
        """Return the record of a job that is there: only ended jobs can be deleted."""
        record = self.get(key)
        assert record is not None, "only ended jobs can be deleted"
        return record

    def put(self, key: str, job: Record, run: Record) -> None:
        """Write a record."""
        self._store.put(JOBS, key, {"job": job, "run": run})

    def remove(self, key: str) -> None:
        """Forget a job; its log stays."""
        self._store.delete(JOBS, key)

    def within(self, location: str) -> list[Record]:
        """Return the jobs of a region, the newest first."""
        return [record["job"] for _, record in self._store.scan(JOBS, f"{location}/")][::-1]

    def unfinished(self) -> list[str]:
        """Return the keys of all jobs that have not ended."""
        return [key for key, record in self._store.scan(JOBS) if record["job"]["state"] not in TERMINAL]

    def log_index(self, job_id: str) -> Record | None:
        """Return ``{"job_id", "tasks": {task name: [process folder…]}}``, or ``None``."""
        return self._store.get(LOGS, job_id)

    def log_indexes(self) -> Iterator[Record]:
        """Yield the log index of every job, the oldest first."""
        for _, record in self._store.scan(LOGS):
            yield record

    def index_log(self, job_id: str, tasks: dict[str, list[str]]) -> None:
        """Record where the logs of a job's replicas are, those of earlier starts first."""
        self._store.put(LOGS, job_id, {"job_id": job_id, "tasks": tasks})

    def say(self, job_id: str, message: str, severity: str = "INFO") -> None:
        """Append a line of the platform itself (task ``service``) to a job's log."""
        number = sum(1 for _ in self._store.scan(LINES, f"{job_id}/"))
        at = rfc3339(self._clock.now(), fraction=True)
        line = {"at": at, "severity": severity, "message": message}
        self._store.put(LINES, f"{job_id}/{number:06d}", line)

    def said(self, job_id: str) -> list[Record]:
        """Return the platform's lines of a job."""
        return [line for _, line in self._store.scan(LINES, f"{job_id}/")]
