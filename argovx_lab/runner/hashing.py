"""SHA-256 of bytes on their way, taken beside the network: hashing lets go of the interpreter's lock.

Owns the buffers that go round between reader and hasher, so that memory is bounded and touched once.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import Optional

#: One buffer, and how many there are. Unit: bytes, buffers.
BLOCK_BYTES = 1 << 20
BLOCKS = 8

#: From here on a thread is worth its start. Unit: bytes.
_LARGE = 8 << 20


class Sha256:
    """Hashes buffers that are lent by `room` and given back by `take`; a context that ends its thread.

    Parameters
    ----------
    length : str
        How many bytes will come, as a header says it; little, or nobody knows: then no thread is started.
    """

    def __init__(self, length: str) -> None:
        self._hash = hashlib.sha256()
        self._free: queue.Queue[memoryview] = queue.Queue()
        self._full: queue.Queue[Optional[tuple[memoryview, int]]] = queue.Queue()
        self._thread: Optional[threading.Thread] = None
        large = length.isdigit() and int(length) >= _LARGE
        for _ in range(BLOCKS if large else 1):
            self._free.put(memoryview(bytearray(BLOCK_BYTES)))
        if large:
            self._thread = threading.Thread(target=self._work, name="argovx-sha256", daemon=True)
            self._thread.start()

    def __enter__(self) -> Sha256:
        return self

    def __exit__(self, *_ended: object) -> None:
        if self._thread is not None:
            self._full.put(None)
            self._thread.join()

    def room(self) -> memoryview:
        """Return a buffer to read into; waits while all of them are to be hashed."""
        return self._free.get()

    def take(self, room: memoryview, count: int) -> None:
        """Hash the first ``count`` bytes of a buffer; it may be read until the next `room`."""
        if self._thread is not None:
            self._full.put((room, count))
            return
        self._hash.update(room[:count])
        self._free.put(room)

    def hexdigest(self) -> str:
        """Return the digest of everything, after the context has ended."""
        return self._hash.hexdigest()

    def _work(self) -> None:
        while True:
            item = self._full.get()
            if item is None:
                return
            room, count = item
            self._hash.update(room[:count])
            self._free.put(room)
