"""What every pod of this node shares: the client, the folder, the clock, the table of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import KubeClient
from argovx_lab.sandbox.pods.images import Images

#: Label that Argo's controller puts on its pods.
WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
NODE_ID = "workflows.argoproj.io/node-id"
#: The engine's order to end a pod's main containers; the value is the grace in seconds. It stands in
#: for the executor's ``argoexec kill`` over ``pods/exec``, which needs an exec endpoint.
KILL = "sandbox.argovx.dev/kill"


@dataclass(frozen=True)
class NodeSettings:
    """How this node runs pods.

    Parameters
    ----------
    api_host, api_port : str, int
        Where containers find the API server.
    ca_file : str
        The cluster's CA, for pods in namespaces without the ConfigMap ``kube-root-ca.crt``.
    environment : mapping
        Given to every container, as a node's runtime may; a container's own entries win.
    pod_start_s : float
        Simulated time between binding and the start of containers, in seconds.
    progress_s : float
        How often a progress file is looked at, in seconds.
    retry_s : float
        How long to wait before a pod that cannot start is tried again, in seconds.
    """

    api_host: str = "127.0.0.1"
    api_port: int = 443
    ca_file: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    pod_start_s: float = 0.0
    progress_s: float = 0.25
    retry_s: float = 1.0


@dataclass
class Node:
    """One node's things, handed to each pod's life."""

    client: KubeClient
    folder: Path
    images: Images
    clock: Clock
    name: str
    settings: NodeSettings


class NotReady(Exception):
    """A container cannot start yet; ``reason`` and the text are what its waiting state says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
