"""Bearer tokens of the Google end: issued, looked up, expired; and the scopes each service asks for.

Tokens are opaque and random; only their SHA-256 is stored, so neither the state file nor a log can leak one.
Owns 401 (no, unknown or expired token) and the 403 of missing scopes, in Google's words. It decides nothing
about permissions: that is :mod:`argovx_lab.sandbox.google.iam`.
Source: https://cloud.google.com/docs/authentication/troubleshoot-adc, google/api/error_reason.proto
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google import boundary as boundaries
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.store import Store

#: What our tokens begin with; made unlike Google's own so that nobody takes one for the other.
PREFIX: Final = "avx1."
#: Google's access tokens live about an hour. Unit: seconds.
LIFETIME_S: Final = 3600
#: Expired tokens are swept once this many have been issued, to keep the table small.
_SWEEP_EVERY = 256
#: Callers that are kept ready; more are read anew.
_CALLERS_MAX = 1024
_TABLE = "auth.tokens"

_BASE = "https://www.googleapis.com/auth/"
CLOUD_PLATFORM: Final = _BASE + "cloud-platform"
IAM_SCOPE: Final = _BASE + "iam"
#: Service → scopes of which one is enough. Source: https://developers.google.com/identity/protocols/oauth2/scopes
SERVICE_SCOPES: Final[Mapping[str, frozenset[str]]] = {
    "aiplatform.googleapis.com": frozenset({CLOUD_PLATFORM}),
    "storage.googleapis.com": frozenset(
        _BASE + s
        for s in (
            "cloud-platform",
            "cloud-platform.read-only",
            "devstorage.full_control",
            "devstorage.read_write",
            "devstorage.read_only",
        )
    ),
    "logging.googleapis.com": frozenset(
        _BASE + s
        for s in (
            "cloud-platform",
            "cloud-platform.read-only",
            "logging.admin",
            "logging.read",
            "logging.write",
        )
    ),
    "monitoring.googleapis.com": frozenset(
        _BASE + s for s in ("cloud-platform", "monitoring", "monitoring.read", "monitoring.write")
    ),
    "cloudresourcemanager.googleapis.com": frozenset(
        _BASE + s for s in ("cloud-platform", "cloud-platform.read-only", "cloudplatformprojects.readonly")
    ),
    "iam.googleapis.com": frozenset({CLOUD_PLATFORM, IAM_SCOPE}),
    "iamcredentials.googleapis.com": frozenset({CLOUD_PLATFORM, IAM_SCOPE}),
}
#: Every scope that a token of the sandbox can carry.
SCOPES: Final[frozenset[str]] = frozenset().union(
    *SERVICE_SCOPES.values(),
    {"https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/bigquery"},
)

_HELP = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Authenticator:
    """The table of issued access tokens.

    Parameters
    ----------
    store : Store
        Where the hashes live.
    clock : Clock
        What "expired" is measured with.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._issued = 0
        #: The caller of a stored record; the store replaces records, so the same object is the same caller.
        self._callers: dict[str, tuple[Mapping[str, Any], Caller]] = {}

    def issue(
        self,
        principal: str,
        *,
        email: str = "",
        subject: str = "",
        scopes: Iterable[str] = (CLOUD_PLATFORM,),
        lifetime_s: float = LIFETIME_S,
        expires_at: datetime | None = None,
        boundary: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a new bearer token.

        Parameters
        ----------
        principal : str
            ``principal://…`` or ``serviceAccount:EMAIL``.
        email, subject : str
            See :class:`~argovx_lab.sandbox.google.caller.Caller`.
        scopes : iterable of str
            OAuth scopes.
        lifetime_s : float
            Unit: seconds; ignored when ``expires_at`` is given.
        expires_at : datetime, optional
            Absolute end, for tokens that end with their source.
        boundary : mapping, optional
            ``{"accessBoundaryRules": [...]}``.
        """
        self._sweep()
        token = PREFIX + secrets.token_urlsafe(32)
        end = expires_at or self._clock.now() + timedelta(seconds=lifetime_s)
        rules = boundaries.parse(boundary) if boundary is not None else None
        caller = Caller(principal, email, subject, tuple(scopes), end, rules)
        self._store.put(_TABLE, _digest(token), caller_record(caller))
        return token

    def authenticate(self, bearer: str) -> Caller:
        """Return who a token belongs to.

        Raises
        ------
        GoogleError
            UNAUTHENTICATED, when the token is missing, unknown or expired.
        """
        if not bearer:
            raise _unauthenticated(
                f"Request is missing required authentication credential. {_HELP}", "CREDENTIALS_MISSING"
            )
        caller = self.find(bearer)
        if caller is None:
            raise _unauthenticated(f"Request had invalid authentication credentials. {_HELP}", "")
        if caller.expires_at <= self._clock.now():
            raise _unauthenticated(
                f"Request had invalid authentication credentials. {_HELP}", "ACCESS_TOKEN_EXPIRED"
            )
        return caller

    def find(self, bearer: str) -> Caller | None:
        """Return the owner of a token, expired or not; ``None`` when it was never issued here."""
        key = _digest(bearer) if bearer.startswith(PREFIX) else ""
        record = self._store.get(_TABLE, key) if key else None
        if record is None:
            return None
        known = self._callers.get(key)
        if known is None or known[0] is not record:
            if len(self._callers) >= _CALLERS_MAX:
                self._callers.clear()
            known = self._callers[key] = (record, caller_of(record))
        return known[1]

    def expire(self, bearer: str) -> None:
        """Let a token end now; one that is not known stays unknown."""
        record = self._store.get(_TABLE, _digest(bearer))
        if record is not None:
            ended = self._clock.now().timestamp() - 1
            self._store.put(_TABLE, _digest(bearer), {**record, "expires_at": ended})

    def revoke(self, bearer: str) -> bool:
        """Forget a token; return whether it was known."""
        return self._store.delete(_TABLE, _digest(bearer))

    def _sweep(self) -> None:
        self._issued += 1
        if self._issued % _SWEEP_EVERY:
            return
        # an hour after its end the difference between "expired" and "unknown" interests nobody
        limit = (self._clock.now() - timedelta(hours=1)).timestamp()
        dead = [key for key, record in self._store.scan(_TABLE) if record["expires_at"] < limit]
        with self._store.transaction():
            for key in dead:
                self._store.delete(_TABLE, key)


def require_scope(caller: Caller, service: str, write: bool = True) -> None:
    """Refuse a token whose scopes do not open ``service``.

    Parameters
    ----------
    caller : Caller
        Whose token.
    service : str
        ``storage.googleapis.com`` …; a service without an entry takes cloud-platform only.
    write : bool
        False for calls that only read: read-only scopes are enough for them.

    Raises
    ------
    GoogleError
        PERMISSION_DENIED with reason ACCESS_TOKEN_SCOPE_INSUFFICIENT.
    """
    wanted = SERVICE_SCOPES.get(service, frozenset({CLOUD_PLATFORM}))
    if write:
        wanted = frozenset(
            s for s in wanted if not s.endswith(("read-only", "readonly", "read_only", ".read"))
        )
    if wanted.isdisjoint(caller.scopes):
        raise GoogleError(
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes.",
            reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            metadata={"service": service},
        )


def caller_record(caller: Caller) -> dict[str, Any]:
    """Return a caller as JSON, to be kept with a token or an upload."""
    limit = caller.boundary
    return {
        "principal": caller.principal,
        "email": caller.email,
        "subject": caller.subject,
        "scopes": list(caller.scopes),
        "expires_at": caller.expires_at.timestamp(),
        "boundary": limit.document if isinstance(limit, boundaries.Boundary) else None,
    }


def caller_of(record: Mapping[str, Any]) -> Caller:
    """Return the caller of a record that :func:`caller_record` made."""
    rules = record["boundary"]
    return Caller(
        principal=record["principal"],
        email=record["email"],
        subject=record["subject"],
        scopes=tuple(record["scopes"]),
        expires_at=datetime.fromtimestamp(record["expires_at"], UTC),
        boundary=boundaries.parse(rules) if rules is not None else None,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _unauthenticated(message: str, reason: str) -> GoogleError:
    challenge = 'Bearer realm="https://accounts.google.com/"' + (
        "" if reason == "CREDENTIALS_MISSING" else ', error="invalid_token"'
    )
    return GoogleError("UNAUTHENTICATED", message, reason=reason, headers={"www-authenticate": challenge})
