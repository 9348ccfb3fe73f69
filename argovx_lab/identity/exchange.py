"""The transport that google-auth is given: it reaches one address and hands back checked answers only.

Owns the judgement of what token services answer, and the words for their refusals. Refuses every other
address, every other method, and answers above 64 KiB, whoever asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Optional

import requests

from argovx_lab.errors import CredentialError, PermissionMissing, RemoteError, Unavailable, shorten
from argovx_lab.identity.http import BUSY, NO_ANSWER, Transport
from argovx_lab.identity.settings import Patience
from argovx_lab.model.wire import json_object
from argovx_lab.redact import redact

#: Clocks may differ by this much before it is named as the cause. Unit: seconds.
SKEW_S = 60

#: Longest access token that is believed. Unit: characters.
_ACCESS_TOKEN_MAX = 16 * 1024

#: Longest life that is believed: twice what Google gives at most. Unit: seconds.
_LIFE_MAX_S = 2 * 43200

#: Longest answer of a token service that is read. Unit: bytes.
ANSWER_MAX = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What google-auth wants to see of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Exchange:
    """Sends what google-auth wants sent, where that is allowed.

    Parameters
    ----------
    service : str
        Whose word it is, for messages: ``STS``, ``iamcredentials``, ``the metadata server`` …
    allows : callable
        Whether a method and URL may be asked.
    checked : callable
        Returns the part of an answer's body that is believed; raises ``CredentialError``.
    refused : callable, optional
        Returns our error for a refusal, or ``None`` for the usual one.
    """

    def __init__(
        self,
        transport: Transport,
        patience: Patience,
        *,
        service: str,
        allows: Callable[[str, str], bool],
        checked: Callable[[bytes], bytes],
        refused: Optional[Callable[[int, str], Optional[Exception]]] = None,
    ) -> None:
        self._transport = transport
        self._patience = patience
        self._service = service
        self._allows = allows
        self._checked = checked
        self._refused = refused

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: object = None,  # noqa: ARG002  (ours are set by the federation's settings)
        **options: object,
    ) -> Answer:
        """Send the request and return its checked answer.

        Raises
        ------
        CredentialError
            When the service refuses, answers nonsense, or another address is asked for.
        PermissionMissing
            When it answers 403.
        Unavailable
            When it stays busy or out of reach.
        """
        if not self._allows(method, url) or options:
            raise CredentialError("google-auth asked for something else than the token exchange; refused")
        answer = self._transport.send(
            method,
            url,
            patience=self._patience,
            repeat=True,
            service=self._service,
            headers=headers,
            data=body,
            stream=True,
        )
        data = content(answer, self._service)
        if answer.status_code != 200:
            raise self._refusal(answer.status_code, answer.headers, data)
        return Answer(200, answer.headers, self._checked(data))

    def _refusal(self, status: int, headers: Mapping[str, str], data: bytes) -> Exception:
        code, text = _said(data)
        said = ": ".join(part for part in (shorten(code, 64), text) if part)
        message = f"{self._service} answered {status}" + (f", {said}" if said else "")
        if status in BUSY:
            return Unavailable(message, service=self._service, status=status, reason=code)
        known = self._refused(status, message) if self._refused else None
        if known is not None:
            return known
        if status == 403:
            hint = "Check the workload identity pool, its provider and its condition."
            return PermissionMissing(message, hint=hint)
        if 300 <= status < 400:
            return RemoteError(message, service=self._service, status=status)
        hint = skew(headers) or "Check the audience and that the pool trusts this cluster's issuer."
        return CredentialError(message, hint=hint)


def content(answer: requests.Response, service: str) -> bytes:
    """Return the whole body of a streamed answer, which must be short.

    Raises
    ------
    CredentialError
        Above :data:`ANSWER_MAX`.
    Unavailable
        When the connection breaks in the middle.
    """
    data = b""
    try:
        for piece in answer.iter_content(8192):
            data += piece
            if len(data) > ANSWER_MAX:
                raise CredentialError(
                    f"the answer of {service} is longer than {ANSWER_MAX} bytes",
                    hint="Check its address and any proxy or captive portal in between.",
                )
    except requests.RequestException as error:
        raise Unavailable(f"{service} broke off in its answer", service=service, reason=NO_ANSWER) from error
    finally:
        answer.close()
    return data


def _said(data: bytes) -> tuple[str, str]:
    """Return code and text of an error, flat as STS has it or nested as every other service."""
    doc = json_object(data) or {}
    error = doc.get("error", "")
    if isinstance(error, dict):
        return redact(str(error.get("status", ""))), shorten(redact(str(error.get("message", ""))))
    return redact(str(error)), shorten(redact(str(doc.get("error_description", ""))))


def skew(headers: Mapping[str, str]) -> str:
    """Return what to do about this machine's clock, by an answer's ``Date``; empty when it is right."""
    try:
        remote = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return ""
    late = remote - time.time()
    if abs(late) <= SKEW_S:
        return ""
    return f"This machine's clock is {abs(late):.0f} s {'behind' if late > 0 else 'ahead of'} STS's; set it."


def granted(data: bytes, service: str = "STS", *, lifetime: bool = True) -> bytes:
    """Check an OAuth answer: a printable bearer token and how long it lives.

    Parameters
    ----------
    lifetime : bool
        Whether it must say how long the token lives; a downscoped one ends with its source.
    """
    doc = document(data, service)
    token, left = doc.get("access_token"), doc.get("expires_in")
    if isinstance(left, str) and left.isascii() and left.isdigit() and len(left) < 9:
        left = int(left)
    problem = _token_problem(token)
    if not problem and str(doc.get("token_type", "")).lower() != "bearer":
        problem = "its token is not a bearer token"
    timed = isinstance(left, int) and not isinstance(left, bool) and 0 < left <= _LIFE_MAX_S
    if not problem and not timed and (lifetime or left is not None):
        problem = "it does not say how long the token lives"
    if problem:
        raise unusable(service, problem)
    kept = {"access_token": token, "token_type": "Bearer"}
    return json.dumps(kept if left is None else {**kept, "expires_in": left}).encode()


def impersonated(data: bytes) -> bytes:
    """Check an answer of ``generateAccessToken``."""
    doc = document(data, "iamcredentials")
    token = doc.get("accessToken")
    problem = _token_problem(token)
    try:
        end = datetime.fromisoformat(str(doc.get("expireTime"))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise unusable("iamcredentials", problem or "it does not say when the token ends") from None
    if not problem and end <= datetime.now(UTC):
        problem = "its token has ended already"
    if problem:
        raise unusable("iamcredentials", problem)
    return json.dumps({"accessToken": token, "expireTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}).encode()


def metadata(data: bytes) -> bytes:
    """Check an answer of the metadata server: the account, or a token of it."""
    service = "the metadata server"
    doc = document(data, service)
    if "access_token" in doc or "email" not in doc:
        return granted(data, service)
    email, scopes = doc["email"], doc.get("scopes")
    texts = isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)
    if not isinstance(email, str) or not email.isprintable() or len(email) > 320:
        raise unusable(service, "it names no account")
    return json.dumps({"email": email, "scopes": scopes if texts else None}).encode()


def _token_problem(token: object) -> str:
    good = isinstance(token, str) and token and len(token) <= _ACCESS_TOKEN_MAX and token.isprintable()
    return "" if good and " " not in str(token) else "it holds no access token"


def unusable(service: str, problem: str) -> CredentialError:
    """Return the error for an answer that is not believed."""
    return CredentialError(
        f"the answer of {service} cannot be used: {problem}",
        hint="Check that the address is Google's or the sandbox's.",
    )


def document(data: bytes, service: str) -> dict[str, Any]:
    """Return the JSON object that an answer carries.

    Raises
    ------
    CredentialError
        When it is something else, such as a proxy's page.
    """
    doc = json_object(data)
    if doc is None:
        raise CredentialError(
            f"the answer of {service} is not JSON",
            hint="Check its address and any proxy or captive portal in between.",
        )
    return doc
