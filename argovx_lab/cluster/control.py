"""Control verbs as Argo's own client writes them, through the Kubernetes API alone.

Owns the exact patches, and who and when in them: Argo's server labels what it is asked to do with the
actor, a Kubernetes client must do so itself. Source: Argo Workflows v4.1, ``util.TerminateWorkflow``,
``StopWorkflow`` and the labels of ``workflow/common/common.go``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from argovx_lab.errors import Conflict
from argovx_lab.model import names
from argovx_lab.model.principal import Principal


class Patcher(Protocol):
    """What control needs of a cluster."""

    def get_workflow(self, name: str) -> dict[str, Any] | None:
        """Return a Workflow, or ``None``."""

    def patch_workflow(self, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        """Merge-patch a Workflow."""


def stop(cluster: Patcher, name: str, by: Principal) -> None:
    """Stop a Workflow: running pods end, exit handlers run.

    Raises
    ------
    Conflict
        When it has ended already, or is not there.
    """
    _shutdown(cluster, name, "Stop", by)


def terminate(cluster: Patcher, name: str, by: Principal) -> None:
    """Terminate a Workflow: running pods end, exit handlers do not run."""
    _shutdown(cluster, name, "Terminate", by)


def suspend(cluster: Patcher, name: str, by: Principal) -> None:
    """Suspend a Workflow: running pods finish, nothing new starts.

    Raises
    ------
    Conflict
        When it has ended already, or is not there.
    """
    _open(cluster, name, "suspend")
    cluster.patch_workflow(name, {"spec": {"suspend": True}, "metadata": {"labels": _who("Suspend", by)}})


def resume(cluster: Patcher, name: str, by: Principal, *, node: str = "") -> None:
    """Resume a Workflow and its suspended nodes, or those with one display name.

    Parameters
    ----------
    node : str
        Display name; empty means every suspended node and the Workflow itself.

    Raises
    ------
    Conflict
        When nothing waits, or a node waits for a value that :func:`supply` has not given.
    """
    found = _open(cluster, name, "resume")
    waiting = _waiting(found, node)
    if not waiting and not (found.get("spec") or {}).get("suspend"):
        raise _refused(f"Workflow {name} has nothing to resume" + (f" named {node}" if node else ""))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    changes: dict[str, Any] = {}
    for identity, state in waiting.items():
        changes[identity] = {"phase": "Succeeded", "finishedAt": now}
        parameters = _filled(state)
        if parameters:
            changes[identity]["outputs"] = {**state["outputs"], "parameters": parameters}
    patch: dict[str, Any] = {"metadata": {"labels": _who("Resume", by), **_version(found)}}
    if not node:
        patch["spec"] = {"suspend": None}
    if changes:
        patch["status"] = {"nodes": changes}
    cluster.patch_workflow(name, patch)


def deny(cluster: Patcher, name: str, node: str, by: Principal) -> None:
    """Fail a suspended node: what waits for it does not run.

    Raises
    ------
    Conflict
        When no such node waits.
    """
    found = _open(cluster, name, "deny")
    waiting = _waiting(found, node)
    if not waiting:
        raise _refused(f"no suspended node of Workflow {name} is named {node}")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change = {"phase": "Failed", "finishedAt": now, "message": f"denied by {by.user}"}
    patch = {
        "metadata": {"labels": _who("Deny", by), **_version(found)},
        "status": {"nodes": dict.fromkeys(waiting, change)},
    }
    cluster.patch_workflow(name, patch)


def supply(cluster: Patcher, name: str, node: str, values: Mapping[str, str]) -> None:
    """Give a suspended node the values of its supplied output parameters; it goes on waiting.

    Raises
    ------
    Conflict
        When no such node waits, or it has no such parameter.
    """
    found = _open(cluster, name, "supply values to")
    waiting = _waiting(found, node)
    if not waiting:
        raise _refused(f"no suspended node of Workflow {name} is named {node}")
    changes = {}
    for identity, state in waiting.items():
        outputs = state.get("outputs") or {}
        listed = outputs.get("parameters") or []
        unknown = sorted(set(values) - {parameter["name"] for parameter in listed})
        if unknown:
            raise _refused(f"node {node} has no output parameter {', '.join(unknown)}")
        changes[identity] = {"outputs": {**outputs, "parameters": [_given(one, values) for one in listed]}}
    cluster.patch_workflow(name, {"metadata": _version(found), "status": {"nodes": changes}})


def _given(parameter: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    if parameter["name"] not in values:
        return dict(parameter)
    rest = {key: value for key, value in parameter.items() if key != "valueFrom"}
    return {**rest, "value": values[parameter["name"]]}


def _filled(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a node's output parameters with defaults for what nobody supplied; none when it needs none."""
    listed = (state.get("outputs") or {}).get("parameters") or []
    if all("supplied" not in (parameter.get("valueFrom") or {}) for parameter in listed):
        return []
    defaults = {}
    for parameter in listed:
        source = parameter.get("valueFrom") or {}
        if "supplied" in source and parameter.get("value") is None:
            if source.get("default") is None:
                raise _refused(
                    f"node {state['displayName']} waits for the value of {parameter['name']}: supply it"
                )
            defaults[parameter["name"]] = source["default"]
    return [_given(parameter, defaults) for parameter in listed]


def _waiting(workflow: Mapping[str, Any], display_name: str) -> dict[str, dict[str, Any]]:
    status = workflow.get("status") or {}
    if status.get("compressedNodes") or status.get("offloadNodeStatusVersion"):
        raise _refused(
            "the Workflow is so large that its nodes are compressed: resume it with Argo's own client"
        )
    return {
        identity: node
        for identity, node in (status.get("nodes") or {}).items()
        if node.get("type") == "Suspend"
        and node.get("phase") == "Running"
        and display_name in ("", node.get("displayName"))
    }


def _version(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a patch fail with a conflict when the Workflow has changed meanwhile."""
    version = workflow["metadata"].get("resourceVersion")
    return {"resourceVersion": version} if version else {}


def _open(cluster: Patcher, name: str, what: str) -> dict[str, Any]:
    """Return a Workflow that has not ended."""
    found = cluster.get_workflow(name)
    phase = ((found or {}).get("status") or {}).get("phase", "")
    if found is None or phase in ("Succeeded", "Failed", "Error"):
        state = "is not there" if found is None else f"has ended ({phase})"
        raise _refused(f"Workflow {name} {state}; there is nothing to {what}")
    return found


def _refused(why: str) -> Conflict:
    return Conflict(why, service="kubernetes", status=409)


def _shutdown(cluster: Patcher, name: str, strategy: str, by: Principal) -> None:
    _open(cluster, name, strategy.lower())
    cluster.patch_workflow(name, {"spec": {"shutdown": strategy}, "metadata": _said(strategy, by)})


def _said(strategy: str, by: Principal) -> dict[str, Any]:
    """Return the labels that Argo's server would write, and the time, which it does not write."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"labels": _who(strategy, by), "annotations": {names.ANNOTATION_SHUTDOWN_AT: now}}


def _who(action: str, by: Principal) -> dict[str, Any]:
    return {
        names.ARGO_ACTION: action,
        names.ARGO_ACTOR: _label(by.account),
        names.ARGO_ACTOR_NAME: _label(by.user),
        names.ARGO_ACTOR_EMAIL: None,  # a merge patch: nobody else's address stays beside our name
    }


def _label(text: str) -> str:
    """Return an identity as a label value: at most 63 characters, dashes for what a label cannot hold."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[-names.LABEL_MAX :].strip("-._")
