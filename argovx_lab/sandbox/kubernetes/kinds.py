"""The kinds that the sandbox's API server serves, as one table.

Owns names, scopes, subresources and selectable fields; refuses whatever is not in it, by name.
Source: the real server's discovery documents and https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from argovx_lab.sandbox.kubernetes import interface as api
from argovx_lab.sandbox.kubernetes.interface import Resource

RBAC_GROUP = "rbac.authorization.k8s.io"
ARGO_GROUP = "argoproj.io"

ADMISSION_GROUP = "admissionregistration.k8s.io"
POLICIES = Resource(
    ADMISSION_GROUP, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False
)
POLICY_BINDINGS = Resource(
    ADMISSION_GROUP,
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
    namespaced=False,
)
#: The kind that defines kinds.
DEFINITION_RESOURCE = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
RESOURCE_QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
ROLES = Resource(RBAC_GROUP, "v1", "roles", "Role")
ROLE_BINDINGS = Resource(RBAC_GROUP, "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLES = Resource(RBAC_GROUP, "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = Resource(
    RBAC_GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
CRON_WORKFLOWS = Resource(ARGO_GROUP, "v1alpha1", "cronworkflows", "CronWorkflow")
WORKFLOW_TASK_SETS = Resource(ARGO_GROUP, "v1alpha1", "workflowtasksets", "WorkflowTaskSet")

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

_POD_FIELDS = ("status.phase", "spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName")
_EVENT_FIELDS = (
    *(f"involvedObject.{field}" for field in ("kind", "namespace", "name", "uid", "apiVersion")),
    "reason",
    "type",
)


@dataclass(frozen=True)
class Kind:
    """A served kind.

    Parameters
    ----------
    names : tuple of str
        Short names.
    status : bool
        ``status`` is written through its own subresource only.
    subresources : tuple of str
        Besides ``status``.
    fields : tuple of str
        Paths that a field selector may name, besides ``metadata.name`` and ``metadata.namespace``.
    generation : str
        ``spec``: counts changes of spec; ``all``: counts changes outside metadata, as custom kinds
        without a status subresource do; ``none``.
    schema : Structural, optional
        What a definition said; ``None`` for the kinds whose schema is the sandbox's own.
    """

    resource: Resource
    names: tuple[str, ...] = ()
    status: bool = False
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    generation: Literal["spec", "all", "none"] = "none"
    verbs: tuple[str, ...] = VERBS
    singular: str = ""
    list_kind: str = ""
    categories: tuple[str, ...] = ()
    schema: Any = field(default=None, compare=False, repr=False)

    @property
    def id(self) -> str:
        """``pods`` or ``workflows.argoproj.io``."""
        return kind_id(self.resource)

    @property
    def custom(self) -> bool:
        """Whether the real server knows this kind through a CustomResourceDefinition."""
        return self.schema is not None or self.resource.group == ARGO_GROUP

    @property
    def listed(self) -> str:
        """The kind of a list of these."""
        return self.list_kind or f"{self.resource.kind}List"

    @property
    def created_by_update(self) -> bool:
        """Whether a PUT makes an object that is not there."""
        return self.id in ("events", kind_id(LEASES)) or self.resource.group == RBAC_GROUP

    @property
    def selectable(self) -> tuple[str, ...]:
        """Every field that a selector may name."""
        names = ("metadata.name", "metadata.namespace") if self.resource.namespaced else ("metadata.name",)
        return (*names, *self.fields)


def kind_id(resource: Resource) -> str:
    """Return the key of a kind in the store."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


KINDS = (
    Kind(api.NAMESPACES, ("ns",), status=True, fields=("status.phase",)),
    Kind(
        api.PODS,
        ("po",),
        status=True,
        subresources=("log", "eviction", "binding"),
        fields=_POD_FIELDS,
        generation="spec",
        categories=("all",),
    ),
    Kind(api.CONFIG_MAPS, ("cm",)),
    Kind(api.SECRETS, fields=("type",)),
    Kind(api.EVENTS, ("ev",), fields=_EVENT_FIELDS),
    Kind(api.SERVICE_ACCOUNTS, ("sa",), subresources=("token",)),
    Kind(RESOURCE_QUOTAS, ("quota",), status=True),
    Kind(LEASES),
    Kind(ROLES),
    Kind(ROLE_BINDINGS),
    Kind(CLUSTER_ROLES),
    Kind(CLUSTER_ROLE_BINDINGS),
    Kind(
        DEFINITION_RESOURCE, ("crd", "crds"), status=True, generation="spec", categories=("api-extensions",)
    ),
    Kind(POLICIES, status=True, generation="spec", categories=("api-extensions",)),
    Kind(POLICY_BINDINGS, generation="spec", categories=("api-extensions",)),
    Kind(api.WORKFLOWS, ("wf",), generation="all"),
    Kind(api.WORKFLOW_TEMPLATES, ("wftmpl",), generation="all"),
    Kind(api.CLUSTER_WORKFLOW_TEMPLATES, ("clusterwftmpl", "cwft"), generation="all"),
    Kind(CRON_WORKFLOWS, ("cwf", "cronwf"), generation="all"),
    Kind(api.WORKFLOW_TASK_RESULTS, generation="all"),
    Kind(WORKFLOW_TASK_SETS, ("wfts",), status=True, generation="spec"),
)

BY_ID = {kind.id: kind for kind in KINDS}
DEFINITIONS = BY_ID[kind_id(DEFINITION_RESOURCE)]


class Kinds:
    """The kinds that one server serves: :data:`KINDS`, and those that are defined while it runs."""

    def __init__(self) -> None:
        self._found = dict(BY_ID)

    def __iter__(self) -> Iterator[Kind]:
        return iter(list(self._found.values()))

    def __getitem__(self, name: str) -> Kind:
        return self._found[name]

    def get(self, name: str) -> Kind | None:
        """Return the kind with an id; ``None`` when it is not served."""
        return self._found.get(name)

    def of(self, api_version: str, kind: str) -> Kind | None:
        """Return the kind of objects that say these two; ``None`` when it is not served."""
        names = (api_version, kind)
        return next((one for one in self if (one.resource.api_version, one.resource.kind) == names), None)

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind at a path; ``None`` when it is not served."""
        found = self._found.get(f"{plural}.{group}" if group else plural)
        return found if found is not None and found.resource.version == version else None

    def add(self, kind: Kind) -> None:
        """Serve a kind, in place of one with the same id."""
        self._found[kind.id] = kind

    def remove(self, kind: Kind) -> None:
        """Serve a kind no longer."""
        self._found.pop(kind.id, None)
