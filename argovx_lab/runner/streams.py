"""Large outputs go to the bucket while they are encoded: a resumable upload follows the file as it grows.

Owns the uploads that have begun. The object appears only with the last chunk, which is sent once the whole
has the digest that the child reports. Whatever goes wrong here is no error: the output is then uploaded in
one go.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

from argovx_lab.errors import ArgovxError
from argovx_lab.runner.bucket import Bucket, Stored

#: An output that is smaller goes in one request. Unit: bytes.
FROM_BYTES = 33 << 20

#: What one request carries; a multiple of 256 KiB. Unit: bytes.
CHUNK_BYTES = 32 << 20

#: Pause between two looks at the file. Unit: seconds.
LOOK_S = 0.02

#: How long the end of an upload may take. Unit: seconds.
END_S = 3600.0


class Streams:
    """The outputs that are on their way, by name."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._found: dict[str, _Stream] = {}

    def begin(self, name: str, uri: str, path: str) -> None:
        """Follow the file at ``path``, which the child is about to write."""
        if name not in self._found:
            self._found[name] = _Stream(self._bucket, uri, path)

    def finish(self, name: str, size_bytes: int, digest: str) -> Optional[Stored]:
        """Send the rest of an output; ``None`` when it is to be uploaded in one go."""
        stream = self._found.pop(name, None)
        return stream.finish(size_bytes, digest) if stream is not None else None

    def stop(self) -> None:
        """Give up what has begun."""
        for stream in self._found.values():
            stream.stop()
        self._found.clear()


class _Stream:
    """One upload, in a thread of its own."""

    def __init__(self, bucket: Bucket, uri: str, path: str) -> None:
        self._bucket = bucket
        self._uri = uri
        self._path = path
        self._end: Optional[tuple[int, str]] = None
        self._stored: Optional[Stored] = None
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="argovx-stream", daemon=True)
        self._thread.start()

    def finish(self, size_bytes: int, digest: str) -> Optional[Stored]:
        self._end = (size_bytes, digest)
        self._wake.set()
        self._thread.join(END_S)
        return self._stored

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def _work(self) -> None:
        try:
            self._follow()
        except (ArgovxError, OSError):
            return  # it is uploaded in one go
        finally:
            self._bucket.drop()

    def _follow(self) -> None:
        if not self._wait_for(FROM_BYTES):
            return
        session = self._bucket.begin(self._uri)
        digest = hashlib.sha256()
        offset = 0
        room = memoryview(bytearray(CHUNK_BYTES))  # one for all chunks: fresh memory costs as much as a copy
        with open(self._path, "rb", buffering=0) as file, ThreadPoolExecutor(1) as beside:
            while self._wait_for(offset + CHUNK_BYTES + 1):
                _fill(file, room)
                hashed = beside.submit(digest.update, room)
                self._bucket.go_on(session, self._uri, room, offset)
                hashed.result()
                offset += CHUNK_BYTES
            if self._stopped or self._end is None:
                return
            size, expected = self._end
            data = room[: size - offset]
            _fill(file, data)
            digest.update(data)
            if digest.hexdigest() == expected:
                self._stored = self._bucket.end(session, self._uri, data, offset)

    def _wait_for(self, size_bytes: int) -> bool:
        """Wait until the file has so many bytes; ``False`` when it will not have them."""
        while not self._stopped:
            end = self._end  # before the size: what is written after the end was said counts too
            if _size(self._path) >= size_bytes:
                return end is None or end[0] >= size_bytes
            if end is not None:
                return False
            self._wake.wait(LOOK_S)
        return False


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _fill(file: Any, room: memoryview) -> None:
    done = 0
    while done < len(room):
        count = file.readinto(room[done:])
        if not count:
            raise OSError("the file is shorter than it was")
        done += count
