"""The sandbox's only source of time, so that tests can move it and a speed factor can shorten it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class Clock:
    """Real time, with waits divided by ``speed``.

    Parameters
    ----------
    speed : float
        2.0 makes every simulated wait half as long; wall-clock stamps stay real.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of simulated time."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


def rfc3339(moment: datetime, *, fraction: bool = False) -> str:
    """Return RFC 3339 in UTC: whole seconds as Kubernetes writes them, microseconds with ``fraction``."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06d}Z" if fraction else f"{text}Z"
