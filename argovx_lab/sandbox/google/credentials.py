"""IAM Credentials: access tokens of service accounts, for principals that may create them.

Owns ``generateAccessToken`` and the ``allowedLocations`` look-ups that google-auth makes in the background.
Refuses signing (``signBlob``, ``signJwt``), ``generateIdToken`` and delegation chains by name.
Source: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts
"""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from datetime import timedelta
from typing import Any, Final

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.auth import SCOPES, Authenticator, require_scope
from argovx_lab.sandbox.google.errors import GoogleError, invalid, machine, not_found, unimplemented
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.iam import Iam, account_resource
from argovx_lab.sandbox.google.noted import Note, Noted, ignore
from argovx_lab.sandbox.http import BodyTooLarge, Request, Response, json_response

log = logging.getLogger(__name__)

SERVICE: Final = "iamcredentials.googleapis.com"
#: Allowed lifetimes; more needs an organisation policy, which the sandbox has not. Unit: seconds.
LIFETIME_MIN_S, LIFETIME_MAX_S = 600, 3600

_ACCOUNT = re.compile(r"/v1/projects/([^/]+)/serviceAccounts/([^/:]+)(?:/(allowedLocations)|:([A-Za-z]+))\Z")
_NAME = re.compile(r"projects/([^/]+)/serviceAccounts/([^/:]+)")
_POOL = re.compile(r"/v1/projects/[^/]+/locations/global/workloadIdentityPools/[^/]+/allowedLocations\Z")
_DURATION = re.compile(r"(\d{1,6})(?:\.\d{1,9})?s\Z")
#: "No restriction"; google-auth needs the key. Source: google.auth._regional_access_boundary_utils
_NO_LOCATIONS: Final = {"locations": [], "encodedLocations": "0x0"}


class IamCredentials:
    """The IAM Credentials service.

    Parameters
    ----------
    authenticator, iam, accounts, clock
        Tokens, decisions, the service accounts that exist, and time.
    note : callable
        Keeps each call for the audit log.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        iam: Iam,
        accounts: Accounts,
        clock: Clock,
        note: Note = ignore,
    ) -> None:
        self._note = note
        self._auth = authenticator
        self._iam = iam
        self._accounts = accounts
        self._clock = clock

    async def handle(self, request: Request) -> Response:
        """Answer one request; errors come back rendered."""
        noted = Noted(f"{request.method} {request.path[:200]}")
        try:
            answer = await self._answer(request, noted)
            self._note(noted)
            return json_response(answer)
        except GoogleError as error:
            refusal = error
        except (OSError, sqlite3.Error) as error:
            log.warning("no token can be written down: %s", error)
            refusal = machine(error)
        noted.outcome, noted.message = refusal.code, refusal.message[:256]
        self._note(noted)
        return json_response(refusal.to_json(), refusal.http_status, refusal.headers)

    def handlers(self) -> dict[str, Handler]:
        """Return the methods that are served over gRPC as well."""
        return {"/google.iam.credentials.v1.IAMCredentials/GenerateAccessToken": self.generate}

    async def generate(self, _: Call, message: Document) -> Document:
        """Return an access token of a service account."""
        found = _NAME.fullmatch(message.get("name", ""))
        if found is None:
            raise invalid("The name must be projects/-/serviceAccounts/EMAIL.", ["name"])
        email = self._existing(*found.groups())
        body: Document = {
            name: message[name] for name in ("scope", "delegates", "lifetime") if name in message
        }
        answer = self._generate(email, body)
        return {"access_token": answer["accessToken"], "expire_time": answer["expireTime"]}

    def _existing(self, project: str, email: str) -> str:
        # "The - wildcard character is required; replacing it with a project ID is invalid."
        if project != "-":
            raise invalid(
                "The project in the name of the service account must be the wildcard '-'.", ["name"]
            )
        if not self._accounts.exists(email):
            raise not_found(f"Not found; Gaia id not found for email {email}")
        return email

    async def _answer(self, request: Request, noted: Noted) -> dict[str, Any]:
        caller = self._auth.authenticate(request.bearer)
        noted.principal = caller.principal
        require_scope(caller, SERVICE)
        if request.method == "GET" and _POOL.match(request.path):
            return dict(_NO_LOCATIONS)
        match = _ACCOUNT.match(request.path)
        if match is None:
            raise not_found(f"{request.method} {request.path} is not a method of {SERVICE}.")
        project, email, locations, verb = match.groups()
        if locations:
            return dict(_NO_LOCATIONS)
        if verb != "generateAccessToken" or request.method != "POST":
            raise unimplemented(f"{SERVICE}: {verb}", "Only generateAccessToken is there.")
        if project != "-":
            self._existing(project, email)
        noted.method, noted.permission = "GenerateAccessToken", "iam.serviceAccounts.getAccessToken"
        noted.resource = account_resource(email)
        self._iam.check(caller, noted.permission, noted.resource)
        return self._generate(self._existing(project, email), await _body(request))

    def _generate(self, email: str, body: dict[str, Any]) -> dict[str, Any]:
        scopes = body.get("scope")
        if not isinstance(scopes, list) or not scopes:
            raise invalid("scope must be a list of OAuth scopes.", ["scope"])
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown:
            raise invalid(f"Scope {unknown[0]!r} is not known to the sandbox.", ["scope"])
        if body.get("delegates"):
            raise unimplemented("delegates of generateAccessToken", "Grant the token creator role directly.")
        lifetime_s = _lifetime(body.get("lifetime", "3600s"))
        # both in whole seconds, so that the client never believes in a later end than ours
        end = self._clock.now().replace(microsecond=0) + timedelta(seconds=lifetime_s)
        token = self._auth.issue(
            f"serviceAccount:{email}", email=email, subject=email, scopes=scopes, expires_at=end
        )
        return {"accessToken": token, "expireTime": rfc3339(end)}


async def _body(request: Request) -> dict[str, Any]:
    try:
        value: Any = json.loads(await request.read())
    except BodyTooLarge:
        raise invalid("The request body is too large.") from None
    except ValueError:
        raise invalid("The request body is not JSON.") from None
    if not isinstance(value, dict):
        raise invalid("The request body must be an object.")
    extra = set(value) - {"scope", "delegates", "lifetime"}
    if extra:
        raise invalid(f"Unknown name {min(extra)!r}: Cannot find field.", [min(extra)])
    return value


def _lifetime(text: object) -> int:
    match = _DURATION.match(text) if isinstance(text, str) else None
    seconds = int(match.group(1)) if match else 0
    if not LIFETIME_MIN_S <= seconds <= LIFETIME_MAX_S:
        raise invalid(
            f"The lifetime {text!r} must be between {LIFETIME_MIN_S}s and {LIFETIME_MAX_S}s; "
            "longer ones need an organization policy.",
            ["lifetime"],
        )
    return seconds
