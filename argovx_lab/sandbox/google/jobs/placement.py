"""Places replicas on this machine: images, folders, environments, and the processes of one job.

Owns the names of process folders. A replica's first start lies in ``job-ID-TASK``, its next ones in
``job-ID-TASK.N``; the record of the job says how often each was started, and is written before a process is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from argovx_lab.sandbox.google.jobs.environment import Replica, Surroundings, command, environment, replicas
from argovx_lab.sandbox.google.jobs.images import Image, Images
from argovx_lab.sandbox.google.jobs.records import Record, Records
from argovx_lab.sandbox.processes import ProcessGroup, ProcessSpec


class Registers(Protocol):
    """The metadata server, as far as jobs are concerned."""

    def register(self, secret: str, email: str) -> None:
        """Answer for a job under ``secret``."""

    def revoke(self, secret: str) -> None:
        """Stop answering."""


class Placement:
    """Starts and finds the replicas of jobs.

    Parameters
    ----------
    folder : Path
        Where process folders are made.
    images : callable
        Returns the table of images as it is now.
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
        folder: Path,
        metadata: Registers,
        *,
        images: Callable[[], Images],
        base_environment: Callable[[], Mapping[str, str]],
        metadata_host: Callable[[], str],
        default_account: str,
        project_number: str,
    ) -> None:
        self._records = records
        self._folder = folder
        self._metadata = metadata
        self._images = images
        self._base_environment = base_environment
        self._metadata_host = metadata_host
        self._default_account = default_account
        self._number = project_number
        self._placing = asyncio.Semaphore(8)

    def missing(self, job: Record) -> Replica | None:
        """Return a replica whose image cannot be had, or ``None``."""
        table = self._images()
        return next((r for r in replicas(job) if table.find(r.image) is None), None)

    def prepare(self, key: str) -> str:
        """Register the job at the metadata server; return its secret there.

        It is kept before anything starts: replicas of a server that was killed meanwhile know this one.
        """
        record = self._records.require(key)
        secret = record["run"].get("secret") or secrets.token_urlsafe(24)
        self._records.put(key, record["job"], {**record["run"], "secret": secret})
        account = record["job"]["job_spec"].get("service_account") or self._default_account
        self._metadata.register(secret, account)
        return str(secret)

    def release(self, run: Record) -> None:
        """Stop to answer for an ended job."""
        if secret := run.get("secret"):
            self._metadata.revoke(secret)

    def groups(self, key: str) -> dict[str, ProcessGroup]:
        """Return the replicas that were started, by task name: of each its latest start."""
        record = self._records.require(key)
        found = {}
        for replica in replicas(record["job"]):
            group = ProcessGroup.attach(self._place(key, record["run"], replica.task))
            if group is not None:
                found[replica.task] = group
        return found

    def next_start(self, key: str, tasks: list[str], **run: Any) -> None:
        """Record that these replicas begin anew, in new folders; ``run`` is written with it."""
        record = self._records.require(key)
        starts = dict(record["run"].get("starts") or {})
        for task in tasks:
            starts[task] = starts.get(task, 0) + 1
        self._records.put(key, record["job"], {**record["run"], "starts": starts, **run})

    async def start(self, key: str, secret: str) -> None:
        """Start every replica that does not run; those that a killed server started are found again."""
        record = self._records.require(key)
        job, run = record["job"], record["run"]
        self._index(key, job, run)
        for replica in replicas(job):
            folder = self._place(key, run, replica.task)
            if ProcessGroup.attach(folder) is None:
                async with self._placing:
                    await self._start(folder, job, replica, secret)

    def _index(self, key: str, job: Record, run: Record) -> None:
        """Let Logging find the folders, those of earlier starts as well."""
        starts = run.get("starts") or {}
        job_id = key.rpartition("/")[2]
        tasks = [r.task for r in replicas(job)]
        self._records.index_log(
            job_id, {t: [self._name(job_id, t, n) for n in range(starts.get(t, 0) + 1)] for t in tasks}
        )

    def _name(self, job_id: str, task: str, start: int) -> str:
        return f"job-{job_id}-{task}" + (f".{start}" if start else "")

    def _place(self, key: str, run: Mapping[str, Any], task: str) -> Path:
        start = (run.get("starts") or {}).get(task, 0)
        return self._folder / self._name(key.rpartition("/")[2], task, start)

    async def _start(self, folder: Path, job: Record, replica: Replica, secret: str) -> None:
        image = self._images().find(replica.image)
        assert image is not None, "missing() was asked before"
        home = _home(folder)
        given = Surroundings(
            home=str(home),
            base=self._base_environment(),
            metadata_host=self._metadata_host(),
            secret=secret,
            project_number=self._number,
        )
        env = environment(job, replica, image, given)
        await ProcessGroup.start(folder, ProcessSpec(argv=_argv(replica, image, env), env=env, cwd=str(home)))


def _argv(replica: Replica, image: Image, env: Mapping[str, str]) -> tuple[str, ...]:
    # a runtime says "no command specified"; a name that cannot be found ends the same way
    return command(replica, image, env) or ("no command specified",)


def _home(folder: Path) -> Path:
    """Make the replica's empty working folder inside its process folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = folder / "home"
    home.mkdir(exist_ok=True, mode=0o700)
    return home
