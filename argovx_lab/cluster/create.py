"""One Workflow, however busy the API server is and whichever answer is lost.

Owns the repeats of a create call. Its name was chosen before, so that a repeat cannot make a second Workflow:
one that is there already with the same plan is the success whose answer was lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Protocol

from argovx_lab.errors import Conflict, Unavailable
from argovx_lab.model.names import ANNOTATION_PLAN

Object = dict[str, Any]

#: Answers that say "later". Source: Kubernetes API, priority and fairness (429), overload and start (503).
BUSY = frozenset({429, 503})

#: How long a create call is repeated at most, pauses included. Unit: seconds.
PATIENCE_S = 60.0

#: Create calls at most. Reason: the pauses double, so that these fill the time.
TRIES = 8

#: First pause where the API server names none, and the longest. Unit: seconds.
PAUSE_S, PAUSE_MAX_S = 0.5, 16.0

#: Is told how long the next pause is, in seconds, and why.
Waiting = Callable[[float, str], object]


class Ends(Protocol):
    """What creating needs of a cluster."""

    def post_workflow(self, body: Object) -> Object:
        """Send the create call once."""

    def get_workflow(self, name: str) -> Object | None:
        """Return a Workflow, or ``None`` when it is not there."""


def create(cluster: Ends, body: Object, *, patience_s: float = PATIENCE_S, waiting: Waiting) -> Object:
    """Create a Workflow and return it; one that is there already with the same plan is that success.

    Raises
    ------
    Conflict
        When another Workflow has the name.
    Unavailable
        When it was not created in time, or whether it was is not known; the message says which.
    """
    end = time.monotonic() + patience_s
    for number in range(1, TRIES + 1):
        try:
            return cluster.post_workflow(body)
        except (Conflict, Unavailable) as error:
            found = _made(cluster, body, error)
            if found is not None:
                return found
            if not isinstance(error, Unavailable) or error.status not in BUSY:
                raise
            pause_s = _pause(number, error.retry_after_s)
            if number == TRIES or time.monotonic() + pause_s > end:
                raise
            waiting(pause_s, error.message)
            time.sleep(pause_s)
    raise AssertionError("unreachable: the last try returns or raises")


def _made(cluster: Ends, body: Object, error: Conflict | Unavailable) -> Object | None:
    """Return the Workflow of that name, if it is the one that was to be created."""
    name = body["metadata"]["name"]
    try:
        found = cluster.get_workflow(name)
    except Unavailable as unknown:
        if error.status in BUSY:  # it was refused, and a repeat finds out
            return None
        raise Unavailable(
            f"{unknown.message}; whether Workflow {name} was created is not known",
            hint="%argovx status shows it once the Kubernetes API answers; else run the cell again.",
            service="kubernetes",
            status=unknown.status,
        ) from error
    return found if found is not None and _plan(found) == _plan(body) else None


def _pause(number: int, asked_s: float | None) -> float:
    """Return the pause after a try: what the API server asks for, at least our own with jitter."""
    longest_s: float = min(PAUSE_MAX_S, PAUSE_S * 2 ** (number - 1))
    return max(longest_s * random.uniform(0.5, 1), asked_s or 0.0)  # noqa: S311  (jitter, no secret)


def _plan(workflow: Object) -> str:
    return str((workflow["metadata"].get("annotations") or {}).get(ANNOTATION_PLAN))
