"""Bearer tokens: issued, expired, unknown, scoped, kept over a restart."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.google.auth import Authenticator, require_scope
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.store import Store

AUTH = "https://www.googleapis.com/auth/"


@pytest.mark.parametrize(
    ("bearer", "reason", "text"),
    [
        ("", "CREDENTIALS_MISSING", "missing required authentication credential"),
        ("ya29.something", "", "invalid authentication credentials"),
        ("avx1.something", "", "invalid authentication credentials"),
        ("avx1.\udcff", "", "invalid authentication credentials"),
    ],
)
def test_refused(google, bearer, reason, text):
    with pytest.raises(GoogleError, match=text) as caught:
        google.auth.authenticate(bearer)
    error = caught.value
    assert (error.code, error.http_status, error.reason) == ("UNAUTHENTICATED", 401, reason)
    assert error.headers["www-authenticate"].startswith("Bearer ")
    assert error.to_json()["error"]["status"] == "UNAUTHENTICATED"


def test_expired(google, clock):
    token = google.bearer("owner-ada", lifetime_s=10)
    assert google.auth.authenticate(token).expires_at > clock.now()
    clock.move(10)
    with pytest.raises(GoogleError) as caught:
        google.auth.authenticate(token)
    assert caught.value.reason == "ACCESS_TOKEN_EXPIRED"


def test_tokens_survive_a_restart_and_a_revocation_does_too(google, clock, tmp_path):
    token, other = google.bearer("owner-ada"), google.bearer("owner-ada")
    assert google.auth.revoke(other)
    second = Store(tmp_path / "google.sqlite")
    again = Authenticator(second, clock)
    assert again.authenticate(token).subject == "system:serviceaccount:argovx:owner-ada"
    assert again.find(other) is None
    second.close()


def test_old_tokens_are_swept(google, clock):
    first = google.bearer("owner-ada", lifetime_s=1)
    clock.move(7200)
    for _ in range(300):
        google.bearer("owner-ada")
    assert google.auth.find(first) is None


@pytest.mark.parametrize(
    ("scope", "service", "write", "ok"),
    [
        ("cloud-platform", "aiplatform.googleapis.com", True, True),
        ("cloud-platform", "storage.googleapis.com", True, True),
        ("cloud-platform.read-only", "storage.googleapis.com", False, True),
        ("cloud-platform.read-only", "storage.googleapis.com", True, False),
        ("devstorage.read_only", "storage.googleapis.com", False, True),
        ("devstorage.read_only", "storage.googleapis.com", True, False),
        ("devstorage.read_write", "storage.googleapis.com", True, True),
        ("devstorage.full_control", "aiplatform.googleapis.com", False, False),
        ("logging.read", "logging.googleapis.com", False, True),
        ("logging.read", "logging.googleapis.com", True, False),
        ("logging.write", "logging.googleapis.com", True, True),
        ("iam", "iamcredentials.googleapis.com", True, True),
        ("iam", "storage.googleapis.com", False, False),
        ("devstorage.read_write", "unknown.googleapis.com", False, False),
    ],
)
def test_scopes(google, scope, service, write, ok):
    caller = google.caller("owner-ada", scopes=[AUTH + scope])
    if ok:
        require_scope(caller, service, write)
        return
    with pytest.raises(GoogleError, match="insufficient authentication scopes") as caught:
        require_scope(caller, service, write)
    assert caught.value.reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
