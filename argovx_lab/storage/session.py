"""What storage needs of an authorized session, and how its answers become our errors.

Owns the mapping from the JSON API's errors. Credentials arrive with the session: nothing here knows a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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

SERVICE = "storage"

_PERMISSION = re.compile(r"\bstorage\.[a-zA-Z]+\.[a-zA-Z]+\b")


class Answer(Protocol):
    """An HTTP answer, as ``requests`` has it."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields; names in any case."""

    @property
    def content(self) -> bytes:
        """The whole body."""

    def iter_content(self, chunk_size: int) -> Iterator[bytes]:
        """Yield the body in pieces."""

    def close(self) -> None:
        """Give the connection back."""


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
        """Send one request and return its :class:`Answer`, whatever its status."""


def fault(answer: Answer, permission: str, target: str) -> ArgovxError:
    """Return our error for an answer that is not a success.

    Parameters
    ----------
    permission : str
        The IAM permission that the call needs, such as ``storage.objects.get``.
    target : str
        The bucket or object as ``gs://…``.
    """
    status, text, reason = answer.status_code, *_said(answer)
    if status == 403:
        named = _PERMISSION.search(text)
        return PermissionMissing(
            f"permission {named.group() if named else permission} is missing on {target}",
            hint="Ask the bucket's owner for the grant on your managed folder; `argovx doctor` prints it.",
        )
    if status == 401:
        return CredentialError(
            "storage refuses the access token",
            hint="See `argovx doctor`; the bucket's project may want another pool.",
        )
    message = f"storage answered {status} for {target}" + (f": {text}" if text else "")
    common: dict[str, Any] = {"service": SERVICE, "status": status, "reason": reason}
    if status == 404:
        return NotFound(f"{target} is not there", **common)
    if status in (409, 412):
        return Conflict(f"{target} exists already or has changed", **common)
    if status in (408, 429, 500, 502, 503, 504):
        return Unavailable(message, hint="It may pass by itself; try again.", **common)
    if status == 507:
        return RemoteError(
            message, hint="The disk or quota behind the bucket is full; free some space.", **common
        )
    return RemoteError(message, **common)


def _said(answer: Answer) -> tuple[str, str]:
    doc = json_object(answer.content) or {}
    error = doc.get("error")
    if isinstance(error, str):  # the flat form of OAuth endpoints
        return shorten(str(doc.get("error_description", ""))), error
    if not isinstance(error, dict):
        return "", ""
    return shorten(str(error.get("message", ""))), str(error.get("status", ""))


def document(answer: Answer) -> dict[str, Any]:
    """Return the JSON object that a success carries.

    Raises
    ------
    RemoteError
        When it is something else, such as a proxy's page.
    """
    doc = json_object(answer.content)
    if doc is None:
        raise RemoteError("the answer of storage is not JSON", service=SERVICE, status=answer.status_code)
    return doc
