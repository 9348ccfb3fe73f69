"""How a workflow ends: its hooks and exit handler, its phase and message, what is cleaned up after.

Source: recordings exit-handler-*, workflow-hooks, stop-midway, terminate-midway, pod-gc, ttl.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argovx_lab.sandbox.argo import hooks, labels, tags
from argovx_lab.sandbox.argo.actions import DeletePod, DeleteWorkflow
from argovx_lab.sandbox.argo.errors import NodeError, ParallelismReached
from argovx_lab.sandbox.argo.execute import Call, run
from argovx_lab.sandbox.argo.expr import ExprError, evaluate_bool
from argovx_lab.sandbox.argo.gotime import parse_duration, parse_time, stamp
from argovx_lab.sandbox.argo.nodes import ERROR, FAILED, SKIPPED, SUCCEEDED, Node, is_bad, is_final
from argovx_lab.sandbox.argo.operation import Operation, World
from argovx_lab.sandbox.argo.podwork import set_condition

if TYPE_CHECKING:
    from argovx_lab.sandbox.argo.reconcile import Outcome

POD_GC_STRATEGIES = ("OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess")


def conclude(op: Operation) -> None:
    """Run the workflow's hooks, then its exit handler, and end it when all of that is over."""
    root = op.nodes.get(op.name)
    collect_pods(op)
    if root is None:
        return
    op.globals["workflow.status"] = root["phase"]
    hooks_over = _hooks(op, root)
    if root["phase"] not in (SUCCEEDED, SKIPPED, FAILED, ERROR) or not hooks_over:
        return
    last = _exit_handler(op, root)
    if last is None:
        return
    if not all(n.get("taskResultSynced") is not False and _over(op, n) for n in op.nodes):
        return
    if is_bad(root) and op.shutdown:
        message = f"Stopped with strategy '{op.shutdown}'"
    else:
        message = root.get("message", "")
    phase = SUCCEEDED if root["phase"] == SKIPPED else root["phase"]
    if phase == SUCCEEDED and last and is_bad(last):
        phase, message = last["phase"], last.get("message", "")
    complete(op, phase, "" if phase == SUCCEEDED else message)
    collect_pods(op)


def _over(op: Operation, node: Node) -> bool:
    """Tell whether a Retry node has been judged: Argo closes it one reconcile after its attempt."""
    if node["type"] != "Retry" or is_final(node):
        return True
    from argovx_lab.sandbox.argo import retry

    attempts = op.nodes.attempts(node)
    if attempts and is_final(attempts[-1]) and op.shutdown:
        retry.close(op, node)
    return is_final(node)


def _hooks(op: Operation, root: Node) -> bool:
    over = True
    for name, hook in hooks.others(op.spec).items():
        full = f"{op.name}.hooks.{name}"
        known = op.nodes.get(full)
        if known is None and not _fires(op, hook, name):
            continue
        found = _call(op, hook, full, on_exit=False)
        if found is not None:
            op.nodes.link(root, found)
        over = over and found is not None and is_final(found)
    return over


def _fires(op: Operation, hook: Mapping[str, Any], name: str) -> bool:
    if not op.may_run(on_exit=False):
        return False
    try:
        return evaluate_bool(str(hook.get("expression") or ""), tags.nested(op.globals))
    except ExprError as error:
        raise NodeError(f"failed to evaluate the expression of hook {name}: {error}") from None


def _exit_handler(op: Operation, root: Node) -> Node | None:
    """Return the final exit handler node, an empty one when there is none to run, ``None`` while it runs."""
    hook = hooks.exit_hook(op.spec)
    if hook is None or not op.may_run(on_exit=True):
        return {}
    op.globals["workflow.status"] = root["phase"]
    op.globals["workflow.failures"] = json.dumps(json.dumps(_failures(op), separators=(",", ":")))
    found = _call(op, hook, f"{op.name}.onExit", on_exit=True)
    return found if found is not None and is_final(found) else None


def _failures(op: Operation) -> list[dict[str, Any]]:
    return [
        {
            "displayName": n["displayName"],
            "message": n.get("message", ""),
            "templateName": n.get("templateName", ""),
            "phase": n["phase"],
            "podName": n["id"],
            "finishedAt": n.get("finishedAt"),
        }
        for n in op.nodes
        if n["type"] == "Pod" and is_bad(n)
    ]


