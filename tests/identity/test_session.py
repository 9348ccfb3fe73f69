"""The exchange and the session under faults; nothing goes where it should not."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import socket
import threading

import pytest

from argovx_lab.errors import CredentialError, PermissionMissing, RemoteError, Unavailable
from argovx_lab.identity.chain import Chain
from argovx_lab.identity.credentials import Federated
from argovx_lab.identity.holder import Held
from argovx_lab.identity.http import NO_ANSWER, NOT_SENT, Transport
from argovx_lab.identity.session import Session
from argovx_lab.identity.suppliers import TokenFile

TOKEN = {"access_token": "ya29.one", "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def session(federation):
    session = Session(federation)
    yield session
    session.close()


def test_the_exchange_has_the_documented_form(session, sts, api, token_file):
    assert json.loads(session.request("GET", f"{api.url}/x").content) == {"ok": True}
    form = sts.form()
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert form["subject_token"] == token_file.read_text()
    assert form["audience"].startswith("//iam.googleapis.com/")
    assert "authorization" not in sts.requests[0][2]
    assert api.requests[0][2]["authorization"] == "Bearer ya29.one"
    assert sts.requests[0][1] == "/v1/token"


def test_many_threads_share_one_exchange(session, sts, api):
    threads = [threading.Thread(target=session.request, args=("GET", api.url)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(api.requests) == 16
    assert len(sts.requests) == 1


def test_nobody_else_is_contacted(session, api, monkeypatch):
    """google-auth would ask iamcredentials.googleapis.com in the background, with the token attached."""
    asked, real = [], socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: asked.append(host) or real(host, *a, **k)
    )
    before = threading.active_count()
    for _ in range(3):
        session.request("GET", api.url)
    assert set(asked) == {"127.0.0.1"}
    assert threading.active_count() <= before + 2  # the stubs' own handlers


def test_this_google_auth_would_call_home_without_our_class(federation):
    from google.auth import identity_pool

    plain = identity_pool.Credentials.__mro__
    assert any("_is_regional_access_boundary_lookup_required" in vars(base) for base in plain)
    ours = Federated(federation, TokenFile(federation.token_file))
    assert ours._is_regional_access_boundary_lookup_required() is False
    assert ours._build_regional_access_boundary_lookup_url() is None


@pytest.mark.parametrize(
    "fault", [(500, {}, {}), (503, {}, {"Retry-After": "0"}), (429, {}, {}), "reset", "hang"]
)
def test_a_busy_sts_is_tried_again(session, sts, api, fault):
    sts.answers = [fault, fault, (200, TOKEN, {})]
    assert session.request("GET", api.url).status_code == 200
    assert len(sts.requests) == 3


def test_after_three_tries_it_says_so(session, sts, api):
    sts.answers = [(503, {"error": "busy"}, {})]
    with pytest.raises(Unavailable, match="STS answered 503"):
        session.request("GET", api.url)
    assert len(sts.requests) == 3
    assert not api.requests


def test_why_a_busy_sts_gives_no_token_is_said(session, sts, api):
    why = "The disk under the sandbox's state folder is full; nothing was stored. Free some space, try again."
    sts.answers = [(503, {"error": "temporarily_unavailable", "error_description": why}, {})]
    with pytest.raises(Unavailable) as caught:
        session.request("GET", api.url)
    assert caught.value.message == f"STS answered 503, temporarily_unavailable: {why}"


def test_a_long_retry_after_is_not_waited_for(session, sts, api):
    sts.answers = [(503, {}, {"Retry-After": "3600"})]
    with pytest.raises(Unavailable):
        session.request("GET", api.url)
    assert len(sts.requests) == 1


def test_a_refusal_is_not_tried_again(session, sts, api):
    sts.answers = [(400, {"error": "invalid_grant", "error_description": "audience does not match"}, {})]
    with pytest.raises(CredentialError, match="invalid_grant: audience does not match"):
        session.request("GET", api.url)
    assert len(sts.requests) == 1


def test_a_wrong_clock_is_named(session, sts, api):
    sts.answers = [(400, {"error": "invalid_grant"}, {"Date": "Tue, 24 Nov 2020 08:00:00 GMT"})]
    with pytest.raises(CredentialError) as error:
        session.request("GET", api.url)
    assert "ahead of STS's" in error.value.hint


def test_forbidden_is_a_missing_permission(session, sts, api):
    sts.answers = [(403, {"error": "access_denied"}, {})]
    with pytest.raises(PermissionMissing):
        session.request("GET", api.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(session, sts, api, status):
    sts.answers = [(status, {}, {"Location": f"{api.url}/steal"})]
    with pytest.raises(RemoteError, match="redirect"):
        session.request("GET", api.url)
    assert len(sts.requests) == 1
    assert not api.requests


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>sign in</html>",
        b"[]",
        {"expires_in": 3600, "token_type": "Bearer"},
        {"access_token": "", "expires_in": 3600, "token_type": "Bearer"},
        {"access_token": None, "expires_in": 3600, "token_type": "Bearer"},
        {"access_token": "a\r\nX: y", "expires_in": 3600, "token_type": "Bearer"},
        {"access_token": "ya29.x", "token_type": "Bearer"},
        {"access_token": "ya29.x", "expires_in": -1, "token_type": "Bearer"},
        {"access_token": "ya29.x", "expires_in": True, "token_type": "Bearer"},
        {"access_token": "ya29.x", "expires_in": "soon", "token_type": "Bearer"},
        {"access_token": "ya29.x", "expires_in": 3600, "token_type": "mac"},
    ],
)
def test_an_answer_that_makes_no_sense_is_not_believed(session, sts, api, answer):
    sts.answers = [(200, answer, {})]
    with pytest.raises(CredentialError, match="answer of STS"):
        session.request("GET", api.url)
    assert not api.requests


def test_seconds_as_text_are_understood(session, sts, api):
    sts.answers = [(200, {**TOKEN, "expires_in": "1200"}, {})]
    assert session.request("GET", api.url).status_code == 200
    assert session.expires_at is not None


def test_a_rejected_token_is_renewed_once(session, sts, api):
    second = {**TOKEN, "access_token": "ya29.two"}
    sts.answers = [(200, TOKEN, {}), (200, second, {})]
    api.answers = [(401, {}, {}), (200, {}, {})]
    assert session.request("POST", api.url, data=b"{}").status_code == 200
    assert [request[2]["authorization"] for request in api.requests] == ["Bearer ya29.one", "Bearer ya29.two"]


def test_a_token_that_stays_rejected_is_no_loop(session, sts, api):
    api.answers = [(401, {}, {})]
    assert session.request("GET", api.url).status_code == 401
    assert len(api.requests) == 2


def test_the_token_goes_to_no_other_host(session, sts):
    with pytest.raises(CredentialError, match="may not see a token"):
        session.request("GET", "https://evil.example/x")
    assert not sts.requests


def test_only_harmless_requests_are_repeated(session, api):
    api.answers = [(503, {}, {}), (200, {}, {})]
    assert session.request("POST", api.url, data=b"{}").status_code == 503
    api.answers = [(503, {}, {}), (200, {}, {})]
    answer = session.request("GET", api.url)
    assert (answer.status_code, answer.headers["x-argovx-repeats"]) == (200, "1")


def test_a_lost_answer_and_a_closed_door_are_told_apart(session, api):
    api.answers = ["reset"]
    with pytest.raises(Unavailable) as lost:
        session.request("POST", api.url, data=b"{}")
    assert lost.value.reason == NO_ANSWER
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable) as refused:
        session.request("POST", f"http://127.0.0.1:{port}/", data=b"{}")
    assert refused.value.reason == NOT_SENT


def test_proxy_variables_are_ignored(session, api, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert session.request("GET", api.url).status_code == 200


def test_a_stale_token_file_stops_before_anything_is_sent(federation, token_file, make_jwt, sts, api):
    token_file.write_text(make_jwt(exp=10))
    session = Session(federation)
    with pytest.raises(CredentialError, match="stale"):
        session.request("GET", api.url)
    assert [request[0] for request in sts.requests] == ["GET"], "the clock is asked for, without the token"
    assert "authorization" not in sts.requests[0][2]
    assert not api.requests


def test_nothing_that_holds_a_token_pickles_copies_or_shows_it(session, api, federation):
    session.request("GET", api.url)
    first = session._chain.of("aiplatform")
    with pytest.raises(TypeError):
        pickle.dumps(Held(first))
    for thing in (session, session._chain, first, first.credential):
        assert "ya29" not in f"{thing!r} {thing}"
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                act(thing)


def test_no_log_line_holds_a_token_even_at_debug(session, api, token_file, caplog):
    caplog.set_level(logging.DEBUG)
    session.request("GET", f"{api.url}/x?access_token=1")
    text = caplog.text
    assert "ya29.one" not in text
    assert token_file.read_text() not in text


@pytest.mark.parametrize(
    ("path", "method", "options"),
    [
        ("/v1/introspect", "POST", {}),
        ("/v1/token/", "POST", {}),
        ("/v1/token?x=1", "POST", {}),
        ("/v1/token", "GET", {}),
        ("/v1/token", "PUT", {}),
        ("/v1/token", "POST", {"cert": "client.pem"}),
    ],
)
def test_google_auth_reaches_the_token_url_and_nothing_else(federation, sts, path, method, options):
    transport = Transport()
    try:
        with pytest.raises(CredentialError, match="something else than the token exchange"):
            Chain(federation, transport, {}).of("google")._exchange(
                federation.token_url.removesuffix("/v1/token") + path, method, b"subject_token=x", **options
            )
    finally:
        transport.close()
    assert not sts.requests
