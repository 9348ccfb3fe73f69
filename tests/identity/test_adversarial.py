"""Faults and attacks by their numbers in docs/identity.md, as far as they have no test beside the thing itself."""

from __future__ import annotations

import datetime as dt
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from argovx_lab.errors import CredentialError, PermissionMissing, RemoteError, Unavailable
from argovx_lab.identity.http import Transport
from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import Federation, Patience
from argovx_lab.identity.suppliers import TOKEN_MAX, TokenFile
from argovx_lab.vertex.session import fault

AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k"


def date(seconds):
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    return {"Date": moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}


def test_case_1_a_stale_token_is_read_twice_named_and_not_sent(federation, token_file, make_jwt, sts, api):
    token_file.write_text(make_jwt(exp=int(time.time()) - 90))
    opened = []
    session = Session(federation)
    real = TokenFile._read
    TokenFile._read = lambda self: opened.append(1) or real(self)
    try:
        for _ in range(3):
            with pytest.raises(CredentialError, match="workspace token is stale: it ended 9"):
                session.request("GET", api.url)
    finally:
        TokenFile._read = real
    assert len(opened) == 6, "two reads each, no storm"
    assert not any(b"subject_token" in request[3] for request in sts.requests)
    assert not api.requests


def test_case_3_a_file_that_is_replaced_while_it_is_read_is_read_again(tmp_path, make_jwt, monkeypatch):
    path, whole = tmp_path / "token", make_jwt()
    contents = iter([b"", whole[:40].encode(), whole.encode()])
    monkeypatch.setattr("argovx_lab.identity.suppliers.capped", lambda _: next(contents))
    assert TokenFile(str(path)).get_subject_token(None, None) == whole


def test_case_3_a_symbolic_link_that_is_swapped_all_the_time_never_fails(tmp_path, make_jwt):
    """As kubelet does: the data folder is replaced through a link, and old ones are removed."""
    ending = threading.Event()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(make_jwt(n=name))
    link = tmp_path / "data"
    link.symlink_to("a")

    def swap():
        while not ending.is_set():
            for name in ("b", "a"):
                fresh = tmp_path / "fresh"
                fresh.symlink_to(name)
                fresh.replace(link)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        supplier = TokenFile(str(link / "token"))
        assert len({supplier.get_subject_token(None, None) for _ in range(2000)}) <= 2
    finally:
        ending.set()
        thread.join()


def test_case_3_a_file_that_nobody_may_read_is_named(tmp_path, make_jwt):
    path = tmp_path / "token"
    path.write_text(make_jwt())
    path.chmod(0)
    script = (
        "import os, sys\n"
        "from argovx_lab.identity.suppliers import TokenFile\n"
        "from argovx_lab.errors import CredentialError\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: TokenFile(sys.argv[1]).get_subject_token(None, None)\n"
        "except CredentialError as error: print(error.message)\n"
    )
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert "the token file cannot be read (Permission denied)" in done.stdout, done.stderr


@pytest.mark.parametrize("late", [5, 59])
def test_case_4_a_clock_that_is_a_minute_ahead_is_tolerated(federation, token_file, make_jwt, sts, api, late):
    token_file.write_text(make_jwt(exp=int(time.time()) - late + 1))
    assert Session(federation).request("GET", api.url).status_code == 200


@pytest.mark.parametrize(
    ("skew", "word"), [(-300, "ahead of"), (300, "behind"), (1800, "behind"), (-1800, "ahead of")]
)
def test_case_4_a_clock_that_is_further_off_is_named(federation, token_file, make_jwt, sts, skew, word):
    """Twice: by the refusal of STS, and, where nothing is sent, by a question without a token."""
    sts.answers = [(400, {"error": "invalid_grant", "error_description": "expired"}, date(skew))]
    for exp in (3600, -1800):
        token_file.write_text(make_jwt(exp=int(time.time()) + exp))
        with pytest.raises(CredentialError) as error:
            Session(federation).sign_in()
        said = re.fullmatch(rf"This machine's clock is (\d+) s {word} STS's; set it\.", error.value.hint)
        assert said, error.value.hint
        assert abs(int(said.group(1)) - abs(skew)) < 10


@pytest.mark.parametrize("size", [TOKEN_MAX - 100, TOKEN_MAX + 1, 1024 * 1024])
def test_case_6_a_huge_token_is_not_read_to_its_end(tmp_path, make_jwt, size):
    path = tmp_path / "token"
    path.write_text(make_jwt(x="y" * size))
    with pytest.raises(CredentialError, match="larger than 16384 bytes"):
        TokenFile(str(path)).get_subject_token(None, None)


def test_case_9_the_wait_that_is_asked_for_is_kept_and_all_is_over_in_time(federation, sts):
    waited = []
    sts.answers = [(429, {}, {"Retry-After": "2"}), (503, {}, {}), (500, {}, {})]
    with pytest.raises(Unavailable, match="STS answered 500"):
        Session(federation, wait=waited.append).sign_in()
    assert len(sts.requests) == 3
    assert waited[0] == 2.0
    assert 0 <= waited[1] <= federation.sts.max_s


def test_case_9_the_times_of_an_exchange_end_within_twenty_seconds():
    patience = Federation("https://sts.googleapis.com", AUDIENCE, "t").sts
    assert (patience.tries, patience.total_s) == (3, 20.0)
    assert (patience.connect_s, patience.read_s) == (3.0, 10.0)


