"""What the table is made of: a valid object of each kind, and one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NAMESPACE = "argovx"
RBAC = "rbac.authorization.k8s.io"
ARGO = "argoproj.io/v1alpha1"
SPEC = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}
POD = {"containers": [{"name": "main", "image": "busybox"}]}
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
ROLE_REF = {"kind": "ClusterRole", "name": "view", "apiGroup": RBAC}


@dataclass(frozen=True)
class Sample:
    """A kind with a valid object of it."""

    kind: str
    version: str
    plural: str
    content: dict[str, Any]
    change: dict[str, Any]
    wrong: dict[str, Any]  # a field of a wrong type
    namespaced: bool = True

    @property
    def group(self) -> str:
        return f"/apis/{self.version}" if "/" in self.version else f"/api/{self.version}"

    @property
    def custom(self) -> bool:
        return self.version == ARGO

    @property
    def made_by_update(self) -> bool:
        """Whether a PUT of an object that is not there makes it."""
        return self.kind == "Event" or self.version.startswith(RBAC)

    def path(self, name: str = "", query: str = "") -> str:
        place = f"/namespaces/{NAMESPACE}" if self.namespaced else ""
        return f"{self.group}{place}/{self.plural}{'/' + name if name else ''}{'?' + query if query else ''}"

    def body(self, name: str, /, **meta: Any) -> dict[str, Any]:
        head = {"apiVersion": self.version, "kind": self.kind}
        return {**head, "metadata": {"name": name, **meta} if name else meta, **self.content}


LABEL = {"metadata": {"labels": {"changed": "yes"}}}
SAMPLES = [
    Sample("Namespace", "v1", "namespaces", {}, LABEL, {"spec": 5}, namespaced=False),
    Sample("Pod", "v1", "pods", {"spec": POD}, LABEL, {"spec": {"containers": 5}}),
    Sample("ConfigMap", "v1", "configmaps", {"data": {"k": "v"}}, {"data": {"k": "w"}}, {"data": 5}),
    Sample("Secret", "v1", "secrets", {"stringData": {"k": "v"}}, {"data": {"k": "dw=="}}, {"data": 5}),
    Sample(
        "ServiceAccount",
        "v1",
        "serviceaccounts",
        {},
        {"automountServiceAccountToken": False},
        {"automountServiceAccountToken": "no"},
    ),
    Sample(
        "Event",
        "v1",
        "events",
        {"involvedObject": {"kind": "Pod", "name": "p", "namespace": NAMESPACE}},
        {"reason": "Because"},
        {"reason": 5},
    ),
    Sample(
        "ResourceQuota",
        "v1",
        "resourcequotas",
        {"spec": {"hard": {"count/configmaps": "1000"}}},
        {"spec": {"hard": {"count/configmaps": "1001"}}},
        {"spec": {"hard": 5}},
    ),
    Sample(
        "Role",
        f"{RBAC}/v1",
        "roles",
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        LABEL,
        {"rules": 5},
    ),
    Sample(
        "RoleBinding",
        f"{RBAC}/v1",
        "rolebindings",
        {"roleRef": ROLE_REF},
        {"subjects": [{"kind": "User", "name": "bob"}]},
        {"subjects": 5},
    ),
    Sample("ClusterRole", f"{RBAC}/v1", "clusterroles", {"rules": []}, LABEL, {"rules": 5}, False),
    Sample(
        "ClusterRoleBinding",
        f"{RBAC}/v1",
        "clusterrolebindings",
        {"roleRef": ROLE_REF},
        {"subjects": [{"kind": "Group", "name": "them"}]},
        {"subjects": 5},
        False,
    ),
    Sample(
        "Workflow",
        ARGO,
        "workflows",
        {"spec": SPEC},
        {"spec": {"suspend": True}},
        {"spec": {"entrypoint": 5}},
    ),
    Sample(
        "WorkflowTemplate",
        ARGO,
        "workflowtemplates",
        {"spec": SPEC},
        {"spec": {"entrypoint": "x"}},
        {"spec": 5},
    ),
    Sample(
        "ClusterWorkflowTemplate",
        ARGO,
        "clusterworkflowtemplates",
        {"spec": SPEC},
        {"spec": {"entrypoint": "x"}},
        {"spec": 5},
        False,
    ),
    Sample(
        "CronWorkflow",
        ARGO,
        "cronworkflows",
        {"spec": {"schedules": ["0 0 1 1 *"], "suspend": True, "workflowSpec": SPEC}},
        {"spec": {"suspend": False}},
        {"spec": {"schedules": 5, "workflowSpec": SPEC}},
    ),
    Sample(
        "WorkflowTaskResult",
        ARGO,
        "workflowtaskresults",
        {"outputs": {"result": "1"}},
        {"progress": "1/2"},
        {"outputs": 5},
    ),
    Sample(
        "WorkflowTaskSet",
        ARGO,
        "workflowtasksets",
        {"spec": {"tasks": {}}},
        {"spec": {"tasks": {"a": {"name": "a"}}}},
        {"spec": {"tasks": 5}},
    ),
]


#: Kinds whose watches are looked at: each takes a second.
WATCHED = ("ConfigMap", "Namespace", "Pod", "Role", "Workflow")


@dataclass(frozen=True)
class Step:
    """One request of a row."""

    method: str
    path: str
    body: Any = None
    media: str = ""
    user: str = ""
