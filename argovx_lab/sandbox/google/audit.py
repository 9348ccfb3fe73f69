"""The audit log of the Google end: one JSON line per decided call, with principal and outcome.

Owns the file and its size; refuses to write what a request carried, so no token can get there.
Source: https://cloud.google.com/logging/docs/audit
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from argovx_lab.sandbox.clock import Clock, rfc3339

#: A full file is renamed to ``….1``, replacing the one before. Unit: bytes.
FILE_MAX = 32 * 1024 * 1024


_line = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Entry:
    """One call.

    Parameters
    ----------
    number : int
        Requests of this server process, counted from 1.
    transport : str
        ``rest`` or ``grpc``; for a service with its own HTTP its name: ``storage``, ``sts`` …
    outcome : str
        ``OK`` or the canonical code name; of STS, the OAuth error code.
    """

    number: int
    transport: str
    method: str
    principal: str
    permission: str
    resource: str
    outcome: str
    message: str = ""


class Audit:
    """Appends entries to ``path``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, entry: Entry) -> None:
        """Append one line; it is in the file when this returns."""
        line = {"at": rfc3339(self._clock.now(), fraction=True), **vars(entry)}
        data = (_line(line) + "\n").encode(errors="replace")
        file = self._open()
        self._size += len(data)
        file.write(data)
        file.flush()

    def _open(self) -> BinaryIO:
        if self._file is not None and self._size < FILE_MAX:
            return self._file
        if self._file is not None:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        self._file = self._path.open("ab")
        self._size = self._file.tell()
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):  # lines that found no room on the disk
                self._file.close()
            self._file = None
