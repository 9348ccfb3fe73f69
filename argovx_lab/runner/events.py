"""The stream of messages of one life of one replica.

Owns the numbering and what is taken from the cell; refuses what a cell writes into the pipe that is
no metric and no progress.
"""

from __future__ import annotations

import threading
from typing import Any, Optional

from argovx_lab.errors import ArgovxError
from argovx_lab.runner.messages import line
from argovx_lab.runner.parts import Parts


class Events:
    """The stream of messages of one life of one replica; ``opened`` was written before it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seq = 1
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self.lost = 0

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric."""
        return dict(self._last)

    @property
    def error(self) -> Optional[ArgovxError]:
        """Why messages are missing in the bucket, or ``None``."""
        return self._parts.error

    def phase(self, name: str) -> None:
        """Say that ``inputs``, ``running`` or ``uploading`` began."""
        self._send("phase", {"phase": name}, now=True)

    def artifact(self, name: str, size_bytes: int, done_bytes: int) -> None:
        """Say how much of an output is in the bucket."""
        self._send("artifact", {"name": name, "size_bytes": size_bytes, "done_bytes": done_bytes})

    def from_child(self, message: Any) -> bool:
        """Pass on a ``metric`` or ``progress`` message of the cell; returns whether it was one."""
        if not isinstance(message, dict):
            return False
        params = message.get("params")
        at = message.get("at") if isinstance(message.get("at"), str) else ""
        if not isinstance(params, dict):
            return False
        if message.get("method") == "progress":
            done, total = params.get("done"), params.get("total")
            if type(done) is not int or type(total) is not int:
                return False
            self._send("progress", {"done": done, "total": total}, at=str(at))
            return True
        if message.get("method") != "metric":
            return False
        values = params.get("values")
        step = params.get("step")
        if not isinstance(values, dict) or not (step is None or type(step) is int):
            return False
        if not all(isinstance(k, str) and type(v) in (int, float) for k, v in values.items()):
            return False
        self._last.update(values)
        self._send("metric", {"values": values, "step": step}, at=str(at))
        return True

    def close(self, outcome: str, exit_code: int, error: Optional[dict[str, Any]], timeout_s: float) -> bool:
        """Write ``closed``, the last message; returns whether everything is in the bucket."""
        self._send("closed", {"outcome": outcome, "exit_code": exit_code, "error": error}, now=True)
        return self._parts.close(timeout_s)

    def _send(self, method: str, params: dict[str, Any], *, now: bool = False, at: str = "") -> None:
        with self._lock:
            if self._parts.add(line(self._seq + 1, method, params, at), now=now):
                self._seq += 1
            else:
                self.lost += 1
