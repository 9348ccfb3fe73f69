"""Control verbs as Argo's own client writes them, through the Kubernetes API alone.

Owns the exact patches, and who and when in them: Argo's server labels what it is asked to do with the
actor, a Kubernetes client must do so itself. Source: Argo Workflows v4.1, ``util.TerminateWorkflow``,
``StopWorkflow`` and the labels of ``workflow/common/common.go``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Protocol

from argovx_lab.errors import Conflict
from argovx_lab.model import names
from argovx_lab.model.principal import Principal


class Patcher(Protocol):
    """What control needs of a cluster."""

    def get_workflow(self, name: str) -> dict[str, Any] | None:
        """Return a Workflow, or ``None``."""

    def patch_workflow(self, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        """Merge-patch a Workflow."""


def stop(cluster: Patcher, name: str, by: Principal) -> None:
    """Stop a Workflow: running pods end, exit handlers run.

    Raises
    ------
    Conflict
        When it has ended already, or is not there.
    """
    _shutdown(cluster, name, "Stop", by)


def terminate(cluster: Patcher, name: str, by: Principal) -> None:
    """Terminate a Workflow: running pods end, exit handlers do not run."""
    _shutdown(cluster, name, "Terminate", by)


def _shutdown(cluster: Patcher, name: str, strategy: str, by: Principal) -> None:
    found = cluster.get_workflow(name)
    phase = ((found or {}).get("status") or {}).get("phase", "")
    if found is None or phase in ("Succeeded", "Failed", "Error"):
        state = "is not there" if found is None else f"has ended ({phase})"
        raise Conflict(
            f"Workflow {name} {state}; there is nothing to {strategy.lower()}",
            service="kubernetes",
            status=409,
        )
    cluster.patch_workflow(name, {"spec": {"shutdown": strategy}, "metadata": _said(strategy, by)})


def _said(strategy: str, by: Principal) -> dict[str, Any]:
    """Return the labels that Argo's server would write, and the time, which it does not write."""
    labels = {
        names.ARGO_ACTION: strategy,
        names.ARGO_ACTOR: _label(by.account),
        names.ARGO_ACTOR_NAME: _label(by.user),
        names.ARGO_ACTOR_EMAIL: None,  # a merge patch: nobody else's address stays beside our name
    }
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"labels": labels, "annotations": {names.ANNOTATION_SHUTDOWN_AT: now}}


def _label(text: str) -> str:
    """Return an identity as a label value: at most 63 characters, dashes for what a label cannot hold."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[-names.LABEL_MAX :].strip("-._")
