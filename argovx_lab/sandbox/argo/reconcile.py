"""One workflow, what is around it and the time → its new status and what has to be done.

Pure and level-triggered: the same objects give the same answer, whenever and however often it is asked.
Source of behaviour: Argo Workflows 4.1.2, as the recordings in ``tests/conformance/argo`` show it.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from argovx_lab.errors import REMOTE_TEXT_MAX
from argovx_lab.sandbox.argo import finish, labels, podwork, progress, synchronization
from argovx_lab.sandbox.argo.actions import Action
from argovx_lab.sandbox.argo.errors import (
    GlobalsError,
    InvalidSpec,
    NodeError,
    ParallelismReached,
    TooManyNodes,
    Unsupported,
)
from argovx_lab.sandbox.argo.execute import Call, run
from argovx_lab.sandbox.argo.fields import check_spec
from argovx_lab.sandbox.argo.gotime import stamp
from argovx_lab.sandbox.argo.nodes import Nodes
from argovx_lab.sandbox.argo.operation import Operation, World
from argovx_lab.sandbox.argo.parameters import global_scope
from argovx_lab.sandbox.argo.templates import Templates, execution_spec
from argovx_lab.sandbox.argo.validate import validate

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: What reading an object of the wrong shape raises.
MALFORMED = (
    *(AttributeError, KeyError, IndexError, TypeError, ValueError),
    *(RecursionError, AssertionError, ArithmeticError),
)


@dataclass
class Outcome:
    """What a reconcile comes to.

    Parameters
    ----------
    workflow : dict
        The workflow with its new labels, annotations and status.
    actions : list of Action
        To be done before the status is written, in order.
    wake_at : datetime or None
        When to look again even if nothing changes.
    """

    workflow: Object
    actions: list[Action] = field(default_factory=list)
    wake_at: datetime | None = None


def reconcile(workflow: Mapping[str, Any], world: World) -> Outcome:
    """Move a workflow on as far as the world lets it."""
    new = copy.deepcopy(dict(workflow))
    status = new.setdefault("status", {}) or {}
    new["status"] = status
    try:
        if _label(new, labels.COMPLETED) == "true":
            return finish.after_completion(new, world)
        return _reconcile(_operation(new, world))
    except TooManyNodes as error:
        return broken(workflow, world.now, error.message)
    except MALFORMED as error:
        log.warning("workflow %s cannot be reconciled", workflow["metadata"]["name"], exc_info=error)
        said = f"{type(error).__name__}: {error}"[:REMOTE_TEXT_MAX]
        return broken(workflow, world.now, f"the workflow is malformed and cannot be run: {said}")


def _reconcile(op: Operation) -> Outcome:
    try:
        _start(op)
        _move(op)
    except Unsupported as error:
        finish.complete(op, "Error", error.message)
    except InvalidSpec as error:
        finish.complete(op, "Failed", f"invalid spec: {error.message}")
    except GlobalsError as error:
        finish.complete(op, "Failed", error.message)
    except NodeError as error:
        finish.complete(op, "Error", error.message)
    _write(op)
    return Outcome(op.workflow, op.actions, op.wake_at)


def broken(workflow: Mapping[str, Any], now: datetime, message: str) -> Outcome:
    """End a workflow that cannot even be read, as Argo does when an operation panics."""
    new = copy.deepcopy(dict(workflow))
    if not isinstance(new.get("status"), dict):
        new["status"] = {}
    new["status"].update({"phase": "Error", "message": message, "finishedAt": stamp(now)})
    for name in ("labels", "annotations"):
        if not isinstance(new["metadata"].get(name), dict):
            new["metadata"][name] = {}
    new["metadata"]["labels"].update({labels.COMPLETED: "true", labels.PHASE: "Error"})
    return Outcome(new)


def _operation(new: Object, world: World) -> Operation:
    status, meta = new["status"], new["metadata"]
    nodes = Nodes(meta["name"], status.setdefault("nodes", {}), world.now)
    spec = execution_spec(new["spec"], status.get("storedWorkflowTemplateSpec"))
    stored = status.setdefault("storedTemplates", {})
    templates = Templates(_local(new), spec, world.library, stored)
    return Operation(new, spec, world, nodes, templates, {})


def _local(workflow: Mapping[str, Any]) -> str:
    """Return the name of the local scope; a workflow that runs a template's spec has none."""
    reference = workflow["spec"].get("workflowTemplateRef")
    return "" if reference else str(workflow["metadata"]["name"])


