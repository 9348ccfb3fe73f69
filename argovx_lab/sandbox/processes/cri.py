"""Write a log as container runtimes do: one line per entry, with time, stream and a mark for partial lines.

Owns the format and its bounds; refuses to grow past the limit, and says so in the log itself. Standard
library only and free of package imports, because the supervisor loads this file alone.

Source: log format of the Container Runtime Interface, ``<RFC 3339 nano> stdout|stderr F|P <text>``.
"""

from __future__ import annotations

import os
import time

#: Longest text of one log line; a longer one is cut into ``P`` parts. Kubernetes' own value. Unit: bytes.
LINE_MAX = 16 * 1024
#: How much of stdout's end is kept for ``outputs.result``. Argo's own value. Unit: bytes.
TAIL_MAX = 256 * 1024


def stamp() -> str:
    """Return now in RFC 3339 with nanoseconds."""
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos:09d}Z"


class Log:
    """The log file: whole lines with time and stream, bounded, and the tail of stdout."""

    def __init__(self, folder: str, limit: int) -> None:
        self.file = open(os.path.join(folder, "log"), "ab", buffering=0)  # noqa: SIM115  lives as long as we do
        self.left = limit - self.file.tell()
        self.limit = limit
        self.rest = {"stdout": b"", "stderr": b""}
        self.tail = b""

    def feed(self, stream: str, data: bytes) -> None:
        """Take what came from a pipe."""
        if stream == "stdout":
            self.tail = (self.tail + data)[-TAIL_MAX:]
        lines = (self.rest[stream] + data).split(b"\n")
        self.rest[stream] = lines.pop()
        now = stamp()
        out = [self._parts(now, stream, line) for line in lines]
        while len(self.rest[stream]) >= LINE_MAX:
            part, self.rest[stream] = self.rest[stream][:LINE_MAX], self.rest[stream][LINE_MAX:]
            out.append(self._entry(now, stream, "P", part))
        self._write(b"".join(out))

    def flush(self) -> None:
        """Write lines that never got their newline."""
        for stream, rest in self.rest.items():
            if rest:
                self._write(self._entry(stamp(), stream, "P", rest))
                self.rest[stream] = b""

    def _parts(self, now: str, stream: str, line: bytes) -> bytes:
        out = b""
        while len(line) > LINE_MAX:
            out += self._entry(now, stream, "P", line[:LINE_MAX])
            line = line[LINE_MAX:]
        return out + self._entry(now, stream, "F", line)

    @staticmethod
    def _entry(now: str, stream: str, tag: str, text: bytes) -> bytes:
        return f"{now} {stream} {tag} ".encode() + text + b"\n"

    def _write(self, data: bytes) -> None:
        if self.left < 0 or not data:
            return
        self.left -= len(data)
        if self.left < 0:
            data = self._entry(stamp(), "stderr", "F", b"[log truncated: more than %d bytes]" % self.limit)
        try:
            self.file.write(data)
        except OSError:
            self.left = -1  # a full disk must not stop the command
