"""Carries custom jobs out: waits as if machines were provisioned, runs the replicas, judges their end.

Owns every change of a job after its creation. Its state is the store plus the process folders: after a
kill -9 it finds both again and goes on. Replicas are real processes of :mod:`argovx_lab.sandbox.processes`
and outlive the server.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.jobs import states
from argovx_lab.sandbox.google.jobs.environment import Replica, command, environment, replicas
from argovx_lab.sandbox.google.jobs.records import Record, Records
from argovx_lab.sandbox.google.jobs.replicas import Ending, Replicas
from argovx_lab.sandbox.google.jobs.validation import TIMEOUT_DEFAULT_S, seconds
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.processes import ProcessGroup, ProcessSpec

log = logging.getLogger(__name__)

#: Share of the provisioning time that a job is QUEUED; the rest it is PENDING.
_QUEUED_SHARE = 0.1


class JobSettings(Protocol):
    """What the runner reads of the sandbox's settings, at the moment it needs it."""

    @property
    def images(self) -> Mapping[str, str]:
        """Image reference → path of a local Python interpreter."""

    @property
    def provisioning_s(self) -> float:
        """Time from creation to RUNNING. Unit: seconds of simulated time."""

    def environment(self, image: str) -> Mapping[str, str]:
        """Return what the image itself sets in its containers."""


class Registers(Protocol):
    """The metadata server, as far as jobs are concerned."""

    def register(self, secret: str, email: str) -> None:
        """Answer for a job under ``secret``."""

    def revoke(self, secret: str) -> None:
        """Stop answering."""


