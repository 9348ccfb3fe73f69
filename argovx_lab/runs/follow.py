"""Joins the reflector with what Vertex and the bucket have said, and publishes runs.

Owns three threads: one merges what is in memory as soon as Argo changes, one asks the slow ends (see
``asking``), so that a bucket that hangs delays no graph, and one asks for the custom jobs outside the steps
(see ``jobs``) while somebody looks. What cannot be merged makes its own run stale.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from argovx_lab.errors import NotFound
from argovx_lab.model.names import slug
from argovx_lab.model.ours import refusal
from argovx_lab.model.run import Node, Run
from argovx_lab.runs.argo import Execution, executions
from argovx_lab.runs.asking import LOOK_S, Asking
from argovx_lab.runs.bucket import LogText
from argovx_lab.runs.curves import MetricPage
from argovx_lab.runs.jobs.outside import Outside
from argovx_lab.runs.merge import About, merge
from argovx_lab.runs.shapes import mapping, text
from argovx_lab.runs.store import RunStore

logger = logging.getLogger(__name__)

Object = dict[str, Any]

#: Longest part of a run's id that names somebody else. Unit: characters.
_USER_MAX = 30

#: How often the ends are looked at when nothing moves. Unit: seconds.
IDLE_S = 5.0


class Mirror(Protocol):
    """What the follower needs of the reflector."""

    @property
    def objects(self) -> list[Object]:
        """All Workflows."""

    @property
    def stale_s(self) -> float:
        """Seconds since the API server was heard."""


class Follower:
    """Keeps a :class:`RunStore` true, in threads of its own.

    Parameters
    ----------
    user : str
        Whose runs these are: a Workflow that only claims to be of one of them is a run of its own. Empty
        believes every label.
    outside : Outside, optional
        The custom jobs that belong to no step; without it there are none.
    """

    def __init__(
        self,
        mirror: Mirror,
        asking: Asking,
        store: RunStore,
        *,
        about: About,
        user: str = "",
        outside: Outside | None = None,
    ) -> None:
        self.outside = outside
        self._user = user
        self._mirror = mirror
        self._asking = asking
        self._store = store
        self._about = about
        self._read: dict[int, tuple[Object, list[Execution]]] = {}
        self._merging = threading.Lock()
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._due = threading.Event()
        self._threads = (
            threading.Thread(target=self._run_merging, name="argovx-merge", daemon=True),
            threading.Thread(target=self._run_asking, name="argovx-ask", daemon=True),
            threading.Thread(target=self._run_outside, name="argovx-jobs", daemon=True),
        )

    def start(self) -> None:
        """Begin to follow."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._changed.set()
        self._due.set()
        if self.outside is not None:
            self.outside.wake()

    def changed(self, _uids: Iterable[str]) -> None:
        """Take notice that the mirror changed; called by the reflector."""
        self._changed.set()
        self._due.set()

    def publish(self) -> None:
        """Publish every run as it is known now, in the caller's thread; asks nobody."""
        with self._merging:
            found = self._executions()
            runs = _by_run(found)
            for run_id in _newest_first(runs):
                self._publish(run_id, runs[run_id])
            jobs = self._jobs(found)
            for job in jobs.values():
                self._store.put(job)
            for gone in {run.id for run in self._store.all()} - runs.keys() - jobs.keys():
                self._store.remove(gone)
            self._asking.forget(found)

    def refresh(self) -> None:
        """Ask what is due and publish, in the caller's thread."""
        self._ask()
        self.publish()

    def look(self, run_id: str) -> None:
        """Read a run now, in the caller's thread, however long ago it ended.

        The newest executions come first; what `LOOK_S` is too short for follows in later rounds.
        """
        if outside := self.job_of(run_id):
            outside.look(run_id)
            self.publish()
            return
        until = self._asking.allowance(LOOK_S)
        for execution in sorted(self._of_run(run_id), key=lambda e: (e.created_at, e.uid), reverse=True):
            if self._asking.over(until):
                logger.info("run %s has more than one look can read; the rest follows", run_id)
                break
            self._heard(execution, until)
        self._put(run_id)

    def logs(self, run_id: str, node_id: str, after: int) -> LogText:
        """Return log text of a node's newest execution from byte ``after`` on.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        if outside := self.job_of(run_id):
            return outside.logs(run_id, node_id, after)
        execution = self._newest(run_id, node_id)
        reader = self._asking.reader(execution)
        return reader.logs(after) if reader else LogText("", after, execution.final)

    def execution(self, workflow: str) -> tuple[Run, Node] | None:
        """Return one Workflow's own view, whatever its step has become since; ``None`` without it."""
        run = self.workflow(workflow)
        return (run, run.nodes[0]) if run else None

    def workflow(self, workflow: str) -> Run | None:
        """Return the run as one Workflow alone has it; ``None`` without it."""
        found = [execution for execution in self._executions() if execution.workflow == workflow]
        if not found:
            return None
        return merge(
            found[0].run, [self._asking.seen(e) for e in found], self._about, stale_s=self._stale_s()
        )

    def metrics(self, run_id: str, node_id: str, after: str) -> MetricPage:
        """Return the points of a node's newest execution after a place that an earlier page named.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        if outside := self.job_of(run_id):
            return outside.metrics(run_id, node_id, after)
        reader = self._asking.reader(self._newest(run_id, node_id))
        return reader.metrics(after) if reader else MetricPage({}, "0", whole=True)

    def job_of(self, run_id: str) -> Outside | None:
        """Return who knows the custom job of a run; ``None`` where the run is one of Argo's, or none."""
        run = self._store.get(run_id)
        return self.outside if run is not None and run.source == "vertex" else None

    def _jobs(self, found: Iterable[Execution]) -> dict[str, Run]:
        """Return the runs of jobs outside the steps; a run of Argo keeps its id."""
        if self.outside is None:
            return {}
        heard = self._mirror.stale_s != float("inf")
        uids = {text(mapping(w.get("metadata")).get("uid")) for w in self._mirror.objects} if heard else None
        taken = {execution.run for execution in found}
        return {key: run for key, run in self.outside.runs(uids).items() if key not in taken}

    def _run_outside(self) -> None:
        """Ask for jobs while somebody looks; a listing that hangs delays nothing else."""
        outside = self.outside
        while outside is not None and not self._stop.is_set():
            if self._look_once(lambda: outside.ask(watched=self._store.watched)):
                self._look_once(self.publish)
                outside.listed.set()
            outside.wait(outside.pause_s)

    def _newest(self, run_id: str, node_id: str) -> Execution:
        found = [e for e in self._executions() if e.run == run_id and e.step == node_id]
        if not found:
            raise NotFound(f"run {run_id} has no step {node_id}", service="argovx", status=404)
        return max(found, key=lambda e: (e.created_at, e.uid))

    def _executions(self) -> list[Execution]:
        """Return all executions; an object of the mirror is read once, for it is never changed in place."""
        before, now = self._read, {}
        for workflow in self._mirror.objects:
            known = before.get(id(workflow))
            now[id(workflow)] = (
                known if known and known[0] is workflow else (workflow, self._of_one(workflow))
            )
        self._read = now
        return [execution for _, found in now.values() for execution in found]

    def _of_one(self, workflow: Object) -> list[Execution]:
        found = executions(workflow)
        if not self._user or not refusal(workflow, self._user):
            return found
        return [replace(e, run=f"{e.run}.{slug(e.user or 'somebody', _USER_MAX)}", ours=False) for e in found]

    def _of_run(self, run_id: str) -> list[Execution]:
        return [execution for execution in self._executions() if execution.run == run_id]

    def _run_merging(self) -> None:
        while not self._stop.is_set():
            self._changed.clear()
            self._look_once(self.publish)
            self._changed.wait(IDLE_S)

    def _run_asking(self) -> None:
        while not self._stop.is_set():
            self._due.clear()
            moving = self._look_once(self._ask)
            self._due.wait(self._asking.cadence.bucket_s if moving is not False else IDLE_S)

    def _look_once(self, look: Callable[[], Any]) -> Any:
        try:
            return look()
        except Exception:
            logger.exception("a look at the runs failed; the next one follows")
            return None

    def _ask(self) -> bool:
        """Ask what is due, newest run first; tell whether anything is still moving."""
        found = self._executions()
        runs, until = _by_run(found), self._asking.allowance()
        for run_id in _newest_first(runs):
            news = [self._heard(execution, until) for execution in runs[run_id]]
            if any(news):
                self._put(run_id)
        return any(not self._asking.settled(execution) for execution in found)

    def _heard(self, execution: Execution, until: float) -> bool:
        return bool(self._safely(execution.run, lambda: self._asking.ask(execution, until)))

    def _put(self, run_id: str) -> None:
        """Publish one run with what the mirror says now."""
        with self._merging:
            found = self._of_run(run_id)
            if found:
                self._publish(run_id, found)

    def _publish(self, run_id: str, items: list[Execution]) -> None:
        def publish() -> None:
            seen = [self._asking.seen(execution) for execution in items]
            self._store.put(merge(run_id, seen, self._about, stale_s=self._stale_s()))

        self._safely(run_id, publish)

    def _safely(self, run_id: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception:
            logger.exception("run %s cannot be read whole; the others are", run_id)
            return None

    def _stale_s(self) -> float:
        """Return the mirror's age in steps of 5 s, so that revisions do not grow with every look."""
        return min(self._mirror.stale_s, 3600.0) // 5 * 5


def _by_run(found: Iterable[Execution]) -> dict[str, list[Execution]]:
    runs: dict[str, list[Execution]] = {}
    for execution in found:
        runs.setdefault(execution.run, []).append(execution)
    return runs


def _newest_first(runs: dict[str, list[Execution]]) -> list[str]:
    """Return the ids of runs, the one with the newest execution first."""
    return sorted(runs, key=lambda run_id: max(e.created_at for e in runs[run_id]), reverse=True)
