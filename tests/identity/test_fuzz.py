"""Whatever is answered or lies in a file: a checked value, or one of our errors; nothing else leaves these functions."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argovx_lab.errors import CredentialError
from argovx_lab.identity import exchange
from argovx_lab.identity.http import retry_after
from argovx_lab.identity.suppliers import TokenFile, claims, expiry
from argovx_lab.redact import MASK, redact

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
WORDS = ("access_token", "expires_in", "token_type", "accessToken", "expireTime", "email", "scopes", "error")
DOCUMENTS = st.dictionaries(st.sampled_from(WORDS), VALUES | st.sampled_from(["Bearer", "ya29.x", "3600"]))
ANSWERS = st.binary(max_size=200) | DOCUMENTS.map(lambda doc: json.dumps(doc).encode())
TEXTS = st.text(max_size=40) | st.sampled_from(
    ["²", "9" * 400, "Mon, 01 Jan 10000 00:00:00 GMT", "-1", "1e9"]
)


@given(ANSWERS)
def test_an_answer_is_checked_or_refused(data):
    for check in (exchange.granted, exchange.impersonated, exchange.metadata):
        try:
            kept = json.loads(check(data))
        except CredentialError:
            continue
        token = kept.get("access_token", kept.get("accessToken", "x"))
        assert token
        assert token.isprintable()
        assert " " not in token


@pytest.mark.parametrize(
    "life", ["²", "9" * 5000, 10**30, 86401, 1e9, float("nan"), float("inf"), "-1", "+1", [1]]
)
def test_a_life_that_cannot_be_is_not_believed(life):
    data = json.dumps({"access_token": "ya29.x", "token_type": "Bearer", "expires_in": life}).encode()
    with pytest.raises(CredentialError, match="how long the token lives"):
        exchange.granted(data)


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "", "1e9", "2099"])
def test_an_end_that_cannot_be_is_not_believed(end):
    data = json.dumps({"accessToken": "ya29.x", "expireTime": end}).encode()
    with pytest.raises(CredentialError):
        exchange.impersonated(data)


@given(TEXTS)
def test_headers_are_read_or_passed_over(text):
    found = retry_after({"Retry-After": text})
    assert found is None or found >= 0
    assert isinstance(exchange.skew({"Date": text}), str)


@given(st.text(max_size=60) | VALUES.map(json.dumps))
def test_a_token_is_read_or_refused(text):
    body = base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode().rstrip("=")
    for token in (text, f"a.{body}.c"):
        try:
            assert isinstance(claims(token), dict)
        except CredentialError:
            continue
        assert expiry(token) is not None


@pytest.mark.parametrize(
    "token", ["eyJ.{0}.x\r\nHost: evil", "e&subject_token=x.{0}.x", "e.{0}.x=", "e.{0}.x y"]
)
def test_a_token_that_would_be_more_than_a_token_is_refused(tmp_path, token):
    body = base64.urlsafe_b64encode(b'{"sub": "x"}').decode().rstrip("=")
    path = tmp_path / "token"
    path.write_text(token.format(body))
    with pytest.raises(CredentialError, match="does not hold"):
        TokenFile(str(path)).get_subject_token(None, None)


@pytest.mark.parametrize("end", [10**400, float("inf"), "x", None, True])
def test_an_end_of_any_kind_is_no_crash(tmp_path, make_jwt, end):
    path = tmp_path / "token"
    path.write_text(make_jwt(exp=end, sub="a\x1b[31mb\n" + "x" * 300))
    supplier = TokenFile(str(path))
    supplier.get_subject_token(None, None)
    assert supplier.subject.startswith("a[31mb")
    assert len(supplier.subject) == 127


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_token_is_masked_wherever_it_stands(before, after):
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlc2ln"
    shown = redact(f"{before} {token} {after}")
    assert token not in shown
    assert MASK in shown
