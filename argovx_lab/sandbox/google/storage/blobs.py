"""The bytes of objects: one file per object, written beside its place and moved into it.

A blob has a random id and never changes. Owns hashing (crc32c, md5) on the way in, and tidying up what a
killed process left; which blobs are in use is the catalog's knowledge. Files survive the death of the
process at any moment; a power cut may lose the last ones.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import google_crc32c

#: Bytes moved at once, the bound of memory per transfer. Unit: bytes.
CHUNK: Final = 1024 * 1024
#: What a deletion may need for its record on a full disk. Unit: bytes.
RESERVE: Final = 256 * 1024


class Digests:
    """Running crc32c and md5."""

    def __init__(self) -> None:
        self.size = 0
        self._crc = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    def copy(self) -> Digests:
        """Return an independent copy."""
        twin = Digests()
        twin.size, twin._crc, twin._md5 = self.size, self._crc, self._md5.copy()
        return twin

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._crc = google_crc32c.extend(self._crc, data)
        self._md5.update(data)
        self.size += len(data)

    @property
    def crc32c(self) -> str:
        """Base64 of the big-endian checksum, as the API writes it."""
        return base64.b64encode(self._crc.to_bytes(4, "big")).decode()

    @property
    def md5(self) -> str:
        """Base64 of the digest, as the API writes it."""
        return base64.b64encode(self._md5.digest()).decode()


class Writer:
    """A blob being written: :meth:`Blobs.keep` makes it one, :meth:`discard` throws it away.

    Parameters
    ----------
    make_room : callable
        Frees some of the disk for it; says whether it could.
    """

    def __init__(
        self, path: Path, *, resume: bool = False, make_room: Callable[[], bool] = lambda: False
    ) -> None:
        self.make_room = make_room
        self.path = path
        self.kept = False
        self.digests = Digests()
        self._mark = Digests()
        flags = os.O_RDWR | os.O_CREAT | (0 if resume else os.O_EXCL)
        self._fd = os.open(path, flags, 0o600)
        if resume:
            while data := os.read(self._fd, CHUNK):
                self.digests.update(data)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.digests.size

    def write(self, data: bytes) -> None:
        """Append bytes; on an error nothing of them counts."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os.ftruncate(self._fd, self.size)
            os.lseek(self._fd, self.size, os.SEEK_SET)
            raise
        self.digests.update(data)

    def mark(self) -> int:
        """Remember this size as a place to go back to, and return it."""
        self._mark = self.digests.copy()
        return self.size

    def truncate(self, size: int) -> None:
        """Go back to a size between the last mark and now; only what lies between is read again."""
        if not self._mark.size <= size <= self.size:
            raise ValueError(f"cannot go back to {size}: between {self._mark.size} and {self.size} only")
        digests = self._mark.copy()
        while digests.size < size:
            digests.update(os.pread(self._fd, min(CHUNK, size - digests.size), digests.size))
        os.ftruncate(self._fd, size)
        os.lseek(self._fd, size, os.SEEK_SET)
        self.digests = digests

    def begin_anew(self) -> None:
        """Give back every byte."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.digests, self._mark = Digests(), Digests()

    def close(self) -> None:
        """Close the file and leave it where it is."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def discard(self) -> None:
        """Close and remove the file; a blob that was kept stays."""
        self.close()
        if not self.kept:
            self.path.unlink(missing_ok=True)


class Blobs:
    """A folder of blobs.

    Parameters
    ----------
    folder : Path
        Created where it is missing; belongs to this object alone.

    Attributes
    ----------
    make_room : callable
        What a writer asks that finds the disk full; whoever holds bytes that can go sets it.
    """

    def __init__(self, folder: Path) -> None:
        self.make_room: Callable[[], bool] = lambda: False
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._incoming.glob("new-*"):
            left.unlink(missing_ok=True)
        self._reserved = False
        self.reserve()

    def reserve(self) -> None:
        """Keep a little room, so that a full disk lets something be deleted; without room do nothing."""
        if self._reserved:
            return
        path = self._folder / "reserve"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE)
            finally:
                os.close(descriptor)
        except OSError:
            path.unlink(missing_ok=True)
        else:
            self._reserved = True

    def use_reserve(self) -> bool:
        """Give the room back to the disk; return whether there was any."""
        had, self._reserved = self._reserved, False
        (self._folder / "reserve").unlink(missing_ok=True)
        return had

    def writer(self) -> Writer:
        """Begin a new blob."""
        name = f"new-{secrets.token_hex(16)}"
        return Writer(self._incoming / name, make_room=self.make_room)

    def session(self, name: str) -> Writer:
        """Begin or go on with the blob of a resumable upload; its digests are computed from what is there."""
        path = self._incoming / f"session-{name}"
        return Writer(path, resume=True, make_room=self.make_room)

    def drop_session(self, name: str) -> None:
        """Remove what a resumable upload has left."""
        (self._incoming / f"session-{name}").unlink(missing_ok=True)

    def keep(self, writer: Writer) -> str:
        """Move a complete blob to its place and return its id."""
        writer.close()
        blob = secrets.token_hex(16)
        os.replace(writer.path, self._make(blob))
        writer.kept = True
        return blob

    def clone(self, blob: str) -> str:
        """Return a second blob with the same bytes: a hard link, since blobs never change."""
        twin = secrets.token_hex(16)
        os.link(self.path(blob), self._make(twin))
        return twin

    def path(self, blob: str) -> Path:
        """Return where a blob lies."""
        return self._folder / blob[:2] / blob

    def _make(self, blob: str) -> Path:
        path = self.path(blob)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        return path

    def open(self, blob: str) -> int:
        """Return a file descriptor for reading; it stays good when the blob is deleted meanwhile."""
        return os.open(self.path(blob), os.O_RDONLY)

    def delete(self, blobs: Iterable[str]) -> None:
        """Remove blobs; those that are gone are no error."""
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)

    def all(self) -> set[str]:
        """Return the ids of all blobs on disk."""
        return {path.name for path in self._folder.glob("[0-9a-f][0-9a-f]/*")}

    def held(self) -> list[tuple[float, str]]:
        """Return when something came last, as Unix time, and the name of each resumable upload with bytes."""
        found = []
        for path in self._incoming.glob("session-*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                if stat.st_size:
                    found.append((stat.st_mtime, path.name.removeprefix("session-")))
        return found

    def sessions(self) -> set[str]:
        """Return the names of all resumable uploads on disk."""
        return {path.name.removeprefix("session-") for path in self._incoming.glob("session-*")}
