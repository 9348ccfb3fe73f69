"""From pods and task results to their nodes; shutdown and deadline of what runs; pods that vanished.

Source: recordings stop-*, terminate-*, deadline-*, pod-deleted, contract/e-ok-evict.
"""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.argo import labels, outputs
from argovx_lab.sandbox.argo.actions import DeletePod, KillPod, LabelPod
from argovx_lab.sandbox.argo.nodes import ERROR, FAILED, FINAL, PENDING, RUNNING, Node
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.podstatus import exit_code, phase_of, reported, take_result

#: How often a pod that somebody deleted is brought back. Source: Argo 4.1, ``FAILED_POD_RESTART_MAX``.
RESTARTS_MAX = 3
#: Kubernetes' own grace period. Unit: seconds.
GRACE_S = 30


def reconcile(op: Operation) -> None:
    """Bring all Pod nodes up to date, and end what a shutdown or deadline ends."""
    overdue = op.past_deadline()
    for node in op.nodes:
        if node["type"] == "Pod":
            _pod_node(op, node, overdue)
        elif node["type"] == "Suspend" and node["phase"] == RUNNING:
            _control_suspended(op, node, overdue)


def _pod_node(op: Operation, node: Node, overdue: bool) -> None:
    pod, result = op.world.pods.get(node["id"]), op.world.results.get(node["id"])
    if result is not None and not (node["phase"] in FINAL and node.get("taskResultSynced")):
        take_result(node, result)
    if node["phase"] in FINAL:
        _settle(op, node, pod)
        return
    if pod is None:
        _vanished(op, node, overdue)
        return
    _assess(op, node, pod)
    if node["phase"] not in FINAL:
        _control(op, node, pod, overdue)


def _assess(op: Operation, node: Node, pod: dict[str, Any]) -> None:
    phase, message = phase_of(pod)
    if pod["spec"].get("nodeName"):
        node["hostNodeName"] = pod["spec"]["nodeName"]
    if phase == FAILED and pod["metadata"].get("deletionTimestamp"):
        return  # somebody deletes it: what becomes of the node is decided when it is gone
    if phase not in FINAL:
        if phase == RUNNING or node["phase"] == PENDING:
            op.nodes.mark(node, phase, message)
        return
    result = op.world.results.get(node["id"])
    if result is not None and not reported(result):
        return
    node["taskResultSynced"] = True
    code = exit_code(pod)
    if code is not None:
        node.setdefault("outputs", {})["exitCode"] = code
    op.nodes.mark(node, phase, message)
    outputs.add_globals(op, node)
    op.actions.append(LabelPod(pod["metadata"]["name"], {labels.COMPLETED: "true"}))


def _settle(op: Operation, node: Node, pod: dict[str, Any] | None) -> None:
    """Wait for the last report of a node that was ended from outside its pod."""
    if node.get("taskResultSynced") is not False:
        return
    over = pod is None or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if (over and node["id"] not in op.world.results) or pod is None:
        node["taskResultSynced"] = True


def _control(op: Operation, node: Node, pod: dict[str, Any], overdue: bool) -> None:
    on_exit = labels.ON_EXIT in (pod["metadata"].get("labels") or {})
    if not op.may_run(on_exit=on_exit):
        _end(op, node, pod, f"workflow shutdown with strategy:  {op.shutdown}")
    elif overdue and not on_exit:
        _end(op, node, pod, "Step exceeded its deadline")


def _end(op: Operation, node: Node, pod: dict[str, Any], message: str) -> None:
    op.nodes.mark(node, FAILED, message)
    name = pod["metadata"]["name"]
    running = node["id"] in op.world.results or (pod.get("status") or {}).get("phase") == "Running"
    node["taskResultSynced"] = not running
    if running:
        grace = pod["spec"].get("terminationGracePeriodSeconds")
        op.actions.append(KillPod(name, GRACE_S if grace is None else int(grace)))
    else:
        op.actions.append(DeletePod(name))


def _control_suspended(op: Operation, node: Node, overdue: bool) -> None:
    if op.shutdown and not op.may_run(on_exit=False):
        op.nodes.mark(node, FAILED, f"Stopped with strategy '{op.shutdown}'")
    elif overdue:
        op.nodes.mark(node, FAILED, "Step exceeded its deadline")


def _vanished(op: Operation, node: Node, overdue: bool) -> None:
    """Decide on a node whose pod is not there."""
    if node["phase"] == PENDING:
        if (op.shutdown and not op.may_run(on_exit=_is_exit(node))) or (overdue and not _is_exit(node)):
            why = (
                "Step exceeded its deadline" if not op.shutdown else f"Stopped with strategy '{op.shutdown}'"
            )
            op.nodes.mark(node, FAILED, why)
            node.pop("synchronizationStatus", None)
        return
    restarts = int(node.get("failedPodRestarts") or 0)
    retried = (node.get("nodeFlag") or {}).get("retried")
    if retried or restarts >= RESTARTS_MAX or not op.may_run(on_exit=_is_exit(node)):
        node["taskResultSynced"] = True
        op.nodes.mark(node, ERROR, "pod deleted")
        return
    node["failedPodRestarts"] = restarts + 1
    node.pop("taskResultSynced", None)
    node.pop("outputs", None)
    op.nodes.mark(node, PENDING, "")


def _is_exit(node: Node) -> bool:
    return bool((node.get("nodeFlag") or {}).get("hooked")) and node["name"].endswith(".onExit")


def condition(op: Operation) -> None:
    """Keep the condition ``PodRunning``, once there has been a pod."""
    if not op.world.pods:
        return
    running = any((p.get("status") or {}).get("phase") == "Running" for p in op.world.pods.values())
    set_condition(op.status, "PodRunning", running)


def set_condition(status: dict[str, Any], kind: str, value: bool) -> None:
    """Set one of ``status.conditions``."""
    conditions = status.setdefault("conditions", [])
    entry = next((c for c in conditions if c["type"] == kind), None)
    if entry is None:
        entry = {"type": kind}
        conditions.append(entry)
    entry["status"] = "True" if value else "False"
