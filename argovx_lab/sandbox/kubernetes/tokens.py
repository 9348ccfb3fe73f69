"""ServiceAccount tokens: signing, verifying, and the public keys that others verify with.

Owns the signing key, which is made once and kept in the store; a token never enters a log, a message
or the store. Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import PODS, SERVICE_ACCOUNTS, Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID
from argovx_lab.sandbox.kubernetes.store import Store

_KEY_SETTING = "service-account-key"


class TokenRefused(Exception):
    """A token that does not hold; the text says why and is for the server's log only."""


class Issuer:
    """Signs and verifies ServiceAccount tokens.

    Parameters
    ----------
    store : Store
        Where accounts, pods and the signing key are.
    url : str
        ``iss`` and the API server's own audience; set it once the port is known.
    """

    def __init__(self, store: Store, clock: Clock, *, url: str = "https://kubernetes.default.svc") -> None:
        self._store, self._clock = store, clock
        self.url = url
        self._key = _load_key(store)
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key_id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()

    def issue(
        self, namespace: str, account: str, audience: list[str], seconds: int, bound_pod: Object | None = None
    ) -> str:
        """Return a signed token for an account.

        Parameters
        ----------
        audience : list of str
            Empty means the API server itself.
        seconds : int
            Lifetime from now.
        bound_pod : dict, optional
            The token dies with this pod.

        Raises
        ------
        ApiError
            404 when the account does not exist.
        """
        record = self._store.get(BY_ID["serviceaccounts"], namespace, account)
        if record is None:
            raise status.not_found(SERVICE_ACCOUNTS, account)
        private: Object = {"namespace": namespace, "serviceaccount": {"name": account, "uid": record.uid}}
        if bound_pod is not None:
            meta = bound_pod["metadata"]
            private["pod"] = {"name": meta["name"], "uid": meta["uid"]}
        now = int(self._clock.now().timestamp())
        claims = {
            "aud": audience or [self.url],
            "exp": now + seconds,
            "iat": now,
            "iss": self.url,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": private,
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})

    def verify(self, token: str, audiences: list[str] | None = None) -> dict[str, Any]:
        """Return the claims of a good token.

        Raises
        ------
        TokenRefused
            Signature, issuer, audience or time is wrong, or the account or pod is gone.
        """
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=audiences or [self.url],
                issuer=self.url,
                options={
                    "require": ["aud", "exp", "iss", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused(str(error)) from error
        now = self._clock.now().timestamp()
        if not float(claims.get("nbf", 0)) <= now + 1 or now >= float(claims["exp"]):
            raise TokenRefused("the token is expired or not valid yet")
        self._check_bound(claims.get("kubernetes.io") or {})
        return claims

    def _check_bound(self, private: Object) -> None:
        account = private["serviceaccount"]
        bound = [(SERVICE_ACCOUNTS, account)]
        if "pod" in private:
            bound.append((PODS, private["pod"]))
        for resource, reference in bound:
            record = self._store.get(BY_ID[resource.plural], private["namespace"], reference["name"])
            if record is None or record.uid != reference["uid"]:
                raise TokenRefused(f"the {resource.kind} of the token is gone")

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "use": "sig",
                    "kty": "RSA",
                    "kid": self.key_id,
                    "alg": "RS256",
                    "n": _number(numbers.n),
                    "e": _number(numbers.e),
                }
            ]
        }

    def discovery(self) -> dict[str, Any]:
        """Return the OpenID discovery document."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def __repr__(self) -> str:
        return f"Issuer({self.url!r})"


def _load_key(store: Store) -> rsa.RSAPrivateKey:
    text = store.setting(_KEY_SETTING)
    if not text:
        fresh = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        text = fresh.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        store.set_setting(_KEY_SETTING, text)
    # it is our own key out of our own file: proving it to be one would take 40 ms of every start
    key = serialization.load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _number(value: int) -> str:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
