"""The runner's parts in the bucket, read once and in order: events become state, log bytes go to stdout.

Owns the place in the streams. A part that is not there yet is no error. Refuses event lines of another
version.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.errors import InternalError, NotFound, RunError
from argovx_lab.model import events
from argovx_lab.model.events import Event
from argovx_lab.model.layout import Attempt
from argovx_lab.storage.objects import Objects

#: Parts read in one go before the other stream has its turn. Reason: a flood of log must not hide the end.
_BURST = 50


@dataclass
class State:
    """What one life of the runner has said.

    Parameters
    ----------
    closed : dict or None
        Parameters of its ``closed``.
    """

    phase: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    progress: tuple[int, int] | None = None
    closed: dict[str, Any] | None = None


class Stream:
    """Follows the replica of one attempt through all its lives.

    Parameters
    ----------
    write : callable
        Takes log bytes, unaltered.
    replica : int
        The machine; 0 is the primary.
    """

    def __init__(
        self, objects: Objects, attempt: Attempt, write: Callable[[bytes], None], replica: int = 0
    ) -> None:
        self._objects = objects
        self._attempt = attempt
        self._replica = replica
        self._write = write
        self._events = self._logs = 1
        self.life = 0
        self.state = State()

    def poll(self) -> bool:
        """Read what is new; tell whether there was anything.

        Raises
        ------
        Unavailable, PermissionMissing, CredentialError
            As storage answers; what was read stays read.
        """
        logs = self._drain("logs")
        events = self._drain("events")
        if self.state.closed is not None:  # the runner writes its last log before it closes
            while self._drain("logs"):
                pass
        return logs or events

    def next_life(self) -> bool:
        """Go on to the next life of the replica when Vertex has started it anew."""
        folder = self._attempt.replica(self._replica, self.life + 1)
        if self._objects.stat(self._attempt.bucket, f"{folder}events/part-00001") is None:
            return False
        while self._drain("logs"):
            pass
        self.life += 1
        self._events = self._logs = 1
        self.state = State()
        return True

    def _drain(self, kind: str) -> bool:
        found = False
        for _ in range(_BURST):
            number = self._events if kind == "events" else self._logs
            name = f"{self._attempt.replica(self._replica, self.life)}{kind}/part-{number:05d}"
            try:
                data = self._objects.get(self._attempt.bucket, name)
            except NotFound:
                break
            found = True
            if kind == "events":
                self._events += 1
                self._take(data)
            else:
                self._logs += 1
                self._write(data)
        return found

    def _take(self, data: bytes) -> None:
        try:
            said = events.parse(data)
        except RunError as error:  # runner and launcher are of one version: this is ours, not the cell's
            raise InternalError(error.message, hint=error.hint) from error
        for event in said:
            self._apply(event)

    def _apply(self, event: Event) -> None:
        """Take over what the launcher needs; other methods are the read path's."""
        if event.method == "phase":
            self.state.phase = str(event.params.get("phase", ""))
        elif event.method == "metric":
            self.state.metrics.update(_numbers(event.params.get("values")))
        elif event.method == "progress":
            self.state.progress = _progress(event.params)
        elif event.method == "closed":
            self.state.closed = event.params


def last_word(objects: Objects, attempt: Attempt, replica: int) -> dict[str, Any] | None:
    """Return what a machine closed with in its latest life; ``None`` when it did not."""
    stream = Stream(objects, attempt, lambda _: None, replica)
    while stream.next_life():
        pass
    while stream.poll():
        pass
    return stream.state.closed


def _numbers(values: Any) -> dict[str, float]:
    """Return the finite numbers of a metric event: NaN is no JSON, and other shapes are no metrics."""
    if not isinstance(values, dict):
        return {}
    return {
        str(name): float(value)
        for name, value in values.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and _finite(value)
    }


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _progress(params: dict[str, Any]) -> tuple[int, int] | None:
    done, total = params.get("done"), params.get("total")
    if isinstance(done, int) and isinstance(total, int) and 0 <= done <= total and total > 0:
        return done, total
    return None
