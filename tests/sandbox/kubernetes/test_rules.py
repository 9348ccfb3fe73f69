"""Schemas, defaults, selectors and the generation counter."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.kubernetes import schema
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, KINDS
from argovx_lab.sandbox.kubernetes.selectors import label_tests
from argovx_lab.sandbox.kubernetes.strict import schema_of

PODS, WORKFLOWS, CONFIG = BY_ID["pods"], BY_ID["workflows.argoproj.io"], BY_ID["configmaps"]


def pod(**spec) -> dict:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "x"}], **spec}}


def workflow(**spec) -> dict:
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}}
    return {**head, "spec": spec}


def test_every_kind_has_a_schema():
    assert all(isinstance(schema_of(kind), schema.Struct) for kind in KINDS)


def test_pods_get_the_defaults_of_the_real_server(registry):
    made = registry.create(PODS, "ns", pod(volumes=[{"name": "v"}]))
    spec = made["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["terminationGracePeriodSeconds"] == 30
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
    assert spec["volumes"][0] == {"name": "v", "emptyDir": {}}
    assert [mount["name"] for mount in spec["containers"][0]["volumeMounts"]] == [spec["volumes"][1]["name"]]
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert made["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("host:5000/a", "Always"),
        ("a@sha256:1", "IfNotPresent"),
    ],
)
def test_pull_policies(registry, image, policy):
    made = registry.create(PODS, "ns", pod(containers=[{"name": "main", "image": image}]))
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_quality_of_service(registry, resources, quality):
    container = {"name": "main", "image": "x", "resources": resources}
    assert registry.create(PODS, "ns", pod(containers=[container]))["status"]["qosClass"] == quality


def test_the_generation_of_workflows_counts_status_but_not_metadata(registry):
    registry.create(WORKFLOWS, "ns", workflow(entrypoint="x"))

    def change(**parts) -> int:
        made = registry.update(WORKFLOWS, "ns", "w", lambda old: {**old, **parts})
        return made["metadata"]["generation"]

    old = registry.get(WORKFLOWS, "ns", "w").object()["metadata"]
    assert change(metadata={**old, "labels": {"a": "b"}}) == 1
    assert change(status={"phase": "Running"}) == 2


def test_a_write_that_changes_nothing_keeps_the_version(registry):
    made = registry.create(WORKFLOWS, "ns", workflow(entrypoint="x"))
    again = registry.update(WORKFLOWS, "ns", "w", dict)
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_what_clients_cannot_set(registry):
    made = registry.create(
        CONFIG,
        "ns",
        {
            "metadata": {
                "name": "a",
                "uid": "mine",
                "creationTimestamp": "2000-01-01T00:00:00Z",
                "deletionTimestamp": "2000-01-01T00:00:00Z",
                "managedFields": [{}],
            }
        },
    )
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["creationTimestamp"] == "2026-11-24T12:00:00Z"
    assert {"deletionTimestamp", "managedFields"}.isdisjoint(made["metadata"])


@pytest.mark.parametrize("kind", ["configmaps", "secrets"])
def test_immutable_data(registry, kind):
    registry.create(BY_ID[kind], "ns", {"metadata": {"name": "a"}, "immutable": True, "data": {"k": "dg=="}})
    with pytest.raises(ApiError, match="field is immutable") as caught:
        registry.update(BY_ID[kind], "ns", "a", lambda old: {**old, "data": {"k": "dw=="}})
    assert caught.value.code == 422


def test_secrets(registry):
    made = registry.create(BY_ID["secrets"], "ns", {"metadata": {"name": "a"}, "stringData": {"k": "v"}})
    assert (made["type"], made["data"]) == ("Opaque", {"k": "dg=="})
    with pytest.raises(ApiError, match="illegal base64"):
        registry.create(BY_ID["secrets"], "ns", {"metadata": {"name": "b"}, "data": {"k": "?"}})


def test_equal_parts_are_not_checked_again():
    struct = schema.Struct({"a": schema.STRING, "b": schema.INTEGER})
    wrong = {"a": 1, "b": "x"}
    assert [cause.field for cause in schema.problems(struct, wrong, "")] == ["a", "b"]
    assert [cause.field for cause in schema.problems(struct, wrong, "", {"a": 1, "b": 2})] == ["b"]
    assert list(schema.problems(struct, wrong, "", dict(wrong))) == []


LABELS = {"app": "x", "tier": "a", "n": "5"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("! other", True),
        ("app=x", True),
        ("app==x,tier!=a", False),
        ("tier in (a,b)", True),
        ("tier notin (a, b)", False),
        ("other notin (a)", True),
        ("n>4", True),
        ("n<4", False),
        ("app>1", False),
        ("a.b/c!=d", True),
        ("app=", False),
    ],
)
def test_label_selectors(text, holds):
    assert all(test(LABELS) for test in label_tests(text)) is holds


@pytest.mark.parametrize(
    "text", ["=x", "a b", "a in b", "a in (b", "a=b c", "a,,b", "a in (b$)", "-a", "a=b,"]
)
def test_label_selectors_that_cannot_be_read(text):
    with pytest.raises(ApiError) as caught:
        label_tests(text)
    assert caught.value.code == 400


def task(**content) -> dict:
    return {"templates": [{"name": "main", "dag": {"tasks": [{"name": "a", **content}]}}]}


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (task(depends="b", dependencies=["b"]), "cannot use both 'depends' and 'dependencies'"),
        (task(depends="b", continueOn={"failed": True}), "cannot use 'continueOn' when using 'depends'"),
        (task(name="1a", depends="b"), "task name cannot begin with a digit"),
        (task(name="a.b"), "should match '^[a-zA-Z0-9][-a-zA-Z0-9]*$'"),
        (task(withSequence={"count": 1, "end": "2"}), "only one of count or end can be defined"),
        ({"templates": [{"name": "a", "suspend": {}, "steps": [[]]}]}, "at most one template type"),
        ({"templates": [{"name": "a", "timeout": "1s", "steps": [[]]}]}, "timeout cannot be applied"),
        (
            {"templates": [{"name": "a", "activeDeadlineSeconds": 5, "steps": [[]]}]},
            "activeDeadlineSeconds is only valid for leaf templates",
        ),
        (
            {"arguments": {"artifacts": [{"name": "a", "raw": {"data": ""}, "s3": {}}]}},
            "at most one artifact location can be specified",
        ),
        (
            {"templates": [{"name": "a", "inputs": {"parameters": [{"name": f"p{n}"} for n in range(501)]}}]},
            "Too many: 501: must have at most 500 items",
        ),
    ],
)
def test_workflows_that_the_real_schemas_refuse(registry, spec, text):
    with pytest.raises(ApiError) as caught:
        registry.create(WORKFLOWS, "ns", workflow(**spec))
    assert caught.value.code == 422
    assert text in caught.value.message


def test_a_status_is_checked_too(registry):
    registry.create(WORKFLOWS, "ns", workflow())
    node = {"id": "a", "name": "a"}
    with pytest.raises(ApiError, match=r"status.nodes.a.type: Required value"):
        registry.update(WORKFLOWS, "ns", "w", lambda old: {**old, "status": {"nodes": {"a": node}}})
