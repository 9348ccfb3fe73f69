"""Addresses that may see a token, and those that may not."""

from __future__ import annotations

import pytest

from argovx_lab.errors import CredentialError
from argovx_lab.identity.addresses import check_address
from argovx_lab.identity.settings import Federation

AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k"


@pytest.mark.parametrize(
    "url",
    [
        "https://sts.googleapis.com",
        "https://europe-west4-aiplatform.googleapis.com",
        "https://127.0.0.1:8443",
        "http://127.0.0.1:8080/x",
        "http://localhost:1",
        "http://[::1]:1",
    ],
)
def test_addresses_that_may_see_a_token(url):
    check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://sts.googleapis.com",
        "https://evil.example",
        "https://googleapis.com.evil.example",
        "https://evilgoogleapis.com",
        "https://sts.googleapis.com@evil.example/",
        "https://user:pw@sts.googleapis.com",
        "http://127.0.0.1.evil.example",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "",
        "sts.googleapis.com",
    ],
)
def test_addresses_that_may_not(url):
    with pytest.raises(CredentialError):
        check_address(url)


def test_a_listed_host_may_and_only_by_https():
    check_address("https://sts.corp.example", ("sts.corp.example",))
    check_address("https://sts.corp.example:444", ("sts.corp.example:444",))
    with pytest.raises(CredentialError):
        check_address("http://sts.corp.example", ("sts.corp.example",))


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(CredentialError) as error:
        check_address("https://user:hunter2@evil.example")
    assert "hunter2" not in str(error.value)


def test_the_token_url_is_fixed():
    assert (
        Federation("https://sts.googleapis.com", AUDIENCE, "t").token_url
        == "https://sts.googleapis.com/v1/token"
    )
    assert Federation("https://sts.googleapis.com/v1/token", AUDIENCE, "t").token_url.count("/v1/token") == 1


def test_an_audience_that_is_no_provider_is_refused():
    with pytest.raises(CredentialError, match="workload identity provider"):
        Federation("https://sts.googleapis.com", "https://evil.example", "t")
