"""The sandbox's only source of time, so that tests can move it and a speed factor can shorten it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any


class Clock:
    """Real time, with waits divided by ``speed``, that :meth:`advance` moves ahead of the machine's.

    Parameters
    ----------
    speed : float
        2.0 makes every simulated wait half as long; wall-clock stamps stay real.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._ahead_s = 0.0
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead_s)

    def advance(self, seconds: float) -> None:
        """Move the clock; negative sets it back. Whoever sleeps looks again.

        Call it on the event loop that sleeps. Unit: seconds of unscaled time.
        """
        self._ahead_s += seconds
        for sleeper in self._sleepers:
            sleeper.set()

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of simulated time."""
        await self.pause(max(0.0, seconds) / self.speed)

    def pause(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Wait for ``seconds`` on this clock, whatever the speed: what a job's own code lives through.

        They count from this call, not from the moment at which somebody begins to wait.
        """
        return self._until(self._elapsed() + seconds)

    async def _until(self, end: float) -> None:
        woken = asyncio.Event()
        self._sleepers.add(woken)
        try:
            while (left := end - self._elapsed()) > 0:
                woken.clear()
                try:
                    async with asyncio.timeout(left):
                        await woken.wait()
                except TimeoutError:
                    continue
            await asyncio.sleep(0)
        finally:
            self._sleepers.discard(woken)

    def _elapsed(self) -> float:
        return time.monotonic() + self._ahead_s


def rfc3339(moment: datetime, *, fraction: bool = False) -> str:
    """Return RFC 3339 in UTC: whole seconds as Kubernetes writes them, microseconds with ``fraction``."""
    plain = moment.astimezone(UTC).replace(tzinfo=None)
    return plain.isoformat(timespec="microseconds" if fraction else "seconds") + "Z"
