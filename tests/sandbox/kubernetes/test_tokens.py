"""Tokens: lifetime, binding, persistence of the key."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.kubernetes.authentication import Authenticator
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID
from argovx_lab.sandbox.kubernetes.tokens import Issuer, TokenRefused


def test_a_token_lives_as_long_as_it_says(registry, issuer, clock):
    token = issuer.issue("ns", "default", [], 600)
    assert issuer.verify(token)["sub"] == "system:serviceaccount:ns:default"
    clock.move(599)
    issuer.verify(token)
    clock.move(1)
    with pytest.raises(TokenRefused, match="expired"):
        issuer.verify(token)
    del registry


def test_audiences_keep_tokens_apart(registry, issuer):
    with pytest.raises(TokenRefused):
        issuer.verify(issuer.issue("ns", "default", ["sts"], 600))
    assert issuer.verify(issuer.issue("ns", "default", ["sts", issuer.url], 600))
    del registry


def test_the_key_outlives_the_server(registry, store, clock, issuer):
    token = issuer.issue("ns", "default", [], 600)
    again = Issuer(store, clock, url=issuer.url)
    assert again.key_id == issuer.key_id
    assert again.verify(token)
    del registry


def test_another_issuer_is_refused(registry, store, clock, issuer):
    token = Issuer(store, clock, url="https://elsewhere").issue("ns", "default", [issuer.url], 600)
    with pytest.raises(TokenRefused):
        issuer.verify(token)
    del registry


def test_an_account_that_is_not_there_gets_none(registry, issuer):
    with pytest.raises(ApiError, match='serviceaccounts "ghost" not found'):
        issuer.issue("ns", "ghost", [], 600)
    del registry


def test_secrets_do_not_show_in_reprs(registry, store, issuer):
    token = Authenticator(store, issuer).add_user_token("bob", [])
    assert token not in repr(issuer) + repr(store) + "".join(record.raw.decode() for record in store.all())
    assert BY_ID["pods"].id == "pods"
    del registry


def test_users_survive_a_restart(store, issuer):
    token = Authenticator(store, issuer).add_user_token("bob", ["team"])
    user = Authenticator(store, issuer).user(token)
    assert (user.name, user.groups) == ("bob", ("team", "system:authenticated"))
    with pytest.raises(ApiError) as caught:
        Authenticator(store, issuer).user(token[:-1])
    assert caught.value.code == 401
