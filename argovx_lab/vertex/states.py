"""The states of a custom job and what each means to a step.

Owns the terminal set. Pure.

Notes
-----
Source: ``google.cloud.aiplatform.v1.JobState``. Wait loops elsewhere forget EXPIRED and PARTIALLY_SUCCEEDED
and then wait for ever.
"""

from __future__ import annotations

PREFIX = "JOB_STATE_"

QUEUED = "JOB_STATE_QUEUED"
PENDING = "JOB_STATE_PENDING"
RUNNING = "JOB_STATE_RUNNING"
SUCCEEDED = "JOB_STATE_SUCCEEDED"
FAILED = "JOB_STATE_FAILED"
CANCELLING = "JOB_STATE_CANCELLING"
CANCELLED = "JOB_STATE_CANCELLED"
PAUSED = "JOB_STATE_PAUSED"
EXPIRED = "JOB_STATE_EXPIRED"
UPDATING = "JOB_STATE_UPDATING"
PARTIALLY_SUCCEEDED = "JOB_STATE_PARTIALLY_SUCCEEDED"

#: Nothing more happens by itself.
TERMINAL = frozenset({SUCCEEDED, FAILED, CANCELLED, PAUSED, EXPIRED, PARTIALLY_SUCCEEDED})


def is_terminal(state: str) -> bool:
    """Tell whether a job in this state has ended."""
    return state in TERMINAL


def word(state: str) -> str:
    """Return the state as people read it: ``JOB_STATE_RUNNING`` → ``running``."""
    return state.removeprefix(PREFIX).replace("_", " ").lower() or "unknown"
