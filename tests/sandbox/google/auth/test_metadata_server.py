"""The metadata server: what a job may ask, and that nobody else may."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.google.metadata_server import MetadataServer

EMAIL = "u-ada@argovx-sandbox.iam.gserviceaccount.com"
SECRET = "a-secret-that-is-long-enough"
STORAGE = "https://www.googleapis.com/auth/devstorage."
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ROOT = f"/{SECRET}/computeMetadata/v1"
DEFAULT = ROOT + "/instance/service-accounts/default"


@pytest.fixture
def ask(google, kit):
    google.metadata.register(SECRET, EMAIL)

    def call(target, headers=None, method="GET", server=None):
        flavor = {"Metadata-Flavor": "Google"} if headers is None else headers
        answer = (server or google.metadata).answer(kit.request_of(method, target, headers=flavor))
        assert answer.headers["metadata-flavor"] == "Google"
        kind = answer.headers["content-type"]
        return answer.status, kit.body_of(answer) if kind == "application/json" else answer.body.decode()

    return call


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("/", "computeMetadata/\n"),
        (f"/{SECRET}/", "computeMetadata/\n"),
        (ROOT + "/", "instance/\nproject/\nuniverse/\n"),
        (ROOT + "/project/project-id", "argovx-sandbox"),
        (ROOT + "/project/numeric-project-id", "424242424242"),
        (ROOT + "/universe/universe-domain", "googleapis.com"),
        (ROOT + "/instance/zone", "projects/424242424242/zones/us-central1-a"),
        (ROOT + "/instance/service-accounts/", f"default/\n{EMAIL}/\n"),
        (DEFAULT + "/email", EMAIL),
        (DEFAULT + "/scopes", SCOPE + "\n"),
        (DEFAULT + "/aliases", "default\n"),
        (ROOT + f"/instance/service-accounts/{EMAIL}/email", EMAIL),
        (DEFAULT + "/?recursive=true", {"aliases": ["default"], "email": EMAIL, "scopes": [SCOPE]}),
        (DEFAULT + "/email?alt=json", EMAIL),
        (
            ROOT + "/project/?recursive=true",
            {"numericProjectId": 424242424242, "projectId": "argovx-sandbox"},
        ),
    ],
)
def test_what_is_there(ask, target, value):
    assert ask(target) == (200, value)


@pytest.mark.parametrize(
    ("target", "headers", "method", "status"),
    [
        (DEFAULT + "/token", {}, "GET", 403),
        (DEFAULT + "/token", {"Metadata-Flavor": "google"}, "GET", 403),
        (DEFAULT + "/token", {"Metadata-Flavor": "Google", "X-Forwarded-For": "1.2.3.4"}, "GET", 403),
        (DEFAULT + "/token", None, "POST", 405),
        ("/another-secret-that-nobody-has/computeMetadata/v1/project/project-id", None, "GET", 404),
        ("/computeMetadata/v1/instance/service-accounts/default/token", None, "GET", 404),
        (ROOT + "/instance/nothing", None, "GET", 404),
        (ROOT + "/instance/service-accounts/other@x/token", None, "GET", 404),
        (ROOT + "/../x", None, "GET", 404),
        (f"/{SECRET}/other", None, "GET", 404),
        (DEFAULT + "/identity?audience=x", None, "GET", 501),
        (ROOT + "/project/?recursive=true&wait_for_change=true", None, "GET", 501),
        (ROOT + "/project/?recursive=true&alt=text", None, "GET", 501),
        (DEFAULT + "/token?scopes=https://example.com", None, "GET", 403),
    ],
)
def test_what_is_refused(ask, target, headers, method, status):
    assert ask(target, headers, method)[0] == status


def test_tokens_are_cached_and_expire(ask, google, clock):
    _, first = ask(DEFAULT + "/token")
    assert (first["expires_in"], first["token_type"]) == (3600, "Bearer")
    caller = google.auth.authenticate(first["access_token"])
    assert (caller.principal, caller.scopes) == (f"serviceAccount:{EMAIL}", (SCOPE,))
    clock.move(3000)
    _, again = ask(DEFAULT + "/token")
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 600)
    clock.move(400)
    _, fresh = ask(DEFAULT + "/token")
    assert fresh["access_token"] != first["access_token"]
    clock.move(300)
    with pytest.raises(Exception, match="invalid"):
        google.auth.authenticate(first["access_token"])


def test_narrower_scopes(ask, google):
    scope = "https://www.googleapis.com/auth/devstorage.read_only"
    _, answer = ask(DEFAULT + f"/token?scopes={scope}")
    assert google.auth.authenticate(answer["access_token"]).scopes == (scope,)


def test_a_job_without_cloud_platform_cannot_get_it(ask, google):
    google.metadata.register("b" * 20, google.accounts.custom_code_agent)
    base = f"/{'b' * 20}/computeMetadata/v1/instance/service-accounts/default/token"
    own = google.auth.authenticate(ask(base)[1]["access_token"]).scopes
    assert STORAGE + "read_write" in own
    assert SCOPE not in own
    caller = google.auth.authenticate(ask(f"{base}?scopes={SCOPE}")[1]["access_token"])
    assert caller.scopes == own


def test_a_job_that_asks_for_too_much_gets_what_it_may_have(ask, google):
    google.metadata.register("b" * 20, google.accounts.custom_code_agent)
    wanted = ",".join(STORAGE + name for name in ("full_control", "read_only", "read_write"))
    base = f"/{'b' * 20}/computeMetadata/v1/instance/service-accounts/default/token"
    caller = google.auth.authenticate(ask(f"{base}?scopes={wanted}")[1]["access_token"])
    assert caller.scopes == (STORAGE + "read_write",)


def test_registrations_survive_a_restart_and_end_with_the_job(ask, google):
    again = MetadataServer(google.auth, google.store, google.clock, "argovx-sandbox", "424242424242")
    assert ask(DEFAULT + "/email", server=again) == (200, EMAIL)
    _, answer = ask(DEFAULT + "/token")
    google.metadata.revoke(SECRET)
    assert ask(DEFAULT + "/email")[0] == 404
    assert google.auth.find(answer["access_token"]) is None


@pytest.mark.parametrize("secret", ["", "short", "with/slash-and-long-enough"])
def test_bad_secrets(google, secret):
    with pytest.raises(ValueError, match="path segment"):
        google.metadata.register(secret, EMAIL)


def test_the_secret_is_not_stored(ask, google, tmp_path):
    google.store.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
