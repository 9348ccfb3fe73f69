"""Everything that was said of an execution, from four speakers, in the order of time: pure.

Owns the join of Argo's times, the launcher's records, Vertex' times and the runner's lines. A speaker that
keeps no time for something does not get a line for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from argovx_lab.model.detail import StepEvent
from argovx_lab.runs.argo import Execution
from argovx_lab.runs.said import Said
from argovx_lab.runs.shapes import mapping, text, whole


@dataclass(frozen=True)
class Told:
    """What one attempt left in the bucket.

    Parameters
    ----------
    number : int
        Argo's attempt, from 1.
    records : dict
        The launcher's records that are there: ``intent``, ``created``, ``exit``.
    uri : str
        Where the runner writes: an attempt that adopted a job shares it with the older one.
    """

    number: int
    said: Said = ()
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    uri: str = ""


def events(execution: Execution, job: Mapping[str, Any], told: Iterable[Told]) -> tuple[StepEvent, ...]:
    """Return all lines of an execution; lines of the same time stay in the order of the speakers."""
    found = _argo(execution)
    runners: dict[str, Told] = {}
    for item in sorted(told, key=lambda item: item.number):
        found.extend(_launcher(item))
        first = runners.get(item.uri, item)  # one runner, whom the later attempt has heard to its end
        runners[item.uri] = replace(item, number=first.number)
    for item in runners.values():
        found.extend(replace(line, attempt=item.number) for line in item.said)
    found.extend(_vertex(job, execution.ordinal + 1))
    return tuple(sorted((line for line in found if line.at), key=_moment))


def of_job(job: Mapping[str, Any]) -> tuple[StepEvent, ...]:
    """Return what Vertex said of a job that belongs to no step."""
    return tuple(sorted((line for line in _vertex(job, 0) if line.at), key=_moment))


def _argo(execution: Execution) -> list[StepEvent]:
    by = f"submitted by {execution.user}" if execution.user else ""
    found = [
        StepEvent(execution.created_at, "argo", "created", _joined(f"Workflow {execution.workflow}", by)),
        StepEvent(execution.workflow_started_at, "argo", "started", f"Workflow {execution.workflow}"),
    ]
    for item in execution.tries:
        number = item.ordinal + 1
        pod = f"pod {item.pod}" if item.pod else ""
        found.append(StepEvent(item.started_at or "", "argo", "started", pod, number))
        found.append(StepEvent(item.finished_at or "", "argo", item.phase, item.message, number))
    if execution.asked is not None:
        by = f"by {execution.asked.by}" if execution.asked.by else ""
        found.append(
            StepEvent(execution.asked.at or "", "argo", "shutdown", _joined(execution.asked.how, by))
        )
    return found


def _launcher(told: Told) -> list[StepEvent]:
    intent, created, ended = (mapping(told.records.get(name)) for name in ("intent", "created", "exit"))
    folder = text(intent.get("prefix")).rstrip("/").rpartition("/")[2]
    code = f"exit code {whole(ended.get('code'))}" if "code" in ended else ""
    how = _joined(code, text(ended.get("reason")), text(ended.get("message")))
    lines = (
        (text(intent.get("created_at")), "claimed", f"folder {folder}" if folder else ""),
        (text(created.get("created_at")), "created", _last(text(created.get("job")))),
        (text(ended.get("at")), "ended", how),
    )
    return [StepEvent(at, "launcher", method, said, told.number) for at, method, said in lines]


def _vertex(job: Mapping[str, Any], number: int) -> list[StepEvent]:
    state, error = text(job.get("state")), text(mapping(job.get("error")).get("message"))
    lines = (
        (text(job.get("createTime")), "created", _last(text(job.get("name")))),
        (text(job.get("startTime")), "started", ""),
        (text(job.get("endTime")), state, error),
    )
    return [StepEvent(at, "vertex", method, said, number) for at, method, said in lines]


def _last(job: str) -> str:
    return f"custom job {job.rpartition('/')[2]}" if job else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _moment(line: StepEvent) -> datetime:
    try:
        found = datetime.fromisoformat(line.at)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
