"""What happened to the objects of one kind: a bounded log in memory, and cursors that read it.

Owns the watch cache: order, bounds and expiry. A cursor holds a place in the log and nothing else, so
a slow reader costs no memory; one that falls behind what is kept ends with 410, as in the real server.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object

#: Bounds of one kind's log. Units: changes, bytes of encoded objects.
CHANGES_MAX = 5_000
BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One state of one object, encoded once and shared by all readers.

    Parameters
    ----------
    raw : bytes
        The object as JSON, with ``resourceVersion``.
    fields : mapping
        Values that field selectors compare.
    owners : tuple of str
        Uids of its ownerReferences.
    """

    kind: str
    namespace: str
    name: str
    revision: int
    raw: bytes
    uid: str
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    owners: tuple[str, ...]

    def object(self) -> Object:
        """Return a fresh copy of the object."""
        value: Object = json.loads(self.raw)
        return value

    def at(self, revision: int) -> bytes:
        """Return the object encoded with another resourceVersion."""
        value = self.object()
        value["metadata"]["resourceVersion"] = str(revision)
        return encode(value)


Match = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one object: ``after`` is ``None`` when it was removed, ``before`` when it is new."""

    revision: int
    before: Record | None
    after: Record | None

    def seen_through(self, match: Match) -> tuple[str, bytes] | None:
        """Return the event type and object for a reader that selects with ``match``; ``None``: nothing.

        Notes
        -----
        An object that leaves the selection looks deleted, one that enters it looks added.
        """
        was = self.before is not None and match(self.before)
        now = self.after is not None and match(self.after)
        if now:
            assert self.after is not None
            return ("MODIFIED" if was else "ADDED"), self.after.raw
        if was:
            assert self.before is not None
            return "DELETED", self.before.at(self.revision)
        return None


class History:
    """The last changes of one kind.

    Parameters
    ----------
    floor : int
        Revision up to which changes are no longer known.
    """

    def __init__(self, floor: int, *, changes_max: int = CHANGES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self.floor = floor
        self._changes: deque[Change] = deque()
        self._start = 0
        self._bytes = 0
        self._changes_max, self._bytes_max = changes_max, bytes_max
        self._readers: set[Cursor] = set()

    def append(self, change: Change) -> None:
        """Add the newest change, forget the oldest beyond the bounds, wake the readers."""
        self._changes.append(change)
        self._bytes += _size(change)
        while len(self._changes) > self._changes_max or (
            self._bytes > self._bytes_max and len(self._changes) > 1
        ):
            oldest = self._changes.popleft()
            self._bytes -= _size(oldest)
            self._start += 1
            self.floor = oldest.revision
        for reader in self._readers:
            reader.wake()

    def compact(self) -> None:
        """Forget all changes, so that every older resourceVersion is expired."""
        if self._changes:
            self.floor = self._changes[-1].revision
            self._start += len(self._changes)
            self._changes.clear()
            self._bytes = 0
        for reader in self._readers:
            reader.wake()

    def since(self, revision: int) -> list[Change]:
        """Return the changes after ``revision``, oldest first; 410 when they are not all known."""
        return list(self._changes)[self._place(revision) - self._start :]

    def cursor(self, revision: int, match: Match) -> Cursor:
        """Return a reader of the changes after ``revision``; 410 when they are not all known."""
        return Cursor(self, self._place(revision), match)

    def _place(self, revision: int) -> int:
        if revision < self.floor:
            raise status.expired(revision, self.floor)
        low, high = 0, len(self._changes)
        while low < high:
            middle = (low + high) // 2
            if self._changes[middle].revision <= revision:
                low = middle + 1
            else:
                high = middle
        return self._start + low

    def read(self, place: int) -> Change | None:
        """Return the change at a place, ``None`` when it has not happened yet; 410 when forgotten."""
        if place < self._start:
            raise status.expired(self.floor - 1, self.floor)
        index = place - self._start
        return self._changes[index] if index < len(self._changes) else None

    def end(self) -> None:
        """Make every reader stop, because the server does."""
        for reader in self._readers:
            reader.stop()

    def join(self, reader: Cursor) -> None:
        """Wake ``reader`` at each change."""
        self._readers.add(reader)

    def leave(self, reader: Cursor) -> None:
        """Stop waking ``reader``."""
        self._readers.discard(reader)


class Cursor:
    """A reader's place in a history; close it when done."""

    def __init__(self, history: History, place: int, match: Match) -> None:
        self._history, self._place, self._match = history, place, match
        self._event = asyncio.Event()
        self.stopped = False
        history.join(self)

    def poll(self) -> tuple[str, bytes] | None:
        """Return the next event that is already there, or ``None``."""
        while (change := self._history.read(self._place)) is not None:
            self._place += 1
            seen = change.seen_through(self._match)
            if seen is not None:
                return seen
        return None

    async def next(self, timeout_s: float | None = None) -> tuple[str, bytes] | None:
        """Return the next event; ``None`` after ``timeout_s`` seconds without one.

        Raises
        ------
        ApiError
            410 when the log no longer holds what comes next.
        """
        loop = asyncio.get_running_loop()
        deadline = None if timeout_s is None else loop.time() + timeout_s
        while True:
            self._event.clear()
            seen = self.poll()
            if seen is not None or self.stopped:
                return seen
            try:
                async with asyncio.timeout_at(deadline):
                    await self._event.wait()
            except TimeoutError:
                return None

    def wake(self) -> None:
        """Let :meth:`next` look again."""
        self._event.set()

    def stop(self) -> None:
        """Make :meth:`next` return at once from now on."""
        self.stopped = True
        self._event.set()

    def close(self) -> None:
        """Leave the history."""
        self._history.leave(self)


def encode(value: Any) -> bytes:
    """Return compact JSON; characters that UTF-8 cannot carry become question marks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _size(change: Change) -> int:
    newest = change.after or change.before
    return len(newest.raw) if newest else 0
