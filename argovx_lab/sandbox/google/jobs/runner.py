"""Carries custom jobs out: waits as if machines were provisioned, runs the replicas, judges their end.

Owns every change of a job after its creation. Its state is the store plus the process folders: after a
kill -9 it finds both again and goes on. Replicas are real processes of :mod:`argovx_lab.sandbox.processes`
and outlive the server; where they are placed is :mod:`.placement`'s, when they run again :mod:`.restarts`'.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.faults import Faults
from argovx_lab.sandbox.google.jobs import restarts, states
from argovx_lab.sandbox.google.jobs.environment import replicas
from argovx_lab.sandbox.google.jobs.images import Images
from argovx_lab.sandbox.google.jobs.machines import Machines
from argovx_lab.sandbox.google.jobs.placement import Placement
from argovx_lab.sandbox.google.jobs.records import Record, Records
from argovx_lab.sandbox.google.jobs.replicas import Ending, Replicas
from argovx_lab.sandbox.google.jobs.verdict import judged
from argovx_lab.sandbox.processes import ProcessGroup

log = logging.getLogger(__name__)

#: How often armed preemptions are looked for while jobs run. Unit: seconds.
_LOOK_S = 0.2
#: Pause before a job that the disk refused is gone on with. Unit: seconds.
_DISK_S = 1.0


class JobSettings(Protocol):
    """What the runner reads of the sandbox's settings, at the moment it needs it."""

    @property
    def images(self) -> Images:
        """What stands for images."""

    @property
    def provisioning_s(self) -> float:
        """Time from creation to RUNNING. Unit: seconds of simulated time."""


class Companion(Protocol):
    """Something that the platform does beside a running job."""

    async def beside(self, key: str, record: Record, groups: dict[str, ProcessGroup]) -> None:
        """Go on until cancelled."""

    async def finish(self, key: str, record: Record) -> None:
        """Do what is left when the job has ended, before its state says so."""


