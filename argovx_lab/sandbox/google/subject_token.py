"""Subject tokens: whether a ServiceAccount token of the cluster proves who it says it is.

Owns the provider's settings (issuer, audiences, attribute mapping and condition), the key cache and every
check on a JWT, before and after its signature. Keys come only from the callable that the server hands in,
never from a place that a token names.
Source: https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes, RFC 7519, RFC 8725
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import jwt

from argovx_lab.errors import ArgovxError
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google import conditions

#: A ServiceAccount token has about 1 KiB; larger ones are refused unread. Unit: bytes.
TOKEN_MAX: Final = 16 * 1024
#: Signature algorithms that Google accepts from an OIDC provider. Source: the page above.
ALGORITHMS: Final = ("RS256", "ES256")
#: STS refuses subject tokens that live longer. Source: the page above.
LIFETIME_MAX: Final = timedelta(hours=24)
#: How far ahead a provider's clock may be. Unit: seconds.
SKEW_S: Final = 60
#: How long fetched keys are trusted: a withdrawn key fails within this time. Unit: seconds.
KEYS_TTL_S: Final = 60.0
#: An unknown key id may ask for new keys this often, so that garbage cannot hammer the issuer. Unit: seconds.
KEYS_RETRY_S: Final = 1.0
#: ``google.subject`` may have this many bytes.
SUBJECT_MAX: Final = 127

#: What the provider's condition may read.
NAMES: Final = frozenset({"google.subject", "attribute.namespace", "attribute.ksa", "attribute.pod"})

_DECODE: Final[Any] = {
    "require": ["aud", "exp", "iat", "iss", "sub"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}

Keys = Callable[[], Mapping[str, Any]]


class Rejected(ArgovxError):
    """The STS refuses.

    Parameters
    ----------
    error : str
        OAuth error code: ``invalid_grant``, ``invalid_request``, ``unauthorized_client`` …
    http_status : int
        Status of the answer.
    """

    def __init__(self, error: str, message: str, http_status: int = 400) -> None:
        super().__init__(message)
        self.error = error
        self.http_status = http_status


@dataclass(frozen=True)
class Provider:
    """A workload identity pool provider.

    Parameters
    ----------
    number : str
        Project number.
    issuer : str
        ``iss`` of the tokens that are trusted.
    namespaces : tuple of str
        Kubernetes namespaces whose ServiceAccounts may come.
    pod_bound : bool
        Whether a token must be bound to a pod.
    pool, provider : str
        Their ids.
    audiences : tuple of str
        Allowed ``aud``; empty means the provider's own name, with or without ``https:``.
    """

    number: str
    issuer: str
    namespaces: tuple[str, ...]
    pod_bound: bool = False
    pool: str = "argovx"
    provider: str = "sandbox"
    audiences: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The full resource name, which is the ``audience`` of an exchange."""
        return (
            f"//iam.googleapis.com/projects/{self.number}/locations/global/workloadIdentityPools/{self.pool}"
            f"/providers/{self.provider}"
        )

    @property
    def allowed_audiences(self) -> tuple[str, ...]:
        """What ``aud`` of a subject token may be."""
        return self.audiences or (self.name, f"https:{self.name}")

    @property
    def condition(self) -> str:
        """The attribute condition, as it would be configured at Google."""
        allowed = ", ".join(f"'{name}'" for name in self.namespaces)
        text = f"attribute.namespace in [{allowed}]"
        return f"{text} && attribute.pod != ''" if self.pod_bound else text


