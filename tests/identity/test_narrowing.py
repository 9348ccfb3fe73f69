"""Impersonation and access boundaries: what is asked for, which service gets which token, what is refused."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argovx_lab.errors import CredentialError, PermissionMissing
from argovx_lab.identity.boundary import CREATOR, USER, VIEWER, grants, parse
from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import GCLOUD, OIDC_FILE, Narrowing

EMAIL = "submit-ada@acme.iam.gserviceaccount.com"
PATH = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
TOKEN = {"access_token": "ya29.first", "expires_in": 3600, "token_type": "Bearer"}
OWN = grants("lab", "users/ada/", ("gs://lab/datasets/",), replaces=True)


def in_an_hour():
    return f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.123456789Z}"


def play(method, path, body):
    """Play STS and iamcredentials."""
    if path == PATH:
        return 200, {"accessToken": "ya29.impersonated", "expireTime": in_an_hour()}, {}
    if b"accessBoundary" in body:
        return 200, {"access_token": "ya29.bounded", "token_type": "Bearer"}, {}
    return 200, TOKEN, {}


@pytest.fixture
def narrowed(federation, sts):
    """Return settings with a service account and a boundary."""
    sts.answers = [play]
    narrowing = Narrowing(EMAIL, 900, OWN, iamcredentials_url=sts.url)
    return dataclasses.replace(federation, narrowing=narrowing)


def test_the_first_token_is_used_for_the_second_and_that_for_the_third(narrowed, sts, api):
    session = Session(narrowed)
    session.request("GET", api.url, service="storage")
    session.request("GET", api.url, service="aiplatform")
    assert [request[2]["authorization"] for request in api.requests] == [
        "Bearer ya29.bounded",
        "Bearer ya29.impersonated",
    ]
    first, second, third = sts.requests
    assert (second[1], second[2]["authorization"]) == (PATH, "Bearer ya29.first")
    wanted = json.loads(second[3])
    assert (wanted["lifetime"], wanted["scope"]) == (
        "900s",
        ["https://www.googleapis.com/auth/cloud-platform"],
    )
    assert "authorization" not in first[2]
    assert "authorization" not in third[2]
    form = sts.form(2)
    assert form["subject_token"] == "ya29.impersonated"
    rules = json.loads(unquote(form["options"]))["accessBoundary"]["accessBoundaryRules"]
    assert rules[0]["availablePermissions"] == ["inRole:roles/storage.objectUser"]
    assert rules[0]["availableResource"] == "//storage.googleapis.com/projects/_/buckets/lab"
    assert "objects/users/ada/')" in rules[0]["availabilityCondition"]["expression"]
    assert rules[1]["availablePermissions"] == ["inRole:roles/storage.objectViewer"]


def test_the_source_is_not_renewed_with_every_token(narrowed, sts, api):
    session = Session(narrowed)
    api.answers = [(401, {}, {}), (200, {}, {})]
    session.request("GET", api.url, service="storage")
    asked = [request[1] for request in sts.requests]
    assert (asked.count(PATH), len(asked)) == (1, 4)  # one more bounded token, and nothing else anew


def test_many_threads_share_a_renewal_of_all_three_tokens(narrowed, sts, api):
    session = Session(narrowed)
    services = ("storage", "aiplatform") * 8
    threads = [
        threading.Thread(target=session.request, args=("GET", api.url), kwargs={"service": name})
        for name in services
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(api.requests) == 16
    assert len(sts.requests) == 3


def test_who_acts_is_the_account_through_its_hops(narrowed):
    seen = Session(narrowed).seen()
    assert seen.google == f"serviceAccount:{EMAIL}"
    assert seen.through == f"projected ServiceAccount token, STS, impersonation of {EMAIL}, downscoped"
    assert seen.scope[1:] == ("storage: write gs://lab/users/ada/", "storage: read gs://lab/datasets/")
    assert 3500 < (seen.expires_at - datetime.now(UTC)).total_seconds() <= 3600


def test_case_18_a_refused_impersonation_names_principal_account_and_role(narrowed, sts):
    def refuse(method, path, body):
        if path != PATH:
            return play(method, path, body)
        return (
            403,
            {"error": {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"}},
            {},
        )

    sts.answers = [refuse]
    with pytest.raises(PermissionMissing) as error:
        Session(narrowed).sign_in()
    assert "/subject/system:serviceaccount:team:wf-ada may not have tokens" in error.value.message
    assert f"add-iam-policy-binding {EMAIL} --project=acme" in error.value.hint
    assert "--role=roles/iam.serviceAccountTokenCreator --member=principal://" in error.value.hint
    assert len([request for request in sts.requests if request[1] == PATH]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"expireTime": "2099-01-01T00:00:00Z"},
        {"accessToken": "ya29.x"},
        {"accessToken": "ya29.x", "expireTime": "soon"},
        {"accessToken": "ya29.x", "expireTime": "2001-01-01T00:00:00Z"},
        {"accessToken": "a\nb", "expireTime": "2099-01-01T00:00:00Z"},
        [],
    ],
)
def test_an_impersonated_token_that_makes_no_sense_is_not_believed(narrowed, sts, answer):
    sts.answers = [lambda m, path, body: (200, answer, {}) if path == PATH else play(m, path, body)]
    with pytest.raises(CredentialError, match="answer of iamcredentials"):
        Session(narrowed).sign_in()


def test_case_54_an_end_after_2038_is_understood(narrowed, sts):
    late = {"accessToken": "ya29.x", "expireTime": "2040-02-29T23:59:59+00:00"}
    sts.answers = [lambda m, path, body: (200, late, {}) if path == PATH else play(m, path, body)]
    session = Session(dataclasses.replace(narrowed, narrowing=Narrowing(EMAIL, iamcredentials_url=sts.url)))
    assert session.seen().expires_at == datetime(2040, 2, 29, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("supplier", ["token-file", OIDC_FILE, GCLOUD])
def test_a_boundary_where_google_documents_none_is_refused_by_name(federation, supplier):
    with pytest.raises(CredentialError, match="cannot be downscoped: Google documents") as error:
        dataclasses.replace(federation, supplier=supplier, narrowing=Narrowing(boundary=OWN))
    assert "managed folder's IAM is the boundary" in error.value.hint


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"impersonate": "ada"}, "not a service account"),
        ({"impersonate": "ada@acme.example"}, "not a service account"),
        ({"impersonate": f"{EMAIL}:signJwt"}, "not a service account"),
        ({"impersonate": f"../{EMAIL}"}, "not a service account"),
        ({"lifetime_s": 599}, "cannot live 599 s"),
        ({"lifetime_s": 43201}, "cannot live 43201 s"),
        ({"iamcredentials_url": "https://evil.example"}, "may not see a token"),
        ({"boundary": OWN * 6}, "at most 10 places"),
    ],
)
def test_what_cannot_be_is_refused_before_a_token_is_read(federation, changes, text):
    with pytest.raises(CredentialError, match=text):
        dataclasses.replace(federation, narrowing=Narrowing(**{"impersonate": EMAIL, **changes}))


@pytest.mark.parametrize(
    "place",
    [
        "lab/x/", "gs://lab", "gs://lab/", "gs://lab/x", "gs://lab/x//", "gs://lab/../x/", "gs://lab/./x/",
        "gs://lab/x\\/", "gs://lab/x\x00/", "gs://lab/x\n/", "gs://lab/') || true || ('/", "gs://LAB/x/",
        "gs://lab/x\"/", "gs://lab/{x}/", "gs://lab/x y/", "gs://lab/ü/", "gs:///x/", "gs://lab/" + "x" * 2048 + "/",
    ],
)  # fmt: skip
def test_case_21_a_place_that_could_mean_more_than_it_says_is_refused(place):
    with pytest.raises(CredentialError):
        grants("lab", "users/ada/", (place,), replaces=False)


@given(st.text(max_size=60))
def test_no_accepted_prefix_leaves_its_quotes_or_its_slash(text):
    try:
        found = grants("lab", text, (), replaces=False)[0]
    except CredentialError:
        return
    assert found.prefix.endswith("/")
    assert not set(found.prefix) & set("'\"\\{}()| \n")
    assert found.expression.count("'") == 8
    assert all(part not in ("", ".", "..") for part in found.prefix.rstrip("/").split("/"))


def test_a_launcher_makes_objects_and_replaces_none():
    launcher = grants("lab", "users/ada/", (), replaces=False)
    assert launcher[0].roles == (VIEWER, CREATOR)
    assert OWN[0].roles == (USER,)
    assert (OWN[0].writes, parse("gs://lab/datasets/").writes) == (True, False)
