"""What a pod's status means for its node: phase, message, exit code, outputs.

Source: recorded nodes and pods of Argo Workflows 4.1.2; a node is done when its pod has ended *and* its
WorkflowTaskResult says that everything was reported.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import labels
from argovx_lab.sandbox.argo.nodes import ERROR, FAILED, PENDING, RUNNING, SUCCEEDED
from argovx_lab.sandbox.argo.progress import parse

Object = dict[str, Any]


def reported(result: Mapping[str, Any] | None) -> bool:
    """Tell whether the executor has reported everything."""
    meta = (result or {}).get("metadata") or {}
    return bool((meta.get("labels") or {}).get(labels.REPORTED) == "true")


def take_result(node: Object, result: Mapping[str, Any]) -> None:
    """Copy outputs and progress of a task result into its node."""
    outputs = result.get("outputs") or {}
    if outputs:
        code = (node.get("outputs") or {}).get("exitCode")
        node["outputs"] = copy.deepcopy(dict(outputs))
        if code is not None:
            node["outputs"]["exitCode"] = code
    if parse(result.get("progress")):
        node["progress"] = result["progress"]
    node["taskResultSynced"] = reported(result)


def exit_code(pod: Mapping[str, Any]) -> str | None:
    """Return the main container's exit code as Argo keeps it; ``None`` before its end."""
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        terminated = (container.get("state") or {}).get("terminated")
        if container["name"] == "main" and terminated:
            return str(terminated.get("exitCode", 0))
    return None


def phase_of(pod: Mapping[str, Any]) -> tuple[str, str]:
    """Return the node phase and message that a pod's status stands for."""
    status = pod.get("status") or {}
    phase = status.get("phase") or PENDING
    if phase == "Running":
        return RUNNING, ""
    if phase == "Succeeded":
        return SUCCEEDED, ""
    if phase == "Failed":
        return _failure(status)
    return PENDING, _waiting_for(status)


def _waiting_for(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        if condition.get("reason") == "Unschedulable":
            return f"Unschedulable: {condition.get('message', '')}"
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or []:
            waiting = (container.get("state") or {}).get("waiting")
            if waiting:
                reason, message = waiting.get("reason", ""), waiting.get("message", "")
                if reason == "ContainerCreating" or (key.startswith("init") and not message):
                    continue
                return f"{reason}: {message}" if message else reason
    return ""


def _failure(status: Mapping[str, Any]) -> tuple[str, str]:
    if status.get("message"):
        return FAILED, str(status["message"])
    for container in status.get("initContainerStatuses") or []:
        code, text = _ended(container)
        if code:
            return (ERROR if container["name"] == "init" else FAILED), text
    found = {c["name"]: _ended(c) for c in status.get("containerStatuses") or []}
    if found.get("main", (0, ""))[0]:
        return FAILED, found["main"][1]
    if found.get("wait", (0, ""))[0]:
        return ERROR, found["wait"][1]
    if status.get("reason"):
        return FAILED, str(status["reason"])
    return (SUCCEEDED, "") if found else (FAILED, "pod failed for an unknown reason")


def _ended(container: Mapping[str, Any]) -> tuple[int, str]:
    terminated = (container.get("state") or {}).get("terminated")
    if not terminated:
        return 0, ""
    code = int(terminated.get("exitCode", 0))
    text = f"{container['name']}: {terminated.get('reason') or 'Error'} (exit code {code})"
    message = str(terminated.get("message") or "").strip()
    return code, f"{text}: {message}" if message else text
