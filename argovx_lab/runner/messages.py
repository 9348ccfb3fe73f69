"""The runner's messages: a closed, versioned set from ``opened`` to ``closed``, as JSON lines."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from argovx_lab.runner import PROTOCOL

METHODS = ("opened", "phase", "progress", "metric", "artifact", "closed")


def now_text() -> str:
    """Return the time in UTC as RFC 3339 with milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(seq: int, method: str, params: dict[str, Any], at: str = "") -> bytes:
    """Return one message as a JSON line.

    Raises
    ------
    ValueError
        For a method that is not in the set, or a number that JSON does not have.
    """
    if method not in METHODS:
        raise ValueError(method)
    message = {"v": PROTOCOL, "seq": seq, "at": at or now_text(), "method": method, "params": params}
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="replace") + b"\n"  # a lone surrogate comes from names that are no UTF-8