class Verifier:
    """Judges subject tokens of one provider.

    Parameters
    ----------
    provider : Provider
        Whose.
    keys : callable
        Returns the issuer's JWKS, ``{"keys": [...]}``.
    clock : Clock
        For expiry.
    """

    def __init__(self, provider: Provider, keys: Keys, clock: Clock) -> None:
        self._provider = provider
        self._fetch = keys
        self._clock = clock
        self._condition = conditions.parse(provider.condition, NAMES)
        self._keys: dict[str, list[Mapping[str, Any]]] = {}
        self._fetched_at = float("-inf")

    def subject(self, token: str) -> str:
        """Return ``google.subject`` of a good token.

        Raises
        ------
        Rejected
            With the reason; never with a part of the token that is not a public claim.
        """
        claims = self._verified(token)
        self._check_times(claims)
        mapped = _mapped(claims)
        subject = mapped["google.subject"]
        if not subject or len(subject.encode()) > SUBJECT_MAX:
            raise Rejected("invalid_grant", f"The mapped google.subject must have 1 to {SUBJECT_MAX} bytes.")
        if subject != f"system:serviceaccount:{mapped['attribute.namespace']}:{mapped['attribute.ksa']}":
            raise Rejected("invalid_grant", "The subject does not match the ServiceAccount in the token.")
        if not self._condition.holds(mapped):
            raise Rejected(
                "unauthorized_client", "The given credential is rejected by the attribute condition."
            )
        return subject

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_MAX:
            raise Rejected("invalid_request", f"The subject token is longer than {TOKEN_MAX} bytes.")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Rejected("invalid_grant", "Unable to parse the ID Token.") from None
        algorithm = str(header.get("alg"))
        if algorithm not in ALGORITHMS:
            allowed = " or ".join(ALGORITHMS)
            raise Rejected(
                "invalid_grant", f"The ID Token's alg is {algorithm[:16]!r}: {allowed} is required."
            )
        key = self._key(str(header.get("kid", "")), algorithm)
        try:
            # times are checked by us, against the sandbox's clock
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=list(self._provider.allowed_audiences),
                issuer=self._provider.issuer,
                options=_DECODE,
            )
        except jwt.PyJWTError as error:
            raise self._explain(error) from None
        return claims

    def _explain(self, error: jwt.PyJWTError) -> Rejected:
        if isinstance(error, jwt.InvalidAudienceError):
            wanted = " or ".join(self._provider.allowed_audiences)
            text = f"The audience in ID Token does not match the expected audience {wanted}."
        elif isinstance(error, jwt.InvalidIssuerError):
            text = f"The issuer in ID Token does not match the expected ones: {self._provider.issuer}"
        elif isinstance(error, jwt.MissingRequiredClaimError):
            text = f"The ID Token has no claim {error.claim!r}."
        elif isinstance(error, jwt.InvalidSignatureError):
            text = "The signature of the ID Token is invalid."
        else:
            text = "The ID Token is not valid."
        return Rejected("invalid_grant", text)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        issued, expires, begins = claims["iat"], claims["exp"], claims.get("nbf", claims["iat"])
        if not all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in (issued, expires, begins)
        ):
            raise Rejected("invalid_grant", "The times iat, exp and nbf of the ID Token must be numbers.")
        if max(issued, begins) > now + SKEW_S:
            raise Rejected("invalid_grant", f"ID Token issued at {int(issued)} is in the future.")
        if expires <= now:
            raise Rejected("invalid_grant", f"ID Token issued at {int(issued)} is stale to sign-in.")
        if expires - issued > LIFETIME_MAX.total_seconds():
            raise Rejected("invalid_grant", "The lifetime of the ID Token is longer than 24 hours.")

    def _key(self, key_id: str, algorithm: str) -> jwt.PyJWK:
        now = time.monotonic()
        age = now - self._fetched_at
        if age > (KEYS_TTL_S if key_id in self._keys else KEYS_RETRY_S):
            self._refresh(now)
        found = self._keys.get(key_id, [])
        if len(found) != 1:
            why = "is not one of the issuer's" if not found else "names more than one key"
            raise Rejected("invalid_grant", f"The key id of the ID Token {why}.")
        wanted = {"RS256": "RSA", "ES256": "EC"}[algorithm]
        if found[0].get("kty") != wanted:
            raise Rejected("invalid_grant", f"The key of the ID Token is not for {algorithm}.")
        try:
            return jwt.PyJWK.from_dict({**found[0]}, algorithm)
        except jwt.PyJWTError:
            raise Rejected("invalid_grant", "The issuer's key cannot be read.") from None

    def _refresh(self, now: float) -> None:
        keys: dict[str, list[Mapping[str, Any]]] = {}
        for key in self._fetch().get("keys", []):
            keys.setdefault(str(key.get("kid", "")), []).append(key)
        self._keys, self._fetched_at = keys, now


def _mapped(claims: Mapping[str, Any]) -> dict[str, str]:
    """Apply the attribute mapping of :class:`Provider`; what the token lacks becomes the empty string."""
    kubernetes = claims.get("kubernetes.io")
    inside = kubernetes if isinstance(kubernetes, dict) else {}

    def name(part: str) -> str:
        value = inside.get(part)
        return str(value.get("name", "")) if isinstance(value, dict) else ""

    return {
        "google.subject": str(claims["sub"]),
        "attribute.namespace": str(inside.get("namespace", "")),
        "attribute.ksa": name("serviceaccount"),
        "attribute.pod": name("pod"),
    }
