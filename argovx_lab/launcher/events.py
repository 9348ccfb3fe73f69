"""What the launcher says of itself: JSON lines on stderr, a closed set of methods.

Owns the protocol (version 1): methods, their parameters, and which may follow in which state. The user's own
lines go to stdout, unaltered; the two never mix. Refuses a method or parameter that is not in the set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from argovx_lab.redact import redact

VERSION = 1

#: State → what holds in it. The launcher is in one of them, and each change is a line.
STATES = {
    "begun": "nothing is known yet",
    "started": "the process runs and has read its settings",
    "placed": "node, task, ordinal and attempt key are known",
    "specified": "the step document is read, and fits arguments and policy",
    "claimed": "intent.json is in the bucket",
    "creating": "a create call is out, so a job may exist",
    "created": "the job's name is known",
    "following": "bucket and Vertex are read until both have said their last word",
    "verified": "all outputs are where the manifest says",
    "stopping": "SIGTERM was heard, and the Workflow says what it means",
    "recorded": "exit.json is written",
    "ended": "the process ends",
}

_WITH_JOB = ("created", "following", "verified")
_ANY = tuple(state for state in STATES if state != "ended")


@dataclass(frozen=True)
class Method:
    """A kind of line.

    Parameters
    ----------
    means : str
        What it says.
    params : tuple of str
        Its parameters, all of them, always.
    states : tuple of str
        Where it may be said.
    leads : str
        The state that it leads to; empty when it stays the same.
    """

    means: str
    params: tuple[str, ...] = ()
    states: tuple[str, ...] = _ANY
    leads: str = ""


#: A reader may rely on these and no others.
METHODS = {
    "started": Method("the process runs", ("mode", "version"), ("begun",), "started"),
    "placed": Method(
        "own node, task, retry ordinal and attempt key are known",
        ("task", "ordinal", "key"),
        ("begun", "started"),
        "placed",
    ),
    "specified": Method(
        "the step document is read and fits the arguments and the policy",
        ("step", "digest"),
        ("placed",),
        "specified",
    ),
    "adopting": Method(
        "an earlier life or attempt left a job, or may have",
        ("reason",),
        ("specified", "claimed", "creating"),
    ),
    "claimed": Method(
        "intent.json is written now (fresh) or was found", ("fresh", "prefix"), ("specified",), "claimed"
    ),
    "waiting": Method(
        "it waits so many seconds, or has: its turn, Vertex, the job capacity, or `await` a step",
        ("reason", "seconds"),
        ("started", "claimed", "creating", "following"),
    ),
    "creating": Method(
        "the create call is about to be sent, for the number-th time",
        ("number",),
        ("claimed", "creating"),
        "creating",
    ),
    "created": Method(
        "the job's name is known; adopted says whether it was there already",
        ("job", "adopted"),
        ("claimed", "creating", "created"),
        "created",
    ),
    "following": Method("bucket and Vertex are read from now on", ("job",), ("created",), "following"),
    "life": Method(
        "Vertex started the replica anew, and the runner opened another stream",
        ("number", "reason"),
        ("following",),
    ),
    "phase": Method("the runner's phase", ("phase",), ("following",)),
    "state": Method("the job's state at Vertex has changed", ("state", "text"), ("following",)),
    "closed": Method("the runner has said its last word", ("outcome",), ("following",)),
    "verified": Method("all outputs are where the manifest says", ("outputs",), ("following",), "verified"),
    "lineage": Method("lineage is written", ("execution",), ("following", "verified")),
    "stopping": Method("SIGTERM; meaning is stop or eviction", ("meaning", "job"), leads="stopping"),
    "cancelled": Method(
        "cancelled at Vertex, which has confirmed it or not within its time",
        ("job", "state", "confirmed"),
        ("creating", *_WITH_JOB, "stopping"),
    ),
    "recorded": Method("exit.json is written", ("code",), leads="recorded"),
    "swept": Method("a job was cancelled by the sweeper", ("job",), ("started", "begun")),
    "warning": Method("something did not work that does not decide the step", ("text",)),
    "ended": Method("the last line", ("code", "reason", "message"), leads="ended"),
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
        known = METHODS.get(method)
        if known is None:
            raise ValueError(f"unknown event {method!r}")
        if set(params) != set(known.params):
            raise ValueError(f"event {method!r} has the parameters {known.params}, not {tuple(params)}")
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


def follow(events: Iterable[Mapping[str, Any]]) -> str:
    """Return the state that the lines of one process lead to.

    Raises
    ------
    ValueError
        For a line that the protocol does not have, or not in that state.
    """
    state = "begun"
    for event in events:
        method = METHODS.get(event["method"])
        if event["v"] != VERSION or method is None:
            raise ValueError(f"{event['method']!r} of version {event['v']!r} is not of this protocol")
        if set(event["params"]) != set(method.params):
            raise ValueError(f"{event['method']!r} has other parameters: {sorted(event['params'])}")
        if state not in method.states:
            raise ValueError(f"{event['method']!r} cannot be said in state {state!r}")
        state = method.leads or state
    return state


def rfc3339(moment: datetime) -> str:
    """Return a moment as ``2026-11-24T08:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """Return the present moment, RFC 3339."""
    return rfc3339(datetime.now(UTC))
