"""The token exchange: google-auth's own federated credentials, hardened.

Owns what google-auth leaves open: repeats, time-outs, one refresh at a time, a check of the answer before it
is believed, and silence towards hosts nobody named. Refuses to be pickled, copied or rebuilt.

Notes
-----
google-auth starts a background request to ``iamcredentials.googleapis.com`` ("regional access boundary") with
the access token attached. This class opts out of it in the way that google-auth's own Compute Engine
credentials do, and builds no address for it either.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Optional

from google.auth import identity_pool

from argovx_lab.errors import CredentialError, PermissionMissing, RemoteError, Unavailable, shorten
from argovx_lab.identity.http import BUSY, Transport
from argovx_lab.identity.settings import Federation, check_address
from argovx_lab.identity.suppliers import TokenFile
from argovx_lab.redact import MASK, redact

#: Subject tokens are ServiceAccount tokens. Source: RFC 8693, section 3.
_JWT = "urn:ietf:params:oauth:token-type:jwt"

#: Clocks may differ by this much before it is named as the cause. Unit: seconds.
_SKEW_S = 60

#: Longest access token that is believed. Unit: characters.
_ACCESS_TOKEN_MAX = 16 * 1024


class _Answer:
    """What google-auth wants to see of an answer."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


class Exchange:
    """The transport that google-auth is given: it can reach the token URL and nothing else."""

    def __init__(self, federation: Federation, transport: Transport) -> None:
        self._federation = federation
        self._transport = transport

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: object = None,  # noqa: ARG002  (ours are set by the federation's settings)
        **options: object,
    ) -> _Answer:
        """Send the exchange and return its checked answer.

        Raises
        ------
        CredentialError
            When STS refuses, answers nonsense, or another address is asked for.
        PermissionMissing
            When STS answers 403.
        Unavailable
            When STS stays busy or out of reach.
        """
        if url != self._federation.token_url or method != "POST" or options:
            raise CredentialError("google-auth asked for something else than the token exchange; refused")
        answer = self._transport.send(
            method,
            url,
            patience=self._federation.sts,
            repeat=True,
            service="sts",
            headers=headers,
            data=body,
        )
        if answer.status_code != 200:
            raise _refusal(answer.status_code, answer.headers, answer.content)
        return _Answer(200, answer.headers, _checked(answer.content))


class FederatedCredentials(identity_pool.Credentials):
    """Credentials of a projected ServiceAccount token, for one process."""

    def __init__(
        self, federation: Federation, transport: Transport, supplier: Optional[TokenFile] = None
    ) -> None:
        check_address(federation.token_url, federation.hosts)
        super().__init__(  # type: ignore[no-untyped-call]
            audience=federation.audience,
            subject_token_type=_JWT,
            token_url=federation.token_url,
            subject_token_supplier=supplier or TokenFile(federation.token_file),
            scopes=list(federation.scopes),
        )
        self._exchange = Exchange(federation, transport)
        self._single = threading.Lock()

    def refresh(self, request: object = None) -> None:  # noqa: ARG002  (ours alone may carry the subject token)
        """Exchange the subject token; callers that arrive meanwhile share the one exchange."""
        seen = self.token
        with self._single:
            if self.token is seen:
                self._perform_refresh_token(self._exchange)  # type: ignore[no-untyped-call]

    def _is_regional_access_boundary_lookup_required(self) -> bool:
        return False

    def _build_regional_access_boundary_lookup_url(self, request: object = None) -> None:  # noqa: ARG002
        return None

    def __repr__(self) -> str:
        return f"<FederatedCredentials {MASK}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("FederatedCredentials hold a token and cannot be pickled or copied")


def _checked(data: bytes) -> bytes:
    doc = _json(data)
    token, lifetime = doc.get("access_token"), doc.get("expires_in")
    if isinstance(lifetime, str) and lifetime.isdigit():
        lifetime = int(lifetime)
    problem = ""
    if not isinstance(token, str) or not token or len(token) > _ACCESS_TOKEN_MAX or not token.isprintable():
        problem = "it holds no access token"
    elif str(doc.get("token_type", "")).lower() != "bearer":
        problem = "its token is not a bearer token"
    elif not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime <= 0:
        problem = "it does not say how long the token lives"
    if problem:
        raise CredentialError(
            f"the answer of STS cannot be used: {problem}",
            hint="Check that the STS address is Google's or the sandbox's.",
        )
    return json.dumps({"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}).encode()


def _refusal(status: int, headers: Mapping[str, str], data: bytes) -> Exception:
    doc = _json(data) if data[:1] == b"{" else {}
    code = redact(str(doc.get("error", "")))
    text = shorten(redact(str(doc.get("error_description", ""))))
    said = ": ".join(part for part in (shorten(code, 64), text) if part)
    message = f"STS answered {status}" + (f", {said}" if said else "")
    if status in BUSY:
        return Unavailable(message, service="sts", status=status, reason=code)
    if status == 403:
        return PermissionMissing(
            message, hint="Check the workload identity pool, its provider and its condition."
        )
    if 300 <= status < 400:
        return RemoteError(message, service="sts", status=status)
    return CredentialError(
        message, hint=_skew(headers) or "Check the audience and that the pool trusts this cluster's issuer."
    )


def _skew(headers: Mapping[str, str]) -> str:
    try:
        remote = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return ""
    late = remote - time.time()
    if abs(late) <= _SKEW_S:
        return ""
    return f"This machine's clock is {abs(late):.0f} s {'behind' if late > 0 else 'ahead of'} STS's; set it."


def _json(data: bytes) -> dict[str, Any]:
    try:
        doc = json.loads(data)
    except ValueError:
        doc = None
    if not isinstance(doc, dict):
        raise CredentialError(
            "the answer of STS is not JSON",
            hint="Check the STS address and any proxy or captive portal in between.",
        )
    return doc
