"""Pods through the official client: logs, grace, binding, eviction, owners."""

from __future__ import annotations

import json
import time

import pytest
from kubernetes import client, watch

NAMESPACE = "argovx"
MERGE = "application/merge-patch+json"
ARGO = ("argoproj.io", "v1alpha1", NAMESPACE, "workflows")


def pod(name: str, *containers: str, **meta) -> dict:
    spec = {"containers": [{"name": item, "image": "x"} for item in containers or ("main",)]}
    return {"metadata": {"name": name, **meta}, "spec": spec}


@pytest.fixture
def logged(core):
    core.create_namespaced_pod(NAMESPACE, pod("logged", "main", "wait"))
    yield "logged"
    core.delete_namespaced_pod("logged", NAMESPACE)


@pytest.mark.ours
def test_logs(core, logged):
    def read(**options) -> str:
        return core.read_namespaced_pod_log(logged, NAMESPACE, container="main", **options)

    assert read() == "logged/main\n" + "".join(f"line {index}\n" for index in range(5))
    assert read(limit_bytes=14) == "logged/main\nli"
    assert read(tail_lines=1) == "logged/main\nline 4\n"
    assert "2026-01-01T00:00:00.000000000Z line 4" in read(timestamps=True)
    assert "since 30.0" in read(since_seconds=30)
    lines = list(watch.Watch().stream(core.read_namespaced_pod_log, logged, NAMESPACE, container="main"))
    assert lines[-1] == "last"


@pytest.mark.ours
@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        ({}, 400, "a container name must be specified for pod logged, choose one of: [main wait]"),
        ({"container": "other"}, 400, "container other is not valid for pod logged"),
        ({"container": "main", "previous": True}, 400, "previous terminated container"),
        ({"container": "main", "limit_bytes": 0}, 400, "greater than 0"),
    ],
)
def test_logs_that_cannot_be_had(core, logged, options, code, word):
    with pytest.raises(client.ApiException) as caught:
        core.read_namespaced_pod_log(logged, NAMESPACE, **options)
    assert caught.value.status == code
    assert word in json.loads(caught.value.body)["message"]


ENDED = {"terminated": {"exitCode": 1, "startedAt": None, "finishedAt": None}}
BACK = "may not be transitioned to non-terminated state"


@pytest.mark.parametrize(
    ("policy", "part", "change", "refusal"),
    [
        (
            "Never",
            "containerStatuses",
            {"state": {"running": {}}},
            f"status.containerStatuses[0].state: Forbidden: {BACK}",
        ),
        ("Never", "containerStatuses", {"state": {"waiting": {"reason": "x"}}}, BACK),
        ("Never", "containerStatuses", {"state": ENDED, "ready": False}, None),
        ("OnFailure", "containerStatuses", {"state": {"running": {}}}, None),
        ("Always", "containerStatuses", {"state": {"running": {}}}, None),
        (
            "Never",
            "initContainerStatuses",
            {"state": {"running": {}}},
            f"status.initContainerStatuses[0].state: Forbidden: {BACK}",
        ),
        ("OnFailure", "initContainerStatuses", {"state": {"running": {}}}, None),
    ],
)
def test_a_container_that_has_ended_stays_ended(core, policy, part, change, refusal):
    body = pod("ended")
    body["spec"].update(restartPolicy=policy, initContainers=[{"name": "init", "image": "x"}])
    core.create_namespaced_pod(NAMESPACE, body)
    name = "main" if part == "containerStatuses" else "init"
    same = {"name": name, "image": "x", "imageID": "", "ready": False, "restartCount": 0}

    def write(**entry):
        whole = {"status": {part: [{**same, **entry}]}}
        return core.patch_namespaced_pod_status("ended", NAMESPACE, whole, _content_type=MERGE)

    try:
        write(state=ENDED)
        if refusal is None:
            write(**change)
            return
        with pytest.raises(client.ApiException) as caught:
            write(**change)
        assert caught.value.status == 422
        assert refusal in json.loads(caught.value.body)["message"]
    finally:
        core.delete_namespaced_pod("ended", NAMESPACE, grace_period_seconds=0)


