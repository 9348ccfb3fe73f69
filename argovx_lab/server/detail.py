"""What a view asks for one step only, read when it is asked for: what was said of it, and its document.

Owns no state but earlier attempts, which have ended and change no more. Nothing here is polled.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from argovx_lab.errors import ArgovxError, NotFound
from argovx_lab.model.detail import StepDocument, StepEvents
from argovx_lab.model.layout import split_uri
from argovx_lab.model.names import LABEL_RUN
from argovx_lab.runs.argo import Execution, executions
from argovx_lab.runs.bucket import AttemptReader
from argovx_lab.runs.document import DOCUMENT_MAX, submitted, with_document
from argovx_lab.runs.shapes import mapping
from argovx_lab.runs.told import Told, events
from argovx_lab.wiring import ReadPath, Services

#: Earlier attempts that are kept. Unit: attempts.
KEPT_MAX = 128


class Detail:
    """Answers about single steps."""

    def __init__(self, services: Services, path: ReadPath) -> None:
        self._services = services
        self._path = path
        self._earlier: OrderedDict[tuple[str, str, int], Told] = OrderedDict()
        self._lock = threading.Lock()

    def events(self, run_id: str, step: str) -> StepEvents:
        """Return what was said of a step's newest execution.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        self._path.follower.look(run_id)
        if outside := self._path.follower.job_of(run_id):
            return outside.events(run_id, step)
        _, execution = self._newest(run_id, step)
        told, problem = [], ""
        for ordinal in range(execution.ordinal + 1):
            try:
                told.append(self._told(execution, ordinal))
            except ArgovxError as error:
                problem = error.message
        seen = self._path.asking.seen(execution)
        return StepEvents(execution.workflow, events(execution, seen.job, told), problem)

    def document(self, run_id: str, step: str) -> StepDocument:
        """Return a step's newest execution as it was submitted.

        Raises
        ------
        NotFound
            When there is no such run or step.
        """
        if outside := self._path.follower.job_of(run_id):
            return outside.document(run_id, step)
        workflow, execution = self._newest(run_id, step)
        found = submitted(workflow, execution.task)
        try:
            bucket, name = split_uri(found.arguments.get("spec", ""))
            data = self._services.objects.get(bucket, name, offset=0, length=DOCUMENT_MAX + 1)
        except ArgovxError as error:
            return replace(found, problem=f"the step document cannot be read: {error.message}")
        return with_document(found, data)

    def _newest(self, run_id: str, step: str) -> tuple[dict[str, Any], Execution]:
        found = [pair for pair in _of_run(self._path.reflector.objects, run_id) if pair[1].step == step]
        if not found:
            raise NotFound(f"run {run_id} has no step {step}", service="argovx", status=404)
        return max(found, key=lambda pair: (pair[1].created_at, pair[1].uid))

    def _told(self, execution: Execution, ordinal: int) -> Told:
        if ordinal == execution.ordinal:
            reader = self._path.asking.reader(execution)
            return _of(reader, ordinal) if reader else Told(ordinal + 1)
        key = (execution.uid, execution.task, ordinal)
        with self._lock:
            known = self._earlier.get(key)
        if known is None:
            known = self._read(replace(execution, ordinal=ordinal))
            with self._lock:
                self._earlier[key] = known
                while len(self._earlier) > KEPT_MAX:
                    self._earlier.popitem(last=False)
        return known

    def _read(self, execution: Execution) -> Told:
        """Read an attempt that has ended."""
        profile = self._services.profile
        attempt = execution.attempt(profile.bucket, profile.prefix)
        if attempt is None:
            return Told(execution.ordinal + 1)
        reader = AttemptReader(self._services.objects, attempt)
        reader.poll()
        return _of(reader, execution.ordinal)


def _of(reader: AttemptReader, ordinal: int) -> Told:
    return Told(ordinal + 1, reader.stream.said, reader.records(), reader.uri)


def _of_run(objects: Iterable[dict[str, Any]], run_id: str) -> list[tuple[dict[str, Any], Execution]]:
    return [
        (workflow, execution)
        for workflow in objects
        if mapping(mapping(workflow.get("metadata")).get("labels")).get(LABEL_RUN) == run_id
        for execution in executions(workflow)
    ]
