"""What the API server's refusals mean: Status objects mapped to our errors.

Owns the one table for Kubernetes. Keeps at most 256 characters of a remote text.
Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

from typing import Any

from argovx_lab.errors import (
    ArgovxError,
    Conflict,
    CredentialError,
    NotFound,
    PermissionMissing,
    RemoteError,
    SpecError,
    Unavailable,
    shorten,
)
from argovx_lab.model.wire import json_object


def from_answer(data: bytes, status: int, what: str, retry_after: str = "") -> ArgovxError:
    """Map an HTTP answer that is not a success; a body that is no Status counts as empty.

    Parameters
    ----------
    retry_after : str
        The header of that name: seconds, as the API server writes them; other forms count as none.
    """
    error = from_status(json_object(data) or {}, status, what)
    if isinstance(error, Unavailable) and retry_after.isascii() and retry_after.isdigit():
        error.retry_after_s = float(retry_after[:6])
    return error


def from_status(body: dict[str, Any], status: int, what: str) -> ArgovxError:
    """Map a Status object to our error; ``what`` names the thing that was asked for."""
    message = f"{what}: {shorten(str(body.get('message') or f'HTTP {status}'))}"
    if status == 401:
        return CredentialError(
            f"the Kubernetes API does not accept this sign-in ({what})", hint="Sign in again."
        )
    if status == 403:
        return PermissionMissing(message, hint="Ask the platform team for this right, or run: argovx doctor")
    if status == 422:
        return SpecError(message, hint="The cluster refused the object; the message says which field.")
    kind = _KINDS.get(status) or (Unavailable if status >= 500 else RemoteError)
    hint = "It may pass by itself; try again." if kind is Unavailable else ""
    return kind(message, hint=hint, service="kubernetes", status=status, reason=str(body.get("reason") or ""))


_KINDS = {404: NotFound, 409: Conflict, 410: Conflict, 429: Unavailable}
