"""The custom jobs outside the notebook's steps: asked for while somebody looks, and remembered.

Owns the cadence and the bounds: the newest jobs of one list. One list call serves all; a job that has ended
is read once more and then left alone. Nothing here is believed about steps.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator
from datetime import timedelta

from argovx_lab.errors import ArgovxError, NotFound
from argovx_lab.model.detail import StepDocument, StepEvents
from argovx_lab.model.run import Run
from argovx_lab.runs.bucket import LogText
from argovx_lab.runs.curves import MetricPage, page
from argovx_lab.runs.jobs.alone import NODE, Alone, is_alone, number_of, run_id, run_of
from argovx_lab.runs.jobs.described import described, said
from argovx_lab.runs.jobs.known import Bounds, Ends, Job, Known
from argovx_lab.runs.jobs.log import JobLog
from argovx_lab.runs.merge import About
from argovx_lab.runs.shapes import mapping, text

logger = logging.getLogger(__name__)

#: Pages of a list that are read before the newest are taken. Unit: pages of 100 jobs.
PAGES_MAX = 5

#: How many times the pause between two looks lies between two whole lists.
WHOLE_EACH = 20

#: How long somebody counts as looking after a question. Unit: seconds.
LOOKED_S = 60.0

#: How many jobs that had ended before they were seen one round reads the experiment and curves of.
OLD_MAX = 5


class Outside:
    """The jobs that belong to no Argo step.

    Parameters
    ----------
    user : str
        Whose Workflows the mirror has.
    """

    def __init__(self, ends: Ends, *, user: str, about: About, bounds: Bounds) -> None:
        self._ends = ends
        self._user = user
        self._about = about
        self._bounds = bounds
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._asked_at = self._heard_at = float("-inf")
        self._rounds = 0
        self.listed = threading.Event()  #: whether a first list has been published
        self._wanted = threading.Event()
        self.error: ArgovxError | None = None

    def attend(self, wait_s: float = 0.0) -> None:
        """Take notice that somebody looks; wait for the first list at most ``wait_s`` seconds."""
        before, self._looked_at = self._looked_at, time.monotonic()
        if self._looked_at - before > LOOKED_S or not self.listed.is_set():
            self._wanted.set()
        if self._bounds.newest:
            self.listed.wait(wait_s)

    @property
    def pause_s(self) -> float:
        """Time between two rounds. Unit: seconds."""
        return self._bounds.every_s

    def wait(self, timeout_s: float) -> None:
        """Wait until somebody looks for the first time in a while, at most ``timeout_s`` seconds."""
        self._wanted.wait(timeout_s)
        self._wanted.clear()

    def wake(self) -> None:
        """End a wait."""
        self._wanted.set()

    def ask(self, *, watched: bool = False) -> bool:
        """Ask what is due; tell whether anything was asked.

        Parameters
        ----------
        watched : bool
            Whether somebody holds a stream open.
        """
        now = time.monotonic()
        looked = watched or now - self._looked_at < LOOKED_S
        if not self._bounds.newest or not looked or now - self._asked_at < self._bounds.every_s * 0.9:
            return False
        self._asked_at = now
        try:
            self._list()
        except ArgovxError as error:
            if self.error is None or self.error.message != error.message:
                logger.warning("could not list custom jobs: %s", error.message)
            self.error = error
        else:
            self.error, self._heard_at = None, time.monotonic()
            self._details()
        return True

    def runs(self, workflows: Collection[str] | None) -> dict[str, Run]:
        """Return the runs of the newest jobs outside ``workflows``, by id; asks nobody."""
        with self._lock:
            known = list(self._known.values())
        alone = [item for item in known if is_alone(item.job, self._user, workflows)]
        alone.sort(key=lambda item: text(item.job.get("createTime")), reverse=True)
        stale_s = self._stale_s()
        return {
            run_id(item.job): run_of(self._alone(item), self._about, stale_s)
            for item in alone[: self._bounds.newest]
        }

    def has(self, identifier: str) -> bool:
        """Tell whether a job of this run id is known."""
        return identifier in self._known

    def look(self, identifier: str) -> None:
        """Read one job now, unless that was done a moment ago."""
        known = self._of(identifier)
        if not known.ended:
            self._refresh(identifier, known)
        known.detail(self._ends, self._bounds.every_s)

    def logs(self, identifier: str, node: str, after: int) -> LogText:
        """Return log text of a job from byte ``after`` on.

        Raises
        ------
        NotFound
            When there is no such run or step.
        ArgovxError
            When Logging cannot be asked.
        """
        known = self._of(identifier, node)
        ended = known.ended and known.age >= timedelta(seconds=1.5 * self._bounds.every_s)
        return known.log.read(self._ends.logs, after, ended=ended)

    def metrics(self, identifier: str, node: str, after: str) -> MetricPage:
        """Return the points after a place that an earlier page named.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        known = self._of(identifier, node)
        known.detail(self._ends, self._bounds.every_s)
        return page(known.board.curves, text(known.job.get("name")), after)

    def job(self, identifier: str, node: str = NODE) -> Job:
        """Return the job of a run, as it was heard last.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        return self._of(identifier, node).job

    def events(self, identifier: str, node: str) -> StepEvents:
        """Return what Vertex said of a job."""
        return said(self.job(identifier, node))

    def document(self, identifier: str, node: str) -> StepDocument:
        """Return a job as it was created."""
        return described(self.job(identifier, node))

    def _of(self, identifier: str, node: str = NODE) -> Known:
        known = self._known.get(identifier)
        if known is None or node != NODE:
            what = f"run {identifier} has no step {node}" if known else f"there is no run {identifier}"
            raise NotFound(what, service="argovx", status=404)
        return known

    def _alone(self, known: Known) -> Alone:
        logged = known.logged
        return Alone(
            known.job,
            self._ends.jobs.console_url(text(known.job.get("name"))),
            logged.experiment if logged else None,
            {**(logged.metrics if logged else {}), **known.board.metrics},
        )

    def _list(self) -> None:
        """Read the newest jobs: the whole list now and then, else its first page and those that move."""
        whole = self._rounds % WHOLE_EACH == 0
        self._rounds += 1
        found = {run_id(job): job for job in self._pages(PAGES_MAX if whole else 1) if run_id(job)}
        if not whole:
            for identifier, known in list(self._known.items()):
                if identifier not in found and not known.ended:
                    self._refresh(identifier, known)
        with self._lock:
            before = {} if whole else self._known
            self._known = {**before, **{key: self._heard(key, job) for key, job in found.items()}}

    def _pages(self, most: int) -> Iterator[Job]:
        token = ""
        for _ in range(most):
            found, token = self._ends.jobs.page(self._bounds.only, token)
            yield from (mapping(job) for job in found)
            if not token:
                return

    def _heard(self, identifier: str, job: Job) -> Known:
        known = self._known.get(identifier)
        if known is None:
            return Known(job, JobLog(number_of(job), self._bounds.every_s / 4))
        known.job = job
        return known

    def _refresh(self, identifier: str, known: Known) -> None:
        try:
            known.job = self._ends.jobs.get(text(known.job.get("name")))
        except NotFound:
            with self._lock:
                self._known.pop(identifier, None)
        except ArgovxError as error:
            logger.info("could not ask Vertex about %s: %s", identifier, error.message)

    def _details(self) -> None:
        """Read experiments and curves of what moves, and of a few that had ended before."""
        old = 0
        with self._lock:
            known = [
                item for item in self._known.values() if not mapping(item.job.get("labels")).get("argovx-key")
            ]
        for item in sorted(known, key=lambda item: text(item.job.get("createTime")), reverse=True):
            if not item.ended or (not item.detail_after_end and old < OLD_MAX):
                old += item.ended
                item.detail(self._ends, self._bounds.every_s)

    def _stale_s(self) -> float:
        """Return how old the list is where the last one failed, in steps of 5 s."""
        if self.error is None or self._heard_at == float("-inf"):
            return 0.0
        return min(time.monotonic() - self._heard_at, 3600.0) // 5 * 5
