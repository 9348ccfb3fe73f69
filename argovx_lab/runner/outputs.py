"""Outputs into the bucket, write-once, and the manifest last.

What a failed cell had assigned goes below the life of its replica, with a manifest of another name and
schema: nothing that looks for a step's outputs can take it for them.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from typing import Any

from argovx_lab.runner import MANIFEST, PARTIAL
from argovx_lab.runner.bucket import Bucket
from argovx_lab.runner.documents import Intent
from argovx_lab.runner.events import Events
from argovx_lab.runner.messages import now_text
from argovx_lab.runner.streams import Streams

#: Most that ``values`` of a manifest may hold together. Unit: characters of JSON. Reason: it becomes
#: an output parameter of Argo, at most 4 KiB.
VALUES_MAX = 4000


@dataclass(frozen=True)
class Attempt:
    """Whose outputs these are."""

    intent: Intent
    step: str
    replica: int
    restart: int

    def output(self, name: str) -> str:
        """Return where an output lies; a second life must not meet the first one's objects."""
        leaf = "data.%d" % self.restart if self.restart else "data"
        return "%sout/%s/%s" % (self.intent.prefix, name, leaf)


def upload(
    bucket: Bucket,
    attempt: Attempt,
    result: dict[str, Any],
    folder: str,
    events: Events,
    streams: Streams,
) -> None:
    """Create every output and then ``manifest.json``.

    Parameters
    ----------
    result : dict
        As the child left it: ``outputs``, name → ``{path, codec, summary, size_bytes, digest[, value]}``,
        and ``left_out``, name → reason.
    streams : Streams
        Those outputs that are on their way already.

    Raises
    ------
    RemoteError, PermissionMissing, CredentialError
        When one cannot be stored; then there is no manifest.
    """
    outputs = {}
    for name, item in result["outputs"].items():
        events.artifact(name, item["size_bytes"], 0)
        stored = streams.finish(name, item["size_bytes"], item["digest"])
        if stored is None:
            path = os.path.join(folder, item["path"])
            stored = bucket.create_from(attempt.output(name), path, item["size_bytes"], item["digest"])
        events.artifact(name, item["size_bytes"], item["size_bytes"])
        outputs[name] = _entry(item, stored.uri, stored.generation)
    manifest = {
        **_about(attempt, MANIFEST),
        "outputs": outputs,
        "metrics": events.metrics,
        "values": _values(result["outputs"]),
    }
    if result.get("left_out"):
        manifest["left_out"] = result["left_out"]
    uri = attempt.intent.prefix + "manifest.json"
    bucket.create(uri, _json(manifest).encode(errors="replace"), "application/json")


def upload_partial(
    bucket: Bucket, attempt: Attempt, partial: dict[str, Any], error: dict[str, Any], folder: str
) -> str:
    """Create what a failed cell had assigned and ``manifest-partial.json``; returns where that lies.

    Parameters
    ----------
    partial : dict
        ``{outputs: {name: {path, codec, …}}, left_out: {name: reason}}`` as the child left it.
    error : dict
        Why the cell failed.

    Raises
    ------
    RemoteError, PermissionMissing, CredentialError
        When one cannot be stored.
    """
    life = "%sr%d.%d/" % (attempt.intent.prefix, attempt.replica, attempt.restart)
    outputs = {}
    for name, item in partial["outputs"].items():
        uri = "%sout/%s/data" % (life, name)
        path = os.path.join(folder, item["path"])
        stored = bucket.create_from(uri, path, item["size_bytes"], item["digest"])
        outputs[name] = _entry(item, uri, stored.generation)
    document = {
        **_about(attempt, PARTIAL),
        "complete": False,
        "error": {key: error[key] for key in ("type", "message", "place")},
        "outputs": outputs,
        "left_out": partial["left_out"],
    }
    uri = life + "manifest-partial.json"
    bucket.create(uri, _json(document).encode(errors="replace"), "application/json")
    return uri


def _entry(item: dict[str, Any], uri: str, generation: int) -> dict[str, Any]:
    entry = {key: item[key] for key in ("codec", "summary", "size_bytes", "digest")}
    return {**entry, "generation": generation, "uri": uri}


def _values(results: dict[str, Any]) -> dict[str, Any]:
    """Return the small values, as many as there is room for."""
    values: dict[str, Any] = {}
    for name, item in results.items():
        if "value" in item and len(_json({**values, name: item["value"]})) <= VALUES_MAX:
            values[name] = item["value"]
    return values


def _about(attempt: Attempt, schema: str) -> dict[str, Any]:
    return {
        "schema": schema,
        "step": attempt.step,
        "task": attempt.intent.task,
        "attempt_key": attempt.intent.attempt_key,
        "workflow_uid": attempt.intent.workflow_uid,
        "spec_digest": attempt.intent.spec.digest,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "created_at": now_text(),
    }


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
