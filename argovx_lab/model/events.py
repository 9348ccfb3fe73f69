"""The runner's event lines, as whoever follows a job reads them.

Owns the reading end of the event protocol: version, shape and the closed set of methods. Refuses lines of
another version by name; what an event means is its reader's business. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from argovx_lab.errors import RunError

VERSION = 1

#: The closed set. Source: ARCHITECTURE.md, records and streams in the bucket.
METHODS = frozenset({"opened", "phase", "progress", "metric", "artifact", "closed"})


@dataclass(frozen=True)
class Event:
    """One message of a runner.

    Parameters
    ----------
    method : str
        What it says; one of :data:`METHODS`, unless the runner is not ours.
    at : str
        When, RFC 3339; empty when it does not say.
    """

    method: str
    params: dict[str, Any]
    at: str = ""


def parse(data: bytes) -> list[Event]:
    """Return the events of one part; blank lines do not count.

    Raises
    ------
    RunError
        For a line that is no event, or one of another version.
    """
    # bytes split at line ends only; str.splitlines would also split at U+2028 and its like inside a text
    return [_event(line) for line in data.splitlines() if line.strip()]


def _event(line: bytes) -> Event:
    try:
        event = json.loads(line.decode(errors="replace"))
        version, method, params = event["v"], event["method"], event.get("params") or {}
        if not isinstance(method, str) or not isinstance(params, dict):
            raise TypeError("shape")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError("the runner's event stream is damaged", hint="See the step's log.") from error
    if version != VERSION:
        raise unknown(method, version)
    at = event.get("at")
    return Event(method, params, at if isinstance(at, str) else "")


def unknown(method: str, version: Any) -> RunError:
    """Return the refusal of an event that this version does not know."""
    return RunError(
        f"the runner speaks event {method[:40]!r} of version {str(version)[:40]}; this one knows {VERSION}",
        hint="Submit the cell again, so that launcher, runner and notebook are of one version.",
    )
