"""The part of Argo's executor in a pod: outputs and progress, through the WorkflowTaskResult alone.

Owns what the ``init`` and ``wait`` containers of a real pod do: stage the script, create the task
result, write raw artifacts, report progress, read output files when main has ended, report them. Refuses
output artifacts.
Source: pkg ``workflow/executor`` of Argo Workflows 4.1, and the recorded task results.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argovx_lab.errors import ArgovxError
from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes.interface import WORKFLOW_TASK_RESULTS, ApiError, Object
from argovx_lab.sandbox.pods.node import NODE_ID, WORKFLOW_LABEL, Node
from argovx_lab.sandbox.processes import ProcessGroup

log = logging.getLogger(__name__)

REPORTED = "workflows.argoproj.io/report-outputs-completed"
PROGRESS_FILE = "/var/run/argo/progress"
SCRIPT_VOLUME, ARTIFACT_VOLUME = "argo-staging", "input-artifacts"
#: Exit code of an executor that could not do its part.
FAILED = 64
#: What ``wait`` leaves as its termination message when it ended main at its deadline.
OVERDUE = "Step exceeded its deadline"
#: A container that is ended shows in its pod this much later: the engine, which ends a late workflow's steps
#: at the same moment, comes first. Kubelets look once a second. Unit: seconds.
_LATE_S = 0.5
#: Longest single wait: an event loop's timers do not reach beyond all calendars. Unit: seconds.
_LONGEST_S = 86400.0
_PROGRESS = re.compile(r"(\d{1,18})/(\d{1,18})\Z")


class ExecutorError(ArgovxError):
    """The wait container failed; the message is its termination message."""


class Executor:
    """Init and wait of one pod.

    Parameters
    ----------
    folder : Path
        Where the log of ``wait`` is kept.

    Attributes
    ----------
    deadline : datetime or None
        When main must end: ``ARGO_DEADLINE`` of the ``wait`` container.
    expired : bool
        Main was ended because of it.
    """

    def __init__(self, node: Node, pod: Object, folder: Path) -> None:
        self._node, self._pod, self._folder = node, pod, folder
        meta = pod["metadata"]
        self._namespace = meta["namespace"]
        self._name = (meta.get("annotations") or {}).get(NODE_ID) or meta["name"]
        self.template = _template(pod)
        self.deadline = _deadline(pod)
        self.expired = False

    def stage(self, volume: Path) -> None:
        """Write the script where the main container looks for it: ``/argo/staging/script``."""
        source = (self.template.get("script") or {}).get("source")
        if source is not None:
            volume.mkdir(parents=True, exist_ok=True)
            (volume / "script").write_text(source)
            (volume / "script").chmod(0o755)

    def load(self, volume: Path) -> None:
        """Write the input artifacts where the main container's mounts find them, one file each."""
        for artifact in (self.template.get("inputs") or {}).get("artifacts") or []:
            if artifact.get("raw") is None:
                continue
            volume.mkdir(parents=True, exist_ok=True)
            place = volume / str(artifact["name"])
            if place.is_dir():  # a mount of it was looked at before
                place.rmdir()
            place.write_text(artifact["raw"]["data"])
            place.chmod(0o644 if artifact.get("mode") is None else int(artifact["mode"]) & 0o7777)

    async def begin(self) -> None:
        """Create the task result; one that is there already (a restarted pod) is taken over."""
        meta = self._pod["metadata"]
        owners = [o for o in meta.get("ownerReferences") or [] if o["kind"] == "Workflow"]
        labels = {WORKFLOW_LABEL: meta["labels"][WORKFLOW_LABEL], REPORTED: "false"}
        result: Object = {
            "apiVersion": WORKFLOW_TASK_RESULTS.api_version,
            "kind": WORKFLOW_TASK_RESULTS.kind,
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": labels,
                "ownerReferences": [{k: o[k] for k in ("apiVersion", "kind", "name", "uid")} for o in owners],
            },
        }
        try:
            await self._node.client.create(WORKFLOW_TASK_RESULTS, result, self._namespace)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            await self._patch({"metadata": {"labels": labels}})
        self.note(f"Starting Workflow Executor: node {self._name}")

    async def follow_progress(self, group: ProcessGroup, path: str) -> None:
        """Report ``N/M`` from the last line of the progress file when it changes; ends by cancellation."""
        place, seen, reported = group.host_path(path), (0, 0), ""
        while True:
            try:
                found = place.stat()
                if (found.st_mtime_ns, found.st_size) != seen:
                    seen = (found.st_mtime_ns, found.st_size)
                    text = read_progress(place)
                    if text and text != reported:
                        reported = text
                        await self._patch({"progress": text})
            except OSError:
                pass  # not written yet
            await asyncio.sleep(self._node.settings.progress_s)

    async def overdue(self) -> None:
        """Return when the deadline is over, with a word in the log; never without one."""
        if self.deadline is None:
            await asyncio.Event().wait()
            return
        late = self.deadline + timedelta(seconds=_LATE_S)
        while self._node.clock.now() < late:
            left = (late - self._node.clock.now()).total_seconds()
            await self._node.clock.pause(min(left, _LONGEST_S))
        self.expired = True
        self.note(OVERDUE)

    async def report(self, group: ProcessGroup | None, *, want_result: bool) -> None:
        """Read the outputs of a main container that has ended and report them; then say that this is all.

        Parameters
        ----------
        group : ProcessGroup or None
            ``None`` when the pod was deleted under main: outputs fall back to their defaults.

        Raises
        ------
        ExecutorError
            When an output file is missing without a default; what could be read is reported all the same.
        """
        outputs, problem = self._outputs(group)
        if want_result and group is not None:
            outputs["result"] = _without_newline(group.stdout_tail).decode(errors="replace")
        patch: Object = {"metadata": {"labels": {REPORTED: "true"}}}
        if outputs:
            patch["outputs"] = outputs
        try:
            await self._patch(patch)
        except ApiError as error:
            problem = problem or f"failed to report outputs: {error.message}"
            await self._patch({"metadata": {"labels": {REPORTED: "true"}}})
        if problem:
            self.note(problem)
            raise ExecutorError(problem)

    def note(self, text: str) -> None:
        """Add a line to the log of ``wait``."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = rfc3339(self._node.clock.now(), fraction=True)
        with (self._folder / "log").open("a") as file:
            file.write(f"{stamp} stderr F {text}\n")

    def _outputs(self, group: ProcessGroup | None) -> tuple[dict[str, Any], str]:
        declared = self.template.get("outputs") or {}
        problem = ""
        if declared.get("artifacts"):
            problem = "output artifacts are not emulated by the sandbox; use output parameters"
        parameters = []
        for parameter in declared.get("parameters") or []:
            origin = parameter.get("valueFrom") or {}
            if "path" not in origin:
                continue
            value = _read(group, origin["path"])
            if value is None and "default" not in origin:
                where = "/var/run/argo/outputs/parameters/" + origin["path"].lstrip("/")
                problem = problem or f"open {where}: no such file or directory"
                parameters.append(dict(parameter))  # named all the same, without a value
                continue
            value = str(origin["default"]) if value is None else value
            self.note(f"output parameter {parameter['name']}: {len(value)} characters")
            parameters.append({**parameter, "value": value})
        return ({"parameters": parameters} if parameters else {}), problem

    async def _patch(self, patch: Object) -> None:
        try:
            await self._node.client.patch(WORKFLOW_TASK_RESULTS, self._name, patch, self._namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            self.note("the task result is gone; nothing to report to")


def read_progress(path: Path) -> str:
    """Return the last line of a progress file when it is ``N/M`` with N ≤ M; else nothing."""
    lines = path.read_text(errors="replace").strip().splitlines()
    match = _PROGRESS.match(lines[-1].strip()) if lines else None
    return match[0] if match and int(match[1]) <= int(match[2]) and int(match[2]) > 0 else ""


def _read(group: ProcessGroup | None, path: str) -> str | None:
    if group is None:
        return None
    try:
        return _without_newline(group.host_path(path).read_bytes()).decode(errors="replace")
    except OSError:
        return None


def _without_newline(data: bytes) -> bytes:
    return data[:-1] if data.endswith(b"\n") else data


def _deadline(pod: Object) -> datetime | None:
    """Return when the executor must end main; ``None`` for Go's zero time or what is no time."""
    for container in pod["spec"]["containers"]:
        if container["name"] == "wait":
            for entry in container.get("env") or []:
                if entry["name"] == "ARGO_DEADLINE":
                    with contextlib.suppress(ValueError):
                        found = datetime.fromisoformat(str(entry.get("value") or ""))
                        return found if found.tzinfo and found.year > 1 else None
    return None


def _template(pod: Object) -> dict[str, Any]:
    """Return the template that the controller gave to the ``init`` container."""
    for container in pod["spec"].get("initContainers") or []:
        for entry in container.get("env") or []:
            if entry["name"] == "ARGO_TEMPLATE" and entry.get("value"):
                template: dict[str, Any] = json.loads(entry["value"])
                return template
    return {}
