"""When a pod must end, and how: deletion, the engine's kill, the deadline; SIGTERM, grace, SIGKILL.

Owns the reading of these orders out of the Pod object and their execution on the pod's process groups.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from datetime import datetime

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.pods.node import KILL
from argovx_lab.sandbox.processes import ProcessGroup

#: Grace of a pod that names none. Source: PodSpec.terminationGracePeriodSeconds. Unit: seconds.
GRACE_S = 30.0


@dataclass(frozen=True)
class _Order:
    reason: str
    grace_s: float


class Orders:
    """What one pod was told, newest object first.

    Attributes
    ----------
    reason : str
        Why the pod must end: ``Deleted``, ``Killed``, ``DeadlineExceeded``; empty while it need not. A
        deletion overrides what came before it.
    """

    def __init__(self, clock: Clock, pod: Object) -> None:
        self._clock, self._pod = clock, pod
        self._changed = asyncio.Event()
        self._groups: list[tuple[ProcessGroup, bool]] = []
        self._kill_at: float | None = None
        self.reason = ""
        self._apply()

    @property
    def given(self) -> bool:
        """Whether the pod must end."""
        return bool(self.reason)

    def see(self, pod: Object) -> None:
        """Take a newer version of the object."""
        self._pod = pod
        self._apply()
        self._changed.set()

    def add(self, group: ProcessGroup, *, whole_group: bool) -> None:
        """Put a started container under these orders.

        Parameters
        ----------
        whole_group : bool
            SIGTERM goes to the command's whole process group, as Argo's emissary sends it.
        """
        self._groups.append((group, whole_group))
        if self.given:
            group.signal(signal.SIGTERM, whole_group=whole_group)
            self._changed.set()

    async def wait(self, seconds: float) -> None:
        """Return after so many real seconds, or sooner when an order came."""
        end = _now() + seconds
        while not self.given and _now() < end:
            await self._until(min(end, self._deadline() or end))
            self._apply()

    async def enforce(self) -> None:
        """Carry orders out as long as the pod lives; ends by cancellation."""
        while True:
            self._apply()
            if self._kill_at is not None and _now() >= self._kill_at:
                for group, _ in self._groups:
                    group.kill()
                await self._until(_now() + 1.0)
            else:
                await self._until(self._kill_at or self._deadline())

    async def stop(self, group: ProcessGroup) -> None:
        """End one container: SIGTERM, then SIGKILL when it is still there after the pod's grace."""
        group.signal(signal.SIGTERM, whole_group=True)
        try:
            await asyncio.wait_for(group.wait(), self._grace_s() / self._clock.speed)
        except TimeoutError:
            group.kill()

    def _apply(self) -> None:
        order = self._wanted()
        if order is None:
            return
        first = not self.given
        if first or order.reason == "Deleted":
            self.reason = order.reason
        kill_at = _now() + order.grace_s / self._clock.speed
        if self._kill_at is None or kill_at < self._kill_at:
            self._kill_at = kill_at
            self._changed.set()
        if first:
            for group, whole in self._groups:
                group.signal(signal.SIGTERM, whole_group=whole)

    def _wanted(self) -> _Order | None:
        meta, grace = self._pod["metadata"], self._grace_s()
        if meta.get("deletionTimestamp"):
            own = meta.get("deletionGracePeriodSeconds")
            return _Order("Deleted", grace if own is None else float(own))
        if (text := (meta.get("annotations") or {}).get(KILL)) is not None:
            with contextlib.suppress(ValueError):
                grace = max(0.0, float(text))
            return _Order("Killed", grace)
        deadline = self._deadline()
        if deadline is not None and _now() >= deadline:
            return _Order("DeadlineExceeded", grace)
        return None

    def _grace_s(self) -> float:
        seconds = self._pod["spec"].get("terminationGracePeriodSeconds")
        return GRACE_S if seconds is None else float(seconds)

    def _deadline(self) -> float | None:
        """Return the loop's time at which ``activeDeadlineSeconds`` is over; ``None`` without or after."""
        seconds = self._pod["spec"].get("activeDeadlineSeconds")
        started = (self._pod.get("status") or {}).get("startTime")
        if seconds is None or not started:
            return None
        age = (self._clock.now() - datetime.fromisoformat(started)).total_seconds()
        return _now() + float(seconds) / self._clock.speed - age

    async def _until(self, when: float | None) -> None:
        """Return at the loop's time ``when``, or sooner when something changed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), None if when is None else max(0.0, when - _now()))
        self._changed.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
