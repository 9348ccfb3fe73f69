"""What a reconcile asks its shell to do; each is one call of the Kubernetes API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CreatePod:
    """Create a pod for a node; a result that an earlier life of the node left goes first."""

    node: str
    pod: dict[str, Any]


@dataclass(frozen=True)
class KillPod:
    """Ask the runner to end a pod's main container with a grace period in seconds."""

    name: str
    grace_s: int


@dataclass(frozen=True)
class DeletePod:
    """Delete a pod, with its own grace period or ``grace_s``."""

    name: str
    grace_s: int | None = None


@dataclass(frozen=True)
class LabelPod:
    """Mark a pod as completed, as Argo does when its node is done."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeleteWorkflow:
    """Delete the workflow itself (``ttlStrategy``)."""


Action = CreatePod | KillPod | DeletePod | LabelPod | DeleteWorkflow
