"""The points that a runner logged, in bounded space, and where a reader of them stands.

Owns thinning and places. A place is the number of logged messages that were taken, which no thinning changes;
once older points are taken away, whoever has them begins anew.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.runs.shapes import digits, mapping, number

#: Points kept per metric for the curve; older ones are thinned by two. Unit: points.
POINTS_MAX = 20_000

Point = tuple[int | None, float, str]


@dataclass(frozen=True)
class Curves:
    """All curves of one life of one runner.

    Parameters
    ----------
    series : dict
        Metric name → points ``(step, value, at)`` in the order they were logged.
    places : dict
        Metric name → the number of messages that were taken with each point.
    taken : int
        Messages that were taken, whatever is left of them.
    thinned : int
        How often points were taken away.
    """

    series: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    taken: int = 0
    thinned: int = 0

    def since(self, place: int) -> dict[str, tuple[Point, ...]]:
        """Return the points that came after the first ``place`` messages; all metrics are named."""
        return {
            name: points[bisect_right(self.places[name], place) :] for name, points in self.series.items()
        }


@dataclass(frozen=True)
class MetricPage:
    """Points that a reader does not have yet.

    Parameters
    ----------
    next : str
        Place to ask from next: ``GENERATION.MESSAGES``.
    whole : bool
        Whether this is everything, in the place of what the reader has.
    """

    series: dict[str, tuple[Point, ...]]
    next: str
    whole: bool


def page(curves: Curves, made: str, after: str) -> MetricPage:
    """Return the points after a place; all of them where that place is of other curves than these.

    Parameters
    ----------
    made : str
        What these curves are of: another text is another generation of places.
    """
    told = f"{made}\n{curves.thinned}"
    generation = hashlib.sha256(told.encode(errors="replace")).hexdigest()[:12]
    known, _, taken = after.rpartition(".")
    whole = known != generation or not digits(taken) or int(taken) > curves.taken
    return MetricPage(curves.since(0 if whole else int(taken)), f"{generation}.{curves.taken}", whole)


class Drawing:
    """Curves while they grow: what is logged is appended, and copied once at the end."""

    def __init__(self, curves: Curves) -> None:
        self._before = curves
        self._grown: dict[str, tuple[list[Point], list[int]]] = {}
        self._taken = curves.taken
        self._thinned = curves.thinned

    def take(self, params: Mapping[str, Any], at: str) -> None:
        """Take one message; what is no finite number leaves a gap, for JSON and browsers have no NaN."""
        self._taken += 1
        step = params.get("step")
        if not isinstance(step, int) or number(step) is None:
            step = None
        for name, given in mapping(params.get("values")).items():
            value = number(given)
            if value is None:
                continue
            points, places = self._grown.get(name) or self._open(name)
            points.append((step, value, at))
            places.append(self._taken)
            if len(points) > POINTS_MAX:
                del points[1::2], places[1::2]
                self._thinned += 1

    def done(self) -> Curves:
        """Return the curves as they are now."""
        if self._taken == self._before.taken:
            return self._before
        series = {name: tuple(points) for name, (points, _) in self._grown.items()}
        places = {name: tuple(places) for name, (_, places) in self._grown.items()}
        return Curves(
            {**self._before.series, **series}, {**self._before.places, **places}, self._taken, self._thinned
        )

    def _open(self, name: str) -> tuple[list[Point], list[int]]:
        opened = list(self._before.series.get(name, ())), list(self._before.places.get(name, ()))
        self._grown[name] = opened
        return opened
