"""What is sent to the bucket: bytes, or a file that is read once, with its digests taken on the way.

Owns the digests. Cloud Storage answers with the MD5 of what it got; SHA-256 stands in our own records.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import IO

from argovx_lab.errors import RemoteError

_CHUNK = 1 << 20


class Bytes:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def open(self) -> bytes:
        """Return what http.client sends."""
        return self._data

    def md5(self) -> str:
        """MD5 as Cloud Storage spells it: base64."""
        return base64.b64encode(hashlib.md5(self._data).digest()).decode()  # noqa: S324  (storage's checksum)

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
        self._md5 = hashlib.md5()  # noqa: S324  (storage's checksum)
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
        self._md5.update(data)
        if not self._digest:
            self._sha256.update(data)
        return data

    def _rest(self) -> None:
        while self._left:
            self.read()

    def md5(self) -> str:
        """MD5 as Cloud Storage spells it: base64."""
        self._rest()
        return base64.b64encode(self._md5.digest()).decode()

    def sha256(self) -> str:
        """SHA-256, hexadecimal."""
        self._rest()
        return self._digest or self._sha256.hexdigest()
