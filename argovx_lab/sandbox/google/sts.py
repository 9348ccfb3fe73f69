"""The Security Token Service: subject tokens in, short-lived access tokens out.

Owns ``POST /v1/token`` (federation and credential access boundaries) and ``POST /v1/introspect``, in the
flat OAuth form of errors that this service has and no other of Google's. Whether a subject token is good
is decided in :mod:`argovx_lab.sandbox.google.subject_token`.
Source: https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token, RFC 8693
"""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google import boundary as boundaries
from argovx_lab.sandbox.google import iam
from argovx_lab.sandbox.google.auth import LIFETIME_S, SCOPES, Authenticator
from argovx_lab.sandbox.google.errors import GoogleError, machine
from argovx_lab.sandbox.google.noted import Note, Noted, ignore
from argovx_lab.sandbox.google.subject_token import TOKEN_MAX, Provider, Rejected, Verifier
from argovx_lab.sandbox.http import BodyTooLarge, Request, Response, json_response

log = logging.getLogger(__name__)

_GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_TYPE: Final = "urn:ietf:params:oauth:token-type:"
_ACCESS: Final = _TYPE + "access_token"
_SUBJECT_TYPES: Final = {_TYPE + "jwt", _TYPE + "id_token", _ACCESS}
#: Room for one subject token and one boundary. Unit: bytes.
_BODY_MAX: Final = 8 * TOKEN_MAX
_FIELDS: Final = {
    "grantType": "grant_type",
    "requestedTokenType": "requested_token_type",
    "subjectToken": "subject_token",
    "subjectTokenType": "subject_token_type",
}
_KNOWN: Final = {*_FIELDS.values(), "audience", "scope", "options"}
_PROVIDERS_PAGE = "https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token"


