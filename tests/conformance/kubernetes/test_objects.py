"""Every kind through the official client: made, read, replaced, patched, deleted; and each refusal."""

from __future__ import annotations

import json

import pytest
from kubernetes import client, dynamic

NAMESPACE = "argovx"
ARGO = ("argoproj.io", "v1alpha1")
RBAC = "rbac.authorization.k8s.io"
SPEC = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}
POD = {"containers": [{"name": "main", "image": "busybox"}]}

RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}

#: kind, apiVersion, namespaced, content, a change of it
KINDS = [
    ("Pod", "v1", True, {"spec": POD}, {"metadata": {"labels": {"a": "b"}}}),
    ("ConfigMap", "v1", True, {"data": {"k": "v"}}, {"data": {"k": "w"}}),
    ("Secret", "v1", True, {"stringData": {"k": "v"}}, {"data": {"k": "dw=="}}),
    ("ServiceAccount", "v1", True, {}, {"automountServiceAccountToken": False}),
    (
        "Event",
        "v1",
        True,
        {"involvedObject": {"kind": "Pod", "name": "p", "namespace": NAMESPACE}},
        {"reason": "Because"},
    ),
    ("Role", f"{RBAC}/v1", True, {"rules": [RULE]}, {"metadata": {"labels": {"a": "b"}}}),
    (
        "RoleBinding",
        f"{RBAC}/v1",
        True,
        {"roleRef": {"kind": "Role", "name": "nb-alice", "apiGroup": RBAC}},
        {"subjects": [{"kind": "User", "name": "bob"}]},
    ),
    ("Workflow", "/".join(ARGO), True, {"spec": SPEC}, {"spec": {"suspend": True}}),
    ("WorkflowTemplate", "/".join(ARGO), True, {"spec": SPEC}, {"spec": {"entrypoint": "x"}}),
    ("ClusterWorkflowTemplate", "/".join(ARGO), False, {"spec": SPEC}, {"spec": {"entrypoint": "x"}}),
    (
        "CronWorkflow",
        "/".join(ARGO),
        True,
        {"spec": {"schedules": ["@daily"], "workflowSpec": SPEC}},
        {"spec": {"suspend": True}},
    ),
    ("WorkflowTaskResult", "/".join(ARGO), True, {"outputs": {"result": "1"}}, {"progress": "1/2"}),
    ("WorkflowTaskSet", "/".join(ARGO), True, {"spec": {"tasks": {}}}, {"spec": {"tasks": {"a": {}}}}),
]


def body(kind: str, version: str, name: str, content: dict) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}


@pytest.fixture(scope="module")
def dynamic_client(cluster, tmp_path_factory):
    with cluster.api(cluster.owner_token) as api:
        cache = str(tmp_path_factory.mktemp("discovery") / "cache.json")
        yield dynamic.DynamicClient(api, cache_file=cache)


@pytest.mark.parametrize(("kind", "version", "namespaced", "content", "change"), KINDS)
def test_each_kind_lives_through_the_dynamic_client(
    dynamic_client, kind, version, namespaced, content, change
):
    resource = dynamic_client.resources.get(api_version=version, kind=kind)
    place = {"namespace": NAMESPACE} if namespaced else {}
    name = f"dyn-{kind.lower()}"
    made = resource.create(body=body(kind, version, name, content), **place)
    assert made.metadata.uid
    assert made.metadata.creationTimestamp.endswith("Z")
    read = resource.get(name=name, **place).to_dict()
    assert read["metadata"]["resourceVersion"] == made.metadata.resourceVersion
    patched = resource.patch(
        name=name, body=change, content_type="application/merge-patch+json", **place
    ).to_dict()
    assert int(patched["metadata"]["resourceVersion"]) > int(made.metadata.resourceVersion)
    assert [item.metadata.name for item in resource.get(**place).items if item.metadata.name == name]
    again = resource.replace(body=patched, **place)
    assert again.metadata.resourceVersion == patched["metadata"]["resourceVersion"], "nothing changed"
    with pytest.raises(dynamic.exceptions.ConflictError):
        resource.create(body=body(kind, version, name, content), **place)
    stale = {**patched, "metadata": {**patched["metadata"], "resourceVersion": "1", "labels": {"n": "1"}}}
    with pytest.raises(dynamic.exceptions.ConflictError):
        resource.replace(body=stale, **place)
    resource.delete(name=name, **place)
    with pytest.raises(dynamic.exceptions.NotFoundError):
        resource.get(name=name, **place)


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


