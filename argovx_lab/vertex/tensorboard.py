"""TensorBoard: runs, their time series and the points of these, over REST.

Owns three calls, each bounded. Reads only; refuses names that are no resources of TensorBoard.

Notes
-----
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.tensorboards. A read
gives at most as many points as are asked for, and beyond that a sample.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from argovx_lab.errors import NotFound, SpecError
from argovx_lab.vertex.session import Rest, Session

Document = dict[str, Any]

#: Most points of a series that one read gives. Source: ``ReadTensorboardTimeSeriesDataRequest``.
POINTS_MAX = 10_000

#: Runs and series of one page: a view draws no more. Unit: resources.
PAGE = 50

_BOARD = r"projects/[^/\s]+/locations/[^/\s]+/tensorboards/[^/\s]+"
_EXPERIMENT = re.compile(rf"{_BOARD}/experiments/[^/\s]+\Z")
_RUN = re.compile(rf"{_BOARD}/experiments/[^/\s]+/runs/[^/\s]+\Z")
_SERIES = re.compile(rf"{_BOARD}/experiments/[^/\s]+/runs/[^/\s]+/timeSeries/[^/\s]+\Z")


class Tensorboards:
    """TensorBoard instances of a region.

    Parameters
    ----------
    session : Session
        Adds the credentials.
    base_url : str
        Such as ``https://europe-west4-aiplatform.googleapis.com``.
    """

    def __init__(self, session: Session, base_url: str) -> None:
        self._rest = Rest(session, base_url, timeout_s=10.0)

    def runs(self, experiment: str) -> list[Document]:
        """Return the first :data:`PAGE` runs of an experiment; none when it is not there (yet)."""
        return self._list(_path(experiment, _EXPERIMENT), "runs", "tensorboardRuns")

    def series(self, run: str) -> list[Document]:
        """Return the first :data:`PAGE` time series of a run; none when it is not there (yet)."""
        return self._list(_path(run, _RUN), "timeSeries", "tensorboardTimeSeries")

    def points(self, series: str) -> list[Document]:
        """Return the points ``{step, wallTime, scalar: {value}}`` of one time series.

        Raises
        ------
        NotFound
            When it is not there.
        """
        answer = self._rest.call(
            "GET",
            f"{_path(series, _SERIES)}:read",
            permission="aiplatform.tensorboardTimeSeries.read",
            params={"maxDataPoints": POINTS_MAX},
        )
        data = answer.get("timeSeriesData")
        found = data.get("values") if isinstance(data, dict) else None
        return found if isinstance(found, list) else []

    def _list(self, parent: str, collection: str, answered: str) -> list[Document]:
        try:
            page = self._rest.call(
                "GET",
                f"{parent}/{collection}",
                permission=f"aiplatform.{answered}.list",
                params={"pageSize": PAGE},
            )
        except NotFound:
            return []
        found = page.get(answered)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _path(name: str, pattern: re.Pattern[str]) -> str:
    if not pattern.match(name):
        raise SpecError(f"{name[:100]!r} is not a resource of TensorBoard")
    return quote(name, safe="/")
