"""What is sent to the bucket: bytes, or a file that is read once, with its digests taken on the way.

Owns the digests. Cloud Storage answers with CRC32C and MD5 of what it got: the first is taken where the image
has Google's library for it, which is many times as fast. SHA-256 stands in our own records.

Source: https://cloud.google.com/storage/docs/data-validation
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import IO, Any, Mapping

from argovx_lab.errors import RemoteError

_CHUNK = 1 << 20


#: From here on CRC32C is worth the import of its library. Unit: bytes.
_LARGE = 8 << 20


class Bytes:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def open(self) -> bytes:
        """Return what http.client sends."""
        return self._data

    def stored(self, resource: Mapping[str, Any], *, sure: bool) -> bool:
        """Tell whether an object holds these bytes; what its resource does not say counts as ``not sure``."""
        digest = hashlib.md5(self._data).digest()  # noqa: S324  (storage's checksum)
        return _same(resource, "md5Hash", digest, self.size, sure)

    def sha256(self) -> str:
        """SHA-256, hexadecimal."""
        return hashlib.sha256(self._data).hexdigest()


class File:
    """The first ``size`` bytes of an open file.

    Parameters
    ----------
    digest : str
        Its SHA-256 where that is known already; else it is taken while the file is read.
    """

    def __init__(self, handle: IO[bytes], size: int, digest: str = "") -> None:
        self._handle = handle
        self._digest = digest
        self.size = size
        self._start()

    def _start(self) -> None:
        self._left = self.size
        self._key, self._sum = _checksum(self.size)
        self._sha256 = hashlib.sha256()
        self._handle.seek(0)

    def open(self) -> File:
        """Begin anew and return what http.client reads."""
        self._start()
        return self

    def read(self, size: int = _CHUNK) -> bytes:
        """Return the next bytes.

        Raises
        ------
        RemoteError
            When the file is shorter than it was: the remote end would wait for the rest.
        """
        data = self._handle.read(min(size, self._left) if size >= 0 else self._left)
        if not data and self._left:
            name = os.path.basename(str(self._handle.name))
            raise RemoteError("%s became shorter while it was sent" % name, service="storage")
        self._left -= len(data)
        self._sum.update(data)
        if not self._digest:
            self._sha256.update(data)
        return data

    def _rest(self) -> None:
        while self._left:
            self.read()

    def stored(self, resource: Mapping[str, Any], *, sure: bool) -> bool:
        """Tell whether an object holds these bytes; what its resource does not say counts as ``not sure``."""
        self._rest()
        return _same(resource, self._key, self._sum.digest(), self.size, sure)

    def sha256(self) -> str:
        """SHA-256, hexadecimal."""
        self._rest()
        return self._digest or self._sha256.hexdigest()


def _checksum(size: int) -> tuple[str, Any]:
    """Return the name of a checksum in an object's resource, and what takes it."""
    if size >= _LARGE:
        try:
            import google_crc32c
        except ImportError:
            pass
        else:
            if google_crc32c.implementation == "c":
                return "crc32c", google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    return "md5Hash", hashlib.md5()  # noqa: S324  (storage's checksum)


def _same(resource: Mapping[str, Any], key: str, digest: bytes, size: int, sure: bool) -> bool:
    expected = base64.b64encode(digest).decode()
    if sure:
        return resource.get(key) == expected and str(resource.get("size")) == str(size)
    return resource.get(key, expected) == expected and str(resource.get("size", size)) == str(size)
