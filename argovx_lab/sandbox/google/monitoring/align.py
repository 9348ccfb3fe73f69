"""Alignment and reduction of time series, as functions from points to points.

Owns the aligners and reducers that make sense for gauges, and the refusal of the others.
Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aligner
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from argovx_lab.sandbox.google.errors import GoogleError, invalid, unimplemented

#: Time (seconds since 1970) and value.
Point = tuple[float, float]
Fold = Callable[[Sequence[float]], float]


def _percentile(share: float) -> Fold:
    def fold(values: Sequence[float]) -> float:
        ordered = sorted(values)
        at = share * (len(ordered) - 1)
        low = math.floor(at)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (at - low)

    return fold


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(_mean([(value - mean) ** 2 for value in values]))


_FOLDS: Final[Mapping[str, Fold]] = {
    "MEAN": _mean,
    "MIN": min,
    "MAX": max,
    "SUM": math.fsum,
    "COUNT": len,
    "STDDEV": _deviation,
    "PERCENTILE_99": _percentile(0.99),
    "PERCENTILE_95": _percentile(0.95),
    "PERCENTILE_50": _percentile(0.50),
    "PERCENTILE_05": _percentile(0.05),
}
#: The latest value stands for its whole period.
_NEXT_OLDER: Final = "ALIGN_NEXT_OLDER"
_WRONG: Final = ("DELTA", "RATE", "COUNT_TRUE", "COUNT_FALSE", "FRACTION_TRUE")
#: Shortest alignment period. Unit: seconds. Source: Aggregation.alignment_period.
PERIOD_MIN_S: Final = 60
#: Longest: 104 weeks.
PERIOD_MAX_S: Final = 104 * 7 * 86400


def aligner(name: str) -> Fold | None:
    """Return what an aligner does to the values of one period, ``None`` when it does nothing."""
    if name == "ALIGN_NONE":
        return None
    if name == _NEXT_OLDER:
        return lambda values: values[-1]
    return _fold(name, "ALIGN_", "aggregation.per_series_aligner")


def reducer(name: str) -> Fold | None:
    """Return what a reducer does to the values of several series, ``None`` when it does nothing."""
    return None if name == "REDUCE_NONE" else _fold(name, "REDUCE_", "aggregation.cross_series_reducer")


def _fold(name: str, head: str, field: str) -> Fold:
    kind = name.removeprefix(head)
    if kind in _FOLDS:
        return _FOLDS[kind]
    if kind in _WRONG:
        raise _mismatch(name, field)
    raise unimplemented(f"{name} of {field}", f"It has {', '.join(head + k for k in _FOLDS)}.")


def _mismatch(name: str, field: str) -> GoogleError:
    text = (
        f'Field {field} had an invalid value of "{name}": The aligner cannot be applied to metrics with kind '
        "GAUGE and value type DOUBLE."
    )
    return invalid(text, {field: text})


def period(text: str) -> float:
    """Return an alignment period in seconds; one that is missing or too short is INVALID_ARGUMENT."""
    seconds = float(text.removesuffix("s")) if text else 0.0
    if not PERIOD_MIN_S <= seconds <= PERIOD_MAX_S:
        what = (
            f'Field aggregation.alignmentPeriod had an invalid value of "{text}": '
            f"The aggregation.alignmentPeriod must be at least {PERIOD_MIN_S} seconds."
        )
        raise invalid(what, {"aggregation.alignment_period": what})
    return seconds


def align(points: Sequence[Point], end: float, period_s: float, fold: Fold) -> list[Point]:
    """Return one point per period that has any; periods end at ``end`` and before, the newest point last."""
    periods: dict[int, list[float]] = {}
    for at, value in points:
        periods.setdefault(math.floor((end - at) / period_s), []).append(value)
    return [(end - n * period_s, float(fold(periods[n]))) for n in sorted(periods, reverse=True)]


def reduce(series: Sequence[Sequence[Point]], fold: Fold) -> list[Point]:
    """Return one series of several aligned ones."""
    values: dict[float, list[float]] = {}
    for points in series:
        for at, value in points:
            values.setdefault(at, []).append(value)
    return [(at, float(fold(values[at]))) for at in sorted(values)]
