"""The accounts and roles a fresh sandbox starts with.

Owns who may do what by default: the notebook's account, the steps' account and the owner. Nobody is
cluster-admin: the owner rules the namespaces of people and the cluster's workflow templates, no more.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes.authentication import AUTHENTICATED
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import ARGO_GROUP, RBAC_GROUP

#: The named user of the kubeconfig's current context.
OWNER = "sandbox-owner"
#: Namespaces that are the platform's own; the owner has no rights in them.
SYSTEM_NAMESPACES = ("kube-system", "kube-public", "argo")
#: ClusterRole that is bound to the owner in each namespace of people.
OWNER_ROLE = "argovx:namespace-owner"

_ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_READ = ["get", "list", "watch"]


def rule(groups: str, resources: list[str], verbs: list[str]) -> Object:
    """Return one rule for resources of one API group."""
    return {"apiGroups": [groups], "resources": resources, "verbs": verbs}


def _object(kind: str, name: str, namespace: str, **content: object) -> Object:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    group = "v1" if kind in ("ServiceAccount", "Namespace") else f"{RBAC_GROUP}/v1"
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **content}


def role(name: str, namespace: str, rules: list[Object]) -> Object:
    """Return a Role, or a ClusterRole when ``namespace`` is empty."""
    return _object("Role" if namespace else "ClusterRole", name, namespace, rules=rules)


def binding(name: str, namespace: str, role_kind: str, role_name: str, subject: Object) -> Object:
    """Return a RoleBinding, or a ClusterRoleBinding when ``namespace`` is empty."""
    reference = {"apiGroup": RBAC_GROUP, "kind": role_kind, "name": role_name}
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return _object(kind, name, namespace, roleRef=reference, subjects=[subject])


def account(name: str, namespace: str) -> Object:
    """Return a ServiceAccount."""
    return _object("ServiceAccount", name, namespace)


def _account_subject(name: str, namespace: str) -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _user_subject(name: str) -> Object:
    return {"kind": "User", "apiGroup": RBAC_GROUP, "name": name}


def _group_subject(name: str) -> Object:
    return {"kind": "Group", "apiGroup": RBAC_GROUP, "name": name}


def namespace(name: str) -> Object:
    """Return a Namespace."""
    return _object("Namespace", name, "")


def cluster_objects(owner: str = OWNER) -> list[Object]:
    """Return what every sandbox has: system namespaces, discovery, self reviews, the owner's roles."""
    paths = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/"]
    paths += ["/healthz", "/livez", "/readyz", "/healthz/*", "/livez/*", "/readyz/*"]
    discovery: Object = {"nonResourceURLs": paths, "verbs": ["get"]}
    reviews = [
        rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        rule("authentication.k8s.io", ["selfsubjectreviews"], ["create"]),
    ]
    everyone = _group_subject(AUTHENTICATED)
    return [
        *(namespace(name) for name in (*SYSTEM_NAMESPACES, "default")),
        role("system:discovery", "", [discovery]),
        binding("system:discovery", "", "ClusterRole", "system:discovery", everyone),
        role("system:basic-user", "", reviews),
        binding("system:basic-user", "", "ClusterRole", "system:basic-user", everyone),
        role("argovx:template-reader", "", [rule(ARGO_GROUP, ["clusterworkflowtemplates"], ["get", "list"])]),
        *owner_objects(owner),
    ]


def owner_objects(owner: str = OWNER) -> list[Object]:
    """Return the owner's cluster-wide rights and the role that each namespace binds to them."""
    cluster = [
        rule("", ["namespaces"], ["create", "get", "list", "watch"]),
        rule(ARGO_GROUP, ["clusterworkflowtemplates"], _ALL),
        rule("apiextensions.k8s.io", ["customresourcedefinitions"], _ALL),
        rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
    ]
    argo = ["workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults"]
    inside = [
        rule("", ["pods", "configmaps", "secrets", "events", "serviceaccounts", "resourcequotas"], _ALL),
        rule("", ["pods/log"], ["get"]),
        rule("", ["pods/status"], ["get", "patch", "update"]),
        rule("", ["pods/eviction", "pods/binding", "serviceaccounts/token"], ["create"]),
        rule(ARGO_GROUP, [*argo, "workflowtasksets"], _ALL),
        rule(ARGO_GROUP, ["workflowtasksets/status"], ["get", "patch", "update"]),
        rule(RBAC_GROUP, ["roles", "rolebindings"], _ALL),
        rule("coordination.k8s.io", ["leases"], _ALL),
    ]
    return [
        role("argovx:owner", "", cluster),
        binding("argovx:owner", "", "ClusterRole", "argovx:owner", _user_subject(owner)),
        role(OWNER_ROLE, "", inside),
    ]


def namespace_objects(name: str, owner: str = OWNER) -> list[Object]:
    """Return what a namespace of people gets when it is made: its owner."""
    if name in SYSTEM_NAMESPACES:
        return []
    return [binding(OWNER_ROLE, name, "ClusterRole", OWNER_ROLE, _user_subject(owner))]


def defined_objects(group: str, plural: str, owner: str = OWNER) -> list[Object]:
    """Return what a kind that was defined here gets: its owner."""
    name = f"argovx:owner:{plural}.{group}"
    rules = [rule(group, [plural], _ALL), rule(group, [f"{plural}/status"], ["get", "patch", "update"])]
    return [role(name, "", rules), binding(name, "", "ClusterRole", name, _user_subject(owner))]


def root_ca_object(namespace: str, ca_pem: str) -> Object:
    """Return the ConfigMap that every namespace of a cluster has. Source: root CA publisher."""
    return {
        **_object("ConfigMap", "kube-root-ca.crt", namespace),
        "apiVersion": "v1",
        "data": {"ca.crt": ca_pem},
    }


def user_objects(user: str, place: str) -> list[Object]:
    """Return the accounts of one person in a namespace and their rights.

    Parameters
    ----------
    user : str
        Slug, such as ``alice``: gives the accounts ``nb-alice`` (notebook) and ``wf-alice`` (steps).
    place : str
        The namespace, which is part of the answer.
    """
    notebook, steps = f"nb-{user}", f"wf-{user}"
    notebook_rules = [
        rule(ARGO_GROUP, ["workflows"], ["create", "get", "list", "watch", "delete", "patch"]),
        rule(ARGO_GROUP, ["cronworkflows"], ["create", "get", "list", "delete", "patch"]),
        rule(ARGO_GROUP, ["workflowtaskresults"], ["get", "list"]),
        rule(ARGO_GROUP, ["workflowtemplates"], ["get", "list"]),
        rule("", ["pods", "events"], _READ),
        rule("", ["pods/log"], ["get"]),
        rule("", ["configmaps"], ["get", "list"]),
    ]
    step_rules = [
        rule(ARGO_GROUP, ["workflowtaskresults"], ["create", "patch"]),
        rule(ARGO_GROUP, ["workflows"], ["get"]),
    ]
    reader = f"argovx:template-reader:{place}:{notebook}"
    return [
        namespace(place),
        account("default", place),
        account(notebook, place),
        account(steps, place),
        role(notebook, place, notebook_rules),
        binding(notebook, place, "Role", notebook, _account_subject(notebook, place)),
        role(steps, place, step_rules),
        binding(steps, place, "Role", steps, _account_subject(steps, place)),
        binding(reader, "", "ClusterRole", "argovx:template-reader", _account_subject(notebook, place)),
    ]