def _start(op: Operation) -> None:
    """Begin a workflow that has no phase yet: freeze its template's spec, refuse, validate."""
    if op.status.get("phase") in (None, "", "Pending"):
        if not op.status.get("phase"):
            _store_template_spec(op)
        check_spec(op.spec)
        meta = op.spec.get("workflowMetadata") or {}
        for kind in ("labels", "annotations"):
            if meta.get(kind):
                op.workflow["metadata"].setdefault(kind, {}).update(meta[kind])
        annotations = op.workflow["metadata"].setdefault("annotations", {})
        annotations.setdefault(labels.POD_NAME_FORMAT, "v2")
        if not op.status.get("startedAt"):
            op.status["startedAt"] = stamp(op.world.now)
            op.status["finishedAt"] = None
        if not op.status["nodes"]:
            validate(op.workflow, op.spec, Templates(_local(op.workflow), op.spec, op.world.library, {}))
    waiting = synchronization.acquire_workflow(op)
    if waiting:
        op.status.update({"phase": "Pending", "message": waiting})
    elif op.status.get("phase") != "Running":
        op.status["phase"] = "Running"
        op.status.pop("message", None)
    op.globals.update(global_scope(op.workflow, op.spec, op.world.now, op.world.configs))
    op.globals["workflow.status"] = op.status["phase"]


def _store_template_spec(op: Operation) -> None:
    reference = op.workflow["spec"].get("workflowTemplateRef")
    if not reference:
        return
    scope = "cluster" if reference.get("clusterScope") else "namespaced"
    holder = op.world.library.get((scope, reference["name"]))
    if holder is None:
        plural = "clusterworkflowtemplates" if scope == "cluster" else "workflowtemplates"
        raise NodeError(f'{plural}.argoproj.io "{reference["name"]}" not found')
    op.status["storedWorkflowTemplateSpec"] = copy.deepcopy(dict(holder["spec"]))
    label = labels.CLUSTER_WORKFLOW_TEMPLATE if scope == "cluster" else labels.WORKFLOW_TEMPLATE
    op.workflow["metadata"].setdefault("labels", {})[label] = reference["name"]
    op.spec = execution_spec(op.workflow["spec"], op.status["storedWorkflowTemplateSpec"])
    if op.workflow["spec"].get("templates"):
        why = "Templates is invalid field in spec if workflow referred WorkflowTemplate reference"
        raise InvalidSpec(why)
    op.templates = Templates("", op.spec, op.world.library, op.status["storedTemplates"])


def _move(op: Operation) -> None:
    podwork.reconcile(op)
    if op.status["phase"] == "Pending" and not op.shutdown:
        return
    if op.status["phase"] == "Pending":
        finish.complete(op, "Failed", f"Stopped with strategy '{op.shutdown}'")
        return
    if op.workflow["spec"].get("suspend") and not op.shutdown and not op.past_deadline():
        return
    entry = Call(op.name, {"template": op.spec["entrypoint"]}, op.templates.local, _arguments(op))
    try:
        run(op, entry)
    except ParallelismReached:
        pass
    except NodeError as error:
        finish.complete(op, "Error", f"error in entry template execution: {error.message}")
        return
    finish.conclude(op)


def _arguments(op: Operation) -> Object:
    return dict(op.spec.get("arguments") or {})


def _write(op: Operation) -> None:
    meta, status = op.workflow["metadata"], op.status
    for node in op.nodes:
        if node.get("finishedAt"):
            synchronization.release(op, node)
    status["progress"] = progress.update(op.nodes)
    meta.setdefault("labels", {})[labels.PHASE] = status.get("phase") or "Running"
    podwork.condition(op)
    if _label(op.workflow, labels.COMPLETED) == "true":
        op.world.locks.release_all(f"{op.namespace}/{op.name}/")
        op.world.locks.release(f"{op.namespace}/{op.name}")
    synchronization.write_status(op)
    for name in ("nodes", "storedTemplates"):
        if not status.get(name):
            status.pop(name, None)
    done = {n["id"]: n["taskResultSynced"] for n in op.nodes if n.get("taskResultSynced") is not None}
    if done:
        status["taskResultsCompletionStatus"] = done


def _label(workflow: Mapping[str, Any], name: str) -> str:
    return str((workflow["metadata"].get("labels") or {}).get(name) or "")