class JobRunner:
    """Runs the jobs of one store.

    Parameters
    ----------
    project_id : str
        For links in error texts.
    machines : Machines
        Where a job finds its machines, and whether it does.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        placement: Placement,
        machines: Machines,
        faults: Faults,
        *,
        project_id: str,
        companions: Sequence[Companion] = (),
    ) -> None:
        self._records = records
        self._clock = clock
        self._placement = placement
        self._machines = machines
        self._faults = faults
        self._project_id = project_id
        self._companions = companions
        self._woken: asyncio.Queue[str] = asyncio.Queue()
        self._cancels: dict[str, asyncio.Event] = {}
        self._taken: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def wake(self, key: str) -> None:
        """Start to run a job, or tell its task that it is to be cancelled."""
        record = self._records.get(key)
        if record is not None and record["job"]["state"] == states.CANCELLING and key in self._cancels:
            self._cancels[key].set()
        self._woken.put_nowait(key)

    async def run(self) -> None:
        """Run jobs until cancelled; what still runs then goes on and is found by the next server."""
        watch = asyncio.create_task(self._preempt(), name="preemptions")
        try:
            for key in self._records.unfinished():
                self._adopt(key)
            while True:
                self._adopt(await self._woken.get())
        finally:
            tasks = [watch, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _preempt(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            for key in list(self._taken) if self._faults.armed("preemption") else ():
                name = self._job(key)["display_name"]
                if self._faults.within("preemption", name, service="aiplatform"):
                    self._taken[key].set()

    def _adopt(self, key: str) -> None:
        record = self._records.get(key)
        if key in self._tasks or record is None or record["job"]["state"] in states.TERMINAL:
            return
        cancel = self._cancels[key] = asyncio.Event()
        if record["job"]["state"] == states.CANCELLING:
            cancel.set()
        task = self._tasks[key] = asyncio.create_task(self._live(key, cancel), name=f"custom job {key}")
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        self._cancels.pop(key, None)
        self._tasks.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("custom job %s: its runner broke", key, exc_info=error)

    async def _live(self, key: str, cancel: asyncio.Event) -> None:
        """Take one job to its end; when the disk refuses, go on from what is there, as after a restart."""
        while True:
            try:
                await self._lived(key, cancel)
            except (OSError, sqlite3.Error) as error:
                log.warning("custom job %s waits for the disk: %s", key, error)
                await asyncio.sleep(_DISK_S)
            else:
                return

    async def _lived(self, key: str, cancel: asyncio.Event) -> None:
        """Take one job from where it is to its end, through as many starts as it takes."""
        try:
            while await self._once(key, cancel):
                continue
        except SandboxError as error:
            log.warning("custom job %s: %s", key, error.message)
            await Replicas(self._placement.groups(key)).stop(graceful=False)
            self._end(key, states.FAILED, states.status("INTERNAL", error.message))

    async def _once(self, key: str, cancel: asyncio.Event) -> bool:
        """Provision, start and follow a job; say whether it is to be done again."""
        if self._job(key)["state"] in (states.QUEUED, states.PENDING):
            error = await self._machines.wait(key, cancel, self._move)
            if error is not None:
                self._records.say(_id(key), error["message"], "ERROR")
                self._end(key, states.FAILED, error)
                return False
        if not cancel.is_set() and self._job(key)["state"] in (states.PENDING, states.RUNNING):
            await self._start(key)
        if self._job(key)["state"] in (states.RUNNING, states.CANCELLING):
            return await self._follow(key, cancel)
        return False

    def _job(self, key: str) -> Record:
        job: Record = self._records.require(key)["job"]
        return job

    def _move(self, key: str, state: str, error: Record | None = None, **run: Any) -> None:
        record = self._records.require(key)
        job = states.advance(record["job"], state, self._clock.now(), error)
        self._records.put(key, job, {**record["run"], **run})

    async def _start(self, key: str) -> None:
        """Start every replica that does not run."""
        missing = self._placement.missing(self._job(key))
        if missing is not None:
            error = states.image_missing(missing.task, missing.image)
            self._records.say(_id(key), error["message"], "ERROR")
            self._end(key, states.FAILED, error)
            return
        secret = self._placement.prepare(key)
        if self._job(key)["state"] == states.PENDING:
            self._records.say(_id(key), "Job is preparing.")
        await self._placement.start(key, secret)
        if self._job(key)["state"] == states.PENDING:
            self._move(key, states.RUNNING)
            self._records.say(_id(key), "Job is running.")

    async def _follow(self, key: str, cancel: asyncio.Event) -> bool:
        """Wait for what ends this start of a job, and act on it; say whether it goes on."""
        groups = self._placement.groups(key)
        running = Replicas(groups)
        taken = self._taken[key] = asyncio.Event()
        record = self._records.require(key)
        beside = [asyncio.ensure_future(c.beside(key, record, groups)) for c in self._companions]
        try:
            ending = await running.ending(cancel, taken, self._clock.pause(self._left_s(key)))
        finally:
            self._taken.pop(key, None)
            for task in beside:
                task.cancel()
            for ended in await asyncio.gather(*beside, return_exceptions=True):
                if isinstance(ended, Exception):
                    log.warning("custom job %s: %s", key, ended)
        if not cancel.is_set() and await self._again(key, running, ending):
            return True
        await running.stop(graceful=ending.kind in ("cancelled", "timeout", "preempted"))
        for companion in self._companions:
            await companion.finish(key, self._records.require(key))
        self._judge(key, ending)
        return False

    def _left_s(self, key: str) -> float:
        job = self._job(key)
        since = datetime.fromisoformat(job.get("start_time") or rfc3339(self._clock.now()))
        deadline = since + timedelta(seconds=states.timeout_s(job))
        return (deadline - self._clock.now()).total_seconds()

    async def _again(self, key: str, running: Replicas, ending: Ending) -> bool:
        """Prepare another start after an end that the platform mends itself."""
        if ending.kind not in ("failed", "preempted"):
            return False
        record = self._records.require(key)
        spec, tally = record["job"]["job_spec"], restarts.Tally.of(record["run"])
        lost = ending.kind == "preempted"
        code = ending.exit_code if ending.started else 127
        scope = (
            restarts.after_loss(spec, tally)
            if lost
            else restarts.widened(spec, restarts.after_exit(spec, tally, ending.task, code))
        )
        if scope == "none":
            return False
        why = "lost its machine" if lost else f"exited with a non-zero status of {code}"
        self._records.say(_id(key), f"The replica {ending.task} {why}; it is restarted ({scope}).", "WARNING")
        again = tally.again(scope, ending.task, machines=lost).record()
        if scope == "worker":
            self._placement.next_start(key, [ending.task], tally=again)
            return True
        await running.stop(graceful=True)
        if self._job(key)["state"] != states.RUNNING:  # cancelled meanwhile
            return False
        tasks = [replica.task for replica in replicas(record["job"])]
        self._placement.next_start(
            key, tasks, tally=again, queued_at=rfc3339(self._clock.now(), fraction=True)
        )
        self._move(key, states.PENDING)
        return True

    def _judge(self, key: str, ending: Ending) -> None:
        job = self._job(key)
        # a cancellation that came while the end was being seen has won already
        if ending.kind == "cancelled" or job["state"] == states.CANCELLING:
            self._end(key, states.CANCELLED, states.cancelled())
            return
        error = judged(job, ending, self._project_id)
        if error is None:
            self._records.say(_id(key), "Job completed successfully.")
            self._end(key, states.SUCCEEDED, None)
        else:
            self._records.say(_id(key), error["message"], "ERROR")
            self._end(key, states.FAILED, error)

    def _end(self, key: str, state: str, error: Record | None) -> None:
        record = self._records.require(key)
        if state == states.FAILED and record["job"]["state"] == states.CANCELLING:
            state, error = states.CANCELLED, states.cancelled()
        self._placement.release(record["run"])
        self._move(key, state, error, secret="")


def _id(key: str) -> str:
    return key.rpartition("/")[2]
