"""Ends one step: its Workflow where it is alone in it, else only what is its own.

Owns the choice. A step of a larger Workflow ends by its Vertex job, a gate by being denied; refuses to take
the whole Workflow down for one step.
"""

from __future__ import annotations

from typing import Protocol

from argovx_lab.cluster import control
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import Conflict
from argovx_lab.model.ours import leaves
from argovx_lab.model.principal import Principal
from argovx_lab.model.run import Node


class Jobs(Protocol):
    """What is needed of Vertex."""

    def cancel(self, name: str) -> None:
        """Ask for a job to be cancelled."""


def stop_step(cluster: control.Patcher, jobs: Jobs, node: Node, by: Principal) -> str:
    """End one step and return what was asked to end: a Workflow or a job.

    Raises
    ------
    Conflict
        When it has ended, or has nothing of its own to end yet.
    """
    if node.argo is None:
        raise Conflict(f"{node.name} has not been submitted", service="argovx", status=409)
    name = node.argo.workflow
    found = cluster.get_workflow(name) or {}
    if sum(leaf.kind != "await" for leaf in leaves(found.get("spec") or {})) <= 1:
        control.stop(cluster, name, by)
        return name
    if node.phase.final:
        raise Conflict(f"{node.name} has ended", service="argovx", status=409)
    if node.kind == "approval":
        control.deny(cluster, name, task_name(node.id), by)
        return name
    if node.vertex is None or not node.vertex.job:
        raise Conflict(
            f"{node.name} is one of several steps of Workflow {name} and has no job of its own yet",
            hint="Stop the whole run, or this step when its job is there.",
            service="argovx",
            status=409,
        )
    jobs.cancel(node.vertex.job)
    return node.vertex.job
