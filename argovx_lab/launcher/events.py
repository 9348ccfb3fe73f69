"""What the launcher says of itself: JSON lines on stderr, a closed set of methods.

Owns the protocol (version 1). The user's own lines go to stdout, unaltered; the two never mix. Refuses a
method that is not in the set.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from argovx_lab.redact import redact

VERSION = 1

#: Method → what it means. A reader may rely on these and no others.
METHODS = {
    "started": "the process runs; parameters: mode, version",
    "placed": "own node, task, ordinal and attempt key are known",
    "specified": "the step document is read and fits the arguments and the policy",
    "claimed": "intent.json is written or found; parameter fresh says which",
    "adopting": "an earlier life or attempt left a job or may have; parameter reason",
    "creating": "the create call is about to be sent",
    "waiting": "Vertex is busy; parameters: reason, seconds",
    "created": "the job's name is known; parameter adopted says whether it was there already",
    "life": "the runner opened a new life of the replica",
    "phase": "the runner's phase",
    "state": "the job's state at Vertex",
    "closed": "the runner has closed; parameter outcome",
    "verified": "all outputs are where the manifest says",
    "lineage": "lineage is written; parameter execution",
    "stopping": "SIGTERM; parameter meaning is stop or eviction",
    "cancelled": "Vertex confirmed, or not within its time; parameter confirmed",
    "swept": "a job was cancelled by the sweeper",
    "warning": "something did not work that does not decide the step",
    "ended": "the last line; parameters: code, reason, message",
}


class Events:
    """Writes events.

    Parameters
    ----------
    stream : text file
        Where the lines go.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._clock = clock
        self._seq = 0

    def emit(self, method: str, **params: Any) -> None:
        """Write one event; token-shaped text is masked."""
        if method not in METHODS:
            raise ValueError(f"unknown event {method!r}")
        self._seq += 1
        line = {
            "v": VERSION,
            "seq": self._seq,
            "at": rfc3339(self._clock()),
            "method": method,
            "params": params,
        }
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        self._stream.write(redact(text) + "\n")
        self._stream.flush()


def rfc3339(moment: datetime) -> str:
    """Return a moment as ``2026-11-24T08:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """Return the present moment, RFC 3339."""
    return rfc3339(datetime.now(UTC))
