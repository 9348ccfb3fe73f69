"""Outputs into the bucket, write-once, and the manifest last."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from typing import Any

from argovx_lab.runner import MANIFEST
from argovx_lab.runner.bucket import Bucket
from argovx_lab.runner.documents import Intent
from argovx_lab.runner.events import Events
from argovx_lab.runner.messages import now_text

#: Most that ``values`` of a manifest may hold together. Unit: characters of JSON. Reason: it becomes
#: an output parameter of Argo, at most 4 KiB.
VALUES_MAX = 4000


@dataclass(frozen=True)
class Attempt:
    """Whose outputs these are."""

    intent: Intent
    step: str
    restart: int


def upload(bucket: Bucket, attempt: Attempt, results: dict[str, Any], folder: str, events: Events) -> None:
    """Create every output and then ``manifest.json``.

    Parameters
    ----------
    results : dict
        Name → ``{path, codec, summary, size_bytes, digest[, value]}`` as the child left it.

    Raises
    ------
    RemoteError, PermissionMissing, CredentialError
        When one cannot be stored; then there is no manifest.
    """
    outputs = {name: _store(bucket, attempt, name, item, folder, events) for name, item in results.items()}
    manifest = _manifest(attempt, outputs, events.metrics, _values(results))
    uri = attempt.intent.prefix + "manifest.json"
    bucket.create(uri, _json(manifest).encode(), "application/json")


def _store(
    bucket: Bucket, attempt: Attempt, name: str, item: dict[str, Any], folder: str, events: Events
) -> dict[str, Any]:
    """Create one output and return its entry in the manifest."""
    # A second life of the replica must not meet the first one's objects.
    leaf = "data.%d" % attempt.restart if attempt.restart else "data"
    uri = "%sout/%s/%s" % (attempt.intent.prefix, name, leaf)
    size = item["size_bytes"]
    events.artifact(name, size, 0)
    stored = bucket.create_from(uri, os.path.join(folder, item["path"]), size)
    events.artifact(name, size, size)
    entry = {key: item[key] for key in ("codec", "summary", "size_bytes", "digest")}
    return {**entry, "generation": stored.generation, "uri": uri}


def _values(results: dict[str, Any]) -> dict[str, Any]:
    """Return the small values, as many as there is room for."""
    values: dict[str, Any] = {}
    for name, item in results.items():
        if "value" in item and len(_json({**values, name: item["value"]})) <= VALUES_MAX:
            values[name] = item["value"]
    return values


def _manifest(
    attempt: Attempt, outputs: dict[str, Any], metrics: dict[str, float], values: dict[str, Any]
) -> dict[str, Any]:
    return {
        "schema": MANIFEST,
        "step": attempt.step,
        "task": attempt.intent.task,
        "attempt_key": attempt.intent.attempt_key,
        "workflow_uid": attempt.intent.workflow_uid,
        "spec_digest": attempt.intent.spec.digest,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "created_at": now_text(),
        "outputs": outputs,
        "metrics": metrics,
        "values": values,
    }


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
