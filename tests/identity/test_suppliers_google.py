"""Suppliers besides the projected token: OIDC in a file or the environment, the metadata server, gcloud."""

from __future__ import annotations

import dataclasses
import json

import pytest

from argovx_lab.errors import CredentialError
from argovx_lab.identity.chain import Chain
from argovx_lab.identity.http import Transport
from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import GCLOUD, METADATA, OIDC_FILE, OIDC_VARIABLE, Federation

TOKEN = {"access_token": "ya29.one", "expires_in": 3600, "token_type": "Bearer"}
EMAIL = "vm@acme.iam.gserviceaccount.com"


@pytest.mark.parametrize("supplier", [OIDC_FILE, OIDC_VARIABLE])
def test_an_oidc_token_is_exchanged_as_such(federation, sts, api, token_file, supplier):
    variable = "HUB_ID_TOKEN" if supplier == OIDC_VARIABLE else ""
    settings = dataclasses.replace(federation, supplier=supplier, token_variable=variable)
    session = Session(settings, environ={"HUB_ID_TOKEN": token_file.read_text() + "\n"})
    assert session.request("GET", api.url).status_code == 200
    form = sts.form()
    assert form["subject_token_type"] == "urn:ietf:params:oauth:token-type:id_token"
    assert form["subject_token"] == token_file.read_text()
    assert session.seen().google.endswith(
        "/workloadIdentityPools/p/subject/system:serviceaccount:team:wf-ada"
    )
    assert session.seen().through.startswith("OIDC token in")


@pytest.mark.parametrize(
    ("value", "text"), [("", "HUB_ID_TOKEN is not set"), ("x" * 20000, "longer"), ("a.b.c", "does not hold")]
)
def test_a_variable_without_a_token_is_named(federation, sts, value, text):
    settings = dataclasses.replace(federation, supplier=OIDC_VARIABLE, token_variable="HUB_ID_TOKEN")
    with pytest.raises(CredentialError, match=text) as error:
        Session(settings, environ={"HUB_ID_TOKEN": value}).sign_in()
    assert "xxxx" not in str(error.value)
    assert not sts.requests


def test_a_stale_variable_says_what_helps(federation, make_jwt):
    settings = dataclasses.replace(federation, supplier=OIDC_VARIABLE, token_variable="HUB_ID_TOKEN")
    with pytest.raises(CredentialError, match="stale") as error:
        Session(settings, environ={"HUB_ID_TOKEN": make_jwt(exp=10)}).sign_in()
    assert "a token in a file can be renewed" in error.value.hint


@pytest.fixture
def machine(monkeypatch, api):
    """A metadata server on loopback, played by a stub."""
    from google.auth.compute_engine import _metadata

    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", api.url.removeprefix("http://"))
    kind = {"Content-Type": "application/json", "Metadata-Flavor": "Google"}

    def answer(method, path, body):
        found = TOKEN if "/token" in path else {"email": EMAIL, "scopes": ["s"], "aliases": ["default"]}
        return 200, found, kind

    api.answers = [answer]
    return Federation("https://sts.googleapis.com", "", "", supplier=METADATA)


def test_the_metadata_server_is_asked_and_named(machine, api):
    session = Session(machine)
    seen = session.seen()
    assert (seen.google, seen.through) == (f"serviceAccount:{EMAIL}", "metadata server")
    assert {request[2]["metadata-flavor"] for request in api.requests} == {"Google"}
    assert all("authorization" not in request[2] for request in api.requests)


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1", "metadata.google.internal.evil.example"])
def test_another_metadata_server_is_refused(machine, monkeypatch, host):
    from google.auth.compute_engine import _metadata

    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    with pytest.raises(CredentialError, match="refused"):
        Session(machine).sign_in()


def test_a_machine_without_an_account_is_named(machine, api):
    api.answers = [(404, b"not found", {"Content-Type": "text/plain"})]
    with pytest.raises(CredentialError, match="no service account"):
        Session(machine).sign_in()


PERSON = {
    "type": "authorized_user",
    "client_id": "id",
    "client_secret": "canary-secret",
    "refresh_token": "1//canary-refresh",
    "account": "ada@acme.example",
    "token_uri": "https://evil.example/token",
}


@pytest.fixture
def gcloud(tmp_path, sts):
    """Return settings of a person who signed in with gcloud, and a way to change the file."""
    path = tmp_path / "adc.json"
    path.write_text(json.dumps(PERSON))
    settings = Federation(
        sts.url,
        "",
        str(path),
        supplier=GCLOUD,
        oauth_url=f"{sts.url}/token",
        scopes=("scope/cloud-platform",),
    )
    return settings, path


def test_a_persons_sign_in_is_renewed_at_google_only(gcloud, sts):
    session = Session(gcloud[0])
    assert session.seen().google == "user:ada@acme.example"
    assert sts.requests[0][1] == "/token"
    assert sts.form()["refresh_token"] == PERSON["refresh_token"]


@pytest.mark.parametrize(
    "document",
    [
        {
            "type": "external_account",
            "token_url": "https://evil.example",
            "credential_source": {"file": "/t"},
        },
        {"type": "external_account", "credential_source": {"executable": {"command": "touch /tmp/owned"}}},
        {"type": "external_account", "credential_source": {"url": "http://169.254.169.254/"}},
        {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----"},
        {"type": "impersonated_service_account"},
        {},
        [],
    ],
)
def test_case_16_a_credential_file_that_names_where_tokens_go_is_refused(gcloud, sts, document):
    settings, path = gcloud
    path.write_text(json.dumps(document))
    with pytest.raises(CredentialError, match="are not read from a file") as error:
        Session(settings)
    assert "PRIVATE KEY" not in str(error.value)
    assert not sts.requests


@pytest.mark.parametrize(
    "content", [b"", b"{", b"x" * 20000, json.dumps({**PERSON, "client_id": 1}).encode()]
)
def test_a_damaged_sign_in_is_named(gcloud, content):
    settings, path = gcloud
    path.write_bytes(content)
    with pytest.raises(CredentialError):
        Session(settings)


def test_a_sign_in_that_is_over_says_how_to_renew_it(gcloud, sts):
    sts.answers = [(400, {"error": "invalid_grant", "error_description": "Token has been revoked."}, {})]
    with pytest.raises(CredentialError, match="sign-in is over") as error:
        Session(gcloud[0]).sign_in()
    assert error.value.hint == "Run: gcloud auth application-default login"
    assert "canary" not in f"{error.value} {error.value.hint}"


def test_nothing_of_a_person_is_shown(gcloud):
    transport = Transport()
    chain = Chain(gcloud[0], transport, {})
    chain.of("storage").ensure()
    assert "canary" not in f"{chain!r} {chain.of('x')!r} {chain.of('x').credential!r} {gcloud[0]!r}"
    transport.close()
