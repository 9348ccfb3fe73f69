"""What HTTP callers meet: discovery, media types, methods, malformed and hostile bodies."""

from __future__ import annotations

import pytest

NAMESPACE = "argovx"
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"


def test_discovery_lists_what_is_served_and_nothing_else(cluster):
    groups = {group["name"] for group in cluster.http("GET", "/apis").json()["groups"]}
    assert groups == {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "argoproj.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "coordination.k8s.io",
        "rbac.authorization.k8s.io",
    }
    core = {item["name"] for item in cluster.http("GET", "/api/v1").json()["resources"]}
    assert {"pods", "pods/log", "pods/status", "serviceaccounts/token"} <= core
    assert "services" not in core
    for group in groups:
        versions = cluster.http("GET", f"/apis/{group}").json()["versions"]
        for version in versions:
            listing = cluster.http("GET", f"/apis/{version['groupVersion']}").json()
            for item in listing["resources"]:
                path = f"/apis/{version['groupVersion']}/{item['name']}"
                if "list" in item["verbs"]:
                    assert cluster.http("GET", path).status_code in (200, 403)


def test_openapi_says_which_writes_may_ask_for_field_validation(cluster):
    places = cluster.http("GET", "/openapi/v3").json()["paths"]
    assert {"api/v1", "apis/argoproj.io/v1alpha1", "apis/rbac.authorization.k8s.io/v1"} <= set(places)
    kinds = {}
    for place in places.values():
        document = cluster.http("GET", place["serverRelativeURL"]).json()
        for path, operations in document["paths"].items():
            if operations.get("patch", {}).get("x-kubernetes-action") == "patch":
                named = {parameter["name"] for parameter in operations["patch"]["parameters"]}
                assert {"fieldValidation", "dryRun"} <= named, path
                kinds[operations["patch"]["x-kubernetes-group-version-kind"]["kind"]] = path
    assert kinds["Workflow"].startswith("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows/{name}")
    assert kinds["Namespace"].startswith("/api/v1/namespaces/{name}")


@pytest.mark.parametrize(
    ("method", "path", "code", "word"),
    [
        ("GET", "/api/v2", 404, "could not find"),
        ("GET", "/apis/apps/v1", 404, "could not find"),
        ("GET", "/openapi/v2", 404, "OpenAPI"),
        ("GET", "/openapi/v3/apis/apps/v1", 404, "could not find"),
        ("GET", "/openapi/v3/api/v2", 404, "could not find"),
        ("GET", "/apis/apps/v1/deployments", 404, "deployments in apps/v1"),
        ("GET", f"{CONFIG_MAPS}/a/status", 404, "configmaps/status"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/a/exec", 404, "pods/exec"),
        ("PUT", CONFIG_MAPS, 405, "does not allow this method"),
        ("POST", f"{CONFIG_MAPS}/a", 405, "does not allow this method"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token", 405, "method"),
        ("GET", f"{CONFIG_MAPS}?colour=red", 400, '"colour"'),
        ("GET", f"{CONFIG_MAPS}?limit=many", 400, "limit"),
        ("GET", f"{CONFIG_MAPS}?timeout=soon", 400, "timeout"),
        ("GET", f"{CONFIG_MAPS}?watch=maybe", 400, "watch"),
        ("DELETE", f"{CONFIG_MAPS}/a?propagationPolicy=Sideways", 422, "propagationPolicy"),
        ("DELETE", f"{CONFIG_MAPS}/a?orphanDependents=perhaps", 400, "orphanDependents"),
        ("DELETE", f"{CONFIG_MAPS}/a?gracePeriodSeconds=-1", 400, "gracePeriodSeconds"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}//configmaps", 404, "could not find"),
        ("GET", "/api/v1/namespaces/argovx/namespaces", 404, "could not find"),
    ],
)
def test_refusals_of_paths_methods_and_options(cluster, method, path, code, word):
    answer = cluster.http(method, path)
    assert answer.json()["kind"] == "Status"
    assert (answer.status_code, answer.json()["code"]) == (code, code)
    assert word in answer.json()["message"]


def test_the_timeout_that_client_go_sends_is_taken(cluster):
    assert cluster.http("GET", f"{CONFIG_MAPS}?timeout=1m30s").status_code == 200


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", 200),
        ("application/vnd.kubernetes.protobuf", 406),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", 200),
        ("application/json;as=Table;v=v2;g=meta.k8s.io", 406),
        ("text/html", 406),
    ],
)
def test_only_json_is_answered(cluster, accept, code):
    assert cluster.http("GET", CONFIG_MAPS, headers={"accept": accept}).status_code == code


