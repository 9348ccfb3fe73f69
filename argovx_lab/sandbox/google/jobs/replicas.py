"""The processes of one job: wait for what ends it, and stop what is left.

Source of the rules: https://cloud.google.com/vertex-ai/docs/training/distributed-training (the primary
replica decides success; any failing replica fails the job).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from argovx_lab.sandbox.processes import ProcessGroup

#: Between SIGTERM and SIGKILL. Unit: seconds of real time: the job's own code needs them.
GRACE_S = 10.0
PRIMARY = "workerpool0-0"


@dataclass(frozen=True)
class Ending:
    """What ended a job.

    Parameters
    ----------
    exit_code : int, optional
        ``None`` when the replica's supervision was lost.
    started : bool
        False when its command could not be run.
    """

    kind: Literal["succeeded", "failed", "cancelled", "timeout", "preempted"]
    task: str = PRIMARY
    exit_code: int | None = None
    started: bool = True


class Replicas:
    """The running replicas of one job, by task name."""

    def __init__(self, groups: Mapping[str, ProcessGroup]) -> None:
        self._groups = groups

    async def ending(
        self, cancel: asyncio.Event, taken: asyncio.Event, limit: Coroutine[Any, Any, None]
    ) -> Ending:
        """Return what comes first: success or failure, the cancellation, a lost machine, or the timeout.

        Parameters
        ----------
        taken : asyncio.Event
            Set when the primary's machine is taken away.
        limit : coroutine
            Returns when the job has run too long.
        """
        watches: dict[asyncio.Future[Any], Ending] = {
            asyncio.ensure_future(cancel.wait()): Ending("cancelled"),
            asyncio.ensure_future(taken.wait()): Ending("preempted"),
            asyncio.ensure_future(limit): Ending("timeout"),
        }
        waits: dict[asyncio.Future[Any], str] = {
            asyncio.ensure_future(group.wait()): task for task, group in self._groups.items()
        }
        pending: set[asyncio.Future[Any]] = {*waits, *watches}
        try:
            if not self._groups:  # cancelled before anything was started
                return Ending("cancelled" if cancel.is_set() else "failed")
            while True:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for future, ending in watches.items():
                    if future in done:
                        return ending
                for future in done:
                    if judged := self._judge(waits[future]):
                        return judged
        finally:
            for future in (*waits, *watches):
                future.cancel()

    def _judge(self, task: str) -> Ending | None:
        state = self._groups[task].state()
        if state.phase == "lost":
            return Ending("failed", task)
        if state.exit_code:
            return Ending("failed", task, state.exit_code, started=not state.error)
        return Ending("succeeded") if task == PRIMARY else None

    async def stop(self, *, graceful: bool) -> None:
        """End every replica that still runs.

        Parameters
        ----------
        graceful : bool
            SIGTERM first and SIGKILL after :data:`GRACE_S`; else SIGKILL at once.
        """
        left = [group for group in self._groups.values() if not group.state().ended]
        if graceful and left:
            for group in left:
                group.signal(signal.SIGTERM)
            waits = [asyncio.ensure_future(group.wait()) for group in left]
            try:
                await asyncio.wait(waits, timeout=GRACE_S)
            finally:
                for wait in waits:
                    wait.cancel()
        for group in left:
            if not group.state().ended:
                group.kill()
        await asyncio.gather(*(group.wait() for group in left))
