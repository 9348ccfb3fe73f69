"""The state of one reconcile of one workflow, handed from function to function.

Everything here is either an input (objects, time) or part of the result (status, actions, when to look
again); it lives as long as one call of :func:`argovx_lab.sandbox.argo.reconcile.reconcile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from argovx_lab.sandbox.argo.actions import Action
from argovx_lab.sandbox.argo.gotime import parse_time
from argovx_lab.sandbox.argo.locks import Locks
from argovx_lab.sandbox.argo.nodes import PENDING, RUNNING, Nodes
from argovx_lab.sandbox.argo.parameters import ConfigValues, Scope
from argovx_lab.sandbox.argo.templates import Library, Templates

Object = dict[str, Any]


@dataclass(frozen=True)
class World:
    """What the engine sees besides the workflow.

    Parameters
    ----------
    pods, results : mapping
        Node id → the node's Pod, its WorkflowTaskResult.
    library : mapping
        WorkflowTemplates of the namespace and ClusterWorkflowTemplates.
    configs : mapping
        Values of ConfigMaps of the namespace that hold parameters or semaphores; under the empty key, that
        the ConfigMap is there.
    locks : Locks
        Who holds which mutex and semaphore over all workflows.
    speed : float
        The clock's factor: waits are divided by it.
    """

    pods: Mapping[str, Object]
    results: Mapping[str, Object]
    library: Library
    configs: ConfigValues
    locks: Locks
    now: datetime
    speed: float = 1.0


@dataclass
class Operation:
    """One reconcile under way."""

    workflow: Object
    spec: Object
    world: World
    nodes: Nodes
    templates: Templates
    globals: Scope
    actions: list[Action] = field(default_factory=list)
    wake_at: datetime | None = None
    #: Boundary node id → how many children of it may run at once (template ``parallelism``).
    limits: dict[str, int] = field(default_factory=dict)
    depth: int = 0
    active: int = 0

    @property
    def name(self) -> str:
        """The workflow's name."""
        return str(self.workflow["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The workflow's namespace."""
        return str(self.workflow["metadata"].get("namespace", ""))

    @property
    def status(self) -> Object:
        """The status that is being made."""
        status: Object = self.workflow["status"]
        return status

    @property
    def shutdown(self) -> str:
        """``Stop``, ``Terminate`` or empty."""
        return str(self.workflow["spec"].get("shutdown") or "")

    def may_run(self, *, on_exit: bool) -> bool:
        """Tell whether the shutdown strategy lets a node run; exit handlers survive ``Stop``."""
        return not self.shutdown or (self.shutdown == "Stop" and on_exit)

    @property
    def deadline(self) -> datetime | None:
        """When the workflow's own ``activeDeadlineSeconds`` is over; ``None`` without one."""
        seconds, started = self.spec.get("activeDeadlineSeconds"), parse_time(self.status.get("startedAt"))
        return self.after(started, float(seconds)) if seconds is not None and started else None

    def past_deadline(self) -> bool:
        """Tell whether the workflow's deadline is over, and ask to be woken when it will be."""
        deadline = self.deadline
        if deadline is None:
            return False
        if self.world.now >= deadline:
            return True
        self.wake(deadline)
        return False

    def after(self, moment: datetime, seconds: float) -> datetime:
        """Return the instant ``seconds`` of simulated time after ``moment``."""
        return moment + timedelta(seconds=seconds / self.world.speed)

    def wake(self, moment: datetime) -> None:
        """Ask for a reconcile at ``moment`` at the latest."""
        if self.wake_at is None or moment < self.wake_at:
            self.wake_at = moment

    def count_active(self, boundary: str = "") -> int:
        """Return how many Pod nodes are Pending or Running (locks excepted), of one boundary or of all."""
        return sum(
            1
            for node in self.nodes.by_id.values()
            if node["type"] == "Pod"
            and node["phase"] in (PENDING, RUNNING)
            and not (node.get("synchronizationStatus") or {}).get("waiting")
            and (not boundary or node.get("boundaryID") == boundary)
        )
