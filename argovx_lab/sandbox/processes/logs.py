"""Read the CRI log of a process group as ``kubectl logs`` shows it.

Owns selection (tail, since), joining of partial lines, and following. Refuses nothing: a log that is
not there yet is empty.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

#: How often a followed log is looked at. Unit: seconds.
FOLLOW_EVERY_S = 0.05
_CHUNK = 256 * 1024


async def read_log(
    path: Path,
    *,
    follow: bool = False,
    tail_lines: int | None = None,
    since_s: float | None = None,
    timestamps: bool = False,
    ended: Callable[[], bool] = lambda: True,
) -> AsyncIterator[bytes]:
    """Yield the log in pieces of whole lines.

    Parameters
    ----------
    follow : bool
        Go on until ``ended`` says that no more can come.
    tail_lines : int, optional
        Only the last lines of what is there now.
    since_s : float, optional
        Only lines not older than this, in seconds.
    """
    shape = _Shape(timestamps, _stamp(since_s))
    file = _Entries(path)
    try:
        if tail_lines is not None:
            lines = (line for data in file.new() for line in shape.lines(data))
            if kept := b"".join(deque(lines, max(tail_lines, 0))):
                yield kept
        while True:
            over = ended()  # asked before the read: what is written after the end does not exist
            for data in file.new():
                if out := b"".join(shape.lines(data)):
                    yield out
                await asyncio.sleep(0)
            if over or not follow:
                break
            await asyncio.sleep(FOLLOW_EVERY_S)
        if out := shape.rest():
            yield out
    finally:
        file.close()


class _Entries:
    """A log file that is read on from where one was, even after its folder was removed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def new(self) -> Iterator[bytes]:
        """Yield what was written since, in pieces of whole entries."""
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return
        while data := self._file.read(_CHUNK):
            data += self._file.readline() if not data.endswith(b"\n") else b""
            whole = data[: data.rfind(b"\n") + 1]
            self._file.seek(len(whole) - len(data), 1)
            if not whole:
                return
            yield whole

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _stamp(since_s: float | None) -> str:
    if since_s is None:
        return ""
    return (datetime.now(UTC) - timedelta(seconds=since_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")


class _Shape:
    """Turn CRI entries into the lines that a user sees, keeping a partial line between calls."""

    def __init__(self, timestamps: bool, least: str) -> None:
        self.timestamps = timestamps
        self.least = least
        self.parts: dict[bytes, bytes] = {}

    def lines(self, data: bytes) -> list[bytes]:
        """Return whole lines out of whole entries."""
        out = []
        for entry in data.splitlines(keepends=True):
            when, stream, tag, text = [*entry.split(b" ", 3), b"", b"", b""][:4]
            if self.least and when.decode("latin-1") < self.least:
                continue
            held = self.parts.pop(stream, b"")
            if not held and self.timestamps:
                held = when + b" "
            if tag == b"P":
                self.parts[stream] = held + text[:-1]
            else:
                out.append(held + text)
        return out

    def rest(self) -> bytes:
        """Return partial lines that never got their newline."""
        return b"".join(self.parts.values())
