"""Durations and instants as Go and Argo write them: ``1h30m``, ``"10"``, ``4 seconds``, RFC 3339.

Refuses units it does not know; results are seconds or aware datetimes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from argovx_lab.sandbox.argo.errors import NodeError

#: Seconds per unit. ``d`` is Argo's addition to Go's units.
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)")
_HUMAN = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def parse_duration(text: str) -> float:
    """Return the seconds of ``"10"`` (seconds), ``"1m30s"`` or ``"2d"``.

    Raises
    ------
    NodeError
        When the text is neither a number of seconds nor a Go duration.
    """
    text = str(text).strip()
    if re.fullmatch(r"\d+", text):
        return float(text)
    sign = -1.0 if text.startswith("-") else 1.0
    rest, total, position = text.lstrip("+-"), 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None:
            raise NodeError(f'unable to parse {text} as a duration: time: invalid duration "{text}"')
        total += float(part.group(1)) * _UNITS[part.group(2)]
        position = part.end()
    if not rest:
        raise NodeError('unable to parse  as a duration: time: invalid duration ""')
    return sign * total


def humanize(seconds: float) -> str:
    """Return ``4 seconds`` or ``1 minute 5 seconds``, as back-off messages say it."""
    left, parts = round(seconds), []
    for name, size in _HUMAN:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"


def parse_time(text: str | None) -> datetime | None:
    """Return an RFC 3339 stamp as a datetime; ``None`` when there is none."""
    if not text:
        return None
    return datetime.fromisoformat(str(text)).astimezone(UTC)


def stamp(moment: datetime) -> str:
    """Return RFC 3339 in whole seconds, as Kubernetes keeps times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def go_time(moment: datetime) -> str:
    """Return a time as Go prints it in messages: ``2026-11-23 03:44:40 +0000 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
