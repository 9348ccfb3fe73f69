"""The three patch formats as the official client sends them."""

from __future__ import annotations

import json

import pytest
from kubernetes import client

NAMESPACE = "argovx"
ARGO = ("argoproj.io", "v1alpha1", NAMESPACE, "workflows")


@pytest.fixture
def pod(core):
    spec = {
        "containers": [
            {"name": "main", "image": "a:1", "env": [{"name": "A", "value": "1"}]},
            {"name": "side", "image": "b:1"},
        ]
    }
    core.create_namespaced_pod(NAMESPACE, {"metadata": {"name": "patched"}, "spec": spec})
    yield "patched"
    core.delete_namespaced_pod("patched", NAMESPACE, grace_period_seconds=0)


def test_a_dict_is_a_strategic_merge_for_core_kinds(core, pod):
    change = {"spec": {"containers": [{"name": "side", "image": "b:2"}]}}
    after = core.patch_namespaced_pod(pod, NAMESPACE, change)
    assert [(item.name, item.image) for item in after.spec.containers] == [("main", "a:1"), ("side", "b:2")]
    status = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    core.patch_namespaced_pod_status(pod, NAMESPACE, status)
    status["status"]["conditions"] = [{"type": "Initialized", "status": "True"}]
    after = core.patch_namespaced_pod_status(pod, NAMESPACE, status)
    assert [item.type for item in after.status.conditions] == ["Initialized", "Ready"]
    assert after.status.phase == "Running"


def test_a_list_is_a_json_patch(core, pod):
    steps = [
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "test", "path": "/metadata/labels/a~1b", "value": "c"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "a:2"},
    ]
    after = core.patch_namespaced_pod(pod, NAMESPACE, steps)
    assert after.metadata.labels == {"a/b": "c"}
    assert after.spec.containers[0].image == "a:2"
    with pytest.raises(client.ApiException) as caught:
        core.patch_namespaced_pod(pod, NAMESPACE, [{"op": "remove", "path": "/spec/nowhere"}])
    assert caught.value.status == 422
    assert json.loads(caught.value.body)["reason"] == "Invalid"


def test_a_dict_is_a_merge_patch_for_custom_kinds(custom):
    spec = {"entrypoint": "a", "arguments": {"parameters": [{"name": "x", "value": "1"}]}}
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "patched"},
        "spec": spec,
    }
    made = custom.create_namespaced_custom_object(*ARGO, workflow)
    change = {
        "metadata": {"resourceVersion": made["metadata"]["resourceVersion"]},
        "spec": {"arguments": {"parameters": [{"name": "y", "value": "2"}]}, "entrypoint": None},
        "status": {"phase": "Running"},
    }
    after = custom.patch_namespaced_custom_object(*ARGO, "patched", change)
    assert after["spec"] == {"arguments": {"parameters": [{"name": "y", "value": "2"}]}}
    assert after["status"] == {"phase": "Running"}, "Argo's Workflow has no status subresource"
    assert after["metadata"]["generation"] == 2
    with pytest.raises(client.ApiException) as caught:
        custom.patch_namespaced_custom_object(*ARGO, "patched", change)
    assert caught.value.status == 409, "the resourceVersion in the patch is stale now"


def test_status_has_its_own_way_where_it_is_a_subresource(core, custom, pod):
    after = core.patch_namespaced_pod(pod, NAMESPACE, {"status": {"phase": "Failed"}})
    assert after.status.phase == "Pending"
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskSet", "metadata": {"name": "ts"}}
    place = ("argoproj.io", "v1alpha1", NAMESPACE, "workflowtasksets")
    custom.create_namespaced_custom_object(*place, {**body, "spec": {}, "status": {"nodes": {}}})
    assert "status" not in custom.get_namespaced_custom_object(*place, "ts")
    after = custom.patch_namespaced_custom_object_status(*place, "ts", {"status": {"nodes": {"a": {}}}})
    assert after["status"] == {"nodes": {"a": {}}}
    assert after["metadata"]["generation"] == 1


def test_pods_do_not_change_their_mind(core, pod):
    with pytest.raises(client.ApiException) as caught:
        core.patch_namespaced_pod(pod, NAMESPACE, {"spec": {"nodeName": "elsewhere"}})
    assert caught.value.status == 422
    assert "pod updates may not change fields other than" in json.loads(caught.value.body)["message"]


@pytest.mark.ours
def test_other_formats_are_415_with_the_ones_that_are_taken(custom, owner):
    with pytest.raises(client.ApiException) as caught:
        custom.patch_namespaced_custom_object(
            *ARGO, "any", {"spec": {}}, field_manager="me", _content_type="application/apply-patch+yaml"
        )
    assert caught.value.status == 415
    message = json.loads(caught.value.body)["message"]
    assert "application/merge-patch+json" in message
    assert "strategic" not in message
    del owner
