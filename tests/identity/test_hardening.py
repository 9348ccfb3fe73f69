"""Behaviour of google-auth that was measured and must not reach us: one test per point of docs/identity.md.

Points that have their test beside the thing itself (repeats, redirects, answers, one exchange for many threads)
are named there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import time

import pytest

from argovx_lab import codecs
from argovx_lab.errors import CodecError, CredentialError, SpecError, Unavailable
from argovx_lab.identity.addresses import check_proxy, check_token_host
from argovx_lab.identity.chain import Chain
from argovx_lab.identity.credentials import Downscoped, Federated, Impersonated, Machine, Person
from argovx_lab.identity.exchange import ANSWER_MAX
from argovx_lab.identity.holder import AHEAD_S, JITTER_S, Held, Holder
from argovx_lab.identity.http import Transport
from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import Federation

TOKEN = {"access_token": "ya29.one", "expires_in": 3600, "token_type": "Bearer"}
CLASSES = (Federated, Impersonated, Downscoped, Machine, Person)


def test_point_2_a_hanging_token_service_blocks_nobody_for_long(federation, sts):
    sts.answers = ["hang"]
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"did not answer in time|broke the connection"):
        Session(federation).sign_in()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com",
        "https://storage.googleapis.com/v1/token",
        "https://sts.googleapis.com/v1/token?next=x",
        "https://sts.googleapis.com/v1/token#x",
        "https://sts.googleapis.com/v1/oauthtoken",
        "https://sts.evil.googleapis.com.example",
        "https://xsts.googleapis.com",
        "https://sts.googleapis.com:bad",
        "http://sts.googleapis.com",
        "https://evil.example/v1/token",
    ],
)
def test_point_3_a_subject_token_goes_to_the_token_service_and_nowhere_else(federation, url):
    with pytest.raises(CredentialError):
        dataclasses.replace(federation, sts_url=url)


@pytest.mark.parametrize(
    "url", ["https://sts.googleapis.com", "https://sts.googleapis.com/v1/token", "http://127.0.0.1:1",
            "https://sts.europe-west4.rep.googleapis.com"],
)  # fmt: skip
def test_point_3_googles_own_places_are_token_services(federation, url):
    assert dataclasses.replace(federation, sts_url=url).token_url.endswith("/v1/token")


def test_point_3_a_listed_host_is_one_too():
    check_token_host("https://sts.corp.example", "sts", "/v1/token", ("sts.corp.example",))
    with pytest.raises(CredentialError):
        check_token_host("https://sts.corp.example/x", "sts", "/v1/token", ("sts.corp.example",))


def test_point_4_a_long_answer_is_not_read_to_its_end(federation, sts):
    sts.answers = [(200, b"{" + b" " * ANSWER_MAX + b"}", {})]
    with pytest.raises(CredentialError, match="longer than"):
        Session(federation).sign_in()


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "method", ["with_token_uri", "with_quota_project", "with_scopes", "with_universe_domain", "with_trust_boundary"]
)  # fmt: skip
def test_points_7_and_8_no_credential_is_made_out_of_another(kind, method):
    with pytest.raises(TypeError, match="is built from settings only"):
        getattr(kind.__new__(kind), method)("x")


@pytest.mark.parametrize("kind", CLASSES)
def test_point_12_no_class_calls_home(kind):
    ours = kind.__new__(kind)
    assert ours._is_regional_access_boundary_lookup_required() is False
    assert ours._build_regional_access_boundary_lookup_url() is None


def test_point_9_what_holds_a_token_does_not_travel_with_a_step(federation):
    session = Session(federation)
    session.sign_in()
    for thing in (session, session._chain.of("x").credential, session._chain):
        with pytest.raises(CodecError):
            codecs.encode(thing, name="value")


def test_point_10_a_launcher_refuses_the_switch_that_makes_googles_libraries_log_tokens():
    from argovx_lab.launcher.settings import from_environment

    with pytest.raises(SpecError, match="GOOGLE_SDK_PYTHON_LOGGING_SCOPE is set"):
        from_environment({"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google"})


def test_point_10_what_googles_libraries_log_elsewhere_is_masked(federation, caplog, token_file):
    from argovx_lab import redact

    kept = logging.getLogRecordFactory()
    redact.install(guest=True)
    try:
        caplog.set_level(logging.DEBUG)
        logging.getLogger("google.auth.transport").debug("request", extra={})
        logging.getLogger("google.auth").debug("body subject_token=%s&x=1", token_file.read_text())
        Session(federation).sign_in()
    finally:
        logging.setLogRecordFactory(kept)
    assert token_file.read_text() not in caplog.text
    assert "[redacted]" in caplog.text


def test_point_11_errors_hold_neither_the_body_nor_the_path(federation, sts, token_file):
    body = {"error": "invalid_grant", "error_description": f"bad {token_file.read_text()} " + "x" * 5000}
    sts.answers = [(400, body, {})]
    with pytest.raises(CredentialError) as error:
        Session(federation).sign_in()
    assert token_file.read_text() not in str(error.value)
    assert len(error.value.message) < 512


class Counted:
    """A credential whose tokens live as long as a test says; can be out of order."""

    def __init__(self, life_s):
        self.token, self.expiry, self.life_s, self.renewals, self.fault = None, None, life_s, 0, None

    def refresh(self, exchange):
        self.renewals += 1
        if self.fault:
            raise self.fault
        self.token = f"ya29.{self.renewals}"
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        self.expiry = now + dt.timedelta(seconds=self.life_s)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def held(life_s, chance=0.0):
    clock, credential = Clock(), Counted(life_s)
    return Holder(credential, None, clock=clock, chance=lambda: chance), credential, clock


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_a_token_is_renewed_ahead_of_its_end_at_a_random_moment(chance):
    holder, _credential, clock = held(3600, chance)
    holder.ensure()
    due = 3600 - AHEAD_S - chance * JITTER_S
    clock.now += due - 1
    assert holder.ensure() == "ya29.1"
    clock.now += 2
    assert holder.ensure() == "ya29.2"


def test_a_short_token_is_not_renewed_with_every_request():
    """google-auth exchanges at every call once a token has less than 225 s."""
    holder, credential, clock = held(200)
    for _ in range(100):
        holder.ensure()
    assert credential.renewals == 1
    clock.now += 160
    holder.ensure()
    assert credential.renewals == 2


def test_case_23_a_token_service_that_is_away_does_not_stop_who_has_a_token():
    holder, credential, clock = held(3600)
    holder.ensure()
    credential.fault = Unavailable("STS is away", service="STS")
    clock.now += 3600 - AHEAD_S + 1
    for _ in range(50):
        assert holder.ensure() == "ya29.1"
    assert credential.renewals == 2, "one try, then a pause"
    clock.now += 3600
    with pytest.raises(Unavailable):
        holder.ensure()
    credential.fault = None
    assert holder.ensure().startswith("ya29.")


def test_case_22_a_job_that_outlives_its_token_goes_on_with_the_next():
    holder, credential, clock = held(600)
    seen = set()
    for _ in range(60):
        seen.add(holder.ensure())
        clock.now += 60
    assert len(seen) == credential.renewals
    assert 6 <= len(seen) <= 9


def test_case_4_a_jump_of_the_wall_clock_prolongs_no_token(monkeypatch):
    holder, credential, clock = held(600)
    holder.ensure()
    credential.expiry += dt.timedelta(hours=1)  # as if the wall clock had gone back by an hour
    clock.now += 601
    holder.ensure()
    assert credential.renewals == 2
    credential.expiry -= dt.timedelta(hours=2)  # and forward by two: early, not late
    holder.ensure()
    assert credential.renewals == 3


def test_a_held_token_is_a_source_that_google_auth_cannot_copy_away():
    import copy

    holder, credential, _ = held(600)
    source = Held(holder)
    assert copy.copy(source) is source
    source.refresh(None)
    source.refresh(None)
    assert (source.token, credential.renewals) == ("ya29.1", 1)


@pytest.mark.parametrize(
    "url", ["http://ada:pw@proxy.example:3128", "socks5://proxy.example", "proxy.example:3128", "http://p/x"]
)
def test_case_15_a_proxy_is_a_plain_url_without_a_password(federation, url):
    with pytest.raises(CredentialError) as error:
        dataclasses.replace(federation, proxy=url)
    assert "pw" not in str(error.value)


def test_case_15_an_allowed_proxy_is_used_and_never_for_loopback(federation, api, sts):
    check_proxy("http://proxy.example:3128")
    transport = Transport(proxy="http://127.0.0.1:9")
    assert transport._proxies("https://sts.googleapis.com/v1/token") == {"https": "http://127.0.0.1:9"}
    assert transport._proxies(sts.url) == transport._proxies("http://169.254.169.254/x") == {}
    session = Session(dataclasses.replace(federation, proxy="http://127.0.0.1:9"))
    assert session.request("GET", api.url).status_code == 200
    session.close()
    transport.close()


def test_the_transport_of_each_hop_reaches_its_own_address_only(federation, sts):
    chain = Chain(federation, Transport(), {})
    exchange = chain.of("x")._exchange
    for url in (f"{sts.url}/v1/introspect", f"{sts.url}/v1/token/", "https://evil.example"):
        with pytest.raises(CredentialError, match="something else"):
            exchange(url, "POST", b"subject_token=x")
    assert not sts.requests


def test_a_supplier_that_is_not_known_is_refused_by_name():
    with pytest.raises(CredentialError, match="sign_in 'executable' is not known") as error:
        Federation("https://sts.googleapis.com", "", "t", supplier="executable")
    assert "token-file, oidc-file" in error.value.hint
