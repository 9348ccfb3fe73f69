"""The nodes of a workflow: names, types, phases, edges, progress, as Argo keeps them in ``status.nodes``.

Owns how a node is made and marked; refuses to decide when (``dag.py``, ``steps.py``, ``retry.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from argovx_lab.model.names import node_id
from argovx_lab.sandbox.argo.errors import TooManyNodes
from argovx_lab.sandbox.argo.gotime import stamp

Node = dict[str, Any]

PENDING, RUNNING, SUCCEEDED = "Pending", "Running", "Succeeded"
SKIPPED, FAILED, ERROR, OMITTED = "Skipped", "Failed", "Error", "Omitted"
FINAL = frozenset((SUCCEEDED, SKIPPED, FAILED, ERROR, OMITTED))
#: Nodes that do something themselves, so that progress counts them.
EXECUTABLE = frozenset(("Pod", "Suspend", "Container", "HTTP", "Plugin"))
#: Most nodes of one workflow, so that templates which call one another twice end; Argo is ended by its time
#: for an operation and by the size of an object. The longest loop with retries has 20,000.
NODES_MAX = 25_000
_GROUP_PREFIX = re.compile(r"^\[\d+\]\.")


def is_final(node: Mapping[str, Any]) -> bool:
    """Tell whether a node's phase cannot change by itself and its results are in."""
    return node["phase"] in FINAL and node.get("taskResultSynced") is not False


def is_completed(node: Mapping[str, Any]) -> bool:
    """Tell whether a node ran to an end, which Skipped and Omitted ones did not."""
    return is_final(node) and node["phase"] not in (SKIPPED, OMITTED)


def is_bad(node: Mapping[str, Any]) -> bool:
    """Tell whether a node is Failed or Error."""
    return node["phase"] in (FAILED, ERROR)


class Nodes:
    """A workflow's nodes by id.

    Parameters
    ----------
    workflow : str
        The workflow's name, from which ids are made.
    nodes : dict
        ``status.nodes``; changed in place.
    now : datetime
        The stamp of everything that is marked.
    """

    def __init__(self, workflow: str, nodes: dict[str, Node], now: datetime) -> None:
        self.workflow = workflow
        self.by_id = nodes
        self.now = now
        self._links: dict[str, set[str]] = {}

    def get(self, name: str) -> Node | None:
        """Return the node with a full name; ``None`` when there is none."""
        return self.by_id.get(node_id(self.workflow, name))

    def __iter__(self) -> Iterator[Node]:
        return iter(list(self.by_id.values()))

    def init(
        self,
        name: str,
        kind: str,
        phase: str,
        *,
        scope: str = "",
        caller: Mapping[str, Any] | None = None,
        boundary: str = "",
        message: str = "",
        flag: str = "",
        inputs: Mapping[str, Any] | None = None,
        display: str = "",
    ) -> Node:
        """Make a node.

        Parameters
        ----------
        caller : mapping, optional
            What refers to the template: has ``template`` or ``templateRef``, or ``inline``.
        flag : str
            ``retried``, ``hooked`` or both.

        Raises
        ------
        TooManyNodes
            When there are :data:`NODES_MAX` already.
        """
        if len(self.by_id) >= NODES_MAX:
            raise TooManyNodes(f"the workflow has more than {NODES_MAX} nodes: does a template call itself?")
        node: Node = {"id": node_id(self.workflow, name), "name": name, "type": kind, "phase": phase}
        node["displayName"] = display or self._display(name, boundary)
        if caller and caller.get("templateRef"):
            node["templateRef"] = dict(caller["templateRef"])
        elif caller and caller.get("template"):
            node["templateName"] = caller["template"]
        given = {"templateScope": scope, "boundaryID": boundary, "message": message}
        node.update({k: v for k, v in given.items() if v})
        node.update({"nodeFlag": dict.fromkeys(flag.split(), True)} if flag else {})
        given_in = {
            part: list((inputs or {})[part])
            for part in ("parameters", "artifacts")
            if (inputs or {}).get(part)
        }
        if given_in:
            node["inputs"] = given_in
        node["startedAt"] = stamp(self.now)
        node["finishedAt"] = stamp(self.now) if phase in FINAL else None
        if kind in EXECUTABLE:
            node["progress"] = "0/1"
        self.by_id[node["id"]] = node
        return node

    def _display(self, name: str, boundary: str) -> str:
        owner = self.by_id.get(boundary)
        if owner is None or not name.startswith(owner["name"]):
            return name
        rest = name[len(owner["name"]) :]
        return _GROUP_PREFIX.sub("", rest).removeprefix(".") or name

    def mark(self, node: Node, phase: str, message: str | None = None) -> Node:
        """Set a node's phase; ``message=None`` leaves the message as it is, ``""`` takes it away."""
        node["phase"] = phase
        if message:
            node["message"] = message
        elif message == "":
            node.pop("message", None)
        if phase not in FINAL:
            node["finishedAt"] = None
        elif not node.get("finishedAt"):
            node["finishedAt"] = stamp(self.now)
        return node

    def link(self, parent: Node, child: Node) -> None:
        """Make ``child`` follow ``parent``."""
        children = parent.setdefault("children", [])
        known = self._links.get(parent["id"])
        if known is None or len(known) != len(children):  # a loop's group has thousands
            known = self._links[parent["id"]] = set(children)
        if child["id"] not in known:
            children.append(child["id"])
            known.add(child["id"])

    def children(self, node: Mapping[str, Any]) -> list[Node]:
        """Return a node's children that exist."""
        return [self.by_id[i] for i in node.get("children") or [] if i in self.by_id]

    def attempts(self, node: Mapping[str, Any]) -> list[Node]:
        """Return the attempts of a Retry node in order."""
        start = f"{node['name']}("
        return [
            c
            for c in self.children(node)
            if (c.get("nodeFlag") or {}).get("retried") and c["name"].startswith(start)
        ]

    def members(self, node: Mapping[str, Any]) -> list[Node]:
        """Return a group's children without its hooks."""
        return [c for c in self.children(node) if not (c.get("nodeFlag") or {}).get("hooked")]

    def outbound(self, node: Mapping[str, Any]) -> list[str]:
        """Return the ids of the nodes on which a successor hangs."""
        kind = node["type"]
        if kind == "Retry":
            return list(node.get("children") or [node["id"]])[-1:]
        if kind == "TaskGroup":
            members = self.members(node)
            return [i for m in members for i in self.outbound(m)] if members else [node["id"]]
        if kind in ("Steps", "DAG"):
            found = [self.by_id[i] for i in node.get("outboundNodes") or [] if i in self.by_id]
            return [i for n in found for i in self.outbound(n)]
        return [node["id"]]
