"""IAM Credentials over its own HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "u-ada@argovx-sandbox.iam.gserviceaccount.com"
BASE = f"/v1/projects/-/serviceAccounts/{EMAIL}"


@pytest.fixture
def ask(google, kit):
    google.iam.policies.add(
        f"serviceAccounts/{EMAIL}", "roles/iam.serviceAccountTokenCreator", kit.principal("wf-ada")
    )

    def call(
        target=BASE + ":generateAccessToken", body=None, *, account="wf-ada", method="POST", bearer=None
    ):
        data = (
            json.dumps({"scope": [SCOPE], **(body or {})}).encode() if not isinstance(body, bytes) else body
        )
        token = google.bearer(account) if bearer is None else bearer
        answer = asyncio.run(google.credentials.handle(kit.request_of(method, target, data, bearer=token)))
        return answer.status, kit.body_of(answer)

    return call


def test_generates_a_token_of_the_account(ask, google, clock):
    status, answer = ask(body={"lifetime": "600s"})
    assert (status, answer["expireTime"]) == (200, "2026-11-24T08:10:00Z")
    caller = google.auth.authenticate(answer["accessToken"])
    assert (caller.principal, caller.email) == (f"serviceAccount:{EMAIL}", EMAIL)
    clock.move(600)
    with pytest.raises(Exception, match="invalid"):
        google.auth.authenticate(answer["accessToken"])


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"body": {"lifetime": "599s"}}, 400, "between 600s and 3600s"),
        ({"body": {"lifetime": "3601s"}}, 400, "between 600s and 3600s"),
        ({"body": {"lifetime": 600}}, 400, "lifetime"),
        ({"body": {"lifetime": "1h"}}, 400, "lifetime"),
        ({"body": {"scope": []}}, 400, "scope"),
        ({"body": {"scope": "x"}}, 400, "scope"),
        ({"body": {"scope": ["x"]}}, 400, "'x'"),
        ({"body": {"delegates": ["a"]}}, 501, "delegates"),
        ({"body": {"other": 1}}, 400, "other"),
        ({"body": b"{"}, 400, "JSON"),
        ({"body": b"[]"}, 400, "object"),
        ({"account": "nb-ada"}, 403, "iam.serviceAccounts.getAccessToken"),
        ({"account": "owner-ada"}, 403, "iam.serviceAccounts.getAccessToken"),
        ({"bearer": ""}, 401, "missing required"),
        ({"bearer": "avx1.x"}, 401, "invalid authentication"),
        ({"target": BASE.replace("-/", "argovx-sandbox/", 1) + ":generateAccessToken"}, 400, "wildcard"),
        ({"target": BASE + ":signBlob"}, 501, "signBlob"),
        ({"target": BASE + ":generateIdToken"}, 501, "generateIdToken"),
        ({"target": "/v1/other"}, 404, "/v1/other"),
        ({"method": "GET"}, 501, "generateAccessToken"),
    ],
)
def test_refused(ask, change, status, text):
    found, answer = ask(**change)
    assert found == status
    assert text in answer["error"]["message"]


def test_account_that_is_not_there(ask, google, kit):
    google.iam.policies.add("project", "roles/iam.serviceAccountTokenCreator", kit.principal("wf-ada"))
    status, answer = ask(BASE.replace("u-ada", "u-nobody") + ":generateAccessToken")
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "target",
    [
        BASE + "/allowedLocations",
        "/v1/projects/424242424242/locations/global/workloadIdentityPools/argovx/allowedLocations",
    ],
)
def test_allowed_locations(ask, target):
    assert ask(target, method="GET") == (200, {"locations": [], "encodedLocations": "0x0"})
