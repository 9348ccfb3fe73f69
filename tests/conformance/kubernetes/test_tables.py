"""What ``kubectl get`` shows: tables, their columns, and what stands in them, on both servers."""

from __future__ import annotations

import json

import pytest
from kubernetes import client

NAMESPACE = "argovx"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io"
KUBECTL = f"{TABLE},application/json"


def table(cluster, path: str, accept: str = KUBECTL) -> dict:
    answer = cluster.http("GET", path, headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(found: dict, priority: int = 0) -> list[dict]:
    """Return the rows as kubectl prints them."""
    columns = [(index, one) for index, one in enumerate(found["columnDefinitions"])]
    return [
        {one["name"]: row["cells"][index] for index, one in columns if one["priority"] <= priority}
        for row in found["rows"]
    ]


@pytest.fixture
def make(cluster):
    paths = []

    def create(path: str, body: dict) -> dict:
        answer = cluster.http("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        paths.append(f"{path}/{body['metadata']['name']}")
        return answer.json()

    yield create
    for path in paths:
        cluster.http("DELETE", path, params={"gracePeriodSeconds": "0"})


def container(name: str, **state) -> dict:
    head = {"name": name, "image": "i", "imageID": "", "ready": False, "restartCount": 0}
    return {**head, **({"ready": True} if "running" in state else {}), "state": state}


DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}
STATES = [
    ({"phase": "Pending"}, "0/2", "Pending"),
    ({"phase": "Running", "containerStatuses": [container("a", running={})]}, "1/2", "Running"),
    ({"phase": "Failed", "reason": "Evicted"}, "0/2", "Evicted"),
    ({"phase": "Succeeded", "containerStatuses": [container("a", **DONE)]}, "0/2", "Completed"),
    (
        {"phase": "Failed", "containerStatuses": [container("a", terminated={"exitCode": 3})]},
        *("0/2", "ExitCode:3"),
    ),
    (
        {"phase": "Pending", "containerStatuses": [container("a", waiting={"reason": "ImagePullBackOff"})]},
        *("0/2", "ImagePullBackOff"),
    ),
    ({"phase": "Pending", "initContainerStatuses": [container("i", running={})]}, "0/2", "Init:0/1"),
    (
        {
            "phase": "Failed",
            "initContainerStatuses": [container("i", terminated={"exitCode": 2, "reason": "Error"})],
        },
        *("0/2", "Init:Error"),
    ),
]


@pytest.mark.parametrize(("state", "ready", "word"), STATES, ids=[row[2] for row in STATES])
def test_a_pod_in_one_line(cluster, make, state, ready, word):
    containers = [{"name": name, "image": "i"} for name in ("a", "b")]
    spec = {"containers": containers, "initContainers": [{"name": "i", "image": "i"}]}
    spec |= {"serviceAccountName": "default", "automountServiceAccountToken": False}
    make(f"{CORE}/pods", {"metadata": {"name": "tb-pod"}, "spec": spec})
    patch = {"content-type": "application/merge-patch+json"}
    body = json.dumps({"status": {**state, "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}})
    answer = cluster.http("PATCH", f"{CORE}/pods/tb-pod/status", data=body, headers=patch)
    assert answer.status_code == 200, answer.text
    row = shown(table(cluster, f"{CORE}/pods/tb-pod"), priority=1)[0]
    assert row.pop("Age").endswith("s")
    assert row == {
        "Name": "tb-pod",
        "Ready": ready,
        "Status": word,
        "Restarts": "0",
        "IP": "127.0.0.1",
        "Node": "<none>",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }


RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
SUBJECT = {"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}
OTHERS = [
    (f"{CORE}/configmaps", {"data": {"a": "1"}, "binaryData": {"b": "dg=="}}, {"Data": 2}),
    (f"{CORE}/secrets", {"data": {"a": "dg=="}}, {"Type": "Opaque", "Data": 1}),
    (f"{CORE}/serviceaccounts", {}, {}),
    (f"{RBAC}/roles", {"rules": []}, {}),
    (
        f"{RBAC}/rolebindings",
        {
            "roleRef": {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"},
            "subjects": [SUBJECT],
        },
        {"Role": "Role/r", "Users": "", "Groups": "", "ServiceAccounts": f"{NAMESPACE}/default"},
    ),
    (
        f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases",
        {"spec": {"holderIdentity": "me"}},
        {"Holder": "me"},
    ),
]


@pytest.mark.parametrize(("path", "content", "cells"), OTHERS, ids=[row[0].split("/")[-1] for row in OTHERS])
def test_core_kinds_in_one_line(cluster, make, path, content, cells):
    make(path, {"metadata": {"name": "tb-one"}, **content})
    found = table(cluster, f"{path}?fieldSelector=metadata.name=tb-one")
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    row = shown(found, priority=1)[0]
    assert row["Name"] == "tb-one"
    assert {"Age", "Created At"} & set(row)
    assert {key: row[key] for key in cells} == cells
    assert found["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert found["rows"][0]["object"]["metadata"]["name"] == "tb-one"


def test_workflows_show_argos_columns(cluster, make):
    content = {"spec": {"entrypoint": "a", "templates": [{"name": "a", "suspend": {}}]}}
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "tb-wf"}}
    state = {"phase": "Failed", "message": "why", "startedAt": "2020-01-01T00:00:00Z"}
    make(WORKFLOWS, {**head, **content, "status": state})
    row = shown(table(cluster, f"{WORKFLOWS}/tb-wf"))[0]
    assert row.pop("Age").endswith("d")
    assert row == {"Name": "tb-wf", "Status": "Failed", "Message": "why"}


@pytest.mark.parametrize("include", ["None", "Object"])
def test_what_a_row_carries_along(cluster, make, include):
    make(f"{CORE}/configmaps", {"metadata": {"name": "tb-inc"}, "data": {"a": "1"}})
    found = table(cluster, f"{CORE}/configmaps/tb-inc?includeObject={include}")["rows"][0].get("object")
    assert (found and found["data"]) == (None if include == "None" else {"a": "1"})


def test_a_watch_sends_tables_with_columns_once(cluster, make):
    made = [make(f"{CORE}/configmaps", {"metadata": {"name": f"tb-w{n}"}, "data": {}}) for n in range(2)]
    before = int(made[0]["metadata"]["resourceVersion"]) - 1
    path = f"{CORE}/configmaps?watch=1&timeoutSeconds=1&resourceVersion={before}"
    lines = cluster.http("GET", path, headers={"accept": KUBECTL}).text.splitlines()
    found = [json.loads(line)["object"] for line in lines]
    mine = [one for one in found if one["rows"][0]["object"]["metadata"]["name"].startswith("tb-w")]
    assert [one["rows"][0]["cells"][1] for one in mine[:2]] == [0, 0]
    assert [bool(one["columnDefinitions"]) for one in found] == [True] + [False] * (len(found) - 1)


def test_plain_json_first_stays_plain(cluster):
    found = table(cluster, f"{CORE}/configmaps", accept=f"application/json,{TABLE}")
    assert found["kind"] == "ConfigMapList"


@pytest.mark.ours
def test_columns_of_definitions(cluster, owner, make):
    columns = [
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Names", "type": "string", "jsonPath": ".spec.items[*].name", "priority": 1},
        {"name": "Last", "type": "string", "jsonPath": ".spec.items[-1].name"},
        {"name": "Dotted", "type": "string", "jsonPath": ".metadata.labels.a\\.b/c"},
        {"name": "Odd", "type": "string", "jsonPath": ".spec[?(@.a < 1)]"},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    names = {"plural": "cells", "singular": "cell", "kind": "Cell"}
    open_ = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": open_}}
    spec = {"group": "tables.test", "scope": "Namespaced", "names": names}
    spec["versions"] = [{**version, "additionalPrinterColumns": columns}]
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    definition |= {"metadata": {"name": "cells.tables.test"}, "spec": spec}
    make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    path = f"/apis/tables.test/v1/namespaces/{NAMESPACE}/cells"
    content = {"size": 3, "items": [{"name": "x"}, {"name": "y"}]}
    conditions = [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]
    body = {"apiVersion": "tables.test/v1", "kind": "Cell", "spec": content}
    body["metadata"] = {"name": "tb-c", "labels": {"a.b/c": "d"}}
    make(path, {**body, "status": {"conditions": conditions}})
    row = shown(table(cluster, f"{path}/tb-c"), priority=1)[0]
    assert row.pop("Since").endswith("s")
    wanted = {"Ready": "True", "Size": 3, "Names": "x,y", "Last": "y", "Dotted": "d", "Odd": None}
    assert row == {"Name": "tb-c", **wanted}


def test_includes_that_are_none_are_refused(cluster):
    answer = cluster.http("GET", f"{CORE}/pods?includeObject=All", headers={"accept": KUBECTL})
    assert answer.status_code == 400


def test_leases_elect_a_leader(owner):
    """What client-go's leader election asks: create, replace by version, lose by version."""
    api = client.CoordinationV1Api(owner)
    spec = client.V1LeaseSpec(holder_identity="one", lease_duration_seconds=15, lease_transitions=0)
    lease = api.create_namespaced_lease(
        NAMESPACE, client.V1Lease(metadata=client.V1ObjectMeta(name="tb-lead"), spec=spec)
    )
    try:
        lease.spec.holder_identity = "two"
        taken = api.replace_namespaced_lease("tb-lead", NAMESPACE, lease)
        assert taken.spec.holder_identity == "two"
        with pytest.raises(client.ApiException) as late:
            api.replace_namespaced_lease("tb-lead", NAMESPACE, lease)
        assert late.value.status == 409
        spec.lease_duration_seconds = 0
        wrong = client.V1Lease(metadata=client.V1ObjectMeta(name="tb-wrong"), spec=spec)
        with pytest.raises(client.ApiException) as bad:
            api.create_namespaced_lease(NAMESPACE, wrong)
        assert bad.value.status == 422
        assert "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0" in bad.value.body
    finally:
        api.delete_namespaced_lease("tb-lead", NAMESPACE)


@pytest.mark.parametrize("endpoint", ["livez", "readyz", "healthz"])
def test_health_check_by_check(cluster, endpoint):
    assert cluster.http("GET", f"/{endpoint}").text == "ok"
    lines = cluster.http("GET", f"/{endpoint}?verbose").text.splitlines()
    assert lines[0] == "[+]ping ok"
    assert lines[-1] == f"{endpoint} check passed"
    left_out = cluster.http("GET", f"/{endpoint}?verbose&exclude=ping").text.splitlines()
    assert left_out[0] == "[+]ping excluded: ok"
    assert cluster.http("GET", f"/{endpoint}/ping").text == "ok"
    assert cluster.http("GET", f"/{endpoint}/nothing").status_code == 404


@pytest.mark.ours
def test_server_side_apply_is_refused_with_a_way_out(owner):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tb-apply"}}
    with pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(owner).patch_namespaced_config_map(
            *("tb-apply", NAMESPACE, body),
            field_manager="me",
            _content_type="application/apply-patch+yaml",
        )
    assert refused.value.status == 415
    assert "kubectl apply without --server-side" in json.loads(refused.value.body)["message"]