@pytest.mark.ours
def test_missing_objects_are_404_with_details(core, custom):
    assert refused(core.read_namespaced_pod, "nope", NAMESPACE) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'pods "nope" not found',
        "reason": "NotFound",
        "details": {"name": "nope", "kind": "pods"},
        "code": 404,
    }
    found = refused(custom.get_namespaced_custom_object, *ARGO, NAMESPACE, "workflows", "nope")
    assert found["message"] == 'workflows.argoproj.io "nope" not found'
    assert found["details"] == {"name": "nope", "group": "argoproj.io", "kind": "workflows"}
    found = refused(custom.list_namespaced_custom_object, *ARGO, NAMESPACE, "sensors")
    assert (found["code"], "sensors" in found["message"]) == (404, True)
    found = refused(core.list_namespaced_service, NAMESPACE)
    assert (found["code"], "services" in found["message"]) == (404, True)


@pytest.mark.ours
def test_a_namespace_that_is_not_there_takes_nothing(cluster):
    answer = cluster.in_loop(lambda: _refusal_in_process(cluster))
    assert answer == (404, "NotFound", 'namespaces "nowhere" not found')


def _refusal_in_process(cluster) -> tuple[int, str, str]:
    from argovx_lab.sandbox.kubernetes.interface import ApiError
    from argovx_lab.sandbox.kubernetes.kinds import BY_ID

    try:
        cluster.server.registry.create(BY_ID["configmaps"], "nowhere", {"metadata": {"name": "x"}})
    except ApiError as error:
        return error.code, error.reason, error.message
    raise AssertionError("it was taken")


def test_names_are_generated_and_distinct(custom):
    made = [
        custom.create_namespaced_custom_object(
            *ARGO,
            NAMESPACE,
            "workflows",
            {
                "apiVersion": "/".join(ARGO),
                "kind": "Workflow",
                "metadata": {"generateName": "gen-"},
                "spec": SPEC,
            },
        )
        for _ in range(3)
    ]
    names = {item["metadata"]["name"] for item in made}
    assert len(names) == 3
    assert all(name.startswith("gen-") and len(name) == 9 for name in names)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"name": "Not_DNS"}, "metadata.name"),
        ({"name": "x" * 254}, "metadata.name"),
        ({}, "metadata.name"),
        ({"name": "a", "labels": {"k": "white space"}}, "metadata.labels"),
        ({"name": "a", "labels": {"/": "v"}}, "metadata.labels"),
        ({"name": "a", "annotations": {"k": "x" * (256 * 1024)}}, "metadata.annotations"),
        ({"name": "a", "finalizers": ["white space"]}, "metadata.finalizers"),
        ({"name": "a", "ownerReferences": [{"kind": "Pod"}]}, "metadata.ownerReferences.apiVersion"),
    ],
)
def test_wrong_metadata_is_422_with_causes(custom, metadata, field):
    workflow = {"apiVersion": "/".join(ARGO), "kind": "Workflow", "metadata": metadata, "spec": SPEC}
    found = refused(custom.create_namespaced_custom_object, *ARGO, NAMESPACE, "workflows", workflow)
    assert (found["code"], found["reason"]) == (422, "Invalid")
    assert found["details"]["causes"][0]["field"] == field
    assert found["details"]["kind"] == "Workflow"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"templates": [{"name": 5}]}, 'spec.templates[0].name: Invalid value: "integer"'),
        (
            {"templates": [{"name": f"t{index}"} for index in range(201)]},
            "spec.templates: Too many: 201: must have at most 200 items",
        ),
        (
            {"templates": [{"name": "a", "dag": {"tasks": [{"name": f"t{n}"} for n in range(201)]}}]},
            "spec.templates[0].dag.tasks: Too many: 201: must have at most 200 items",
        ),
        ({"templates": [{"name": "a", "dag": {}}]}, "spec.templates[0].dag.tasks: Required value"),
        ({"parallelism": "two"}, "spec.parallelism in body must be of type integer"),
        ({"arguments": {"parameters": [{"value": "x"}]}}, "parameters[0].name: Required value"),
    ],
)
def test_workflows_are_checked_against_the_schema(custom, spec, text):
    workflow = body("Workflow", "/".join(ARGO), "bad", {"spec": spec})
    found = refused(custom.create_namespaced_custom_object, *ARGO, NAMESPACE, "workflows", workflow)
    assert found["code"] == 422
    assert text in found["message"]