def test_the_quality_of_service_is_fixed(core):
    core.create_namespaced_pod(NAMESPACE, pod("quality"))
    try:
        with pytest.raises(client.ApiException) as caught:
            core.patch_namespaced_pod_status("quality", NAMESPACE, {"status": {"qosClass": "Guaranteed"}})
        assert caught.value.status == 422
        message = json.loads(caught.value.body)["message"]
        assert 'status.qosClass: Invalid value: "Guaranteed": field is immutable' in message
    finally:
        core.delete_namespaced_pod("quality", NAMESPACE, grace_period_seconds=0)


def test_a_bound_pod_gets_its_grace_first(core, cluster):
    core.create_namespaced_pod(NAMESPACE, pod("graceful"))
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/graceful/binding"
    binding = {"metadata": {"name": "graceful"}, "target": {"kind": "Node", "name": "node"}}
    codes = [cluster.http("POST", path, json=binding).status_code for _ in range(2)]
    assert codes == [201, 409]
    core.delete_namespaced_pod("graceful", NAMESPACE, grace_period_seconds=7)
    found = core.read_namespaced_pod("graceful", NAMESPACE)
    assert found.spec.node_name == "node"
    assert found.metadata.deletion_grace_period_seconds == 7
    assert found.metadata.deletion_timestamp
    core.delete_namespaced_pod("graceful", NAMESPACE, grace_period_seconds=0)
    with pytest.raises(client.ApiException) as caught:
        core.read_namespaced_pod("graceful", NAMESPACE)
    assert caught.value.status == 404


def test_eviction_deletes(core):
    core.create_namespaced_pod(NAMESPACE, pod("evicted"))
    core.create_namespaced_pod_eviction("evicted", NAMESPACE, {"metadata": {"name": "evicted"}})
    assert "evicted" not in [item.metadata.name for item in core.list_namespaced_pod(NAMESPACE).items]


def test_what_an_owner_leaves_is_collected(core, custom):
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": {}}
    made = custom.create_namespaced_custom_object(*ARGO, {**workflow, "metadata": {"name": "owner"}})
    owner = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "name": "owner",
        "uid": made["metadata"]["uid"],
    }
    for name in ("child-1", "child-2"):
        core.create_namespaced_pod(NAMESPACE, pod(name, ownerReferences=[owner]))
    custom.delete_namespaced_custom_object(*ARGO, "owner", propagation_policy="Foreground")
    for _ in range(1200):  # the real server's collector learns of custom kinds half a minute after they came
        left = {item.metadata.name for item in core.list_namespaced_pod(NAMESPACE).items}
        if not {"child-1", "child-2"} & left:
            break
        time.sleep(0.05)
    assert not {"child-1", "child-2"} & left
    made = custom.create_namespaced_custom_object(*ARGO, {**workflow, "metadata": {"name": "owner"}})
    owner["uid"] = made["metadata"]["uid"]
    core.create_namespaced_pod(NAMESPACE, pod("orphan", ownerReferences=[owner]))
    custom.delete_namespaced_custom_object(*ARGO, "owner", propagation_policy="Orphan")
    for _ in range(200):
        owners = core.read_namespaced_pod("orphan", NAMESPACE).metadata.owner_references
        if not owners:
            break
        time.sleep(0.05)
    assert not owners
    core.delete_namespaced_pod("orphan", NAMESPACE)


def test_a_finalizer_holds_an_object(custom):
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "held", "finalizers": ["argovx.dev/hold"]},
        "spec": {},
    }
    custom.create_namespaced_custom_object(*ARGO, workflow)
    answer = custom.delete_namespaced_custom_object(*ARGO, "held")
    assert answer["metadata"]["deletionTimestamp"]
    with pytest.raises(client.ApiException) as caught:
        custom.patch_namespaced_custom_object(
            *ARGO, "held", {"metadata": {"finalizers": ["argovx.dev/hold", "argovx.dev/more"]}}
        )
    assert caught.value.status == 422
    custom.patch_namespaced_custom_object(*ARGO, "held", {"metadata": {"finalizers": None}})
    with pytest.raises(client.ApiException) as caught:
        custom.get_namespaced_custom_object(*ARGO, "held")
    assert caught.value.status == 404
