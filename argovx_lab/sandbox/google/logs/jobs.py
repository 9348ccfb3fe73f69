"""The log entries of jobs: what their replicas and the platform wrote.

Owns the shape of these entries. It reads the process logs where they are and keeps no copy.
Source: https://cloud.google.com/vertex-ai/docs/training/logging
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from argovx_lab.sandbox.google.filters import Expression
from argovx_lab.sandbox.google.jobs.records import Record, Records
from argovx_lab.sandbox.google.logs.language import SEVERITIES, only
from argovx_lab.sandbox.google.names import Project

#: One line of a process log. Source: the container runtimes' log format.
_LINE = re.compile(rb"(\S+) (stdout|stderr) ([FP]) (.*)", re.DOTALL)
#: Most text of one entry; a longer line becomes several. Unit: bytes. An entry has at most 256 KiB with
#: what is around the text. Source: https://cloud.google.com/logging/quotas
TEXT_MAX = 240 * 1024
#: A job's line that is JSON with these keys brings its own severity and text.
_MESSAGE_KEYS = ("message", "msg")


class JobLogs:
    """The entries of jobs.

    Parameters
    ----------
    folder : Path
        Where the process folders are.
    """

    def __init__(self, records: Records, project: Project, folder: Path) -> None:
        self._records = records
        self._project = project
        self._folder = folder

    def gather(self, expression: Expression | None) -> Callable[[], Iterator[Record]]:
        """Look up whose logs a query may match; what is returned reads them, and may do so in a thread."""
        kinds = only(expression, "resource.type")
        if kinds is not None and "ml_job" not in kinds:
            return lambda: iter(())
        said, files = self._found(expression)
        return lambda: chain(said, chain.from_iterable(self._lines(*file) for file in files))

    def names(self) -> set[str]:
        """Return the names of the logs."""
        tasks = {task for index in self._records.log_indexes() for task in index["tasks"]}
        return {f"projects/{self._project.id}/logs/{task}" for task in (tasks | {"service"} if tasks else ())}

    def _found(self, expression: Expression | None) -> tuple[list[Record], list[tuple[str, str, int, Path]]]:
        """Return what the service said, and which logs are to be read."""
        wanted = only(expression, "resource.labels.job_id")
        ids = wanted if wanted is not None else [index["job_id"] for index in self._records.log_indexes()]
        said: list[Record] = []
        files: list[tuple[str, str, int, Path]] = []
        for job_id in dict.fromkeys(ids):
            for n, line in enumerate(self._records.said(job_id)):
                payload = {"message": line["message"], "levelname": line["severity"]}
                said.append(
                    self._entry(job_id, "service", f"s{n:08d}", line["at"], line["severity"], payload)
                )
            for task, found in (self._records.log_index(job_id) or {"tasks": {}})["tasks"].items():
                folders = [found] if isinstance(found, str) else found
                files += [
                    (job_id, task, n, self._folder / folder / "log") for n, folder in enumerate(folders)
                ]
        return said, files

    def _lines(self, job_id: str, task: str, begun: int, path: Path) -> Iterator[Record]:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        offset, held = 0, {b"stdout": bytearray(), b"stderr": bytearray()}
        for raw in whole.splitlines(keepends=True):
            parts = _LINE.fullmatch(raw)
            start, offset = offset, offset + len(raw)
            if parts is None:
                continue
            at, stream, tag, text = parts.groups()
            held[stream] += text.rstrip(b"\n") if tag == b"P" else text.removesuffix(b"\n")
            if tag == b"P" and offset < len(whole) and len(held[stream]) < TEXT_MAX:
                continue
            line, held[stream] = held[stream].decode("utf-8", "replace"), bytearray()
            severity, payload = parsed(line, "ERROR" if stream == b"stderr" else "INFO")
            yield self._entry(job_id, task, f"t{begun:02d}{start:012d}", at.decode(), severity, payload)

    def _entry(
        self, job_id: str, task: str, insert_id: str, at: str, severity: str, payload: Mapping[str, Any]
    ) -> Record:
        return {
            "insert_id": f"{job_id}-{task}-{insert_id}",
            "log_name": f"projects/{self._project.id}/logs/{task}",
            "resource": {
                "type": "ml_job",
                "labels": {"job_id": job_id, "project_id": self._project.id, "task_name": task},
            },
            "timestamp": at,
            "receive_timestamp": at,
            "severity": severity,
            "labels": {"ml.googleapis.com/job_id/log_area": "root", "ml.googleapis.com/trial_id": ""},
            "json_payload": dict(payload),
        }


def parsed(line: str, severity: str) -> tuple[str, dict[str, Any]]:
    """Return severity and payload of one line; a JSON object with a message brings its own.

    Source: https://cloud.google.com/vertex-ai/docs/training/logging
    """
    if line.startswith("{"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and any(isinstance(value.get(k), str) for k in _MESSAGE_KEYS):
            text = next(value[k] for k in _MESSAGE_KEYS if isinstance(value.get(k), str))
            own = str(value.get("severity", severity)).upper()
            severity = own if own in SEVERITIES else severity
            return severity, {**_finite(value), "message": text, "levelname": severity}
    return severity, {"message": line, "levelname": severity}


def _finite(value: Any) -> Any:
    """Return JSON without NaN and infinities, which protobuf's Struct cannot carry."""
    return json.loads(json.dumps(value), parse_constant=str)
