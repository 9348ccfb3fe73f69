"""The processes of one job: wait for what ends it, and stop what is left.

Source of the rules: https://cloud.google.com/vertex-ai/docs/training/distributed-training (the primary
replica decides success; any failing replica fails the job).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
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

    kind: Literal["succeeded", "failed", "cancelled", "timeout"]
    task: str = PRIMARY
    exit_code: int | None = None
    started: bool = True


class Replicas:
    """The running replicas of one job, by task name."""

    def __init__(self, groups: Mapping[str, ProcessGroup]) -> None:
        self._groups = groups

    async def ending(self, cancel: asyncio.Event, left_s: float) -> Ending:
        """Return what comes first: the primary's success, a failure, the cancellation, or the timeout.

        Parameters
        ----------
        left_s : float
            What is left of the job's timeout. Unit: seconds.
        """
        if not self._groups:  # cancelled before anything was started
            return Ending("cancelled") if cancel.is_set() else Ending("failed")
        waits: dict[asyncio.Future[Any], str] = {
            asyncio.ensure_future(group.wait()): task for task, group in self._groups.items()
        }
        stop: asyncio.Future[Any] = asyncio.ensure_future(cancel.wait())
        loop = asyncio.get_running_loop()
        end = loop.time() + left_s
        pending: set[asyncio.Future[Any]] = {*waits, stop}
        try:
            while True:
                done, pending = await asyncio.wait(
                    pending, timeout=max(0.0, end - loop.time()), return_when=asyncio.FIRST_COMPLETED
                )
                if stop in done:
                    return Ending("cancelled")
                if not done:
                    return Ending("timeout")
                for future in done:
                    if ending := self._judge(waits[future]):
                        return ending
        finally:
            for future in (*waits, stop):
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
