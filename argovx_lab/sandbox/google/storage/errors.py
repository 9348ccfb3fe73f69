"""Cloud Storage's own form of errors: ``{"error": {code, message, errors: [{domain, reason, message}]}}``.

Owns the words of the refusals that more than one method uses.
Source: https://cloud.google.com/storage/docs/json_api/v1/status-codes
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.http import Response, json_response
from argovx_lab.sandbox.room import FULL, is_full

#: Canonical code → ``reason`` of this API.
_REASONS: Final[Mapping[str, str]] = {
    "ABORTED": "conditionNotMet",
    "ALREADY_EXISTS": "conflict",
    "INVALID_ARGUMENT": "invalid",
    "NOT_FOUND": "notFound",
    "OUT_OF_RANGE": "requestedRangeNotSatisfiable",
    "PERMISSION_DENIED": "forbidden",
    "RESOURCE_EXHAUSTED": "rateLimitExceeded",
    "UNAUTHENTICATED": "authError",
    "UNAVAILABLE": "backendError",
    "UNIMPLEMENTED": "notImplemented",
}
_ERROR_INFO: Final[Mapping[str, str]] = {
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "insufficientPermissions",
    "CREDENTIALS_MISSING": "required",
}
_ACL_PAGE = "https://cloud.google.com/storage/docs/uniform-bucket-level-access"


class StorageError(GoogleError):
    """An error with this API's own ``reason``.

    Parameters
    ----------
    location : str
        What is at fault: a query parameter or header; empty where there is none.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        why: str = "",
        location: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message, status=status, headers=headers)
        self.why = why or _REASONS.get(code, "backendError")
        self.location = location


def render(error: GoogleError) -> Response:
    """Return the answer for an error of any kind."""
    why, location = _REASONS.get(error.code, "backendError"), ""
    if isinstance(error, StorageError):
        why, location = error.why, error.location
    elif error.reason:
        why = _ERROR_INFO.get(error.reason, why)
    if error.code == "UNAUTHENTICATED":
        location = "Authorization"
    if error.http_status == 304:
        return Response(304, error.headers)
    item: dict[str, Any] = {"message": error.message, "domain": "global", "reason": why}
    if location:
        item["locationType"] = "header" if location[:1].isupper() else "parameter"
        item["location"] = location
    body = {"error": {"code": error.http_status, "message": error.message, "errors": [item]}}
    return json_response(body, error.http_status, error.headers)


def invalid(message: str, location: str = "") -> StorageError:
    """Return 400 invalid."""
    return StorageError("INVALID_ARGUMENT", message, location=location)


def required(what: str) -> StorageError:
    """Return 400 required."""
    return StorageError("INVALID_ARGUMENT", f"Required parameter: {what}", why="required", location=what)


def not_emulated(what: str, hint: str = "") -> StorageError:
    """Return 501, naming what the sandbox does not emulate."""
    tail = f" {hint}" if hint else ""
    return StorageError("UNIMPLEMENTED", f"The sandbox does not emulate {what} of Cloud Storage.{tail}")


def acl() -> StorageError:
    """Return the refusal of everything about ACLs: buckets have uniform bucket-level access."""
    return invalid(
        "Cannot use ACL API to update bucket policy when uniform bucket-level access is enabled. "
        f"Read more at {_ACL_PAGE}"
    )


def no_bucket() -> StorageError:
    """Return 404 for a bucket."""
    return StorageError("NOT_FOUND", "The specified bucket does not exist.")


def no_object(bucket: str, name: str) -> StorageError:
    """Return 404 for an object."""
    return StorageError("NOT_FOUND", f"No such object: {bucket}/{name}")


def no_folder(bucket: str, name: str) -> StorageError:
    """Return 404 for a managed folder."""
    return StorageError("NOT_FOUND", f"The specified managed folder does not exist: {bucket}/{name}")


def condition_not_met(parameter: str = "") -> StorageError:
    """Return 412."""
    return StorageError(
        "FAILED_PRECONDITION",
        "At least one of the pre-conditions you specified did not hold.",
        status=412,
        why="conditionNotMet",
        location=parameter or "If-Match",
    )


def not_modified(etag: str) -> StorageError:
    """Return 304, which has no body."""
    return StorageError("FAILED_PRECONDITION", "Not Modified", status=304, headers={"etag": etag})


def machine(error: OSError | sqlite3.Error) -> StorageError:
    """Return the answer to an error of the machine: 507 when it has no room left, else 500.

    Notes
    -----
    507 and not 503: the vendor's client repeats 503 for two minutes, and a full disk does not heal by itself.
    """
    if not is_full(error):
        return StorageError(
            "INTERNAL", "The sandbox cannot read or write its state folder; its log says why."
        )
    return StorageError(
        "RESOURCE_EXHAUSTED",
        FULL,
        status=507,
        why="insufficientStorage",
    )
