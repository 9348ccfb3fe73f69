"""Where this process stands: its node, task, retry ordinal and the attempt key that follows from them.

Owns the reading of Argo's status for the launcher. Refuses to guess: without ``startedAt`` or its own node it
waits, and gives up by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.errors import InternalError, PolicyDenied
from argovx_lab.model import names
from argovx_lab.model.layout import Attempt, Layout
from argovx_lab.model.ours import leaves, nodes_of

_ORDINAL = re.compile(r"\((\d+)\)\Z")
_ENDED = frozenset({"Succeeded", "Failed", "Error"})


@dataclass(frozen=True)
class Place:
    """One attempt of one step.

    Parameters
    ----------
    task : str
        Node name without its retry suffix.
    ordinal : int
        Retry ordinal, from 0.
    started_at : str
        ``status.startedAt`` of the Workflow.
    """

    workflow: str
    uid: str
    namespace: str
    node: str
    task: str
    ordinal: int
    started_at: str
    run: str
    notebook: str

    def key(self, ordinal: int | None = None) -> str:
        """Return the attempt key of this attempt, or of an earlier one."""
        number = self.ordinal if ordinal is None else ordinal
        return names.attempt_key(self.uid, self.task, number, self.started_at)

    def attempt(self, layout: Layout, ordinal: int | None = None) -> Attempt:
        """Return the folder of this attempt, or of an earlier one."""
        number = self.ordinal if ordinal is None else ordinal
        return layout.attempt(self.uid, self.task, number, self.key(number))


def find(
    read: Callable[[], Mapping[str, Any] | None],
    node_id: str,
    ordinal: int,
    user: str,
    wait: Callable[[], bool],
) -> Place | None:
    """Read the Workflow until it says where this process stands; ``None`` when it is gone or being stopped.

    Parameters
    ----------
    read : callable
        Returns the Workflow, or ``None`` when it is gone.
    wait : callable
        Pauses a little; ``False`` when the time is up.

    Raises
    ------
    PolicyDenied
        When it is another user's.
    InternalError
        When the node does not appear.
    """
    while True:
        workflow = read()
        if workflow is None or is_stopped(workflow):
            return None
        owner = _labels(workflow).get(names.LABEL_USER, user)
        if owner != user:
            raise PolicyDenied(f"the Workflow is labelled for user {owner!r}, but the pod runs as {user!r}")
        place = _place(workflow, node_id, ordinal)
        if place is not None:
            return place
        if not wait():
            raise InternalError(
                f"node {node_id!r} or status.startedAt does not appear in the Workflow",
                hint="Argo's controller may be down.",
            )


def is_stopped(workflow: Mapping[str, Any]) -> bool:
    """Tell whether somebody stops the Workflow, or it has ended already."""
    status = workflow.get("status") or {}
    return bool((workflow.get("spec") or {}).get("shutdown")) or status.get("phase") in _ENDED


def _place(workflow: Mapping[str, Any], node_id: str, ordinal: int) -> Place | None:
    meta, status = workflow.get("metadata") or {}, workflow.get("status") or {}
    started_at = status.get("startedAt")
    node = _node_name(workflow, status, node_id, ordinal)
    if not started_at or not node:
        return None
    match = _ORDINAL.search(node)
    return Place(
        workflow=meta["name"],
        uid=meta["uid"],
        namespace=meta.get("namespace", ""),
        node=node,
        task=_ORDINAL.sub("", node),
        ordinal=int(match.group(1)) if match else ordinal,
        started_at=started_at,
        run=_labels(workflow).get(names.LABEL_RUN) or meta["name"],
        notebook=(meta.get("annotations") or {}).get(names.ANNOTATION_NOTEBOOK, ""),
    )


def _node_name(
    workflow: Mapping[str, Any], status: Mapping[str, Any], node_id: str, ordinal: int
) -> str | None:
    node = nodes_of(status).get(node_id)
    if node is not None:
        return str(node["name"])
    name = workflow["metadata"]["name"]
    for leaf in leaves(workflow.get("spec") or {}):  # the status may be offloaded; ids are hashes of names
        for candidate in (f"{name}.{leaf.path}({ordinal})", f"{name}.{leaf.path}"):
            if names.node_id(name, candidate) == node_id:
                return candidate
    return None


def _labels(workflow: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = (workflow.get("metadata") or {}).get("labels") or {}
    return labels
