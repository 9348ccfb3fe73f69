"""Output passed on to the runner's own stdout, by a thread: a reader that is stuck holds nobody up.

Memory is bounded: what the reader does not take in time is left out there, and said; the log in the bucket
has it all the same.
"""

from __future__ import annotations

import os
import threading

#: Most that waits for the reader. Unit: bytes.
BUFFER_BYTES = 8 << 20


class Tee:
    """Writes to a file descriptor in order."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._waiting: list[bytes] = []
        self._size = 0
        self._left_out = 0
        self._closing = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="argovx-tee", daemon=True)
        self._thread.start()

    def add(self, data: bytes) -> None:
        """Pass ``data`` on when there is room."""
        with self._condition:
            if self._size + len(data) > BUFFER_BYTES:
                self._left_out += len(data)
                return
            if self._left_out:
                note = b"\n[argovx: %d bytes were left out here; the log in the bucket has them]\n"
                self._waiting.append(note % self._left_out)
                self._left_out = 0
            self._waiting.append(data)
            self._size += len(data)
            self._condition.notify()

    def close(self, timeout_s: float) -> None:
        """Wait until all is written, but no longer than the reader deserves."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closing:
                    self._condition.wait()
                if not self._waiting:
                    return
                pieces, self._waiting = self._waiting, []
            for piece in pieces:
                if not self._write(piece):
                    return
                with self._condition:
                    self._size -= len(piece)

    def _write(self, data: bytes) -> bool:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except OSError:
                return False  # nobody listens any more
        return True
