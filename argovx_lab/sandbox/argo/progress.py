"""Progress ``n/m`` of nodes and of the workflow: the sum over everything that runs below.

Source: Argo Workflows v4.1, recordings: attempts that failed count, a node that several parents share
counts once in each of them.
"""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.argo.nodes import EXECUTABLE, FINAL, SUCCEEDED, Nodes

Pair = tuple[int, int]


def parse(text: Any) -> Pair | None:
    """Return ``(n, m)`` of ``"n/m"`` with 0 ≤ n ≤ m; ``None`` for anything else."""
    parts = str(text or "").split("/")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() for p in parts):
        return None
    done, total = int(parts[0]), int(parts[1])
    return (done, total) if done <= total and total > 0 else None


def own(node: dict[str, Any]) -> Pair:
    """Return what a node counts for itself; a node that succeeded counts in full."""
    done, total = parse(node.get("progress")) or (0, 1)
    return (total, total) if node["phase"] == SUCCEEDED else (done, total)


def update(nodes: Nodes) -> str:
    """Write every node's progress and return the workflow's."""
    for node in nodes:
        if node["type"] in EXECUTABLE:
            done, total = own(node)
            node["progress"] = f"{done}/{total}"
    reach = _Reach(nodes)
    for node in nodes:
        if node["type"] not in EXECUTABLE:
            done, total = reach.sum(node)
            if total:
                node["progress"] = f"{done}/{total}"
    pairs = [own(n) for n in nodes if n["type"] in EXECUTABLE]
    return f"{sum(p[0] for p in pairs)}/{sum(p[1] for p in pairs)}"


class _Reach:
    """Sums over all nodes below one; finished parts are summed by walking, each node once."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def sum(self, node: dict[str, Any]) -> Pair:
        """Return the sum over the executable nodes reachable from ``node``."""
        seen: set[str] = set()
        stack = list(node.get("children") or [])
        done = total = 0
        while stack:
            identity = stack.pop()
            child = self._nodes.by_id.get(identity)
            if identity in seen or child is None:
                continue
            seen.add(identity)
            stack.extend(child.get("children") or [])
            if child["type"] in EXECUTABLE:
                pair = own(child)
                done, total = done + pair[0], total + pair[1]
        return done, total


def finished(node: dict[str, Any]) -> bool:
    """Tell whether a node's progress can no longer move by itself."""
    return node["phase"] in FINAL
