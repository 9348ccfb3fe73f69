"""Who is calling: ServiceAccount tokens and the opaque tokens of named users.

Owns the table of named users; only digests of their tokens are kept, and the tokens themselves follow
from a secret in the store, so that a restarted sandbox hands out the same kubeconfig.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.tokens import Issuer, TokenRefused

_log = logging.getLogger(__name__)

AUTHENTICATED = "system:authenticated"
_SECRET_SETTING = "user-token-secret"  # noqa: S105  the name of a setting, no secret
_USERS_SETTING = "users"


@dataclass(frozen=True)
class User:
    """An authenticated caller, as reviews show it and RBAC sees it."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    uid: str = ""
    extra: Mapping[str, list[str]] = field(default_factory=dict)

    def info(self) -> Object:
        """Return the ``userInfo`` of reviews."""
        info: Object = {"username": self.name, "groups": list(self.groups)}
        if self.uid:
            info["uid"] = self.uid
        if self.extra:
            info["extra"] = dict(self.extra)
        return info


class Authenticator:
    """Turns bearer tokens into users.

    Parameters
    ----------
    store : Store
        Keeps the named users.
    issuer : Issuer
        Verifies ServiceAccount tokens.
    """

    def __init__(self, store: Store, issuer: Issuer) -> None:
        self._store, self._issuer = store, issuer
        self._secret = bytes.fromhex(store.setting(_SECRET_SETTING))
        if not self._secret:
            self._secret = secrets.token_bytes(32)
            store.set_setting(_SECRET_SETTING, self._secret.hex())
        self._users: dict[str, dict[str, Any]] = json.loads(store.setting(_USERS_SETTING) or "{}")

    def add_user_token(self, username: str, groups: list[str]) -> str:
        """Return the opaque token of a named user; the same name gets the same token for ever.

        Parameters
        ----------
        groups : list of str
            Replace those of an earlier call; ``system:authenticated`` is always added.
        """
        digest = hmac.new(self._secret, b"user:" + username.encode(), hashlib.sha256).digest()
        token = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self._users[_digest(token)] = {"name": username, "groups": groups}
        self._store.set_setting(_USERS_SETTING, json.dumps(self._users))
        return token

    def user(self, token: str) -> User:
        """Return who a bearer token stands for; 401 when nobody."""
        if not token:
            raise status.unauthorized()
        known = self._users.get(_digest(token))
        if known is not None:
            return User(known["name"], (*known["groups"], AUTHENTICATED))
        try:
            return account_user(self._issuer.verify(token))
        except TokenRefused as error:
            _log.info("bearer token refused: %s", error)
            raise status.unauthorized() from error

    def review(self, token: str, audiences: list[str]) -> tuple[User, list[str]]:
        """Return the user and the audiences that a token is good for; :class:`TokenRefused` otherwise."""
        known = self._users.get(_digest(token))
        if known is not None:
            return User(known["name"], (*known["groups"], AUTHENTICATED)), audiences
        claims = self._issuer.verify(token, audiences)
        held = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        return account_user(claims), [name for name in audiences or held if name in held]


def account_user(claims: Mapping[str, Any]) -> User:
    """Return the user of a verified ServiceAccount token."""
    private = claims["kubernetes.io"]
    extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}
    if "pod" in private:
        extra["authentication.kubernetes.io/pod-name"] = [private["pod"]["name"]]
        extra["authentication.kubernetes.io/pod-uid"] = [private["pod"]["uid"]]
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{private['namespace']}",
        AUTHENTICATED,
    )
    return User(claims["sub"], groups, private["serviceaccount"]["uid"], extra)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
