"""The phase of a DAG out of the phases of its nodes.

Everything that was started must be final first. A target that was omitted or skipped takes over the
phase of its branch, Failed and Error before Succeeded; a target that failed fails the DAG unless its
task has ``continueOn``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo.nodes import (
    ERROR,
    FAILED,
    RUNNING,
    SUCCEEDED,
    Node,
    Nodes,
    is_bad,
    is_completed,
    is_final,
)

_BAD = (FAILED, ERROR)


def phase_of(
    nodes: Nodes, dag: Node, tasks: Mapping[str, Mapping[str, Any]], targets: list[str], fail_fast: bool
) -> str:
    """Return ``Running`` or the final phase of a DAG node."""
    inherited = _branches(nodes, dag)
    if inherited is None:
        return RUNNING
    result = SUCCEEDED
    for name in targets:
        node = nodes.get(f"{dag['name']}.{name}")
        if node is None:
            result = RUNNING
            if not fail_fast:
                break
            continue
        phase = node["phase"] if is_completed(node) else inherited.get(node["id"], SUCCEEDED)
        if is_bad(node) and _goes_on(tasks.get(name) or {}, node["phase"]):
            continue
        if phase in _BAD:
            result = phase
            if fail_fast:
                break
    return result


def _goes_on(task: Mapping[str, Any], phase: str) -> bool:
    rule = task.get("continueOn") or {}
    return bool(rule.get("failed") if phase == FAILED else rule.get("error"))


def _branches(nodes: Nodes, dag: Node) -> dict[str, str] | None:
    """Return node id → phase of the branch above it; ``None`` while something is not final."""
    found: dict[str, str] = {}
    queue = deque((identity, SUCCEEDED) for identity in dag.get("children") or [])
    seen: set[tuple[str, str]] = set()
    while queue:
        identity, branch = queue.popleft()
        node = nodes.by_id.get(identity)
        if node is None or (identity, branch) in seen:
            continue
        seen.add((identity, branch))
        if not is_final(node):
            return None
        if found.get(identity) not in _BAD:
            found[identity] = branch
        below = node["phase"] if is_completed(node) else branch
        children = node.get("children") or []
        if node["type"] == "Retry":
            attempts = nodes.attempts(node)
            children = (attempts[-1].get("children") or []) if attempts else []
            children = [
                *children,
                *(i for i in node.get("children") or [] if i not in {a["id"] for a in attempts}),
            ]
            if attempts and attempts[-1]["type"] in ("DAG", "Steps"):
                children = [
                    i for o in nodes.outbound(attempts[-1]) for i in nodes.by_id[o].get("children") or []
                ]
        elif node["type"] in ("DAG", "Steps"):
            children = [i for o in nodes.outbound(node) for i in nodes.by_id[o].get("children") or []]
        queue.extend((child, below) for child in children)
    return found
