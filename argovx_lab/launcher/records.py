"""The write-once records of an attempt, read strictly and written canonically.

Owns ``argovx.intent/1``, ``argovx.created/1``, ``argovx.exit/1`` and the reading of ``argovx.manifest/1``.
Refuses records of another schema.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from argovx_lab.errors import NotFound, RemoteError
from argovx_lab.launcher.events import now
from argovx_lab.model.step import canonical
from argovx_lab.storage.objects import Objects

INTENT = "argovx.intent/1"
CREATED = "argovx.created/1"
EXIT = "argovx.exit/1"
MANIFEST = "argovx.manifest/1"

_JSON = "application/json"


def write(objects: Objects, bucket: str, name: str, document: dict[str, Any]) -> bytes:
    """Write a record once and return its bytes.

    Raises
    ------
    Conflict
        When it is there already.
    """
    data = canonical(document)
    objects.create(bucket, name, data, content_type=_JSON)
    return data


def read(objects: Objects, bucket: str, name: str, schema: str) -> tuple[dict[str, Any], str] | None:
    """Return a record and the SHA-256 of its bytes, or ``None`` when it is not there.

    Raises
    ------
    RemoteError
        When it is not a record of that schema.
    """
    try:
        data = objects.get(bucket, name)
    except NotFound:
        return None
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise RemoteError(
            f"gs://{bucket}/{name} is not {schema}", hint="Do not write into run folders by hand."
        )
    return document, hashlib.sha256(data).hexdigest()


def exit_document(code: int, reason: str, message: str) -> dict[str, Any]:
    """Return the record of how the launcher ended."""
    return {"schema": EXIT, "code": code, "reason": reason, "message": message, "at": now()}


def created_document(key: str, job: str) -> dict[str, Any]:
    """Return the record of a job's name."""
    return {"schema": CREATED, "attempt_key": key, "job": job, "created_at": now()}
