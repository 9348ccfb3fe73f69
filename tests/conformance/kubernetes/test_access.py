"""Who may do what: tokens, reviews, RBAC and its refusals, in the real server's words."""

from __future__ import annotations

import json

import pytest
from kubernetes import client

from argovx_lab.sandbox.kubernetes import rbac_defaults

NAMESPACE = "argovx"
RBAC = "rbac.authorization.k8s.io"
NOTEBOOK = "system:serviceaccount:argovx:nb-alice"
WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
SPACE = f"/api/v1/namespaces/{NAMESPACE}"

#: account, method, path, allowed; every denial is 403, whatever exists
TABLE = [
    ("nb-alice", "GET", WORKFLOWS, True),
    ("nb-alice", "GET", f"{WORKFLOWS}?watch=true&timeoutSeconds=1", True),
    ("nb-alice", "POST", WORKFLOWS, True),
    ("nb-alice", "DELETE", f"{WORKFLOWS}/none", True),
    ("nb-alice", "PUT", f"{WORKFLOWS}/none", False),
    ("nb-alice", "DELETE", WORKFLOWS, False),
    ("nb-alice", "GET", f"{SPACE}/pods", True),
    ("nb-alice", "POST", f"{SPACE}/pods", False),
    ("nb-alice", "DELETE", f"{SPACE}/pods/none", False),
    ("nb-alice", "GET", f"{SPACE}/pods/none/log", True),
    ("nb-alice", "PATCH", f"{SPACE}/pods/none/status", False),
    ("nb-alice", "GET", f"{SPACE}/secrets", False),
    ("nb-alice", "GET", f"{SPACE}/configmaps", True),
    ("nb-alice", "POST", f"{SPACE}/configmaps", False),
    ("nb-alice", "GET", f"{SPACE}/events", True),
    ("nb-alice", "GET", f"{SPACE}/serviceaccounts", False),
    ("nb-alice", "POST", f"{SPACE}/serviceaccounts/wf-alice/token", False),
    ("nb-alice", "POST", f"{SPACE}/serviceaccounts/nb-alice/token", False),
    ("nb-alice", "GET", "/api/v1/pods", False),
    ("nb-alice", "GET", "/api/v1/namespaces", False),
    ("nb-alice", "GET", "/api/v1/namespaces/kube-system/pods", False),
    ("nb-alice", "GET", "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates", True),
    ("nb-alice", "POST", "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates", False),
    ("nb-alice", "GET", "/apis/argoproj.io/v1alpha1/namespaces/argovx/workflowtaskresults", True),
    ("nb-alice", "POST", "/apis/argoproj.io/v1alpha1/namespaces/argovx/workflowtaskresults", False),
    ("nb-alice", "GET", f"/apis/{RBAC}/v1/namespaces/argovx/roles", False),
    ("nb-alice", "POST", "/apis/authentication.k8s.io/v1/tokenreviews", False),
    ("nb-alice", "GET", "/api", True),
    ("nb-alice", "GET", "/metrics", False),
    ("wf-alice", "POST", "/apis/argoproj.io/v1alpha1/namespaces/argovx/workflowtaskresults", True),
    ("wf-alice", "GET", "/apis/argoproj.io/v1alpha1/namespaces/argovx/workflowtaskresults", False),
    ("wf-alice", "GET", f"{WORKFLOWS}/none", True),
    ("wf-alice", "GET", WORKFLOWS, False),
    ("wf-alice", "POST", WORKFLOWS, False),
    ("wf-alice", "GET", f"{SPACE}/pods", False),
    ("default", "GET", f"{SPACE}/pods", False),
    ("default", "GET", WORKFLOWS, False),
    ("", "GET", f"{SPACE}/secrets", True),
    ("", "GET", "/api/v1/namespaces", True),
    ("", "DELETE", f"{SPACE}", False),
    ("", "GET", "/api/v1/pods", False),
    ("", "GET", "/api/v1/secrets", False),
    ("", "GET", "/api/v1/namespaces/kube-system/secrets", False),
    ("", "GET", "/api/v1/namespaces/kube-public/configmaps", False),
    ("", "GET", "/api/v1/namespaces/argo/pods", False),
    ("", "GET", f"/apis/{RBAC}/v1/clusterroles", False),
    ("", "POST", f"/apis/{RBAC}/v1/clusterroles", False),
    ("", "POST", f"/apis/{RBAC}/v1/clusterrolebindings", False),
    ("", "GET", "/api/v1/namespaces/default/pods", True),
]


@pytest.mark.parametrize(("account", "method", "path", "allowed"), TABLE)
def test_who_may_do_what(cluster, tokens, account, method, path, allowed):
    answer = cluster.http(method, path, tokens[account], data=b"")
    if allowed:
        assert answer.status_code != 403
    else:
        assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")


def test_a_denial_reads_like_the_real_one(cluster, tokens):
    def message(path: str, method: str = "GET") -> str:
        return cluster.http(method, path, tokens["nb-alice"]).json()["message"]

    assert message(f"{SPACE}/secrets") == (
        f'secrets is forbidden: User "{NOTEBOOK}" cannot list resource "secrets" in API group "" '
        'in the namespace "argovx"'
    )
    assert message(f"{SPACE}/secrets/one") == (
        f'secrets "one" is forbidden: User "{NOTEBOOK}" cannot get resource "secrets" in API group "" '
        'in the namespace "argovx"'
    )
    assert message(f"/apis/{RBAC}/v1/clusterroles") == (
        f'clusterroles.{RBAC} is forbidden: User "{NOTEBOOK}" cannot list resource "clusterroles" '
        f'in API group "{RBAC}" at the cluster scope'
    )
    assert message(f"{SPACE}/serviceaccounts/nb-alice/token", "POST") == (
        f'serviceaccounts "nb-alice" is forbidden: User "{NOTEBOOK}" cannot create resource '
        '"serviceaccounts/token" in API group "" in the namespace "argovx"'
    )
    assert message("/metrics") == f'forbidden: User "{NOTEBOOK}" cannot get path "/metrics"'


