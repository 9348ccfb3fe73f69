"""Identity in the language of google-auth: federation, impersonation, downscoping, the metadata server.

Against a real project it needs a workload identity pool and a service account that the caller may create
tokens for; it creates a few objects below ``users/ada/`` and costs nothing worth naming.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import uuid

import google.auth
import pytest
import requests
from google.api_core.exceptions import Forbidden
from google.auth import downscoped
from google.auth.exceptions import OAuthError, RefreshError
from google.auth.transport.requests import Request
from google.cloud import storage

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture
def request_():
    with Request().session as session:
        yield Request(session)


def load(path, **kwargs):
    return google.auth.load_credentials_from_file(str(path), **kwargs)[0]


def test_federated_token(lab, request_):
    credentials = load(lab.credentials_file("owner-ada"), scopes=[SCOPE])
    credentials.refresh(request_)
    assert credentials.valid
    # nothing of the subject token
    assert lab.subject_token("owner-ada").split(".")[1] not in credentials.token


def test_scopes_of_the_token_count(lab):
    for scope, ok in (
        ("https://www.googleapis.com/auth/devstorage.read_only", False),
        ("https://www.googleapis.com/auth/devstorage.read_write", True),
    ):
        credentials = load(lab.credentials_file("owner-ada"), scopes=[scope])
        client = storage.Client(project=lab.project, credentials=credentials)
        client._credentials = (
            credentials  # the client asks for its own scopes; a script that has less does not
        )
        client._http_internal = None
        list(client.list_blobs(lab.bucket))
        upload = client.bucket(lab.bucket).blob(f"users/ada/{uuid.uuid4()}").upload_from_string
        if ok:
            upload("x")
        else:
            with pytest.raises(Forbidden, match="insufficient authentication scopes"):
                upload("x")
        client.close()


@pytest.mark.parametrize("kind", ["foreign", "expired", "empty"])
def test_token_that_is_not_good(lab, kind):
    token = {"foreign": "ya29.nonsense", "expired": lab.expired_token("owner-ada"), "empty": " "}[kind]
    address = f"https://storage.googleapis.com/storage/v1/b/{lab.bucket}/o/a"
    with requests.Session() as session:
        answer = session.get(address, headers={"authorization": f"Bearer {token}"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (401, 401, "Invalid Credentials")
    assert error["errors"][0] == {
        "domain": "global",
        "reason": "authError",
        "message": "Invalid Credentials",
        "locationType": "header",
        "location": "Authorization",
    }
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_unknown_scope_is_refused(lab):
    with pytest.raises(OAuthError, match="invalid_scope"):
        load(lab.credentials_file("owner-ada"), scopes=["https://www.googleapis.com/auth/nonsense"])


def test_foreign_audience_is_refused(lab):
    other = lab.provider.name + "-other"
    with pytest.raises(OAuthError, match="invalid_target"):
        load(lab.credentials_file("owner-ada", audience=other), scopes=[SCOPE])


def test_foreign_namespace_is_refused(lab):
    path = lab.credentials_file("intruder")
    (lab.folder / "intruder.jwt").write_text(lab.subject_token("intruder", namespace="kube-system"))
    with pytest.raises(OAuthError, match="rejected by the attribute condition"):
        load(path, scopes=[SCOPE])


IMPERSONATE = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"


def test_impersonation_acts_as_the_service_account(lab, become):
    client = become(
        service_account_impersonation_url=IMPERSONATE.format(lab.email("u-ada")),
        service_account_impersonation={"token_lifetime_seconds": 600},
    )
    bucket = client.bucket(lab.bucket)
    bucket.blob("users/ada/by-account").upload_from_string("x")
    with pytest.raises(Forbidden, match=f"{lab.email('u-ada')} does not have"):
        bucket.blob("elsewhere").upload_from_string("x")


@pytest.mark.parametrize(
    ("account", "target", "lifetime", "why"),
    [
        ("owner-ada", "u-bob", 3600, "iam.serviceAccounts.getAccessToken"),
        ("nb-ada", "u-ada", 3600, "iam.serviceAccounts.getAccessToken"),
        ("owner-ada", "u-ada", 43200, "lifetime"),
    ],
)
def test_impersonation_refused(lab, request_, account, target, lifetime, why):
    path = lab.credentials_file(
        account,
        service_account_impersonation_url=IMPERSONATE.format(lab.email(target)),
        service_account_impersonation={"token_lifetime_seconds": lifetime},
    )
    with pytest.raises(RefreshError, match=why):
        load(path, scopes=[SCOPE]).refresh(request_)


# downscoping


def rule(lab, permissions, condition=None):
    return downscoped.AccessBoundaryRule(
        f"//storage.googleapis.com/projects/_/buckets/{lab.bucket}",
        [f"inRole:roles/storage.{p}" for p in permissions],
        downscoped.AvailabilityCondition(condition.replace("BUCKET", lab.bucket)) if condition else None,
    )


READ_ONLY = (
    "resource.name.startsWith('projects/_/buckets/BUCKET/objects/users/ada/in/') || "
    "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('users/ada/in/')"
)
WRITE_ONLY = "resource.name.startsWith('projects/_/buckets/BUCKET/objects/users/ada/out/')"


@pytest.fixture
def narrow(lab, client):
    """A client with read on ``in/`` and create on ``out/``, out of the owner's rights."""
    source = load(lab.credentials_file("owner-ada"), scopes=[SCOPE])
    boundary = downscoped.CredentialAccessBoundary(
        [rule(lab, ["objectViewer"], READ_ONLY), rule(lab, ["objectCreator"], WRITE_ONLY)]
    )
    credentials = downscoped.Credentials(source, boundary)
    narrowed = storage.Client(project=lab.project, credentials=credentials)
    yield narrowed.bucket(lab.bucket)
    narrowed.close()


