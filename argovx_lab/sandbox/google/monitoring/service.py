"""MetricService: time series of jobs, and the descriptors of what there is.

Owns requests and answers; samples come from :mod:`.sampler`. Writing own series is refused by name.
Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.google.errors import invalid, not_found, unimplemented
from argovx_lab.sandbox.google.fields import Fields, moment
from argovx_lab.sandbox.google.filters import Comparison, leaves, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.monitoring import align, catalogue
from argovx_lab.sandbox.google.monitoring.sampler import TABLE
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.paging import page
from argovx_lab.sandbox.google.store import Store

_FIELDS = Fields(
    kinds={
        "metric.type": "string",
        "resource.type": "string",
        "resource.labels.project_id": "string",
        "resource.labels.job_id": "string",
        "resource.labels.task_name": "string",
        "project": "string",
    },
    aliases={
        f"resource.label.{name}": f"resource.labels.{name}" for name in ("project_id", "job_id", "task_name")
    },
)
_SHORT = {catalogue.CPU: "cpu", catalogue.MEMORY: "memory"}


@dataclass
class _Series:
    """One series: what its labels are, and its points, the oldest first."""

    labels: dict[str, str]
    points: list[align.Point] = field(default_factory=list)
    counted: bool = False


class Metrics:
    """The methods of Monitoring."""

    def __init__(self, store: Store, project: Project) -> None:
        self._store = store
        self._project = project

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.monitoring.v3.MetricService/"
        return {
            prefix + "ListTimeSeries": self.list,
            prefix + "ListMetricDescriptors": self.descriptors,
            prefix + "GetMetricDescriptor": self.descriptor,
            prefix + "ListMonitoredResourceDescriptors": self.resources,
            prefix + "GetMonitoredResourceDescriptor": self.resource,
        }

    async def list(self, _: Call, message: Document) -> Document:
        """Return the matching series with their points, the newest first."""
        for name in ("order_by", "secondary_aggregation"):
            if message.get(name):
                raise unimplemented(f"'{name}' of ListTimeSeries")
        start, end = _interval(message.get("interval") or {})
        found = [
            shaped
            for kind in _types(message.get("filter", ""))
            for series in _aggregated(
                list(self._matching(kind, message["filter"], start, end)),
                message.get("aggregation") or {},
                end,
            )
            if (shaped := _shape(kind, series, headers=message.get("view") == "HEADERS")) is not None
        ]
        named = [{**one, "name": f"{one['metric']['type']}|{one['resource']}"} for one in found]
        chosen, token = page(named, message, default=1000, most=100_000)
        series = [{k: v for k, v in one.items() if k != "name"} for one in chosen]
        return {"time_series": series, "next_page_token": token, "unit": "10^2.%"}

    def _matching(self, kind: str, text: str, start: float, end: float) -> Iterator[_Series]:
        expression = _FIELDS.parse(text)
        known: dict[str, _Series] = {}
        for key, sample in self._store.scan(TABLE):
            job_id, task, _ = key.split("/", 2)
            series = known.get(f"{job_id}/{task}")
            if series is None:
                labels = {"project_id": self._project.id, "job_id": job_id, "task_name": task}
                series = known[f"{job_id}/{task}"] = _Series(labels)
            at = datetime.fromisoformat(sample["at"]).timestamp()
            if start < at <= end:
                series.points.append((at, float(sample[_SHORT[kind]])))
        for series in known.values():
            flat = {
                "metric.type": kind,
                "resource.type": catalogue.RESOURCE,
                "project": self._project.id,
                **{f"resource.labels.{name}": value for name, value in series.labels.items()},
            }
            if series.points and matches(expression, flat, _leaf):
                yield series

    async def descriptors(self, _: Call, message: Document) -> Document:
        """Return the metrics that there are."""
        fields = Fields({"metric.type": "string"})
        expression = fields.parse(message.get("filter", ""))

        def leaf(part: object, document: Mapping[str, Any]) -> bool:
            return isinstance(part, Comparison) and fields.compare(part, document)

        found = [
            catalogue.metric(self._project.id, kind)
            for kind in catalogue.METRICS
            if matches(expression, {"metric.type": kind}, leaf)
        ]
        chosen, token = page(found, message)
        return {"metric_descriptors": chosen, "next_page_token": token}

    async def descriptor(self, _: Call, message: Document) -> Document:
        """Return one metric."""
        kind = message.get("name", "").partition("/metricDescriptors/")[2]
        if kind not in catalogue.METRICS:
            raise not_found(f"Could not find descriptor for metric '{kind}'.")
        return catalogue.metric(self._project.id, kind)

    async def resources(self, _: Call, message: Document) -> Document:
        """Return the monitored resources that there are."""
        if message.get("filter"):
            raise unimplemented("'filter' of ListMonitoredResourceDescriptors")
        chosen, token = page([catalogue.resource(self._project.id)], message)
        return {"resource_descriptors": chosen, "next_page_token": token}

    async def resource(self, _: Call, message: Document) -> Document:
        """Return one monitored resource."""
        if message.get("name", "").rpartition("/")[2] != catalogue.RESOURCE:
            raise not_found(f"Could not find descriptor for '{message.get('name', '')}'.")
        return catalogue.resource(self._project.id)


def _interval(interval: Mapping[str, Any]) -> tuple[float, float]:
    if "end_time" not in interval:
        text = "Field interval.endTime had an invalid value: the end time is required."
        raise invalid(text, {"interval.end_time": text})
    end = moment(interval["end_time"]).timestamp()
    start = moment(interval.get("start_time", interval["end_time"])).timestamp()
    if start > end:
        text = "Field interval.startTime had an invalid value: it must not be later than the end time."
        raise invalid(text, {"interval.start_time": text})
    return start, end


def _types(text: str) -> list[str]:
    """Return the metric that a filter names; Monitoring wants exactly one."""
    expression = _FIELDS.parse(text)
    named = [
        value
        for leaf in leaves(expression)
        if isinstance(leaf, Comparison) and leaf.field == "metric.type" and leaf.op == "="
        for value in leaf.values
    ]
    if len(named) != 1:
        text = f'Field filter had an invalid value of "{text[:200]}": a single metric.type must be given.'
        raise invalid(text, {"filter": text})
    if named[0] not in catalogue.METRICS:
        what = (
            f'Cannot find metric(s) that match type = "{named[0]}". If a metric was created recently, it '
            "could take up to 10 minutes to become available. Please try again soon."
        )
        raise not_found(what)
    return named


def _leaf(part: object, document: Mapping[str, Any]) -> bool:
    return isinstance(part, Comparison) and _FIELDS.compare(part, document)


def _aggregated(found: list[_Series], wanted: Mapping[str, Any], end: float) -> list[_Series]:
    name = wanted.get("per_series_aligner", "ALIGN_NONE")
    across = align.reducer(wanted.get("cross_series_reducer", "REDUCE_NONE"))
    fold = align.aligner(name)
    if fold is None:
        if across is not None:
            text = "Field aggregation.perSeriesAligner must be set when a cross-series reducer is."
            raise invalid(text, {"aggregation.per_series_aligner": text})
        return found
    period_s = align.period(wanted.get("alignment_period", ""))
    for series in found:
        series.points = align.align(series.points, end, period_s, fold)
        series.counted = name == "ALIGN_COUNT"
    if across is None:
        return found
    groups: dict[tuple[tuple[str, str], ...], list[_Series]] = {}
    for series in found:
        kept = tuple(_kept(series, wanted.get("group_by_fields") or []))
        groups.setdefault(kept, []).append(series)
    counted = wanted["cross_series_reducer"] == "REDUCE_COUNT"
    return [
        _Series(dict(labels), align.reduce([one.points for one in group], across), counted)
        for labels, group in groups.items()
    ]


def _kept(series: _Series, fields: list[str]) -> Iterator[tuple[str, str]]:
    for name in fields:
        label = name.removeprefix("resource.labels.").removeprefix("resource.label.")
        if label in series.labels:
            yield label, series.labels[label]
        elif name not in ("resource.type", "metric.type", "project"):
            text = f'Field aggregation.groupByFields had an invalid value of "{name}".'
            raise invalid(text, {"aggregation.group_by_fields": text})


def _shape(kind: str, series: _Series, *, headers: bool) -> Document | None:
    if not series.points:
        return None
    shaped: Document = {
        "metric": {"type": kind},
        "resource": {"type": catalogue.RESOURCE, "labels": series.labels},
        "metric_kind": "GAUGE",
        "value_type": "INT64" if series.counted else "DOUBLE",
    }
    if not headers:
        shaped["points"] = [_point(at, value, series.counted) for at, value in reversed(series.points)]
    return shaped


def _point(at: float, value: float, counted: bool) -> Document:
    stamp = rfc3339(datetime.fromtimestamp(at, UTC), fraction=True)
    shown = {"int64_value": str(int(value))} if counted else {"double_value": value}
    return {"interval": {"start_time": stamp, "end_time": stamp}, "value": shown}