def test_unknown_fields_are_kept_and_nulls_are_pruned(custom):
    spec = {"templates": None, "entrypoint": "x", "argovxUnknown": {"deep": [1]}}
    made = custom.create_namespaced_custom_object(
        *ARGO, NAMESPACE, "workflows", body("Workflow", "/".join(ARGO), "unknown", {"spec": spec})
    )
    assert made["spec"] == {"entrypoint": "x", "argovxUnknown": {"deep": [1]}}


def posted(cluster, path: str, value: object, **options) -> dict:
    """POST what the official client's own validation would not let through."""
    answer = cluster.http("POST", path, json=value, **options)
    assert answer.status_code >= 400
    assert answer.json()["code"] == answer.status_code
    return answer.json()


PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.mark.ours
def test_strict_validation_names_unknown_fields(custom, cluster):
    spec = {"templates": [{"name": "a", "kontainer": {}}]}
    workflow = body("Workflow", "/".join(ARGO), "strict", {"spec": spec})
    found = refused(
        custom.create_namespaced_custom_object,
        *ARGO,
        NAMESPACE,
        "workflows",
        workflow,
        field_validation="Strict",
    )
    assert found["code"] == 400
    assert 'strict decoding error: unknown field "spec.templates[0].kontainer"' in found["message"]
    pod = body("Pod", "v1", "strict", {"spec": {**POD, "imagine": 1}})
    found = posted(cluster, f"{PODS}?fieldValidation=Strict", pod)
    assert 'unknown field "spec.imagine"' in found["message"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec.containers"),
        ({"containers": [{"image": "x"}]}, "spec.containers[0].name"),
        ({"containers": [{"name": "main"}]}, "spec.containers[0].image"),
        ({"containers": [{"name": "a", "image": "x"}] * 2}, "spec.containers[1].name"),
        (
            {
                "containers": [
                    {
                        "name": "a",
                        "image": "x",
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                    }
                ]
            },
            "spec.containers[0].volumeMounts[0].name",
        ),
        ({**POD, "restartPolicy": "Sometimes"}, "spec.restartPolicy"),
    ],
)
def test_pods_are_checked(cluster, spec, field):
    found = posted(cluster, PODS, body("Pod", "v1", "bad", {"spec": spec}))
    assert found["code"] == 422
    assert field in [cause["field"] for cause in found["details"]["causes"]]


def test_wrong_types_of_core_kinds_cannot_be_decoded(cluster):
    found = posted(cluster, PODS, body("Pod", "v1", "bad", {"spec": {"volumes": 1}}))
    assert found["code"] == 400
    assert 'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal' in found["message"]


def test_a_pod_needs_its_service_account(core):
    pod = body("Pod", "v1", "p", {"spec": {**POD, "serviceAccountName": "ghost"}})
    found = refused(core.create_namespaced_pod, NAMESPACE, pod)
    assert found["code"] == 403
    assert (
        'error looking up service account argovx/ghost: serviceaccount "ghost" not found' in found["message"]
    )


def test_large_objects_are_refused_as_measured(custom):
    def create(name: str, size: int):
        value = body("Workflow", "/".join(ARGO), name, {"spec": {**SPEC, "blob": "x" * size}})
        return custom.create_namespaced_custom_object(*ARGO, NAMESPACE, "workflows", value)

    assert create("large", 1_200_000)["metadata"]["name"] == "large"
    found = refused(create, "larger", 1_600_000)
    assert (found["code"], found["message"]) == (500, "etcdserver: request is too large")
    assert refused(create, "largest", 3_200_000)["code"] == 413