def test_downscoped_token_reads_in_and_writes_out(lab, client, narrow):
    mine = client.bucket(lab.bucket)
    mine.blob("users/ada/in/data").upload_from_string("data")
    mine.blob("users/ada/in-private/data").upload_from_string("secret")
    assert narrow.blob("users/ada/in/data").download_as_bytes() == b"data"
    assert [b.name for b in narrow.list_blobs(prefix="users/ada/in/")] == ["users/ada/in/data"]
    name = f"users/ada/out/{uuid.uuid4()}"
    narrow.blob(name).upload_from_string("result", if_generation_match=0)
    big = narrow.blob(name + "-big", chunk_size=256 * 1024)
    big.upload_from_string(os.urandom(600_000), if_generation_match=0)
    for call in (
        lambda: narrow.blob("users/ada/in-private/data").download_as_bytes(),
        lambda: list(narrow.list_blobs()),
        lambda: list(narrow.list_blobs(prefix="users/ada/")),
        lambda: narrow.blob(name).download_as_bytes(),
        lambda: narrow.blob(name).upload_from_string("again"),
        lambda: narrow.blob(name).delete(),
        lambda: narrow.blob("users/ada/out-b/x").upload_from_string("x"),
        lambda: narrow.blob("users/ada/in/data").delete(),
        lambda: narrow.reload(),
        lambda: narrow.client.bucket("other").blob("x").upload_from_string("x"),
    ):
        with pytest.raises((Forbidden, google.api_core.exceptions.NotFound)):
            call()


def test_boundary_never_adds_rights(lab, client):
    source = load(lab.credentials_file("nb-ada"), scopes=[SCOPE])
    boundary = downscoped.CredentialAccessBoundary([rule(lab, ["admin", "objectAdmin"])])
    wide = storage.Client(project="p", credentials=downscoped.Credentials(source, boundary))
    with pytest.raises(Forbidden):
        wide.bucket(lab.bucket).blob("users/bob/x").upload_from_string("x")
    wide.close()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([], "1 to 10 rules"),
        ([lambda lab: rule(lab, ["objectViewer"], "resource.name.matches('.*')")], "matches"),
        ([lambda lab: rule(lab, ["objectViewer"], "true || resource.name")], "bool"),
        ([lambda lab: rule(lab, ["objectViewer"], "resource.name == 'a' && (")], "not understood"),
        ([lambda lab: rule(lab, ["objectViewer"], "x" * 3000)], "at most 2048"),
        (
            [
                lambda _: downscoped.AccessBoundaryRule(
                    "//storage.googleapis.com/b", ["inRole:roles/storage.admin"]
                )
            ],
            "BUCKET",
        ),
        (
            [
                lambda _: downscoped.AccessBoundaryRule(
                    "//storage.googleapis.com/projects/_/buckets/abc", ["inRole:roles/owner"]
                )
            ],
            "storage role",
        ),
    ],
)
def test_bad_boundaries_are_refused(lab, request_, bad, why):
    source = load(lab.credentials_file("owner-ada"), scopes=[SCOPE])
    credentials = downscoped.Credentials(
        source, downscoped.CredentialAccessBoundary([make(lab) for make in bad])
    )
    with pytest.raises(OAuthError, match=why):
        credentials.refresh(request_)


def test_a_boundary_applies_only_once(lab, request_):
    source = load(lab.credentials_file("owner-ada"), scopes=[SCOPE])
    boundary = downscoped.CredentialAccessBoundary([rule(lab, ["objectViewer"])])
    once = downscoped.Credentials(source, boundary)
    with pytest.raises(OAuthError, match="already downscoped"):
        downscoped.Credentials(once, boundary).refresh(request_)


# the metadata server, in a process of its own: google-auth reads its place at import

JOB = """
import os
import google.auth, google.auth.transport.requests
from google.auth.compute_engine import _metadata
request = google.auth.transport.requests.Request()
credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
assert type(credentials).__module__ == "google.auth.compute_engine.credentials", type(credentials)
credentials.refresh(request)
print(project, credentials.service_account_email, credentials.universe_domain)
info = _metadata.get_service_account_info(request)
assert info["aliases"] == ["default"], info
print(_metadata.get(request, "project/numeric-project-id"))
from google.cloud import storage
client = storage.Client(project=project, credentials=credentials)
client.bucket(os.environ["LAB_BUCKET"]).blob("users/ada/from-a-job").upload_from_string("x")
client.close()
"""


def run_job(lab, secret):
    environment = {
        "PATH": os.environ["PATH"],
        "HTTPS_PROXY": os.environ["HTTPS_PROXY"],
        "REQUESTS_CA_BUNDLE": os.environ["REQUESTS_CA_BUNDLE"],
        "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
        "GCE_METADATA_HOST": f"{lab.metadata_host}/{secret}",
        "GCE_METADATA_IP": lab.metadata_host,
        "GCE_METADATA_TIMEOUT": "3",
        "LAB_BUCKET": lab.bucket,
    }
    command = [sys.executable, "-c", JOB]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_job_finds_its_identity(lab):
    secret = secrets.token_urlsafe(24)
    lab.call(lambda: lab.metadata.register(secret, lab.email("u-ada")))
    done = run_job(lab, secret)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        lab.project,
        lab.email("u-ada"),
        "googleapis.com",
        lab.number,
    ]
    lab.call(lambda: lab.metadata.revoke(secret))
    gone = run_job(lab, secret)
    assert gone.returncode != 0
    assert "No job is registered" in gone.stderr
