"""Tokens through the official client: requested, bound, reviewed, refused."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from kubernetes import client

NAMESPACE = "argovx"
NOTEBOOK = "system:serviceaccount:argovx:nb-alice"
SPACE = f"/api/v1/namespaces/{NAMESPACE}"


@pytest.mark.ours
def test_anonymous_and_wrong_tokens_are_401(cluster, tokens):
    header, payload, signature = tokens["nb-alice"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["sub"] = "system:serviceaccount:argovx:wf-alice"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    other = cluster.in_loop(lambda: cluster.server.issuer.issue(NAMESPACE, "nb-alice", ["sts"], 3600))
    gone = cluster.in_loop(lambda: cluster.server.issuer.issue(NAMESPACE, "nb-alice", [], -1))
    for token in (
        "none",
        "wrong",
        f"{header}.{forged}.{signature}",
        f"{none}.{payload}.",
        other,
        gone,
        "é".encode().decode("latin-1"),
    ):
        answer = cluster.http("GET", f"{SPACE}/pods", token)
        assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
        assert token == "none" or token not in answer.text


@pytest.mark.ours
def test_health_version_and_keys_need_no_token(cluster):
    for path in ("/healthz", "/livez", "/readyz"):
        assert cluster.http("GET", path, "none").text == "ok"
    assert cluster.http("GET", "/version", "none").json()["major"] == "1"
    document = cluster.http("GET", "/.well-known/openid-configuration", "none").json()
    assert document["issuer"] == cluster.host
    assert cluster.http("GET", "/openid/v1/jwks", "none").json()["keys"][0]["alg"] == "RS256"
    assert document["jwks_uri"] == f"{cluster.host}/openid/v1/jwks"


def test_token_request(cluster, core):
    spec = {"audiences": ["sts"], "expirationSeconds": 600}
    answer = core.create_namespaced_service_account_token("wf-alice", NAMESPACE, {"spec": spec})
    keys = jwt.PyJWKSet.from_dict(cluster.http("GET", "/openid/v1/jwks").json())
    header = jwt.get_unverified_header(answer.status.token)
    claims = jwt.decode(
        answer.status.token,
        keys[header["kid"]].key,
        algorithms=["RS256"],
        audience="sts",
        issuer=cluster.host,
    )
    assert claims["sub"] == "system:serviceaccount:argovx:wf-alice"
    assert claims["exp"] - claims["iat"] == 600
    account = core.read_namespaced_service_account("wf-alice", NAMESPACE)
    assert claims["kubernetes.io"] == {
        "namespace": NAMESPACE,
        "serviceaccount": {"name": "wf-alice", "uid": account.metadata.uid},
    }
    assert claims["jti"]
    assert answer.spec.audiences == ["sts"]


@pytest.mark.parametrize(
    ("account", "spec", "code", "word"),
    [
        ("wf-alice", {"audiences": ["a"], "expirationSeconds": 599}, 422, "less than 10 minutes"),
        ("wf-alice", {"audiences": "a"}, 400, "cannot be handled as a TokenRequest"),
        ("ghost", {"audiences": []}, 404, 'serviceaccounts "ghost" not found'),
        (
            "wf-alice",
            {"audiences": [], "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "ghost"}},
            404,
            'pods "ghost" not found',
        ),
    ],
)
def test_token_requests_that_are_refused(cluster, account, spec, code, word):
    answer = cluster.http("POST", f"{SPACE}/serviceaccounts/{account}/token", json={"spec": spec})
    assert (answer.status_code, word in answer.json()["message"]) == (code, True)


@pytest.mark.ours
@pytest.mark.parametrize(
    ("spec", "code", "word"),
    [
        ({"audiences": [], "unknown": 1}, 422, "spec.unknown"),
        ({"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "s"}}, 400, "Kind=Secret"),
    ],
)
def test_token_requests_that_only_the_sandbox_refuses(cluster, spec, code, word):
    answer = cluster.http("POST", f"{SPACE}/serviceaccounts/wf-alice/token", json={"spec": spec})
    assert (answer.status_code, word in answer.json()["message"]) == (code, True)


@pytest.mark.ours
def test_a_bound_token_dies_with_its_pod_and_every_token_with_its_account(cluster, core):
    core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": "passing"}})
    container = {"name": "main", "image": "x"}
    pod = core.create_namespaced_pod(
        NAMESPACE,
        {
            "metadata": {"name": "holder"},
            "spec": {"containers": [container], "serviceAccountName": "passing"},
        },
    )
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "holder", "uid": pod.metadata.uid}

    def token(**spec) -> str:
        body = {"spec": {"audiences": [cluster.host], **spec}}
        return core.create_namespaced_service_account_token("passing", NAMESPACE, body).status.token

    bound, free = token(boundObjectRef=reference), token()

    def code(held: str) -> int:
        return cluster.http("GET", "/api", held).status_code

    assert (code(bound), code(free)) == (200, 200)
    with cluster.api(bound) as api:
        review = client.AuthenticationV1Api(api).create_self_subject_review({})
    assert review.status.user_info.username == "system:serviceaccount:argovx:passing"
    assert review.status.user_info.extra["authentication.kubernetes.io/pod-name"] == ["holder"]
    core.delete_namespaced_pod("holder", NAMESPACE)
    assert (code(bound), code(free)) == (401, 200)
    core.delete_namespaced_service_account("passing", NAMESPACE)
    core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": "passing"}})
    assert code(free) == 401, "the new account of that name is another one"


def test_token_review(cluster, owner, tokens):
    reviews = client.AuthenticationV1Api(owner)
    good = reviews.create_token_review({"spec": {"token": tokens["nb-alice"]}})
    assert good.status.authenticated
    assert good.status.user.username == NOTEBOOK
    assert good.status.audiences == [cluster.host]
    bad = reviews.create_token_review({"spec": {"token": "wrong"}})
    assert not bad.status.authenticated
    assert bad.status.error


@pytest.mark.ours
def test_user_tokens_last_and_are_not_kept(cluster):
    again = cluster.in_loop(lambda: cluster.server.add_user_token("sandbox-owner", []))
    assert again == cluster.owner_token
    kept = cluster.server.store.setting("users")
    assert "sandbox-owner" in kept
    assert again not in kept
