"""What Cloud Storage answers, as our own words: an object's resource, and each refusal by its status."""

from __future__ import annotations

import json
from typing import Any

from argovx_lab.errors import (
    Conflict,
    CredentialError,
    NotFound,
    PermissionMissing,
    RemoteError,
    SpecError,
    Unavailable,
    shorten,
)
from argovx_lab.runner.http import Answer

#: Largest document that is read into memory. Unit: bytes.
DOCUMENT_MAX = 32 << 20


def resource(data: bytes, uri: str) -> dict[str, Any]:
    """Return the object resource that an answer holds."""
    try:
        found = json.loads(data)
        int(found["generation"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("storage's answer about %s cannot be read" % uri, service="storage") from error
    return dict(found)


def refusal(answer: Answer, method: str, uri: str) -> Exception:
    """Return the error that an answer of 300 and above means."""
    text = shorten(answer.read(DOCUMENT_MAX).decode("utf-8", "replace"), 120)
    verb = {"GET": "read", "DELETE": "delete"}.get(method, "create")
    if answer.status == 401:
        return CredentialError("storage refuses the job's token (HTTP 401)", hint="Run the step again.")
    if answer.status == 403:
        return PermissionMissing(
            "the job's service account may not %s %s" % (verb, uri),
            hint="Grant it roles/storage.objectUser on its folder of the bucket.",
        )
    kinds = {404: NotFound, 409: Conflict, 412: Conflict}
    kind = kinds.get(answer.status, RemoteError)
    return kind(
        "storage would not %s %s: HTTP %d %s" % (verb, uri, answer.status, text),
        service="storage",
        status=answer.status,
    )


def wrong_digest(uri: str) -> SpecError:
    """Return the refusal of bytes that are not those which were named."""
    return SpecError("%s does not have the digest it should have" % uri, hint="Submit the cell again.")
