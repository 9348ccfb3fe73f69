"""Control verbs as Argo's own client writes them, through the Kubernetes API alone.

Owns the exact patches. Source: Argo Workflows v4.1, ``util.TerminateWorkflow`` and ``StopWorkflow``.
"""

from __future__ import annotations

from typing import Any, Protocol

from argovx_lab.errors import Conflict


class Patcher(Protocol):
    """What control needs of a cluster."""

    def get_workflow(self, name: str) -> dict[str, Any] | None:
        """Return a Workflow, or ``None``."""

    def patch_workflow(self, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        """Merge-patch a Workflow."""


def stop(cluster: Patcher, name: str) -> None:
    """Stop a Workflow: running pods end, exit handlers run.

    Raises
    ------
    Conflict
        When it has ended already, or is not there.
    """
    _shutdown(cluster, name, "Stop")


def terminate(cluster: Patcher, name: str) -> None:
    """Terminate a Workflow: running pods end, exit handlers do not run."""
    _shutdown(cluster, name, "Terminate")


def _shutdown(cluster: Patcher, name: str, strategy: str) -> None:
    found = cluster.get_workflow(name)
    phase = ((found or {}).get("status") or {}).get("phase", "")
    if found is None or phase in ("Succeeded", "Failed", "Error"):
        state = "is not there" if found is None else f"has ended ({phase})"
        raise Conflict(
            f"Workflow {name} {state}; there is nothing to {strategy.lower()}",
            service="kubernetes",
            status=409,
        )
    cluster.patch_workflow(name, {"spec": {"shutdown": strategy}})
