"""RBAC rules as data: what one rule covers, and what may be granted."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.kubernetes.authentication import User
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, RBAC_GROUP
from argovx_lab.sandbox.kubernetes.rbac import Attributes, Authorizer, covers
from argovx_lab.sandbox.kubernetes.rbac_defaults import (
    SYSTEM_NAMESPACES,
    cluster_objects,
    namespace_objects,
    user_objects,
)


def rule(groups="", resources="pods", verbs="get", names=()) -> dict:
    return {
        "apiGroups": groups.split(","),
        "resources": resources.split(","),
        "verbs": verbs.split(","),
        "resourceNames": list(names),
    }


@pytest.mark.parametrize(
    ("held", "wanted", "holds"),
    [
        (rule(), Attributes("get", "", "pods"), True),
        (rule(), Attributes("list", "", "pods"), False),
        (rule(), Attributes("get", "apps", "pods"), False),
        (rule(), Attributes("get", "", "pods", "log"), False),
        (rule(resources="pods/log"), Attributes("get", "", "pods", "log"), True),
        (rule(resources="pods/log"), Attributes("get", "", "pods"), False),
        (rule(resources="*/log"), Attributes("get", "", "pods", "log"), True),
        (rule(resources="*"), Attributes("get", "", "pods", "log"), True),
        (rule(groups="*", verbs="*"), Attributes("delete", "x", "pods"), True),
        (rule(names=["a"]), Attributes("get", "", "pods", name="a"), True),
        (rule(names=["a"]), Attributes("get", "", "pods", name="b"), False),
        (rule(names=["a"]), Attributes("get", "", "pods"), False),
        ({"nonResourceURLs": ["/api/*"], "verbs": ["get"]}, Attributes("get", path="/api/v1"), True),
        ({"nonResourceURLs": ["/api"], "verbs": ["get"]}, Attributes("get", path="/api/v1"), False),
        ({"nonResourceURLs": ["*"], "verbs": ["get"]}, Attributes("get", "", "pods"), False),
        (rule(resources="*"), Attributes("get", path="/api"), False),
    ],
)
def test_what_a_rule_covers(held, wanted, holds):
    assert covers(held, wanted) is holds


def seeded(registry, store) -> Authorizer:
    for obj in [*cluster_objects(), *user_objects("alice", "ns"), *namespace_objects("ns")]:
        kind = next(k for k in BY_ID.values() if k.resource.kind == obj["kind"])
        place = obj["metadata"].get("namespace", "")
        if store.get(kind, place, obj["metadata"]["name"]) is None:
            registry.create(kind, place, obj)
    return Authorizer(store)


def test_nobody_may_do_everything(registry, store):
    authorizer = seeded(registry, store)
    everybody = [
        User("sandbox-owner"),
        User("system:serviceaccount:ns:nb-alice"),
        User("system:serviceaccount:ns:wf-alice"),
        User("nobody"),
    ]
    for user in everybody:
        for place in ("", *SYSTEM_NAMESPACES):
            for verb in ("create", "get", "delete"):
                assert not authorizer.allowed(user, Attributes(verb, "", "secrets", namespace=place))
        assert not authorizer.allowed(user, Attributes("*", "*", "*"))
        for verb in ("impersonate", "escalate", "bind"):
            assert not authorizer.allowed(user, Attributes(verb, RBAC_GROUP, "clusterroles"))


@pytest.mark.parametrize("verb", ["escalate", "bind"])
def test_the_verbs_that_lift_the_grant_check(registry, store, verb):
    authorizer = seeded(registry, store)
    user = User("lifter")
    secret = rule(resources="secrets", verbs="*")
    obj = {"metadata": {"name": "r", "namespace": "ns"}, "rules": [secret], "kind": "Role"}
    kind = BY_ID[f"roles.{RBAC_GROUP}"]
    if verb == "bind":
        registry.create(kind, "ns", {"metadata": {"name": "r"}, "rules": [secret]})
        reference = {"apiGroup": RBAC_GROUP, "kind": "Role", "name": "r"}
        obj = {"metadata": {"name": "b", "namespace": "ns"}, "roleRef": reference}
        kind = BY_ID[f"rolebindings.{RBAC_GROUP}"]
    with pytest.raises(ApiError, match="attempting to grant"):
        authorizer.check_grant(user, kind, obj)
    lift = rule(groups=RBAC_GROUP, resources="roles", verbs=verb)
    roles, bindings = BY_ID[f"roles.{RBAC_GROUP}"], BY_ID[f"rolebindings.{RBAC_GROUP}"]
    registry.create(roles, "ns", {"metadata": {"name": "lift"}, "rules": [lift]})
    registry.create(
        bindings,
        "ns",
        {
            "metadata": {"name": "lift"},
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "Role", "name": "lift"},
            "subjects": [{"kind": "User", "name": "lifter"}],
        },
    )
    authorizer.check_grant(user, kind, obj)