def test_self_reviews(owner, notebook):
    me = client.AuthenticationV1Api(notebook).create_self_subject_review({})
    assert me.status.user_info.username == NOTEBOOK
    assert "system:serviceaccounts:argovx" in me.status.user_info.groups
    assert client.AuthenticationV1Api(owner).create_self_subject_review({}).status.user_info.username == (
        "sandbox-owner"
    )

    def may(**attributes) -> bool:
        spec = {"resourceAttributes": {"namespace": NAMESPACE, **attributes}}
        answer = client.AuthorizationV1Api(notebook).create_self_subject_access_review({"spec": spec})
        return answer.status.allowed

    assert may(verb="create", group="argoproj.io", resource="workflows")
    assert may(verb="get", resource="pods", subresource="log")
    assert not may(verb="create", resource="pods")
    assert not may(verb="create", resource="serviceaccounts", subresource="token")
    assert not may(verb="*", group="*", resource="*")
    rules = client.AuthorizationV1Api(notebook).create_self_subject_rules_review(
        {"spec": {"namespace": NAMESPACE}}
    )
    assert any("pods/log" in (rule.resources or []) for rule in rules.status.resource_rules)


def test_nobody_grants_what_they_do_not_hold(cluster, owner):
    foreign_role = rbac_defaults.role("stranger", "", [rbac_defaults.rule("apps", ["deployments"], ["get"])])
    cluster.in_loop(lambda: cluster.server.seed([foreign_role]))
    api = client.RbacAuthorizationV1Api(owner)
    own = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    foreign = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "create"]}

    def role(name: str, *rules: dict) -> None:
        api.create_namespaced_role(NAMESPACE, {"metadata": {"name": name}, "rules": list(rules)})

    role("held", own)
    for name, rules in (("foreign", [foreign]), ("everything", [{**own, "verbs": ["*"]}])):
        with pytest.raises(client.ApiException) as caught:
            role(name, *rules)
        assert caught.value.status == 403
        message = json.loads(caught.value.body)["message"]
        assert "is attempting to grant RBAC permissions not currently held" in message
    assert 'Verbs:["*"]' in message
    with pytest.raises(client.ApiException) as caught:
        api.patch_namespaced_role("held", NAMESPACE, {"rules": [foreign]})
    assert caught.value.status == 403

    def bind(role_kind: str, name: str) -> None:
        reference = {"kind": role_kind, "name": name, "apiGroup": RBAC}
        subject = {"kind": "User", "name": "bob", "apiGroup": RBAC}
        api.create_namespaced_role_binding(
            NAMESPACE,
            {"metadata": {"name": f"bob-{name}"}, "roleRef": reference, "subjects": [subject]},
        )

    bind("Role", "held")
    with pytest.raises(client.ApiException) as caught:
        bind("ClusterRole", "stranger")
    assert caught.value.status == 403


def test_a_grant_works_at_once_and_ends_at_once(cluster, owner):
    token = cluster.in_loop(lambda: cluster.server.add_user_token("carol", []))
    api = client.RbacAuthorizationV1Api(owner)
    path = f"{SPACE}/configmaps/kept"
    assert cluster.http("GET", path, token).status_code == 403
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["kept"]}
    api.create_namespaced_role(NAMESPACE, {"metadata": {"name": "carol"}, "rules": [rule]})
    reference = {"kind": "Role", "name": "carol", "apiGroup": RBAC}
    subject = {"kind": "User", "name": "carol", "apiGroup": RBAC}
    api.create_namespaced_role_binding(
        NAMESPACE, {"metadata": {"name": "carol"}, "roleRef": reference, "subjects": [subject]}
    )
    assert cluster.http("GET", path, token).status_code == 404
    assert cluster.http("GET", f"{SPACE}/configmaps/other", token).status_code == 403
    assert cluster.http("GET", f"{SPACE}/configmaps", token).status_code == 403
    api.delete_namespaced_role_binding("carol", NAMESPACE)
    assert cluster.http("GET", path, token).status_code == 403


@pytest.mark.parametrize(
    ("binding", "field"),
    [
        ({}, "roleRef.kind"),
        ({"roleRef": {"kind": "Role"}}, "roleRef.name"),
        (
            {"roleRef": {"kind": "Role", "name": "x"}, "subjects": [{"kind": "Robot", "name": "r"}]},
            "subjects[0].kind",
        ),
    ],
)
def test_bindings_are_checked_before_anything_is_granted(cluster, binding, field):
    body = {"metadata": {"name": "bad"}, **binding}
    answer = cluster.http("POST", f"/apis/{RBAC}/v1/namespaces/{NAMESPACE}/rolebindings", json=body)
    assert answer.status_code == 422
    assert field in [cause["field"] for cause in answer.json()["details"]["causes"]]


def test_the_owner_owns_a_new_namespace(core, cluster):
    core.create_namespace({"metadata": {"name": "fresh"}})
    core.create_namespaced_config_map("fresh", {"metadata": {"name": "a"}})
    assert cluster.http("GET", "/api/v1/namespaces/fresh/secrets").status_code == 200
