"""Conflicts, dry runs, lists in pages, selectors, namespaces: through the official client."""

from __future__ import annotations

import json

import pytest
from kubernetes import client

NAMESPACE = "argovx"
ARGO = ("argoproj.io", "v1alpha1")
SPEC = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}


def body(kind: str, version: str, name: str, content: dict) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}


def status_of(failure: client.ApiException) -> dict:
    found = json.loads(failure.body)
    assert found["kind"] == "Status"
    assert found["status"] == "Failure"
    assert found["code"] == failure.status
    return found


def refused(work, *arguments, **options) -> dict:
    with pytest.raises(client.ApiException) as caught:
        work(*arguments, **options)
    return status_of(caught.value)


def test_conflicts_name_the_object(custom, core):
    made = custom.create_namespaced_custom_object(
        *ARGO, NAMESPACE, "workflows", body("Workflow", "/".join(ARGO), "conflict", {"spec": SPEC})
    )
    custom.patch_namespaced_custom_object(
        *ARGO, NAMESPACE, "workflows", "conflict", {"spec": {"suspend": True}}
    )
    made["spec"]["suspend"] = False
    found = refused(custom.replace_namespaced_custom_object, *ARGO, NAMESPACE, "workflows", "conflict", made)
    assert found["reason"] == "Conflict"
    assert found["message"] == (
        'Operation cannot be fulfilled on workflows.argoproj.io "conflict": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    del made["metadata"]["resourceVersion"]
    found = refused(custom.replace_namespaced_custom_object, *ARGO, NAMESPACE, "workflows", "conflict", made)
    assert (found["code"], "must be specified for an update" in found["message"]) == (422, True)
    uid = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="other"))
    found = refused(core.delete_namespaced_config_map, "none", NAMESPACE, body=uid)
    assert found["code"] == 404
    found = refused(
        custom.delete_namespaced_custom_object, *ARGO, NAMESPACE, "workflows", "conflict", body=uid
    )
    assert (found["code"], "the UID in the precondition" in found["message"]) == (409, True)


def test_dry_run_changes_nothing(core):
    config = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="dry"), data={"a": "b"})
    made = core.create_namespaced_config_map(NAMESPACE, config, dry_run="All")
    assert made.metadata.uid
    assert refused(core.read_namespaced_config_map, "dry", NAMESPACE)["code"] == 404
    core.create_namespaced_config_map(NAMESPACE, config)
    core.patch_namespaced_config_map("dry", NAMESPACE, {"data": {"a": "c"}}, dry_run="All")
    core.delete_namespaced_config_map("dry", NAMESPACE, dry_run="All")
    assert core.read_namespaced_config_map("dry", NAMESPACE).data == {"a": "b"}
    assert refused(core.delete_namespaced_config_map, "dry", NAMESPACE, dry_run="Some")["code"] == 422


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"send_initial_events": True, "watch": True}, "sendInitialEvents"),
        ({"field_selector": "spec.hostname=x"}, "field label not supported: spec.hostname"),
        ({"label_selector": "a in b"}, "unable to parse requirement"),
        ({"_continue": "nonsense"}, "continue key is not valid"),
        ({"resource_version_match": "Exact"}, "resourceVersionMatch"),
        ({"resource_version": "abc"}, "resourceVersion"),
    ],
)
def test_what_is_not_served_is_refused_by_name(core, options, word):
    found = refused(core.list_namespaced_pod, NAMESPACE, **options)
    assert (found["code"] in (400, 422), word in found["message"]) == (True, True)


def test_lists_come_in_pages_of_one_revision(core):
    for index in range(7):
        meta = client.V1ObjectMeta(name=f"page-{index}", labels={"page": "yes"})
        core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=meta))
    first = core.list_namespaced_config_map(NAMESPACE, label_selector="page=yes", limit=3)
    core.delete_namespaced_config_map("page-6", NAMESPACE)
    core.create_namespaced_config_map(
        NAMESPACE,
        client.V1ConfigMap(metadata=client.V1ObjectMeta(name="page-4a", labels={"page": "yes"})),
    )
    second = core.list_namespaced_config_map(
        NAMESPACE, label_selector="page=yes", limit=3, _continue=first.metadata._continue
    )
    third = core.list_namespaced_config_map(
        NAMESPACE, label_selector="page=yes", limit=3, _continue=second.metadata._continue
    )
    names = [item.metadata.name for page in (first, second, third) for item in page.items]
    assert names == [f"page-{index}" for index in range(7)]
    assert first.metadata.resource_version == third.metadata.resource_version
    assert third.metadata._continue is None
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="page=yes")
    assert core.list_namespaced_config_map(NAMESPACE, label_selector="page=yes").items == []


def test_selectors(core):
    for name, labels in (("one", {"tier": "a"}), ("two", {"tier": "b", "extra": ""}), ("three", {})):
        meta = client.V1ObjectMeta(name=f"sel-{name}", labels={"sel": "yes", **labels})
        core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=meta))

    def found(labels: str, fields: str = "") -> set[str]:
        items = core.list_namespaced_config_map(
            NAMESPACE, label_selector=f"sel=yes,{labels}".rstrip(","), field_selector=fields
        ).items
        return {item.metadata.name.removeprefix("sel-") for item in items}

    assert found("tier in (a, b)") == {"one", "two"}
    assert found("tier notin (a)") == {"two", "three"}
    assert found("!tier") == {"three"}
    assert found("extra") == {"two"}
    assert found("tier!=a") == {"two", "three"}
    assert found("tier==a") == {"one"}
    assert found("", "metadata.name=sel-two") == {"two"}
    assert found("", "metadata.name!=sel-two") == {"one", "three"}


@pytest.mark.ours
def test_namespaces_bring_an_account_and_go_with_their_content(core):
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="passing")))
    made = core.read_namespace("passing")
    assert made.status.phase == "Active"
    assert made.metadata.labels == {"kubernetes.io/metadata.name": "passing"}
    assert [item.metadata.name for item in core.list_namespaced_service_account("passing").items] == [
        "default"
    ]
    assert refused(core.delete_namespace, "passing")["reason"] == "Forbidden"
