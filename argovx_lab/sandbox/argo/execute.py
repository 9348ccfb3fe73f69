"""From a reference to a node: resolve the template, fill its inputs, take locks, retry, then run its kind.

This is the recursive heart; ``dag.py`` and ``steps.py`` call back into :func:`run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from argovx_lab.sandbox.argo import dag, retry, steps, suspend
from argovx_lab.sandbox.argo.containers import run_pod
from argovx_lab.sandbox.argo.errors import NodeError, ParallelismReached
from argovx_lab.sandbox.argo.fields import check_template
from argovx_lab.sandbox.argo.nodes import ERROR, PENDING, RUNNING, Node, is_final
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.parameters import Scope, input_scope, with_inputs
from argovx_lab.sandbox.argo.synchronization import acquire, release
from argovx_lab.sandbox.argo.tags import substitute
from argovx_lab.sandbox.argo.templates import NODE_TYPES, POD_KINDS, Context, Template, kind_of

#: How deep templates may nest: less than Argo's 100, because Python's stack has to bear it.
DEPTH_MAX = 60


@dataclass(frozen=True)
class Call:
    """One reference to a template and where its node will stand.

    Parameters
    ----------
    name : str
        The node's full name.
    caller : mapping
        Has ``template``, ``templateRef`` or ``inline``.
    flag : str
        ``retried``, ``hooked`` or empty.
    keep_result : bool
        Somebody reads the node's ``outputs.result``.
    local : mapping
        Names beyond globals and inputs: ``tasks.name`` or ``steps.name``.
    deadline : datetime or None
        When the executor ends the pod of this call; it does not go down into the tasks of a template.
    """

    name: str
    caller: Mapping[str, Any]
    context: Context
    arguments: Mapping[str, Any]
    boundary: str = ""
    on_exit: bool = False
    flag: str = ""
    keep_result: bool = False
    local: Mapping[str, Any] = field(default_factory=dict)
    deadline: datetime | None = None


def run(op: Operation, call: Call) -> Node | None:
    """Bring a node forward by one step and return it; ``None`` while it may not exist yet.

    Raises
    ------
    ParallelismReached
        When a limit forbids another node.
    NodeError
        When the node cannot go on and there was none to mark yet.
    """
    node = op.nodes.get(call.name)
    if node is not None and is_final(node):
        release(op, node)
        return node
    op.depth += 1
    try:
        if op.depth > DEPTH_MAX:
            raise NodeError(f"Maximum recursion depth exceeded: {DEPTH_MAX} templates inside one another")
        return _run(op, call, node)
    except ParallelismReached:
        raise
    except NodeError as error:
        return fail(op, call, error.message)
    finally:
        op.depth -= 1


def fail(op: Operation, call: Call, message: str) -> Node:
    """Make or mark the node of a call as Error, and raise so that its parent knows."""
    node = op.nodes.get(call.name)
    if node is None:
        node = op.nodes.init(
            call.name, "Skipped", ERROR, scope=str(call.context), caller=call.caller,
            boundary=call.boundary, message=message, flag=call.flag,
        )  # fmt: skip
    else:
        op.nodes.mark(node, ERROR, message)
        node.pop("taskResultSynced", None)
    raise NodeError(message)


def _run(op: Operation, call: Call, node: Node | None) -> Node | None:
    template, context = op.templates.resolve(call.caller, call.context)
    check_template(template, str(call.caller.get("template") or template.get("name") or "inline"))
    kind = kind_of(template)
    filled = with_inputs(template, call.arguments, op.globals, op.world.configs)
    template = _substituted(op, call, filled)
    check_parallelism(op, call, kind, node)
    if not acquire(op, call, template, node):
        return op.nodes.get(call.name)
    strategy = template.get("retryStrategy", op.spec.get("retryStrategy"))
    if strategy is None or (kind == "suspend" and "retryStrategy" not in template):
        return start(op, call, template, context)
    return retry.run(op, call, template, context, strategy)


def _substituted(op: Operation, call: Call, template: Template) -> Template:
    """Replace what can be known now; tags of retries, tasks, steps, items and pods stay."""
    scope: Scope = {**op.globals, **input_scope(template), **call.local, "node.name": call.name}
    return dict(substitute(template, scope, allow_unresolved=True))


def start(op: Operation, call: Call, template: Template, context: Context) -> Node | None:
    """Run a template as a node of its own kind, without looking at retries."""
    kind = kind_of(template)
    node = op.nodes.get(call.name)
    if node is not None and is_final(node):
        return node
    if node is None or node["phase"] == PENDING:
        node = _new_node(op, call, template, kind, node)
    if kind in POD_KINDS:
        return run_pod(op, call, template, node)
    if kind == "suspend":
        return suspend.run(op, template, node)
    limit = template.get("parallelism")
    if limit is not None:
        op.limits[node["id"]] = int(limit)
    if kind == "dag":
        return dag.run(op, call, template, context, node)
    return steps.run(op, call, template, context, node)


def _new_node(op: Operation, call: Call, template: Template, kind: str, node: Node | None) -> Node:
    if node is not None and kind in POD_KINDS:
        return node
    phase = PENDING if kind in POD_KINDS else RUNNING
    if node is not None:  # it waited for a lock: groups stay Pending until they are over, as Argo has it
        return op.nodes.mark(node, RUNNING if kind == "suspend" else node["phase"], "")
    return op.nodes.init(
        call.name, NODE_TYPES[kind], phase, scope=str(call.context), caller=call.caller,
        boundary=call.boundary, flag=call.flag, inputs=template.get("inputs"), display=display(template),
    )  # fmt: skip


def display(template: Mapping[str, Any]) -> str:
    """Return the display name that a template's annotation asks for; empty without one."""
    annotations = template.get("annotations") or {}
    return str(annotations.get("workflows.argoproj.io/display-name") or "")


def check_parallelism(op: Operation, call: Call, kind: str, node: Node | None) -> None:
    """Raise when the workflow's or the boundary template's ``parallelism`` is used up.

    Raises
    ------
    ParallelismReached
        The node may not exist yet.
    """
    if node is not None and not (node["phase"] == PENDING and node["id"] not in op.world.pods):
        return
    limit = op.spec.get("parallelism")
    if limit is not None and kind in POD_KINDS and op.count_active() - _own(node) >= int(limit):
        raise ParallelismReached("Max parallelism reached")
    inside = op.limits.get(call.boundary)
    if inside is not None and _siblings(op, call.boundary) - _own(node) >= inside:
        raise ParallelismReached("Max parallelism reached")


def _own(node: Node | None) -> int:
    waiting = ((node or {}).get("synchronizationStatus") or {}).get("waiting")
    return 1 if node is not None and node["type"] == "Pod" and not waiting else 0


def _siblings(op: Operation, boundary: str) -> int:
    return sum(
        1
        for n in op.nodes.by_id.values()
        if n.get("boundaryID") == boundary
        and n["phase"] in (PENDING, RUNNING)
        and n["type"] in ("Pod", "Steps", "DAG", "Suspend")
    )


def attempt(call: Call, name: str, deadline: datetime | None) -> Call:
    """Return the call of one attempt of a retried node."""
    flag = f"{call.flag} retried" if call.flag == "hooked" else "retried"
    return replace(call, name=name, flag=flag, deadline=deadline)
