"""What vertex needs of an authorized session, and how Vertex's answers become our errors.

Owns the mapping of ``google.rpc`` errors over REST, and what tells "too fast" from "quota used up".
Credentials arrive with the session: nothing here knows a token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Optional, Protocol

from argovx_lab.errors import (
    ArgovxError,
    Conflict,
    CredentialError,
    NotFound,
    PermissionMissing,
    RemoteError,
    Unavailable,
    shorten,
)
from argovx_lab.model.wire import json_object

SERVICE = "aiplatform"

#: ``RemoteError.reason`` when a quota is used up: waiting seconds does not help.
QUOTA = "QUOTA"

#: ``RemoteError.reason`` when a success carries no JSON object: what was asked for may have been done.
UNREADABLE = "Unreadable"

_REFUSED = "See `argovx doctor`; an API that takes no federated token wants `impersonate` (docs/identity.md)."

_PERMISSION = re.compile(r"\b(?:aiplatform|iam)\.[a-zA-Z]+\.[a-zA-Z]+\b")
_ACCOUNT = re.compile(r"\b[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com\b")
_METRIC = re.compile(r"\baiplatform\.googleapis\.com/[a-z0-9_/]+")
_RATE = re.compile(r"\bper minute\b|_requests\b")
_ACT_AS = re.compile(r"act as service[_ ]account|iam\.serviceaccounts\.actAs", re.IGNORECASE)


class Session(Protocol):
    """Sends authorized requests; ``identity.session.Session`` is one."""

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        data: Any = None,
        stream: bool = False,
        repeat: Optional[bool] = None,
        timeout_s: Optional[float] = None,
        service: str = "",
    ) -> Any:
        """Send one request and return its answer (``status_code``, ``content``), whatever its status."""


class Rest:
    """JSON calls to one base URL.

    Parameters
    ----------
    base_url : str
        Such as ``https://europe-west4-aiplatform.googleapis.com``.
    """

    def __init__(
        self,
        session: Session,
        base_url: str,
        service: str = SERVICE,
        timeout_s: float = 30.0,
        version: str = "v1",
    ) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._service = service
        self._timeout_s = timeout_s
        self._version = version

    def call(
        self,
        method: str,
        path: str,
        *,
        permission: str,
        body: Optional[Mapping[str, Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        repeat: Optional[bool] = None,
        timeout_s: Optional[float] = None,
    ) -> dict[str, Any]:
        """Send one call and return its JSON object.

        Parameters
        ----------
        path : str
            Behind the version, such as ``projects/p/locations/r/customJobs``.
        permission : str
            IAM permission that the call needs, for messages.
        repeat : bool, optional
            Whether sending it twice is harmless; by default only for ``GET``.

        Raises
        ------
        NotFound, Conflict, PermissionMissing, CredentialError, Unavailable, RemoteError
            As the service answers.
        """
        answer = self._session.request(
            method,
            f"{self._base}/{self._version}/{path}",
            params=params,
            headers={} if body is None else {"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
            repeat=repeat,
            timeout_s=self._timeout_s if timeout_s is None else timeout_s,
            service=self._service,
        )
        if not 200 <= answer.status_code < 300:
            raise fault(answer.status_code, answer.content, permission, path, self._service)
        return document(answer.content, self._service)


def document(content: bytes, service: str) -> dict[str, Any]:
    """Return the JSON object that a success carries.

    Raises
    ------
    RemoteError
        When it is something else, such as a proxy's page.
    """
    doc = json_object(content)
    if doc is None:
        raise RemoteError(f"the answer of {service} is not JSON", service=service, reason=UNREADABLE)
    return doc


def fault(status: int, content: bytes, permission: str, target: str, service: str = SERVICE) -> ArgovxError:
    """Return our error for an answer that is not a success."""
    text, reason = _said(content)
    if status == 400 and _ACT_AS.search(text):
        return _act_as(text)
    if status == 403:
        named = _PERMISSION.search(text)
        return PermissionMissing(
            f"permission {named.group() if named else permission} is missing on {target}",
            hint=f"Ask for the role {_role(permission)} on the project; `argovx doctor` prints the line.",
        )
    if status == 401:
        return CredentialError(f"{service} refuses the access token", hint=_REFUSED)
    common: dict[str, Any] = {"service": service, "status": status, "reason": reason}
    message = f"{service} answered {status} for {target}" + (f": {text}" if text else "")
    capacity = _METRIC.search(text) or "quota metrics exceed" in text
    if status == 429 and capacity and not _RATE.search(text):
        metrics = ", ".join(dict.fromkeys(_METRIC.findall(text))) or "not named"
        common["reason"] = QUOTA
        return RemoteError(
            f"Vertex quota is used up: {metrics}",
            hint="Free the quota, ask for more, or use another region.",
            **common,
        )
    if status == 404:
        return NotFound(f"{target} is not there" + (f": {text}" if text else ""), **common)
    if status == 409 or reason in ("ABORTED", "ALREADY_EXISTS"):
        return Conflict(message, **common)
    if status in (408, 429, 500, 502, 503, 504):
        return Unavailable(message, hint="It may pass by itself; try again.", **common)
    return RemoteError(message, **common)


def _role(permission: str) -> str:
    """Return the narrowest role that we know of with a permission."""
    if permission.startswith("logging."):
        return "roles/logging.viewer"
    if permission.startswith(("aiplatform.tensorboard", "aiplatform.customJobs.list")):
        return "argovxPanelReader"
    return "argovxJobStopper" if permission.endswith(".customJobs.cancel") else "argovxSubmitter"


def _act_as(text: str) -> PermissionMissing:
    """Vertex reports a missing ``actAs`` as INVALID_ARGUMENT."""
    found = _ACCOUNT.search(text)
    account = found.group() if found else "the job's service account"
    project = account.partition("@")[2].partition(".")[0] if found else "PROJECT"
    return PermissionMissing(
        f"permission iam.serviceAccounts.actAs is missing on {account}",
        hint=f"gcloud iam service-accounts add-iam-policy-binding {account} --project={project} "
        "--role=roles/iam.serviceAccountUser --member=PRINCIPAL (the principal that `argovx doctor` shows)",
    )


def _said(content: bytes) -> tuple[str, str]:
    error = (json_object(content) or {}).get("error")
    if not isinstance(error, dict):
        return "", ""
    return shorten(str(error.get("message", ""))), str(error.get("status", ""))