class SecurityTokenService:
    """Token exchange for one provider.

    Parameters
    ----------
    authenticator : Authenticator
        Issues and reads access tokens.
    clock : Clock
        For lifetimes.
    provider : Provider
        The workload identity pool provider that is trusted.
    verifier : Verifier
        Judges subject tokens of that provider.
    lifetime_s : float
        Life of a federated access token. Unit: seconds.
    note : callable
        Keeps each call for the audit log.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        clock: Clock,
        provider: Provider,
        verifier: Verifier,
        *,
        lifetime_s: float = LIFETIME_S,
        note: Note = ignore,
    ) -> None:
        self._auth = authenticator
        self._note = note
        self._clock = clock
        self.provider = provider
        self._verifier = verifier
        self.lifetime_s = lifetime_s

    async def handle(self, request: Request) -> Response:
        """Answer ``/v1/token`` and ``/v1/introspect``."""
        noted = Noted("IntrospectToken" if request.path == "/v1/introspect" else "ExchangeToken")
        try:
            if request.path not in ("/v1/token", "/v1/introspect"):
                raise Rejected("not_found", f"{request.path} is not emulated by the sandbox's STS.", 404)
            if request.method != "POST":
                raise Rejected("invalid_request", f"Method {request.method} is not allowed: POST.", 405)
            fields = await _fields(request)
            answer = self.introspect(fields) if request.path == "/v1/introspect" else self.exchange(fields)
            found = self._auth.find(answer.get("access_token", ""))
            noted.principal = found.principal if found else ""
        except Rejected as error:
            return self._refuse(noted, error)
        except (OSError, sqlite3.Error) as error:
            log.warning("no token can be written down: %s", error)
            told = machine(error)
            return self._refuse(noted, Rejected("temporarily_unavailable", told.message, told.http_status))
        self._note(noted)
        return json_response(answer, headers={"cache-control": "no-store"})

    def _refuse(self, noted: Noted, error: Rejected) -> Response:
        noted.outcome, noted.message = error.error, error.message[:256]
        self._note(noted)
        return _error(error.error, error.message, error.http_status)

    def exchange(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer to a token exchange.

        Raises
        ------
        Rejected
            With the OAuth error code.
        """
        extra = set(fields) - _KNOWN
        if extra:
            raise Rejected("invalid_request", f"Field {min(extra)!r} is not supported by the sandbox's STS.")
        if fields.get("grant_type") != _GRANT:
            raise Rejected("unsupported_grant_type", f'Invalid value for "grant_type": it must be {_GRANT}.')
        if fields.get("requested_token_type") != _ACCESS:
            raise Rejected(
                "invalid_request", f'Invalid value for "requested_token_type": it must be {_ACCESS}.'
            )
        kind = fields.get("subject_token_type")
        if kind not in _SUBJECT_TYPES:
            allowed = ", ".join(sorted(_SUBJECT_TYPES))
            raise Rejected(
                "invalid_request", f'Invalid value for "subject_token_type": it must be {allowed}.'
            )
        if not fields.get("subject_token"):
            raise Rejected("invalid_request", 'Missing required field "subject_token".')
        options = _options(fields.get("options", ""))
        return self._downscope(fields, options) if kind == _ACCESS else self._federate(fields, options)

    def _federate(self, fields: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, Any]:
        if options:
            raise Rejected(
                "invalid_request",
                f"Option {min(options)!r} does not apply to a workload identity pool (userProject is for "
                "workforce pools; certificate binding is not emulated).",
            )
        self._audience(fields.get("audience", ""))
        scopes = _scopes(fields.get("scope", ""))
        subject = self._verifier.subject(fields["subject_token"])
        principal = iam.principal(self.provider.number, self.provider.pool, subject)
        token = self._auth.issue(principal, subject=subject, scopes=scopes, lifetime_s=self.lifetime_s)
        return _answer(token, int(self.lifetime_s))

    def _audience(self, audience: str) -> None:
        if not audience.startswith("//iam.googleapis.com/"):
            raise Rejected(
                "invalid_request",
                'Invalid value for "audience". This value should be the full resource name of the Identity '
                f"Provider. See {_PROVIDERS_PAGE} for the list of possible formats.",
            )
        if audience != self.provider.name:
            raise Rejected(
                "invalid_target",
                'The target service indicated by the "audience" parameters is invalid. This might either be '
                "because the pool or provider is disabled or deleted or because it doesn't exist.",
            )

    def _downscope(self, fields: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, Any]:
        if fields.get("audience"):
            raise Rejected(
                "invalid_request", 'Field "audience" must not be set when an access token is exchanged.'
            )
        if set(options) != {"accessBoundary"}:
            raise Rejected(
                "invalid_request",
                "An access token is exchanged for one with options.accessBoundary, and only that.",
            )
        source = self._auth.find(fields["subject_token"])
        if source is None or source.expires_at <= self._clock.now():
            raise Rejected("invalid_grant", "The subject token is invalid or expired.")
        if source.boundary is not None:
            raise Rejected(
                "invalid_request", "The subject token is already downscoped; a boundary applies only once."
            )
        scopes = _scopes(fields["scope"]) if fields.get("scope") else source.scopes
        try:
            rules = boundaries.parse(options["accessBoundary"])
        except GoogleError as error:
            raise Rejected("invalid_request", f"Invalid access boundary: {error.message}") from None
        token = self._auth.issue(
            source.principal,
            email=source.email,
            subject=source.subject,
            scopes=scopes,
            expires_at=source.expires_at,
            boundary=rules.document,
        )
        return _answer(token, max(1, int((source.expires_at - self._clock.now()).total_seconds())))

    def introspect(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return what RFC 7662 says about a token: ``{"active": false}`` for anything not alive.

        Raises
        ------
        Rejected
            When the token is missing or another kind of token is asked for.
        """
        if fields.get("token_type_hint", _ACCESS) != _ACCESS:
            raise Rejected("invalid_request", f'Invalid value for "token_type_hint": it must be {_ACCESS}.')
        if not fields.get("token"):
            raise Rejected("invalid_request", 'Missing required field "token".')
        caller = self._auth.find(fields["token"])
        if caller is None or caller.expires_at <= self._clock.now():
            return {"active": False}
        return {
            "active": True,
            "scope": " ".join(caller.scopes),
            "exp": int(caller.expires_at.timestamp()),
            "iss": "https://sts.googleapis.com/",
            "sub": caller.subject,
            "username": caller.principal,
        }


async def _fields(request: Request) -> dict[str, str]:
    """Read a form or a JSON object; JSON names in camelCase become the form's."""
    if request.headers.get("authorization"):
        raise Rejected("invalid_request", "This endpoint takes no Authorization header.")
    try:
        body = (await request.read(_BODY_MAX)).decode()
    except BodyTooLarge:
        raise Rejected("invalid_request", f"The request body is longer than {_BODY_MAX} bytes.") from None
    except UnicodeDecodeError:
        raise Rejected("invalid_request", "The request body is not UTF-8.") from None
    # Google's C++ client, which is in pyarrow, sends the header twice
    kind = re.split("[;,]", request.headers.get("content-type", ""))[0].strip().lower()
    if kind == "application/json":
        return _json_fields(body)
    if kind != "application/x-www-form-urlencoded":
        raise Rejected(
            "invalid_request",
            f"Content-Type {kind!r} is not application/x-www-form-urlencoded or application/json.",
        )
    pairs = parse_qs(body, keep_blank_values=True)
    twice = [name for name, values in pairs.items() if len(values) > 1]
    if twice:
        raise Rejected("invalid_request", f"Field {twice[0]!r} is given more than once.")
    return {name: values[0] for name, values in pairs.items()}


def _json_fields(body: str) -> dict[str, str]:
    try:
        value: Any = json.loads(body)
    except ValueError:
        raise Rejected("invalid_request", "The request body is not JSON.") from None
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise Rejected("invalid_request", "The request body must be an object of strings.")
    return {_FIELDS.get(str(name), str(name)): text for name, text in value.items()}


def _options(text: str) -> dict[str, Any]:
    """Decode ``options``: google-auth quotes the JSON once more than the form encoding does."""
    if not text:
        return {}
    try:
        value: Any = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    except ValueError:
        raise Rejected("invalid_request", 'Invalid value for "options": it must be a JSON object.') from None
    if not isinstance(value, dict):
        raise Rejected("invalid_request", 'Invalid value for "options": it must be a JSON object.')
    return value


def _scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(text.split()))
    if not scopes:
        raise Rejected("invalid_scope", 'Missing required field "scope".')
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise Rejected("invalid_scope", f"Scope {unknown[0]!r} is not known to the sandbox.")
    return scopes


def _answer(token: str, expires_in: int) -> dict[str, Any]:
    return {
        "access_token": token,
        "issued_token_type": _ACCESS,
        "token_type": "Bearer",
        "expires_in": expires_in,
    }


def _error(code: str, description: str, status: int = 400) -> Response:
    return json_response(
        {"error": code, "error_description": description}, status, {"cache-control": "no-store"}
    )
