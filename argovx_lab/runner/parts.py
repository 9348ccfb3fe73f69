"""Streams of small write-once objects: ``logs/part-00001 …`` and ``events/part-00001 …``.

A thread per stream writes what has gathered, at most two seconds or 64 KiB after it came. Memory is
bounded: what the bucket cannot take in time is left out, and the stream says how much. Refuses to
end a cell because a part could not be written: the error is kept for the caller, also when the thread
itself dies, and then nothing more is taken.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Optional

from argovx_lab.errors import ArgovxError, Conflict, InternalError, Unavailable
from argovx_lab.runner.bucket import Bucket

#: A part is written when it has this much. Unit: bytes.
PART_BYTES = 64 << 10

#: Largest part when the bucket is slower than the cell. Unit: bytes.
PART_MAX_BYTES = 4 << 20

#: Most that waits in memory; more is left out. Unit: bytes.
BUFFER_BYTES = 16 << 20

#: How many parts in a row may lie there already: each was written, and its answer was lost.
_LOST_MAX = 8

#: (parts written so far, longest age of the oldest byte in seconds): short steps are seen at once,
#: long ones stay within two seconds without a flood of objects.
AGES_S = ((10, 0.25), (60, 1.0), (1 << 31, 2.0))


class Parts:
    """One stream.

    Parameters
    ----------
    prefix : str
        ``gs://…/logs/part-`` to which a number of five digits is added.
    start : int
        Number of the first part.
    """

    def __init__(self, bucket: Bucket, prefix: str, start: int = 1) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._number = start
        self._written = 0
        self._waiting: list[bytes] = []
        self._size = 0
        self._left_out = 0
        self._since = 0.0
        self._closing = False
        self._now = False
        self._dead = False
        self._condition = threading.Condition()
        self.error: Optional[ArgovxError] = None
        self._thread = threading.Thread(target=self._work, name="argovx-parts", daemon=True)
        self._thread.start()

    def add(self, data: bytes, *, now: bool = False) -> bool:
        """Append ``data``; ``now`` has it written without waiting. Returns whether it was kept."""
        with self._condition:
            if self._dead or (self._size + len(data) > BUFFER_BYTES and not now):
                self._left_out += len(data)
                return False
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(data)
            self._size += len(data)
            self._now = self._now or now
            if now or self._size >= PART_BYTES or len(self._waiting) == 1:
                self._condition.notify()
            return True

    def has_room(self, size_bytes: int) -> bool:
        """Tell whether `add` would keep so many bytes now."""
        with self._condition:
            return not self._dead and self._size + size_bytes <= BUFFER_BYTES

    def take_left_out(self) -> int:
        """Return how many bytes were left out since the last call."""
        with self._condition:
            count, self._left_out = self._left_out, 0
            return count

    def close(self, timeout_s: float = 60.0) -> bool:
        """Write what is left; returns whether all of it was written in time."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and self.error is None

    def _work(self) -> None:
        try:
            self._write()
        finally:
            died = sys.exc_info()[0]
            if died is not None:  # the interpreter prints the traceback: this is a bug of ours
                with self._condition:
                    self._dead = True
                    self.error = InternalError(
                        "the thread that writes %s died of %s" % (self._prefix, died.__name__)
                    )

    def _write(self) -> None:
        while True:
            piece = self._next()
            if piece is None:
                return
            try:
                self._create(piece)
            except ArgovxError as error:
                self.error = error
                with self._condition:
                    self._left_out += len(piece)
                continue
            self._number += 1
            self._written += 1

    def _create(self, piece: bytes) -> None:
        """Write a part; where one lies whose answer was lost, under the next number."""
        for _ in range(_LOST_MAX):
            try:
                self._bucket.create("%s%05d" % (self._prefix, self._number), piece)
            except Conflict:
                self._number += 1
                continue
            return
        raise Unavailable("%s%05d is taken" % (self._prefix, self._number), service="storage")

    def _next(self) -> Optional[bytes]:
        with self._condition:
            while True:
                age_s = next(age for count, age in AGES_S if self._written < count)
                due = self._since + age_s
                ready = self._size >= PART_BYTES or self._now or self._closing
                if self._waiting and (ready or time.monotonic() >= due):
                    return self._cut()
                if not self._waiting and self._closing:
                    return None
                self._condition.wait(max(0.01, due - time.monotonic()) if self._waiting else None)

    def _cut(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while self._waiting and (not pieces or size + len(self._waiting[0]) <= PART_MAX_BYTES):
            pieces.append(self._waiting.pop(0))
            size += len(pieces[-1])
        self._size -= size
        self._since = time.monotonic()
        if not self._waiting:
            self._now = False
        return b"".join(pieces)