def test_case_19_a_federated_token_that_an_api_refuses_is_no_loop_and_has_a_way_out(federation, sts, api):
    api.answers = [(401, {"error": {"message": "Expected OAuth 2 access token"}}, {})]
    session = Session(federation)
    assert session.request("GET", api.url).status_code == 401
    assert (len(api.requests), len(sts.requests)) == (2, 2)
    error = fault(401, api.answers[0][1]["error"]["message"].encode(), "p", "t")
    assert isinstance(error, CredentialError)
    assert "impersonate" in error.hint


def test_case_48_who_is_removed_is_refused_with_the_next_token_and_nothing_is_kept(federation, sts, api):
    session = Session(federation)
    assert session.request("GET", api.url).status_code == 200
    sts.answers = [(403, {"error": "access_denied", "error_description": "The caller is denied."}, {})]
    api.answers = [(401, {}, {})]
    with pytest.raises(PermissionMissing, match="STS answered 403"):
        session.request("GET", api.url)
    assert len(sts.requests) == 2


ONCE = Patience(connect_s=1, read_s=1, tries=1)


@pytest.fixture
def impostor(tmp_path):
    """A server on loopback with a certificate that nobody has signed for that name."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
         "-subj", "/CN=sts.googleapis.com"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    heard.append(secure.recv(1000))
            except OSError:
                plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}", str(cert), heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(2)


@pytest.mark.parametrize("trusted", [False, True], ids=["self-signed", "wrong host"])
def test_case_51_a_certificate_that_is_not_the_token_services_ends_it_before_a_byte(
    token_file, impostor, trusted
):
    url, cert, heard = impostor
    federation = Federation(url, AUDIENCE, str(token_file), ca_file=cert if trusted else "", sts=ONCE)
    with pytest.raises(RemoteError, match="certificate that is not trusted") as error:
        Session(federation).sign_in()
    assert error.value.reason == "Tls"
    assert heard == []


def test_case_51_a_name_that_nobody_knows_is_said_and_nothing_falls_back_to_plain_text(
    monkeypatch, token_file
):
    asked = []

    def unknown(host, *_, **__):
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    federation = Federation("https://sts.googleapis.com", AUDIENCE, str(token_file), sts=ONCE)
    with pytest.raises(Unavailable, match=r"STS at sts\.googleapis\.com cannot be reached"):
        Session(federation).sign_in()
    assert set(asked) == {"sts.googleapis.com"}


def test_case_51_a_captive_portal_is_not_believed(federation, sts):
    sts.answers = [(200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"})]
    with pytest.raises(CredentialError, match="is not JSON") as error:
        Session(federation).sign_in()
    assert "captive portal" in error.value.hint


def test_case_51_an_answer_that_breaks_off_is_no_answer(federation, sts):
    sts.answers = [(200, b"{}", {"Content-Length": "1000"})]
    with pytest.raises((Unavailable, CredentialError)):
        Session(federation).sign_in()


def test_case_52_a_failure_with_its_locals_shows_no_token(federation, sts, token_file):
    import traceback

    sts.answers = [(400, {"error": "invalid_grant"}, {})]
    session = Session(federation)
    try:
        session.sign_in()
    except CredentialError as error:
        shown = "".join(traceback.TracebackException.from_exception(error).format())
    assert token_file.read_text() not in shown
    assert "[redacted]" in f"{session!r} {session._chain!r}"


@pytest.mark.parametrize("locale", ["C", "POSIX", "tr_TR.ISO-8859-9"])
def test_case_54_the_locale_changes_nothing(tmp_path, make_jwt, locale):
    path = tmp_path / "tök\udcffen"
    with open(os.fsencode(path), "w") as file:
        file.write("\ufeff" + make_jwt(sub="system:serviceaccount:team:wf-ida"))
    script = (
        "import os, sys\n"
        "from argovx_lab.identity.suppliers import TokenFile\n"
        "supplier = TokenFile(os.fsdecode(os.fsencode(sys.argv[1]))); supplier.get_subject_token(None, None)\n"
        "print(supplier.subject)\n"
    )
    env = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script, os.fsencode(path)], env=env, capture_output=True, text=True
    )
    assert done.stdout.strip() == "system:serviceaccount:team:wf-ida", done.stderr


def test_case_54_a_token_that_ends_after_2038_is_read(tmp_path, make_jwt):
    path = tmp_path / "token"
    path.write_text(make_jwt(exp=2**31 + 10))
    assert TokenFile(str(path), clock=lambda: 2.0**31).get_subject_token(None, None)
    with pytest.raises(CredentialError, match="stale: it ended 90 s ago"):
        TokenFile(str(path), clock=lambda: 2.0**31 + 100).get_subject_token(None, None)


def test_no_variable_of_the_environment_moves_a_token(federation, sts, api, monkeypatch):
    """Beyond the list: a CA bundle, a netrc file, a universe or a quota project of somebody else's choice."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("NETRC", "/nowhere")
    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "evil.example")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "evil")
    assert Session(federation).request("GET", api.url).status_code == 200
    assert "x-goog-user-project" not in api.requests[0][2]
    transport = Transport()
    assert transport._requests.trust_env is False
    transport.close()
