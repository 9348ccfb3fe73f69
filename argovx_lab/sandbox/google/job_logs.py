"""Cloud Logging, read only: what jobs and the platform wrote, as ``entries.list`` gives it.

Owns the shape of entries, the filter fields and the order. It reads the process logs where they are and
keeps no copy. ``entries.write``, tailing and views are not here yet.
Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from argovx_lab.sandbox.google.errors import invalid
from argovx_lab.sandbox.google.fields import Fields, label, moment, ordered, text_match
from argovx_lab.sandbox.google.filters import Both, Call, Comparison, Expression, matches
from argovx_lab.sandbox.google.gateway import Call as Request
from argovx_lab.sandbox.google.gateway import Document, Handler
from argovx_lab.sandbox.google.jobs.records import Record, Records
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.paging import page

_SEVERITIES = (*("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"),)
_ORDERS = ("", "timestamp asc", "timestamp", "timestamp desc")
_FIELDS = Fields(
    kinds={
        "resource.type": "string",
        "resource.labels.job_id": "string",
        "resource.labels.task_name": "string",
        "resource.labels.project_id": "string",
        "logName": "string",
        "timestamp": "time",
        "severity": "rank",
        "insertId": "string",
        "jsonPayload.message": "string",
        "textPayload": "string",
        "labels": "labels",
    },
    aliases={"log_name": "logName", "insert_id": "insertId", "text_payload": "textPayload"},
)
#: One line of a process log. Source: the container runtimes' log format.
_LINE = re.compile(rb"(\S+) (stdout|stderr) ([FP]) (.*)", re.DOTALL)
#: A job's line that is JSON with these keys brings its own severity and text.
_MESSAGE_KEYS = ("message", "msg")


class JobLogs:
    """The methods of Logging.

    Parameters
    ----------
    folder : Path
        Where the process folders are.
    """

    def __init__(self, records: Records, project: Project, folder: Path) -> None:
        self._records = records
        self._project = project
        self._folder = folder

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        return {"/google.logging.v2.LoggingServiceV2/ListLogEntries": self.list}

    async def list(self, _: Request, message: Document) -> Document:
        """Return the matching entries."""
        for name in message.get("resource_names", []):
            if not re.fullmatch(r"projects/[^/]+", name):
                raise invalid(
                    f"The sandbox reads logs of projects only, not of '{name}'.", ["resource_names"]
                )
        if not message.get("resource_names"):
            raise invalid("resource_names must name at least one project.", ["resource_names"])
        order = " ".join(message.get("order_by", "").split())
        if order not in _ORDERS:
            raise invalid(
                f"Invalid order_by '{order}'; use 'timestamp asc' or 'timestamp desc'.", ["order_by"]
            )
        expression = _parse(message.get("filter", ""))
        found = [entry for entry in self._entries(expression) if matches(expression, entry, _leaf)]
        found.sort(key=lambda entry: (entry["timestamp"], entry["insert_id"]), reverse=order.endswith("desc"))
        # pages know items by their name; an entry's is its insert id
        named = [{**entry, "name": entry["insert_id"]} for entry in found]
        chosen, token = page(named, message, default=50)
        entries = [{k: v for k, v in entry.items() if k != "name"} for entry in chosen]
        return {"entries": entries, "next_page_token": token}

    def _entries(self, expression: Expression | None) -> Iterator[Record]:
        wanted = _job_ids(expression)
        ids = wanted if wanted is not None else [index["job_id"] for index in self._records.log_indexes()]
        for job_id in dict.fromkeys(ids):
            for n, line in enumerate(self._records.said(job_id)):
                payload = {"message": line["message"], "levelname": line["severity"]}
                yield self._entry(job_id, "service", f"s{n:08d}", line["at"], line["severity"], payload)
            for task, folder in (self._records.log_index(job_id) or {"tasks": {}})["tasks"].items():
                yield from self._lines(job_id, task, self._folder / folder / "log")

    def _lines(self, job_id: str, task: str, path: Path) -> Iterator[Record]:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        offset, held = 0, {b"stdout": b"", b"stderr": b""}
        for raw in whole.splitlines(keepends=True):
            parts = _LINE.fullmatch(raw)
            start, offset = offset, offset + len(raw)
            if parts is None:
                continue
            at, stream, tag, text = parts.groups()
            held[stream] += text.rstrip(b"\n") if tag == b"P" else text.removesuffix(b"\n")
            if tag == b"P" and offset < len(whole):
                continue
            line, held[stream] = held[stream].decode("utf-8", "replace"), b""
            severity, payload = parsed(line, "ERROR" if stream == b"stderr" else "INFO")
            yield self._entry(job_id, task, f"t{start:012d}", at.decode(), severity, payload)

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
            severity = own if own in _SEVERITIES else severity
            return severity, {**_finite(value), "message": text, "levelname": severity}
    return severity, {"message": line, "levelname": severity}


def _finite(value: Any) -> Any:
    """Return JSON without NaN and infinities, which protobuf's Struct cannot carry."""
    return json.loads(json.dumps(value), parse_constant=str)


def _parse(text: str) -> Expression | None:
    # two dashes begin a comment of the logging query language
    return _FIELDS.parse(re.sub(r"(?m)^\s*--.*$", "", text))


def _leaf(part: Comparison | Call, entry: Mapping[str, Any]) -> bool:
    assert isinstance(part, Comparison), "no functions were declared"
    name = _FIELDS.aliases.get(part.field, part.field)
    if part.op == "!=":
        return not any(_one(name, "=", value, entry) for value in part.values)
    return any(_one(name, part.op, value, entry) for value in part.values)


def _one(name: str, op: str, value: str, entry: Mapping[str, Any]) -> bool:
    if name == "timestamp":
        return ordered(moment(entry["timestamp"]), op, moment(value))
    if name == "severity":
        if value.upper() not in _SEVERITIES:
            raise invalid(f"Invalid filter: severity '{value}' does not exist.", ["filter"])
        return ordered(_SEVERITIES.index(entry["severity"]), op, _SEVERITIES.index(value.upper()))
    head, _, rest = name.partition(".")
    if head == "labels":
        return label(entry["labels"], rest.strip('"'), op, value)
    present = _text(name, entry)
    if op == ":":
        return value.lower() in present.lower()
    return text_match(present, value) if op == "=" else ordered(present, op, value)


def _text(name: str, entry: Mapping[str, Any]) -> str:
    found = {
        "resource.type": entry["resource"]["type"],
        "logName": entry["log_name"],
        "insertId": entry["insert_id"],
        "jsonPayload.message": entry["json_payload"]["message"],
        **{f"resource.labels.{key}": value for key, value in entry["resource"]["labels"].items()},
    }
    return str(found.get(name, ""))


def _job_ids(expression: Expression | None) -> list[str] | None:
    """Return the only job ids that can match, ``None`` when any can: most reads name them."""
    if isinstance(expression, Comparison):
        named = expression.field == "resource.labels.job_id" and expression.op == "="
        return list(expression.values) if named and not any("*" in v for v in expression.values) else None
    if isinstance(expression, Both):
        found = [_job_ids(item) for item in expression.items]
        if expression.every:
            return next((ids for ids in found if ids is not None), None)
        if all(ids is not None for ids in found):
            return [job_id for ids in found for job_id in ids or ()]
    return None
