"""Finalizers, owners and namespaces: what is removed, when, and what stays."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions, options_from
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID
from argovx_lab.sandbox.kubernetes.registry import Registry

CONFIG, PODS, SPACES = BY_ID["configmaps"], BY_ID["pods"], BY_ID["namespaces"]


def config(registry, name: str, *owners: dict, **meta) -> dict:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        for owner in owners
    ]
    return registry.create(CONFIG, "ns", {"metadata": {"name": name, "ownerReferences": references, **meta}})


def names(registry) -> set[str]:
    return {record.name for record in registry.store.select(CONFIG, "ns")}


def test_chains_of_owners_go_together(registry):
    first = config(registry, "a")
    second = config(registry, "b", first)
    config(registry, "c", second)
    registry.delete(CONFIG, "ns", "a", DeleteOptions())
    assert names(registry) == set()


def test_one_of_two_owners_is_enough(registry):
    first, second = config(registry, "a"), config(registry, "b")
    config(registry, "c", first, second)
    registry.delete(CONFIG, "ns", "a", DeleteOptions())
    assert names(registry) == {"b", "c"}
    registry.delete(CONFIG, "ns", "b", DeleteOptions())
    assert names(registry) == set()


def test_an_owner_that_never_was_takes_its_dependents(registry):
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000000"}}
    config(registry, "a", ghost)
    assert names(registry) == set()


def test_foreground_waits_for_the_dependents(registry):
    owner = config(registry, "a")
    config(registry, "b", owner, finalizers=["argovx.dev/hold"])
    registry.delete(CONFIG, "ns", "a", DeleteOptions(policy="Foreground"))
    assert names(registry) == {"a", "b"}
    waiting = registry.get(CONFIG, "ns", "a").object()["metadata"]
    assert waiting["finalizers"] == ["foregroundDeletion"]
    registry.update(CONFIG, "ns", "b", lambda old: {**old, "metadata": {**old["metadata"], "finalizers": []}})
    assert names(registry) == set()


def test_orphans_lose_the_reference(registry):
    owner = config(registry, "a")
    config(registry, "b", owner)
    registry.delete(CONFIG, "ns", "a", DeleteOptions(policy="Orphan"))
    assert names(registry) == {"b"}
    assert "ownerReferences" not in registry.get(CONFIG, "ns", "b").object()["metadata"]


def test_a_cut_collection_is_finished_at_the_next_start(registry, store, clock):
    owner = config(registry, "a")
    config(registry, "b", owner)
    store.remove(registry.get(CONFIG, "ns", "a"))
    assert names(registry) == {"b"}
    Registry(store, clock).deletion.sweep()
    assert names(registry) == set()


def test_a_namespace_goes_when_it_is_empty(registry):
    config(registry, "a", finalizers=["argovx.dev/hold"])
    config(registry, "b")
    answer = registry.delete(SPACES, "", "ns", DeleteOptions())
    assert answer["status"]["phase"] == "Terminating"
    assert names(registry) == {"a"}
    with pytest.raises(ApiError, match="because it is being terminated"):
        config(registry, "c")
    registry.update(CONFIG, "ns", "a", lambda old: {**old, "metadata": {**old["metadata"], "finalizers": []}})
    with pytest.raises(ApiError, match='namespaces "ns" not found'):
        registry.get(SPACES, "", "ns")


@pytest.mark.parametrize(
    ("phase", "node", "asked", "lives"),
    [
        ("Running", "node", None, True),
        ("Running", "node", 0, False),
        ("Pending", "node", None, True),
        ("Pending", "", None, False),
        ("Succeeded", "node", None, False),
        ("Failed", "node", 30, False),
    ],
)
def test_the_grace_of_pods(registry, phase, node, asked, lives):
    spec = {"containers": [{"name": "main", "image": "x"}]}
    pod = registry.create(PODS, "ns", {"metadata": {"name": "p"}, "spec": spec})
    pod["spec"]["nodeName"], pod["status"]["phase"] = node, phase
    registry.store.put(PODS, pod)
    registry.delete(PODS, "ns", "p", DeleteOptions(grace_s=asked))
    assert (registry.store.get(PODS, "ns", "p") is not None) is lives


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ([], "must be an object"),
        ({"gracePeriodSeconds": "soon"}, "gracePeriodSeconds"),
        ({"gracePeriodSeconds": True}, "gracePeriodSeconds"),
        ({"gracePeriodSeconds": -1}, "gracePeriodSeconds"),
        ({"propagationPolicy": "None"}, "propagationPolicy"),
        ({"preconditions": {"uid": 5}}, "preconditions"),
        ({"preconditions": {"name": "x"}}, "preconditions.name"),
        ({"orphanDependents": "perhaps"}, "orphanDependents"),
        ({"orphanDependents": False, "propagationPolicy": "Orphan"}, "cannot be both set"),
        ({"dryRun": ["Some"]}, "dryRun"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_delete_options_are_refused_by_name(body, word):
    with pytest.raises(ApiError, match=word) as caught:
        options_from(body, {})
    assert caught.value.code in (400, 422)
