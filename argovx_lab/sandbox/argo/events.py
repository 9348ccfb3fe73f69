"""Events of workflows and nodes, as Argo's controller records them for ``kubectl describe``.

Owns what is said and when: on a change of phase, once. An Event that cannot be written is no reason to
stop a workflow.
Source: Argo Workflows v4.1, ``recordWorkflowPhaseChange`` and ``recordNodePhaseEvent``.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Any

from argovx_lab.sandbox.argo import labels
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


async def record(client: KubeClient, found: list[Object]) -> None:
    """Write Events; one that is refused is said in the log."""
    for event in found:
        try:
            await client.create(EVENTS, event, event["metadata"]["namespace"])
        except ApiError as error:
            if error.reason != "AlreadyExists":
                log.warning("event %s was not written: %s", event["metadata"]["name"], error.message)
