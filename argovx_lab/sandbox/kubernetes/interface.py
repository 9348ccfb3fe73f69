"""The one narrow door through which controllers (engine, pod runner) reach an API server.

Two ends fit it: the sandbox's own store in process, and HTTP to any API server. Objects are plain
JSON dicts with ``apiVersion``, ``kind`` and ``metadata``; callers own what they get and may change it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from argovx_lab.errors import ArgovxError

Object = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A kind as the API spells it.

    Parameters
    ----------
    group : str
        Empty for the core group.
    plural : str
        Path segment, such as ``workflows``.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``v1`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version


PODS = Resource("", "v1", "pods", "Pod")
EVENTS = Resource("", "v1", "events", "Event")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
WORKFLOWS = Resource("argoproj.io", "v1alpha1", "workflows", "Workflow")
WORKFLOW_TEMPLATES = Resource("argoproj.io", "v1alpha1", "workflowtemplates", "WorkflowTemplate")
CLUSTER_WORKFLOW_TEMPLATES = Resource(
    "argoproj.io", "v1alpha1", "clusterworkflowtemplates", "ClusterWorkflowTemplate", namespaced=False
)
WORKFLOW_TASK_RESULTS = Resource("argoproj.io", "v1alpha1", "workflowtaskresults", "WorkflowTaskResult")


class ApiError(ArgovxError):
    """An answer of the API server that is not a success.

    Parameters
    ----------
    code : int
        HTTP status.
    reason : str
        The Status object's reason: ``NotFound``, ``AlreadyExists``, ``Conflict``, ``Invalid``,
        ``Forbidden``, ``Expired`` …
    """

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.warnings: list[str] = []
        self.reason = reason
        self.details = dict(details or {})


@dataclass(frozen=True)
class Event:
    """One change: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``, with the whole object."""

    type: str
    object: Object


class KubeClient(Protocol):
    """What a controller may do; every method raises :class:`ApiError`."""

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """Return one object."""

    async def list(
        self, resource: Resource, namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """Return matching objects (all namespaces when empty) and the list's resourceVersion."""

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = "", label_selector: str = ""
    ) -> AsyncIterator[Event]:
        """Yield every change after ``resource_version``; ends with ApiError 410 when that is too old."""

    async def create(
        self, resource: Resource, obj: Object, namespace: str = "", *, subresource: str = "", name: str = ""
    ) -> Object:
        """Create an object, or POST to a subresource of the object ``name`` (``token`` of an account)."""

    async def replace(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """Write a whole object; a stale ``resourceVersion`` is 409 ``Conflict``."""

    async def patch(
        self, resource: Resource, name: str, patch: Object, namespace: str = "", *, subresource: str = ""
    ) -> Object:
        """Apply a JSON merge patch."""

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, grace_s: int | None = None, uid: str = ""
    ) -> None:
        """Delete an object.

        Pods get a deletionTimestamp first, so that their runner can end them; ``grace_s=0`` removes at once.
        """
