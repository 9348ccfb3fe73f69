"""How a job comes to its machines: the time that takes, stock-outs, and machines that are held already.

Owns the wait between creation and the first process. Nothing is really provisioned; times are settings,
and a stock-out is a fault on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.faults import Faults
from argovx_lab.sandbox.google.jobs import restarts, states
from argovx_lab.sandbox.google.jobs.records import Record, Records

#: Share of the provisioning time that a job is QUEUED; the rest it is PENDING.
_QUEUED_SHARE = 0.1
#: Least time between two looks for machines. Unit: seconds of simulated time.
_RETRY_S = 0.1
#: How long a FLEX_START job waits that does not say. Unit: seconds. Source: Scheduling.max_wait_duration.
WAIT_DEFAULT_S = 24 * 3600.0


class Held(Protocol):
    """Machines that persistent resources hold."""

    def free(self, job: Mapping[str, Any]) -> bool:
        """Say whether the job's persistent resource has machines for it now."""


class Machines:
    """Waits for machines.

    Parameters
    ----------
    provisioning_s : callable
        Returns the time from creation to the first process. Unit: seconds of simulated time.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        faults: Faults,
        held: Held,
        provisioning_s: Callable[[], float],
    ) -> None:
        self._records = records
        self._clock = clock
        self._faults = faults
        self._held = held
        self._provisioning_s = provisioning_s

    async def wait(self, key: str, cancel: asyncio.Event, move: Callable[[str, str], None]) -> Record | None:
        """Return when a job has its machines or is to be cancelled; or the error when it gets none."""
        while not cancel.is_set():
            await self._provision(key, cancel, move)
            record = self._records.require(key)
            name = record["job"]["display_name"]
            if cancel.is_set() or not self._faults.within("stockout", name, service="aiplatform"):
                return None
            if (error := self._out_of_stock(key, record)) is not None:
                return error
        return None

    def _out_of_stock(self, key: str, record: Record) -> Record | None:
        job, run = record["job"], record["run"]
        error = states.out_of_stock(job["name"].split("/")[3])
        scheduling = job["job_spec"].get("scheduling") or {}
        tally = restarts.Tally.of(run)
        if scheduling.get("strategy") == "FLEX_START":
            most = float(scheduling.get("max_wait_duration", f"{WAIT_DEFAULT_S:g}s").removesuffix("s"))
            since = datetime.fromisoformat(job["create_time"])
            if most and (self._clock.now() - since).total_seconds() > most:
                return error
        elif restarts.after_loss(job["job_spec"], tally) == "none":
            return error
        else:
            tally = tally.again("job", "", machines=True)
        job_id = key.rpartition("/")[2]
        self._records.say(job_id, error["message"] + " It is tried again.", "WARNING")
        queued = rfc3339(self._clock.now(), fraction=True)
        self._records.put(key, job, {**run, "tally": tally.record(), "queued_at": queued})
        return None

    async def _provision(self, key: str, cancel: asyncio.Event, move: Callable[[str, str], None]) -> None:
        """Wait as long as machines would take; a restart goes on where it was."""
        record = self._records.require(key)
        job_id = key.rpartition("/")[2]
        again = record["run"].get("queued_at")
        began = datetime.fromisoformat(again or record["job"]["create_time"])
        held = record["job"]["job_spec"].get("persistent_resource_id")
        total = 0.0 if held else self._provisioning_s() / self._clock.speed
        if again:
            total = max(total, _RETRY_S / self._clock.speed)
        if record["job"]["state"] == states.QUEUED:
            if not again:
                self._records.say(job_id, "Vertex AI is setting up this job.")
            await self._until(cancel, began + timedelta(seconds=total * _QUEUED_SHARE))
            while held and not cancel.is_set() and not self._held.free(record["job"]):
                await self._until(cancel, self._clock.now() + timedelta(seconds=_RETRY_S))
            if cancel.is_set():
                return
            move(key, states.PENDING)
            self._records.say(job_id, "Waiting for training program to start.")
        await self._until(cancel, began + timedelta(seconds=total))

    async def _until(self, cancel: asyncio.Event, moment: datetime) -> None:
        left = (moment - self._clock.now()).total_seconds()
        if left <= 0:
            return
        sleep = asyncio.ensure_future(self._clock.pause(left))
        stop = asyncio.ensure_future(cancel.wait())
        try:
            await asyncio.wait({sleep, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            stop.cancel()
