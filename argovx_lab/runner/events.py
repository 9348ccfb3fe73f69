"""The runner's messages: a closed, versioned set from ``opened`` to ``closed``, as JSON lines.

Owns the numbering and the shape of every message; refuses methods that are not in the set and
numbers that JSON does not have.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from typing import Any, Optional

from argovx_lab.runner import PROTOCOL
from argovx_lab.runner.parts import Parts

METHODS = ("opened", "phase", "progress", "metric", "artifact", "closed")


def now_text() -> str:
    """Return the time in UTC as RFC 3339 with milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(seq: int, method: str, params: dict[str, Any], at: str = "") -> bytes:
    """Return one message as a JSON line."""
    if method not in METHODS:
        raise ValueError(method)
    message = {"v": PROTOCOL, "seq": seq, "at": at or now_text(), "method": method, "params": params}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"


class Events:
    """The stream of messages of one life of one replica; ``opened`` was written before it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seq = 1
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric."""
        return dict(self._last)

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
