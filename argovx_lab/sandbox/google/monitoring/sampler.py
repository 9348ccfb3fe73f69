"""CPU and memory of the processes of jobs, taken from the kernel while they run.

Owns the sampling: a replica's whole process tree against the machine type that its job asked for. Nothing
limits a process to that machine, so more than 1.0 of a CPU is cut off.
Source: proc(5)
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.jobs import catalogue
from argovx_lab.sandbox.google.jobs.environment import replicas
from argovx_lab.sandbox.google.jobs.records import Record
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.processes import ProcessGroup

#: First sample after a replica's start, and the pause between later ones. Unit: seconds.
FIRST_S, EVERY_S = 1.0, 10.0
#: Samples of one replica that are kept: the oldest go. Six hours.
KEPT: Final = 2160
TABLE: Final = "monitoring.samples"
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
#: How long one look at all processes serves every job. Unit: seconds.
_SHARED_S: Final = 0.5


class Processes:
    """All processes of this machine, as of a moment ago."""

    def __init__(self) -> None:
        self._at = float("-inf")
        self._children: dict[int, list[int]] = {}
        self._used: dict[int, tuple[float, int]] = {}

    def used(self, root: int) -> tuple[float, int]:
        """Return CPU seconds and resident bytes of a process and everything below it."""
        self._look()
        seconds, size, todo = 0.0, 0, [root]
        while todo:
            pid = todo.pop()
            own = self._used.get(pid, (0.0, 0))
            seconds, size = seconds + own[0], size + own[1]
            todo += self._children.get(pid, [])
        return seconds, size

    def _look(self) -> None:
        if time.monotonic() - self._at < _SHARED_S:
            return
        self._at = time.monotonic()
        self._children, self._used = {}, {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            pid = int(name)
            self._children.setdefault(int(fields[1]), []).append(pid)
            ticks = sum(int(fields[i]) for i in (11, 12, 13, 14))  # own, and of children that ended
            self._used[pid] = (ticks / _TICK, int(fields[21]) * _PAGE)


class Sampler:
    """Samples jobs while they run."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._processes = Processes()

    async def beside(self, key: str, record: Record, groups: dict[str, ProcessGroup]) -> None:
        """Sample every replica until the job ends."""
        machines = {replica.task: _machine(replica.spec) for replica in replicas(record["job"])}
        job_id = key.rpartition("/")[2]
        before: dict[str, tuple[float, float]] = {}
        pause = FIRST_S
        while True:
            self._take(job_id, groups, machines, before)
            await self._clock.pause(pause)
            pause = EVERY_S

    async def finish(self, key: str, record: Record) -> None:
        """Do nothing: the processes are gone."""

    def _take(
        self,
        job_id: str,
        groups: Mapping[str, ProcessGroup],
        machines: Mapping[str, tuple[int, int]],
        before: dict[str, tuple[float, float]],
    ) -> None:
        now = time.monotonic()
        taken: list[tuple[str, dict[str, Any]]] = []
        for task, group in groups.items():
            pid = group.state().pid
            seconds, size = self._processes.used(pid) if pid else (0.0, 0)
            known = before.get(task)
            before[task] = (now, seconds)
            if known is None or not size:
                continue
            cpus, memory = machines[task]
            share = max(0.0, seconds - known[1]) / max(now - known[0], 1e-3) / cpus
            at = rfc3339(self._clock.now(), fraction=True)
            taken.append((task, {"at": at, "cpu": min(1.0, share), "memory": min(1.0, size / memory)}))
        if taken:
            with self._store.transaction():
                for task, sample in taken:
                    self._keep(f"{job_id}/{task}", sample)

    def _keep(self, series: str, sample: dict[str, Any]) -> None:
        self._store.put(TABLE, f"{series}/{sample['at']}", sample)
        keys = [key for key, _ in self._store.scan(TABLE, series + "/")]
        for old in keys[:-KEPT]:
            self._store.delete(TABLE, old)


def _machine(spec: Mapping[str, Any]) -> tuple[int, int]:
    kind = (spec.get("machine_spec") or {}).get("machine_type", "")
    return catalogue.cpus(kind), catalogue.memory_bytes(kind)
