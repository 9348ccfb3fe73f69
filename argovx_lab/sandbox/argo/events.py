"""Events of workflows and nodes, as Argo's controller records them for ``kubectl describe``.

Owns what is said and when: on a change of phase, once. An Event that cannot be written is no reason to
stop a workflow.
Source: Argo Workflows v4.1, ``recordWorkflowPhaseChange`` and ``recordNodePhaseEvent``.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from argovx_lab.sandbox.argo import labels
from argovx_lab.sandbox.argo.gotime import parse_time
from argovx_lab.sandbox.kubernetes.interface import EVENTS, ApiError, KubeClient

log = logging.getLogger(__name__)

Object = dict[str, Any]
COMPONENT = "workflow-controller"
_WORKFLOW = {
    "Running": ("Normal", "WorkflowRunning", "Workflow Running"),
    "Succeeded": ("Normal", "WorkflowSucceeded", "Workflow completed"),
    "Failed": ("Warning", "WorkflowFailed", ""),
    "Error": ("Warning", "WorkflowFailed", ""),
}
_NODE = {"Running": "Normal", "Succeeded": "Normal", "Failed": "Warning", "Error": "Warning"}
#: From the tenth message on, within ten minutes of the last, Events of one reason become one; so many reasons
#: are remembered. Source: client-go, ``events_cache.go``. Unit of the second: seconds.
_DISTINCT_MAX, _SIMILAR_S, _REMEMBERED = 10, 600, 4096
#: Longest message of an Event. Unit: characters. Source: Kubernetes' event recorder.
_MESSAGE_MAX = 1024


def changes(old: Object, new: Object, at: str) -> Iterator[Object]:
    """Yield the Events of what changed between two states of a workflow.

    Parameters
    ----------
    at : str
        RFC 3339 time of the change.
    """
    before, after = old.get("status") or {}, new.get("status") or {}
    phase = after.get("phase")
    if before.get("phase") in (None, "", "Pending") and phase not in (None, "", "Pending", "Running"):
        yield _event(new, *_WORKFLOW["Running"], at)
    if phase != before.get("phase") and phase in _WORKFLOW:
        kind, reason, text = _WORKFLOW[phase]
        yield _event(new, kind, reason, text or str(after.get("message") or ""), at)
    known = before.get("nodes") or {}
    for identity, node in (after.get("nodes") or {}).items():
        phase = node.get("phase")
        if phase not in _NODE or phase == (known.get(identity) or {}).get("phase"):
            continue
        text = f"{phase} node {node['name']}"
        if node.get("message"):
            text += f": {node['message']}"
        yield _event(new, _NODE[phase], f"WorkflowNode{phase}", text, at, node)


def _event(
    workflow: Object, kind: str, reason: str, message: str, at: str, node: Object | None = None
) -> Object:
    meta = workflow["metadata"]
    identity = node["id"] if node else meta["name"]
    mark = hashlib.sha256(f"{meta.get('uid')} {identity} {reason} {at}".encode()).hexdigest()[:16]
    involved = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "name": meta["name"],
        "namespace": meta.get("namespace", ""),
        "uid": meta.get("uid", ""),
    }
    own: Object = {"name": f"{meta['name']}.{mark}", "namespace": meta.get("namespace", "")}
    if node:
        own["annotations"] = {labels.NODE_NAME: node["name"], labels.NODE_TYPE: node["type"]}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": own,
        "involvedObject": involved,
        "type": kind,
        "reason": reason,
        "message": message[:_MESSAGE_MAX],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


class Recorder:
    """Writes Events; many that differ in their message alone become one that counts.

    So a loop of thousands does not write thousands of Events. What it remembers is lost with the process,
    as Kubernetes' own recorder's memory is.
    Source: client-go, ``tools/record``, ``EventAggregator`` with Argo's key.

    Parameters
    ----------
    client : KubeClient
        The only way to the API server.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._similar: OrderedDict[tuple[str, ...], _Similar] = OrderedDict()

    async def record(self, found: list[Object]) -> None:
        """Write Events; one that is refused is said in the log."""
        combined: dict[int, _Similar] = {}
        for event in found:
            similar = self._similar_to(event)
            similar.messages.add(event["message"])
            if len(similar.messages) < _DISTINCT_MAX:
                await self._create(event)
                continue
            similar.messages.pop()
            similar.take(event)
            combined[id(similar)] = similar
        for similar in combined.values():
            await self._count(similar)

    def _similar_to(self, event: Object) -> _Similar:
        key = (str(event["involvedObject"]["uid"]), event["type"], event["reason"])
        last = parse_time(event["lastTimestamp"])
        similar = self._similar.get(key)
        if similar is None or last is None or (last - similar.last).total_seconds() > _SIMILAR_S:
            similar = self._similar[key] = _Similar(last or datetime.now(UTC))
        self._similar.move_to_end(key)
        if len(self._similar) > _REMEMBERED:
            self._similar.popitem(last=False)
        similar.last = last or similar.last
        return similar

    async def _create(self, event: Object) -> None:
        try:
            await self._client.create(EVENTS, event, event["metadata"]["namespace"])
        except ApiError as error:
            if error.reason != "AlreadyExists":
                log.warning("event %s was not written: %s", event["metadata"]["name"], error.message)

    async def _count(self, similar: _Similar) -> None:
        """Write the one Event that stands for many."""
        event = similar.event
        if similar.written:
            meta = event["metadata"]
            patch = {name: event[name] for name in ("count", "message", "lastTimestamp")}
            try:
                await self._client.patch(EVENTS, meta["name"], patch, meta["namespace"])
                return
            except ApiError as error:
                if error.code != 404:
                    log.warning("event %s was not written: %s", meta["name"], error.message)
                    return
        similar.written = True
        await self._create(event)


@dataclass
class _Similar:
    """Events of one object, type and reason: their messages, and the Event that stands for later ones."""

    last: datetime
    messages: set[str] = field(default_factory=set)
    event: Object = field(default_factory=dict)
    written: bool = False

    def take(self, event: Object) -> None:
        """Count one more."""
        if not self.event:
            meta = {k: v for k, v in event["metadata"].items() if k != "annotations"}
            self.event = {**event, "metadata": meta, "count": 0}
        self.event["count"] += 1
        self.event["message"] = f"(combined from similar events): {event['message']}"[:_MESSAGE_MAX]
        self.event["lastTimestamp"] = event["lastTimestamp"]
