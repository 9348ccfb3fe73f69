"""The upload of a job's event files into its TensorBoard, as Vertex AI does beside a training job.

Owns what becomes of ``AIP_TENSORBOARD_LOG_DIR``: the experiment is named after the job's id, each folder with
event files below it is a run, each scalar tag a time series. What was uploaded is uploaded again without
harm: a step overwrites itself.
Source: https://cloud.google.com/vertex-ai/docs/experiments/tensorboard-training
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.jobs.records import Record
from argovx_lab.sandbox.google.objects import ObjectReader
from argovx_lab.sandbox.google.storage.catalog import Stored
from argovx_lab.sandbox.google.tensorboard.events import Scalar, scalars
from argovx_lab.sandbox.google.tensorboard.levels import EXPERIMENT, RUN, SERIES, Boards
from argovx_lab.sandbox.processes import ProcessGroup

#: Pause between two looks into the folder. Unit: seconds of simulated time.
_EVERY_S = 2.0
#: A run of files that lie in the log folder itself. Source: google.cloud.aiplatform.tensorboard.
_ROOT_RUN = "default"


class Uploader:
    """Uploads while jobs run, and once more when they end."""

    def __init__(self, boards: Boards, objects: ObjectReader, clock: Clock) -> None:
        self._boards = boards
        self._objects = objects
        self._clock = clock
        self._seen: dict[str, str] = {}

    async def beside(self, key: str, record: Record, groups: dict[str, ProcessGroup]) -> None:
        """Upload what is new, again and again."""
        while groups and record["job"]["job_spec"].get("tensorboard"):
            await self._clock.sleep(_EVERY_S)
            await self.finish(key, record)

    async def finish(self, key: str, record: Record) -> None:
        """Upload what is new."""
        job = record["job"]
        board = job["job_spec"].get("tensorboard", "")
        base = (job["job_spec"].get("base_output_directory") or {}).get("output_uri_prefix", "")
        if not board or not base:
            return
        logs = base.rstrip("/") + "/logs/"
        for stored in self._objects.below(logs):
            name = f"{stored.bucket}/{stored.name}"
            if "tfevents" not in stored.name or self._seen.get(name) == stored.blob:
                continue
            found = list(scalars(await asyncio.to_thread(self._objects.read, stored)))
            self._keep(board, key.rpartition("/")[2], _run(stored, logs), found)
            self._seen[name] = stored.blob

    def _keep(self, board: str, job_id: str, run: str, found: list[Scalar]) -> None:
        if not found:
            return
        experiment = f"{board}/experiments/{job_id}"
        name = f"{experiment}/runs/{run}"
        with self._boards.db.transaction():
            if self._boards.get(EXPERIMENT, experiment) is None:
                label = {"vertex_tensorboard_experiment_source": "vertex_training"}
                self._boards.put(EXPERIMENT, {"name": experiment, "display_name": job_id, "labels": label})
            if self._boards.get(RUN, name) is None:
                self._boards.put(RUN, {"name": name, "display_name": run})
            for tag in dict.fromkeys(scalar.tag for scalar in found):
                self._write(name, tag, [scalar for scalar in found if scalar.tag == tag])

    def _write(self, run: str, tag: str, found: list[Scalar]) -> None:
        series = self._series(run, tag)
        for scalar in found:
            at = rfc3339(datetime.fromtimestamp(scalar.wall_time, UTC), fraction=True)
            point = {"step": str(scalar.step), "wall_time": at, "scalar": {"value": scalar.value}}
            self._boards.point(series["name"], scalar.step, point)
        last = max(found, key=lambda scalar: scalar.step)
        at = rfc3339(datetime.fromtimestamp(last.wall_time, UTC), fraction=True)
        shown = {"max_step": str(last.step), "max_wall_time": at}
        self._boards.put(SERIES, {**series, "metadata": shown})

    def _series(self, run: str, tag: str) -> Mapping[str, Any]:
        for series in self._boards.within(SERIES, run):
            if series["display_name"] == tag:
                return series
        name = f"{run}/timeSeries/{1_000_000_000_000_000_000 + self._boards.db.next_id('tb.ids')}"
        shape = {"value_type": "SCALAR", "plugin_name": "scalars"}
        return self._boards.put(SERIES, {"name": name, "display_name": tag, **shape})


def _run(stored: Stored, logs: str) -> str:
    folder = f"gs://{stored.bucket}/{stored.name}".removeprefix(logs).rpartition("/")[0]
    return re.sub(r"[^a-zA-Z0-9-]", "-", folder).lower() if folder else _ROOT_RUN
