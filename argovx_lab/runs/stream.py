"""What a runner said, reduced from its event lines: phase, progress, metrics, how it closed.

Owns what events mean to the read path. Unknown versions and methods are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from argovx_lab.model import events
from argovx_lab.model.events import Event
from argovx_lab.runs.said import Said, note
from argovx_lab.runs.shapes import mapping, number, whole

#: Points kept per metric for the curve; older ones are thinned by two. Unit: points.
POINTS_MAX = 20_000

Point = tuple[int | None, float, str]


@dataclass(frozen=True)
class Stream:
    """State of one life of one runner.

    Parameters
    ----------
    phase : str
        ``""`` before it opened, then ``inputs``, ``running``, ``uploading``, ``closed``.
    series : dict
        Metric name → points ``(step, value, at)`` in the order they were logged.
    uploading : tuple or None
        ``(name, done bytes, size bytes)`` of the output that is being written.
    said : tuple of StepEvent
        What was said, as lines; those of earlier lives come first.
    """

    phase: str = ""
    opened_at: str | None = None
    running_at: str | None = None
    uploading_at: str | None = None
    closed_at: str | None = None
    progress: tuple[int, int] | None = None
    series: dict[str, tuple[Point, ...]] = field(default_factory=dict)
    points: int = 0
    uploading: tuple[str, int, int] | None = None
    outcome: str = ""
    exit_code: int | None = None
    error: dict[str, Any] | None = None
    said: Said = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric."""
        return {name: points[-1][1] for name, points in self.series.items()}


def parse(data: bytes) -> list[Event]:
    """Return the events of one part.

    Raises
    ------
    RunError
        For a line that is no event of this version, and for a method outside the set.
    """
    found = events.parse(data)
    for event in found:
        if event.method not in events.METHODS:
            raise events.unknown(event.method, events.VERSION)
    return found


def reduce(stream: Stream, said: Iterable[Event]) -> Stream:
    """Return the stream after the events ``said``."""
    for event in said:
        after = _STEPS[event.method](stream, event.params, event.at)
        stream = replace(after, said=note(stream.said, event))
    return stream


def _opened(stream: Stream, _params: dict[str, Any], at: str) -> Stream:
    return replace(stream, phase="inputs", opened_at=stream.opened_at or at)


def _phase(stream: Stream, params: dict[str, Any], at: str) -> Stream:
    phase = str(params.get("phase", ""))
    if phase == "running":
        return replace(stream, phase=phase, running_at=stream.running_at or at)
    if phase == "uploading":
        return replace(stream, phase=phase, uploading_at=stream.uploading_at or at)
    return replace(stream, phase=phase) if phase == "inputs" else stream


def _progress(stream: Stream, params: dict[str, Any], _at: str) -> Stream:
    return replace(stream, progress=(whole(params.get("done")), whole(params.get("total"))))


def _metric(stream: Stream, params: dict[str, Any], at: str) -> Stream:
    series, step = dict(stream.series), params.get("step")
    for name, given in mapping(params.get("values")).items():
        value = number(given)
        if value is None:  # NaN and infinity are no JSON: a curve has a gap there
            continue
        points = (*series.get(name, ()), (step, value, at))
        series[name] = points if len(points) <= POINTS_MAX else points[::2]
    return replace(stream, series=series, points=stream.points + 1)


def _artifact(stream: Stream, params: dict[str, Any], _at: str) -> Stream:
    done, size = whole(params.get("done_bytes")), whole(params.get("size_bytes"))
    return replace(stream, uploading=(str(params.get("name", "")), done, size))


def _closed(stream: Stream, params: dict[str, Any], at: str) -> Stream:
    return replace(
        stream,
        phase="closed",
        closed_at=at,
        outcome=str(params.get("outcome", "")),
        exit_code=params.get("exit_code"),
        error=params.get("error"),
    )


_STEPS = {
    "opened": _opened,
    "phase": _phase,
    "progress": _progress,
    "metric": _metric,
    "artifact": _artifact,
    "closed": _closed,
}
