"""Mutexes and semaphores of templates and workflows: who must wait, and what the status says about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.nodes import PENDING, Node
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.tags import substitute
from argovx_lab.sandbox.argo.templates import NODE_TYPES, Template, kind_of

if TYPE_CHECKING:
    from argovx_lab.sandbox.argo.execute import Call


def wanted(op: Operation, synchronization: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the locks that a ``synchronization`` names, each with its size.

    Raises
    ------
    NodeError
        When a semaphore's ConfigMap or key is not there, or holds no number.
    """
    found: list[tuple[str, int]] = []
    entries = substitute(dict(synchronization), op.globals, allow_unresolved=True)
    for mutex in entries.get("mutexes") or []:
        found += [(f"{mutex.get('namespace') or op.namespace}/Mutex/{mutex['name']}", 1)]
    for semaphore in entries.get("semaphores") or []:
        reference = semaphore["configMapKeyRef"]
        name, key = reference["name"], reference["key"]
        value = op.world.configs.get((name, key))
        if value is None or not value.strip().isdigit():
            where = f"{semaphore.get('namespace') or op.namespace}/ConfigMap/{name}/{key}"
            raise NodeError(f"failed to initialize semaphore {where} with limit")
        found.append((f"{semaphore.get('namespace') or op.namespace}/ConfigMap/{name}/{key}", int(value)))
    return found


def acquire(op: Operation, call: Call, template: Template, node: Node | None) -> bool:
    """Take a template's locks for a node; without them it is Pending and says what it waits for."""
    if not template.get("synchronization"):
        return True
    if node is not None and (node["phase"] != PENDING or node["id"] in op.world.pods):
        return True
    from argovx_lab.model.names import node_id

    holder = f"{op.namespace}/{op.name}/{node_id(op.name, call.name)}"
    blocked = _first_blocked(op, wanted(op, template["synchronization"]), holder)
    if blocked is None:
        if node is not None:
            node.pop("synchronizationStatus", None)
            node.pop("message", None)
        return True
    if node is None:
        node = op.nodes.init(
            call.name, NODE_TYPES[kind_of(template)], PENDING, scope=str(call.context), caller=call.caller,
            boundary=call.boundary, flag=call.flag, inputs=template.get("inputs"),
        )  # fmt: skip
    name, limit = blocked
    node["synchronizationStatus"] = {"waiting": name}
    node["message"] = waiting_message(op, name, limit)
    return False


def waiting_message(op: Operation, name: str, limit: int) -> str:
    """Return Argo's words for a lock that is taken."""
    return f"Waiting for {name} lock. Lock status: {op.world.locks.free(name, limit)}/{limit}"


def _first_blocked(op: Operation, locks: list[tuple[str, int]], holder: str) -> tuple[str, int] | None:
    """Take all locks or none."""
    table = op.world.locks
    taken: list[str] = []
    for name, limit in locks:
        held = holder in table.holders.get(name, [])
        if not table.acquire(name, holder, limit):
            for other in taken:
                table.holders[other].remove(holder)
            return name, limit
        if not held:
            taken.append(name)
    return None


def release(op: Operation, node: Node) -> None:
    """Give back a finished node's locks."""
    if not op.world.locks.holders and not op.world.locks.waiting:
        return
    op.world.locks.release(f"{op.namespace}/{op.name}/{node['id']}")


def acquire_workflow(op: Operation) -> str:
    """Take the workflow's own locks; return the message of the one it waits for, or nothing."""
    synchronization = op.spec.get("synchronization")
    if not synchronization:
        return ""
    blocked = _first_blocked(op, wanted(op, synchronization), f"{op.namespace}/{op.name}")
    return waiting_message(op, *blocked) if blocked else ""


def write_status(op: Operation) -> None:
    """Write who holds and waits into ``status.synchronization``, from which a restart knows."""
    prefix = f"{op.namespace}/"
    held, waiting = op.world.locks.of(prefix + op.name)
    state: dict[str, Any] = {}
    for key, table in (("holding", held), ("waiting", waiting)):
        for name, holders in table.items():
            mine = [op.name + h for h in holders if h == "" or h.startswith("/")]
            if not mine:
                continue
            if "/Mutex/" in name:
                state.setdefault("mutex", {}).setdefault(key, []).append({"mutex": name, "holder": mine[0]})
            else:
                entry = {"semaphore": name, "holders": mine}
                state.setdefault("semaphore", {}).setdefault(key, []).append(entry)
    if state:
        op.status["synchronization"] = state
    else:
        op.status.pop("synchronization", None)