def test_bodies_in_other_formats_are_415(cluster):
    answer = cluster.http("POST", CONFIG_MAPS, data="a: b", headers={"content-type": "application/yaml"})
    assert (answer.status_code, answer.json()["reason"]) == (415, "UnsupportedMediaType")
    assert "application/json" in answer.json()["message"]


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"NaN",
    b'{"metadata": NaN}',
    b'{"metadata": []}',
    b'{"metadata": {"name": null}}',
    b'{"metadata": {"name": ["a"]}}',
    b'{"metadata": {"name": "a"}, "apiVersion": 5}',
    b'{"metadata": {"name": "a"}, "apiVersion": "v2"}',
    b'{"metadata": {"name": "a"}, "kind": "Secret"}',
    b'{"metadata": {"name": "a", "namespace": "other"}}',
    b'{"metadata": {"name": "a", "labels": {"a": null}}}',
    b'{"metadata": {"name": "a", "ownerReferences": [null]}}',
    b'{"metadata": {"name": "a", "resourceVersion": "5"}}',
    b'{"metadata": {"name": "../a"}}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"metadata": {"name": "deep"}, "spec": {}, "x": ' + b"[" * 300 + b"]" * 300 + b"}",
    b'{"metadata": {"name": "\\ud800"}}',
    b'{"metadata": {"name": "a"}, "data": {"k": ' + b"9" * 5_000 + b"}}",
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("path", [CONFIG_MAPS, WORKFLOWS])
def test_hostile_bodies_get_a_status(cluster, path, body):
    answer = cluster.http("POST", path, data=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.json()["reason"]
    assert answer.json()["message"]


def test_characters_that_utf8_cannot_carry_are_replaced(cluster):
    body = b'{"metadata": {"name": "surrogate"}, "data": {"k": "a\\ud800b"}}'
    assert cluster.http("POST", CONFIG_MAPS, data=body).status_code == 201
    assert cluster.http("GET", f"{CONFIG_MAPS}/surrogate").json()["data"] == {"k": "a?b"}


def test_a_json_patch_cannot_fill_the_memory(cluster):
    cluster.http("POST", CONFIG_MAPS, json={"metadata": {"name": "bomb"}, "data": {"k": "x" * 1000}})
    steps = [{"op": "add", "path": "/x", "value": "y" * 1000}]
    steps += [{"op": "copy", "from": "", "path": f"/copy{index}"} for index in range(30)]
    headers = {"content-type": "application/json-patch+json"}
    answer = cluster.http("PATCH", f"{CONFIG_MAPS}/bomb", json=steps, headers=headers)
    assert answer.status_code == 413
    many = [{"op": "test", "path": "/kind", "value": "ConfigMap"}] * 10_001
    assert cluster.http("PATCH", f"{CONFIG_MAPS}/bomb", json=many, headers=headers).status_code == 413


def test_a_field_manager_is_answered_with_a_warning(cluster):
    body = {"metadata": {"name": "managed"}}
    answer = cluster.http("POST", f"{CONFIG_MAPS}?fieldManager=me", json=body)
    assert answer.status_code == 201
    assert "managedFields are not kept" in answer.headers["warning"]


def test_unknown_fields_are_warned_of_when_asked(cluster):
    body = {"metadata": {"name": "warned"}, "colour": "red"}
    answer = cluster.http("POST", f"{CONFIG_MAPS}?fieldValidation=Warn", json=body)
    assert answer.status_code == 201
    assert 'unknown field \\"colour\\"' in answer.headers["warning"]
    twice = b'{"metadata": {"name": "twice"}, "data": {}, "data": {}}'
    answer = cluster.http("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", data=twice)
    assert (answer.status_code, "duplicate field" in answer.json()["message"]) == (400, True)
