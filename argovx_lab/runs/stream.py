"""What a runner said, reduced from its event lines: phase, progress, metrics, how it closed.

Owns what events mean to the read path. Unknown versions and methods are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from argovx_lab.model import events
from argovx_lab.model.events import Event
from argovx_lab.runs.curves import Curves, Drawing, Point
from argovx_lab.runs.said import Lines, Said
from argovx_lab.runs.shapes import clean, encodable, halves, text, whole


@dataclass(frozen=True)
class Stream:
    """State of one life of one runner.

    Parameters
    ----------
    phase : str
        ``""`` before it opened, then ``inputs``, ``running``, ``uploading``, ``closed``.
    life : tuple of int
        Which life this is: restart and replica.
    curves : Curves
        Every metric that was logged.
    uploading : tuple or None
        ``(name, done bytes, size bytes)`` of the output that is being written.
    said : tuple of StepEvent
        What was said, as lines; those of earlier lives come first.
    """

    phase: str = ""
    life: tuple[int, int] = (-1, -1)
    opened_at: str | None = None
    running_at: str | None = None
    uploading_at: str | None = None
    closed_at: str | None = None
    progress: tuple[int, int] | None = None
    curves: Curves = field(default_factory=Curves)
    uploading: tuple[str, int, int] | None = None
    outcome: str = ""
    exit_code: int | None = None
    error: dict[str, Any] | None = None
    said: Said = ()

    @property
    def series(self) -> Mapping[str, tuple[Point, ...]]:
        """Points ``(step, value, at)`` of each metric."""
        return self.curves.series

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric."""
        return {name: points[-1][1] for name, points in self.series.items()}


def parse(data: bytes) -> list[Event]:
    """Return the events of one part, all their texts encodable.

    Raises
    ------
    RunError
        For a line that is no event of this version, and for a method outside the set.
    """
    found = events.parse(data)
    for event in found:
        if event.method not in events.METHODS:
            raise events.unknown(event.method, events.VERSION)
    return [_clean(event) for event in found] if halves(data) else found


def _clean(event: Event) -> Event:
    try:
        return replace(event, params=clean(event.params), at=encodable(event.at))
    except RecursionError:
        return replace(event, params={}, at=encodable(event.at))


def reduce(stream: Stream, said: Iterable[Event]) -> Stream:
    """Return the stream after the events ``said``."""
    drawing, lines = Drawing(stream.curves), Lines(stream.said)
    for event in said:
        if event.method == "metric":
            drawing.take(event.params, event.at)
        else:
            stream = _STEPS[event.method](stream, event.params, event.at)
        lines.add(event)
    return replace(stream, curves=drawing.done(), said=lines.done())


def _opened(stream: Stream, _params: dict[str, Any], at: str) -> Stream:
    return replace(stream, phase="inputs", opened_at=stream.opened_at or at)


def _phase(stream: Stream, params: dict[str, Any], at: str) -> Stream:
    phase = params.get("phase")
    if phase == "running":
        return replace(stream, phase=phase, running_at=stream.running_at or at)
    if phase == "uploading":
        return replace(stream, phase=phase, uploading_at=stream.uploading_at or at)
    return replace(stream, phase=phase) if phase == "inputs" else stream


def _progress(stream: Stream, params: dict[str, Any], _at: str) -> Stream:
    return replace(stream, progress=(whole(params.get("done")), whole(params.get("total"))))


def _artifact(stream: Stream, params: dict[str, Any], _at: str) -> Stream:
    done, size = whole(params.get("done_bytes")), whole(params.get("size_bytes"))
    return replace(stream, uploading=(text(params.get("name")), done, size))


def _closed(stream: Stream, params: dict[str, Any], at: str) -> Stream:
    return replace(
        stream,
        phase="closed",
        closed_at=at,
        outcome=text(params.get("outcome")),
        exit_code=params.get("exit_code"),
        error=params.get("error"),
    )


_STEPS = {
    "opened": _opened,
    "phase": _phase,
    "progress": _progress,
    "artifact": _artifact,
    "closed": _closed,
}
