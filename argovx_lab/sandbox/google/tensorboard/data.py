"""Points of time series: write, read, batch read, export.

Owns the limits of the data plane. Where the service would return a random sample, the sandbox returns an
evenly spaced one, so that two reads agree. Blobs, sizes and usage are not here yet.
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.tensorboards.experiments.runs
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.google.errors import invalid
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.filters import Comparison, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.paging import page
from argovx_lab.sandbox.google.tensorboard.levels import BOARD, EXPERIMENT, RUN, SERIES, Boards
from argovx_lab.sandbox.google.tensorboard.resources import Resources

#: Points of a series that a read returns unless it asks otherwise, and at most.
POINTS_DEFAULT, POINTS_MAX = 1000, 10_000
#: Most points of one write.
WRITE_MAX = 5000
_FIELDS = Fields({"step": "number", "wall_time": "time"}, ("step", "wall_time"))


class Data:
    """The methods of points."""

    def __init__(self, boards: Boards, resources: Resources, project: Project) -> None:
        self._boards = boards
        self._resources = resources
        self._project = project

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.cloud.aiplatform.v1.TensorboardService/"
        return {
            prefix + "WriteTensorboardRunData": self.write,
            prefix + "WriteTensorboardExperimentData": self.write_experiment,
            prefix + "ReadTensorboardTimeSeriesData": self.read,
            prefix + "BatchReadTensorboardTimeSeriesData": self.batch_read,
            prefix + "ExportTensorboardTimeSeriesData": self.export,
        }

    async def write(self, _: Call, message: Document) -> Document:
        """Write points of a run's series; the same step overwrites."""
        _limited([message])
        with self._boards.db.transaction():
            self._write_run(message)
        return {}

    async def write_experiment(self, _: Call, message: Document) -> Document:
        """Write points of several runs of one experiment, all or none."""
        name = message.get("tensorboard_experiment", "")
        experiment = self._resources.require(EXPERIMENT, name, "tensorboard_experiment")["name"]
        requests = message.get("write_run_data_requests", [])
        _limited(requests)
        with self._boards.db.transaction():
            for i, request in enumerate(requests):
                run = self._project.canonical(request.get("tensorboard_run", ""))
                if not run.startswith(experiment + "/runs/"):
                    field = f"write_run_data_requests[{i}].tensorboard_run"
                    raise invalid(f"'{run}' is not in '{experiment}'.", [field])
                self._write_run(request)
        return {}

    def _write_run(self, message: Document) -> None:
        run = self._resources.require(RUN, message.get("tensorboard_run", ""), "tensorboard_run")["name"]
        data = message.get("time_series_data", [])
        with self._boards.db.transaction():
            for one in data:
                name = f"{run}/timeSeries/{one.get('tensorboard_time_series_id', '')}"
                series = self._resources.require(SERIES, name, "tensorboard_time_series_id")
                self._write(series, one)

    def _write(self, series: Document, data: Document) -> None:
        if data.get("value_type") != series["value_type"]:
            text = f"The value_type of '{series['name']}' is {series['value_type']}."
            raise invalid(text, ["time_series_data.value_type"])
        last = dict(series.get("metadata", {}))
        for point in data.get("values", []):
            if "scalar" not in point:
                raise invalid("A point of a SCALAR series needs a scalar.", ["values.scalar"])
            step = int(point.get("step", 0))
            self._boards.point(series["name"], step, point)
            if step >= int(last.get("max_step", -(2**63))):
                last = {"max_step": str(step), "max_wall_time": point.get("wall_time")}
        last = {key: value for key, value in last.items() if value is not None}
        self._boards.db.put(SERIES.table, series["name"], {**series, "metadata": last})

    async def read(self, _: Call, message: Document) -> Document:
        """Return the points of one series."""
        name = message.get("tensorboard_time_series", "")
        series = self._resources.require(SERIES, name, "tensorboard_time_series")
        most = int(message.get("max_data_points") or POINTS_DEFAULT)
        if not 0 < most <= POINTS_MAX:
            raise invalid(
                f"max_data_points must be between 1 and {POINTS_MAX}, not {most}.", ["max_data_points"]
            )
        found = self._filtered(series["name"], message.get("filter", ""))
        return {"time_series_data": _data(series, _thinned(found, most))}

    async def batch_read(self, _: Call, message: Document) -> Document:
        """Return the points of several series of one instance."""
        board = self._resources.require(BOARD, message.get("tensorboard", ""), "tensorboard")["name"]
        answers = []
        for name in message.get("time_series", []):
            series = self._resources.require(SERIES, name, "time_series")
            if not series["name"].startswith(board + "/"):
                raise invalid(f"'{name}' is not in '{board}'.", ["time_series"])
            answers.append(_data(series, _thinned(self._boards.points(series["name"]), POINTS_DEFAULT)))
        return {"time_series_data": answers}

    async def export(self, _: Call, message: Document) -> Document:
        """Return every point of a series, in pages."""
        name = message.get("tensorboard_time_series", "")
        series = self._resources.require(SERIES, name, "tensorboard_time_series")
        found = _FIELDS.sort(
            [*self._filtered(series["name"], message.get("filter", ""))], message.get("order_by", ""), "step"
        )
        named = [{**point, "name": str(point.get("step", "0"))} for point in found]
        chosen, token = page(named, message, default=1000, most=POINTS_MAX)
        points = [{k: v for k, v in point.items() if k != "name"} for point in chosen]
        return {"time_series_data_points": points, "next_page_token": token}

    def _filtered(self, series: str, text: str) -> list[Document]:
        expression = _FIELDS.parse(text)

        def leaf(part: object, point: Mapping[str, Any]) -> bool:
            return isinstance(part, Comparison) and _FIELDS.compare(part, {"step": 0, **point})

        return [point for point in self._boards.points(series) if matches(expression, point, leaf)]


def _limited(requests: list[Document]) -> None:
    data = [one for request in requests for one in request.get("time_series_data", [])]
    total = sum(len(one.get("values", [])) for one in data)
    if total > WRITE_MAX:
        text = f"At most {WRITE_MAX} points can be written at once, not {total}."
        raise invalid(text, ["time_series_data"])


def _data(series: Document, points: list[Document]) -> Document:
    return {
        "tensorboard_time_series_id": series["name"].rpartition("/")[2],
        "value_type": series["value_type"],
        "values": points,
    }


def _thinned(points: list[Document], most: int) -> list[Document]:
    """Return at most ``most`` points, evenly spaced, the first and last among them."""
    if len(points) <= most:
        return points
    if most == 1:
        return points[-1:]
    last = len(points) - 1
    return [points[round(i * last / (most - 1))] for i in range(most)]
