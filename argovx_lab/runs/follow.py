"""The only place of the read path that polls: joins the reflector, Vertex and the bucket.

Owns the cadence. Argo's changes are merged at once; the bucket is asked about executions that run,
Vertex seldom. What had ended before is read newest first, a little in each round, and at once when somebody
looks at it. A failing end makes the run stale and says so; the others go on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from argovx_lab.errors import ArgovxError, NotFound
from argovx_lab.runs.argo import Execution, executions
from argovx_lab.runs.bucket import AttemptReader, Bucket, LogText
from argovx_lab.runs.merge import About, Seen, merge
from argovx_lab.runs.store import RunStore

logger = logging.getLogger(__name__)

Object = dict[str, Any]


class Mirror(Protocol):
    """What the follower needs of the reflector."""

    @property
    def objects(self) -> list[Object]:
        """All Workflows."""

    @property
    def stale_s(self) -> float:
        """Seconds since the API server was heard."""


class Jobs(Protocol):
    """What the follower needs of Vertex."""

    def get(self, name: str) -> dict[str, Any]:
        """Return a CustomJob."""

    def console_url(self, name: str) -> str:
        """Return the page of a CustomJob in the console."""


#: Time that one round spends on executions that had ended before they were first seen. Unit: seconds.
OLD_S = 0.5


@dataclass(frozen=True)
class Cadence:
    """How often the ends are asked. Unit: seconds."""

    bucket_s: float = 2.0
    vertex_s: float = 20.0


class Follower:
    """Keeps a :class:`RunStore` true, in a thread of its own."""

    def __init__(
        self,
        mirror: Mirror,
        jobs: Jobs,
        bucket: Bucket,
        store: RunStore,
        *,
        about: About,
        bucket_name: str,
        prefix: str = "",
        cadence: Cadence = Cadence(),
    ) -> None:
        self._mirror = mirror
        self._jobs = jobs
        self._bucket = bucket
        self._store = store
        self._about = about
        self._bucket_name = bucket_name
        self._prefix = prefix
        self._cadence = cadence
        self._readers: dict[str, AttemptReader] = {}
        self._jobs_seen: dict[str, tuple[float, bool, dict[str, Any]]] = {}
        self._asked_at: dict[str, tuple[float, bool]] = {}
        self._followed: set[str] = set()
        self._said: dict[str, str] = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._rounds = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="argovx-follow", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._wake.set()

    def changed(self, _uids: Iterable[str]) -> None:
        """Take notice that the mirror changed; called by the reflector."""
        self._wake.set()

    def refresh(self) -> None:
        """Merge what is known now, in the caller's thread."""
        self._round()

    def look(self, run_id: str) -> None:
        """Read everything of one run now, in the caller's thread, however long ago it ended."""
        with self._rounds:
            found = [execution for execution in self._executions() if execution.run == run_id]
            if found:
                self._put(run_id, found, float("inf"))

    def logs(self, run_id: str, node_id: str, after: int) -> LogText:
        """Return log text of a node's newest execution from byte ``after`` on.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        execution = self._newest(run_id, node_id)
        reader = self._reader(execution)
        return reader.logs(after) if reader else LogText("", after, execution.final)

    def series(self, run_id: str, node_id: str) -> dict[str, Any]:
        """Return the logged points of a node's newest execution, by metric."""
        reader = self._reader(self._newest(run_id, node_id))
        return dict(reader.stream.series) if reader else {}

    def _newest(self, run_id: str, node_id: str) -> Execution:
        found = [e for e in self._executions() if e.run == run_id and e.step == node_id]
        if not found:
            raise NotFound(f"run {run_id} has no step {node_id}", service="argovx", status=404)
        return max(found, key=lambda e: (e.created_at, e.uid))

    def _executions(self) -> list[Execution]:
        return [execution for workflow in self._mirror.objects for execution in executions(workflow)]

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            active = True
            try:
                active = self._round()
            except Exception:
                logger.exception("a look at the runs failed; the next one follows")
            self._wake.wait(self._cadence.bucket_s if active else 5.0)

    def _round(self) -> bool:
        """Merge everything once; tell whether anything is still moving."""
        with self._rounds:
            return self._merge(self._executions())

    def _merge(self, found: list[Execution]) -> bool:
        runs: dict[str, list[Execution]] = {}
        for execution in found:
            runs.setdefault(execution.run, []).append(execution)
        until = time.monotonic() + OLD_S
        for run_id, items in sorted(runs.items(), key=_newest_at, reverse=True):
            self._put(run_id, items, until)
        for gone in {run.id for run in self._store.all()} - runs.keys():
            self._store.remove(gone)
        self._forget(found)
        return any(not e.final or not self._settled(e) for e in found)

    def _put(self, run_id: str, items: list[Execution], until: float) -> None:
        try:
            seen = [self._see(execution, until) for execution in items]
            self._store.put(merge(run_id, seen, self._about, stale_s=self._stale_s()))
        except Exception:
            logger.exception("run %s cannot be merged; the others are", run_id)

    def _forget(self, found: list[Execution]) -> None:
        """Drop what is remembered of attempts and jobs that the mirror no longer has."""
        keys = {_key(execution) for execution in found}
        names = {execution.outputs.get("vertex-job") for execution in found}
        with self._lock:
            self._readers = {key: reader for key, reader in self._readers.items() if key in keys}
        self._asked_at = {key: asked for key, asked in self._asked_at.items() if key in keys}
        self._followed &= keys
        self._jobs_seen = {name: job for name, job in self._jobs_seen.items() if name in names}

    def _stale_s(self) -> float:
        """Return the mirror's age in steps of 5 s, so that revisions do not grow with every look."""
        return min(self._mirror.stale_s, 3600.0) // 5 * 5

    def _settled(self, execution: Execution) -> bool:
        reader = self._readers.get(_key(execution))
        return reader is None or reader.complete or not self._due(execution)

    def _see(self, execution: Execution, until: float) -> Seen:
        reader, key = self._reader(execution), _key(execution)
        if not execution.final:
            self._followed.add(key)
        ask = key in self._followed or time.monotonic() < until
        if reader and ask and not reader.complete and self._due(execution):
            self._poll(reader, execution)
        job = self._job(execution, ask)
        return Seen(
            execution,
            reader.stream if reader else Seen(execution).stream,
            job,
            reader.manifest if reader else {},
            reader.manifest_digest if reader else "",
            reader.uri if reader else "",
            self._jobs.console_url(job["name"]) if job.get("name") else "",
        )

    def _poll(self, reader: AttemptReader, execution: Execution) -> None:
        if self._guard(reader.poll, f"the bucket about {execution.step}") is not None:
            self._asked_at[_key(execution)] = (time.monotonic(), execution.final)

    def _due(self, execution: Execution) -> bool:
        """Tell whether the bucket should be asked: while it runs, and once more after its end."""
        asked_at, after_end = self._asked_at.get(_key(execution), (0.0, False))
        if execution.final:
            return not after_end
        return time.monotonic() - asked_at >= self._cadence.bucket_s * 0.9

    def _reader(self, execution: Execution) -> AttemptReader | None:
        key = _key(execution)
        with self._lock:
            if key not in self._readers:
                attempt = execution.attempt(self._bucket_name, self._prefix)
                if attempt is None:
                    return None
                self._readers[key] = AttemptReader(self._bucket, attempt)
            return self._readers[key]

    def _job(self, execution: Execution, ask: bool) -> dict[str, Any]:
        name = execution.outputs.get("vertex-job")
        if not name:
            return {}
        asked_at, after_end, job = self._jobs_seen.get(name, (float("-inf"), False, {}))
        ended = str(job.get("state", "")) in _ENDED
        old = time.monotonic() - asked_at >= self._cadence.vertex_s
        if ask and not ended and (old or (execution.final and not after_end)):
            job = self._guard(lambda: self._jobs.get(name), f"Vertex about {execution.step}") or job
            self._jobs_seen[name] = (time.monotonic(), execution.final, job)
        return job

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


def _newest_at(run: tuple[str, list[Execution]]) -> str:
    return max(execution.created_at for execution in run[1])