def _call(op: Operation, hook: Mapping[str, Any], name: str, *, on_exit: bool) -> Node | None:
    known = op.nodes.get(name)
    if known is not None and is_final(known):
        return known
    arguments = tags.substitute(dict(hook.get("arguments") or {}), op.globals, allow_unresolved=True)
    try:
        return run(op, Call(name, hook, op.templates.local, arguments, on_exit=on_exit, flag="hooked"))
    except ParallelismReached:
        return None
    except NodeError:
        return op.nodes.get(name)


def complete(op: Operation, phase: str, message: str) -> None:
    """Give the workflow its final phase."""
    status = op.status
    status["phase"] = phase
    status["finishedAt"] = stamp(op.world.now)
    status.setdefault("startedAt", stamp(op.world.now))
    if message:
        status["message"] = message
    else:
        status.pop("message", None)
    set_condition(status, "Completed", True)
    op.workflow["metadata"].setdefault("labels", {})[labels.COMPLETED] = "true"
    op.wake_at = None
    _ttl_wake(op)


def _ttl_wake(op: Operation) -> None:
    due = _ttl_due(op.workflow, op.spec, op.world)
    if due is not None:
        op.wake(due)


def _ttl_due(workflow: Mapping[str, Any], spec: Mapping[str, Any], world: World) -> Any:
    strategy, status = spec.get("ttlStrategy") or {}, workflow["status"]
    key = "secondsAfterSuccess" if status.get("phase") == SUCCEEDED else "secondsAfterFailure"
    seconds = strategy.get(key, strategy.get("secondsAfterCompletion"))
    finished = parse_time(status.get("finishedAt"))
    if seconds is None or finished is None:
        return None
    from datetime import timedelta

    return finished + timedelta(seconds=float(seconds) / world.speed)


def after_completion(workflow: dict[str, Any], world: World) -> Outcome:
    """Look after a workflow that is over: delete it when its time to live has passed."""
    from argovx_lab.sandbox.argo.reconcile import Outcome
    from argovx_lab.sandbox.argo.templates import execution_spec

    spec = execution_spec(workflow["spec"], workflow["status"].get("storedWorkflowTemplateSpec"))
    due = _ttl_due(workflow, spec, world)
    if due is None:
        return Outcome(workflow)
    if world.now >= due:
        return Outcome(workflow, [DeleteWorkflow()])
    return Outcome(workflow, [], due)


def collect_pods(op: Operation) -> None:
    """Delete pods as ``podGC`` says."""
    rule = op.spec.get("podGC") or {}
    strategy = rule.get("strategy")
    if not strategy:
        return
    if strategy not in POD_GC_STRATEGIES:
        raise NodeError(f"podGC.strategy unknown strategy '{strategy}'")
    done = op.status.get("phase") if op.workflow["metadata"].get("labels", {}).get(labels.COMPLETED) else ""
    for node in op.nodes:
        pod = op.world.pods.get(node["id"])
        if pod is None or pod["metadata"].get("deletionTimestamp") or not is_final(node):
            continue
        if _collect(strategy, node, done) and _selected(rule, pod):
            delay = parse_duration(rule.get("deleteDelayDuration") or "0")
            due = op.after(parse_time(node.get("finishedAt")) or op.world.now, delay)
            if op.world.now >= due or delay <= 0:
                op.actions.append(DeletePod(pod["metadata"]["name"]))
            else:
                op.wake(due)


def _collect(strategy: str, node: Node, done: str | None) -> bool:
    return (
        strategy == "OnPodCompletion"
        or (strategy == "OnPodSuccess" and node["phase"] == SUCCEEDED)
        or (strategy == "OnWorkflowCompletion" and bool(done))
        or (strategy == "OnWorkflowSuccess" and done == SUCCEEDED)
    )


def _selected(rule: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    wanted = ((rule.get("labelSelector") or {}).get("matchLabels")) or {}
    found = pod["metadata"].get("labels") or {}
    return all(found.get(k) == v for k, v in wanted.items())
