"""Nodes that are pods: when their pod is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from argovx_lab.model.names import pod_name
from argovx_lab.sandbox.argo.actions import CreatePod
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.gotime import parse_duration
from argovx_lab.sandbox.argo.nodes import FAILED, PENDING, Node
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.podspec import PodFacts, build, with_pod_tags
from argovx_lab.sandbox.argo.tags import substitute
from argovx_lab.sandbox.argo.templates import Template

if TYPE_CHECKING:
    from argovx_lab.sandbox.argo.execute import Call

#: Parts of the workflow's spec that go into every pod, with their tags replaced.
_SHARED = ("volumes", "podSpecPatch", "podMetadata", "securityContext", "serviceAccountName")


def run_pod(op: Operation, call: Call, template: Template, node: Node) -> Node:
    """Ask for the pod of a node that has none; everything else about it comes from its status."""
    if node["phase"] != PENDING or node["id"] in op.world.pods:
        return node
    if not op.may_run(on_exit=call.on_exit):
        return op.nodes.mark(node, FAILED, f"workflow shutdown with strategy:  {op.shutdown}")
    node.pop("message", None)
    scope = _scope(op, call, template)
    pod_template = with_pod_tags(template, scope)
    pod_template.setdefault("name", template.get("name", ""))
    shared = {k: substitute(op.spec[k], scope) for k in _SHARED if op.spec.get(k)}
    facts = PodFacts(
        workflow=op.workflow,
        spec={**op.spec, **shared},
        node_id=node["id"],
        node_name=node["name"],
        template_name=_template_name(call, template),
        result=call.keep_result,
        deadline_s=_deadline(pod_template),
        deadline=_executor_deadline(op, call),
        on_exit=call.on_exit,
    )
    pod = build(pod_template, facts)
    op.actions.append(CreatePod(node["id"], pod))
    return node


def _template_name(call: Call, template: Template) -> str:
    reference = call.caller.get("templateRef") or {}
    return str(call.caller.get("template") or reference.get("template") or template.get("name") or "")


def _scope(op: Operation, call: Call, template: Template) -> dict[str, Any]:
    name = pod_name(op.name, call.name, _template_name(call, template))
    return {**op.globals, **call.local, "pod.name": name, "node.name": call.name}


def _executor_deadline(op: Operation, call: Call) -> datetime | None:
    """Return when the executor is to end the pod: the workflow's deadline or the call's, the earlier one."""
    own = None if call.on_exit else op.deadline
    return min((d for d in (own, call.deadline) if d is not None), default=None)


def _deadline(template: Template) -> int | None:
    """Return the pod's deadline, the lesser of the template's two; the engine itself ends a late workflow."""
    found: list[float] = []
    own = template.get("activeDeadlineSeconds")
    if own is not None:
        try:
            found.append(float(own))
        except ValueError:
            raise NodeError(f"activeDeadlineSeconds '{own}' is no number of seconds") from None
    if template.get("timeout"):
        try:
            found.append(parse_duration(template["timeout"]))
        except NodeError as error:
            raise NodeError(f"invalid timeout format {error.message}") from None
    return int(min(found)) if found else None
