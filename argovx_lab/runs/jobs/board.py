"""The curves of a custom job, out of TensorBoard.

Owns which runs of TensorBoard are a job's, and what is read again: only series that have grown. Points are
merged by their order: what was read once and is still there keeps its place.

Notes
-----
Vertex uploads a job's log folder into the experiment that is called as the job's number.
Source: https://cloud.google.com/vertex-ai/docs/experiments/tensorboard-training
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from argovx_lab.runs.curves import Curves, Point
from argovx_lab.runs.shapes import digits, mapping, number, text

#: Most series that one job's curves have. Unit: series.
SERIES_MAX = 50


class Boards(Protocol):
    """What is asked of TensorBoard."""

    def runs(self, experiment: str) -> list[dict[str, Any]]:
        """Return the runs of an experiment."""

    def series(self, run: str) -> list[dict[str, Any]]:
        """Return the time series of a run."""

    def points(self, series: str) -> list[dict[str, Any]]:
        """Return the points of a time series."""


@dataclass
class Board:
    """The curves of one job, as far as they were read."""

    curves: Curves = field(default_factory=Curves)
    _read: dict[str, tuple[str, str]] = field(default_factory=dict)
    _points: dict[str, tuple[Point, ...]] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric."""
        return {name: points[-1][1] for name, points in self.curves.series.items() if points}

    def read(self, boards: Boards, job: Mapping[str, Any], number_of: str, board_run: str = "") -> None:
        """Read what is new of a job's curves.

        Parameters
        ----------
        number_of : str
            The job's number.
        board_run : str
            The run of TensorBoard behind its experiment run; empty for none.
        """
        instance = text(mapping(job.get("jobSpec")).get("tensorboard"))
        runs = boards.runs(f"{instance}/experiments/{number_of}") if instance else []
        runs += [{"name": board_run}] if board_run else []
        found: dict[str, tuple[Point, ...]] = {}
        for run in runs:
            label = f"{_label(run)}/" if len(runs) > 1 else ""
            for series in boards.series(text(run.get("name"))):
                if series.get("valueType", "SCALAR") == "SCALAR" and len(found) < SERIES_MAX:
                    found[f"{label}{_label(series)}"] = self._of(boards, series)
        self.curves = grown(self.curves, {name: points for name, points in found.items() if points})

    def _of(self, boards: Boards, series: Mapping[str, Any]) -> tuple[Point, ...]:
        name, noted = text(series.get("name")), mapping(series.get("metadata"))
        mark = text(noted.get("maxStep")), text(series.get("updateTime")) or text(noted.get("maxWallTime"))
        if not any(mark) or self._read.get(name) != mark:
            found = (_point(point) for point in boards.points(name) if isinstance(point, dict))
            self._points[name] = tuple(point for point in found if point is not None)
            self._read[name] = mark
        return self._points[name]


def grown(curves: Curves, found: Mapping[str, tuple[Point, ...]]) -> Curves:
    """Return the curves with what was found; points that came behind the old ones are the only new ones.

    Where an old point is gone or changed, all curves begin a new generation.
    """
    goes_on = all(found.get(name, ())[: len(old)] == old for name, old in curves.series.items())
    taken = curves.taken if goes_on else 0
    series: dict[str, tuple[Point, ...]] = {}
    places: dict[str, tuple[int, ...]] = {}
    for name, points in found.items():
        kept = curves.places.get(name, ()) if goes_on else ()
        fresh = len(points) - len(kept)
        series[name], places[name] = points, (*kept, *range(taken + 1, taken + fresh + 1))
        taken += fresh
    return Curves(series, places, taken, curves.thinned + (0 if goes_on else 1))


def _label(resource: Mapping[str, Any]) -> str:
    return text(resource.get("displayName")) or text(resource.get("name")).rpartition("/")[2]


def _point(point: Mapping[str, Any]) -> Point | None:
    step, value = point.get("step", 0), number(mapping(point.get("scalar")).get("value", 0))
    whole = step if isinstance(step, int) else int(step) if digits(step) else None
    return None if value is None else (whole, value, text(point.get("wallTime")))