class JobRunner:
    """Runs the jobs of one store.

    Parameters
    ----------
    folder : Path
        Where process folders are made.
    base_environment : callable
        Returns what every job's environment begins with.
    metadata_host : callable
        Returns ``host:port`` of the metadata server.
    default_account : str
        Who a job runs as that names no service account.
    """

    def __init__(
        self,
        records: Records,
        project: Project,
        clock: Clock,
        settings: JobSettings,
        folder: Path,
        metadata: Registers,
        *,
        base_environment: Callable[[], Mapping[str, str]],
        metadata_host: Callable[[], str],
        default_account: str,
    ) -> None:
        self._records = records
        self._project = project
        self._clock = clock
        self._settings = settings
        self._folder = folder
        self._metadata = metadata
        self._base_environment = base_environment
        self._metadata_host = metadata_host
        self._default_account = default_account
        self._woken: asyncio.Queue[str] = asyncio.Queue()
        self._cancels: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def wake(self, key: str) -> None:
        """Start to run a job, or tell its task that it is to be cancelled."""
        record = self._records.get(key)
        if record is not None and record["job"]["state"] == states.CANCELLING and key in self._cancels:
            self._cancels[key].set()
        self._woken.put_nowait(key)

    async def run(self) -> None:
        """Run jobs until cancelled; what still runs then goes on and is found by the next server."""
        try:
            for key in self._records.unfinished():
                self._adopt(key)
            while True:
                self._adopt(await self._woken.get())
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

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
        """Take one job from where it is to its end."""
        try:
            if self._job(key)["state"] in (states.QUEUED, states.PENDING):
                await self._provision(key, cancel)
            if not cancel.is_set() and self._job(key)["state"] == states.PENDING:
                await self._start(key)
            if self._job(key)["state"] in (states.RUNNING, states.CANCELLING):
                await self._follow(key, cancel)
        except SandboxError as error:
            log.warning("custom job %s: %s", key, error.message)
            await Replicas(self._groups(key)).stop(graceful=False)
            self._end(key, states.FAILED, states.status("INTERNAL", error.message))

    def _groups(self, key: str) -> dict[str, ProcessGroup]:
        """Return the replicas that were started, by task name."""
        job_id = key.rpartition("/")[2]
        tasks = [replica.task for replica in replicas(self._job(key))]
        found = {task: ProcessGroup.attach(self._replica_folder(job_id, task)) for task in tasks}
        return {task: group for task, group in found.items() if group is not None}

    def _record(self, key: str) -> Record:
        record = self._records.get(key)
        assert record is not None, "only ended jobs can be deleted"
        return record

    def _job(self, key: str) -> Record:
        job: Record = self._record(key)["job"]
        return job

    def _move(self, key: str, state: str, error: Record | None = None, **run: Any) -> None:
        record = self._record(key)
        job = states.advance(record["job"], state, self._clock.now(), error)
        self._records.put(key, job, {**record["run"], **run})

    async def _provision(self, key: str, cancel: asyncio.Event) -> None:
        """Wait as long as machines would take; a restart goes on where it was."""
        job_id = key.rpartition("/")[2]
        created = datetime.fromisoformat(self._job(key)["create_time"])
        total = self._settings.provisioning_s / self._clock.speed
        if self._job(key)["state"] == states.QUEUED:
            self._records.say(job_id, "Vertex AI is setting up this job.")
            await self._wait(cancel, created + timedelta(seconds=total * _QUEUED_SHARE))
            if cancel.is_set():
                return
            self._move(key, states.PENDING)
            self._records.say(job_id, "Waiting for training program to start.")
        await self._wait(cancel, created + timedelta(seconds=total))

    async def _wait(self, cancel: asyncio.Event, until: datetime) -> None:
        left = (until - self._clock.now()).total_seconds() * self._clock.speed
        if left <= 0:
            return
        sleep = asyncio.ensure_future(self._clock.sleep(left))
        stop = asyncio.ensure_future(cancel.wait())
        try:
            await asyncio.wait({sleep, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            stop.cancel()

    async def _start(self, key: str) -> None:
        """Start every replica; those that a killed server started are found again."""
        job, job_id = self._job(key), key.rpartition("/")[2]
        for replica in replicas(job):
            image = replica.spec["container_spec"]["image_uri"]
            if image not in self._settings.images:
                error = states.image_missing(replica.task, image)
                self._records.say(job_id, error["message"], "ERROR")
                self._end(key, states.FAILED, error)
                return
        run = self._record(key)["run"]
        # kept before anything starts: replicas of a server that was killed meanwhile know this one
        secret = run.get("secret") or secrets.token_urlsafe(24)
        self._records.put(key, job, {**run, "secret": secret})
        self._metadata.register(secret, job["job_spec"].get("service_account") or self._default_account)
        self._records.say(job_id, "Job is preparing.")
        for replica in replicas(job):
            folder = self._replica_folder(job_id, replica.task)
            if ProcessGroup.attach(folder) is None:
                await self._start_replica(folder, job, replica, secret)
        self._records.index_log(
            job_id, {r.task: self._replica_folder(job_id, r.task).name for r in replicas(job)}
        )
        if self._job(key)["state"] == states.PENDING:
            self._move(key, states.RUNNING)
            self._records.say(job_id, "Job is running.")

    def _replica_folder(self, job_id: str, task: str) -> Path:
        return self._folder / f"job-{job_id}-{task}"

    async def _start_replica(self, folder: Path, job: Record, replica: Replica, secret: str) -> None:
        home = _home(folder)
        image = replica.spec["container_spec"]["image_uri"]
        interpreter = self._settings.images[image]
        env = environment(
            job,
            replica,
            interpreter=interpreter,
            home=str(home),
            image=self._settings.environment(image),
            base=self._base_environment(),
            metadata_host=self._metadata_host(),
            secret=secret,
            project_number=self._project.number,
        )
        argv = command(replica, interpreter, env)
        await ProcessGroup.start(folder, ProcessSpec(argv=argv, env=env, cwd=str(home)))

    async def _follow(self, key: str, cancel: asyncio.Event) -> None:
        """Wait for the end of the replicas, a cancellation or the timeout, and judge it."""
        job = self._job(key)
        running = Replicas(self._groups(key))
        timeout_s = (
            seconds((job["job_spec"].get("scheduling") or {}).get("timeout", "0s")) or TIMEOUT_DEFAULT_S
        )
        since = datetime.fromisoformat(job.get("start_time") or rfc3339(self._clock.now()))
        deadline = since + timedelta(seconds=timeout_s)
        ending = await running.ending(cancel, (deadline - self._clock.now()).total_seconds())
        await running.stop(graceful=ending.kind in ("cancelled", "timeout"))
        self._judge(key, ending, timeout_s)

    def _judge(self, key: str, ending: Ending, timeout_s: float) -> None:
        job_id = key.rpartition("/")[2]
        # a cancellation that came while the end was being seen has won already
        if ending.kind == "cancelled" or self._job(key)["state"] == states.CANCELLING:
            self._end(key, states.CANCELLED, states.cancelled())
        elif ending.kind == "succeeded":
            self._records.say(job_id, "Job completed successfully.")
            self._end(key, states.SUCCEEDED, None)
        else:
            error = self._error(job_id, ending, timeout_s)
            self._records.say(job_id, error["message"], "ERROR")
            self._end(key, states.FAILED, error)

    def _error(self, job_id: str, ending: Ending, timeout_s: float) -> Record:
        if ending.kind == "timeout":
            return states.timed_out(timeout_s)
        if ending.exit_code is None:
            return states.lost()
        logs = (
            f"https://console.cloud.google.com/logs/viewer?project={self._project.id}"
            f"&resource=ml_job%2Fjob_id%2F{job_id}"
        )
        return states.exited(ending.task, ending.exit_code, started=ending.started, logs=logs)

    def _end(self, key: str, state: str, error: Record | None) -> None:
        record = self._record(key)
        if state == states.FAILED and record["job"]["state"] == states.CANCELLING:
            state, error = states.CANCELLED, states.cancelled()
        if secret := record["run"].get("secret"):
            self._metadata.revoke(secret)
        self._move(key, state, error, secret="")


def _home(folder: Path) -> Path:
    """Make the replica's empty working folder inside its process folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = folder / "home"
    home.mkdir(exist_ok=True, mode=0o700)
    return home
