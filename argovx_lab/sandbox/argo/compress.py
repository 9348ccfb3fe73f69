"""Workflows whose nodes outgrow one object: ``status.compressedNodes`` instead of ``status.nodes``.

Source: Argo Workflows v4.1, base64 of gzip of the JSON map above ``MAX_WORKFLOW_SIZE`` (1 MiB).
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from typing import Any

from argovx_lab.sandbox.argo.errors import InvalidSpec

#: Above this the nodes are compressed. Unit: bytes.
SIZE_MAX = 1024 * 1024
#: A status says less than this per node, so that small workflows are not measured. Unit: nodes.
_SMALL = 200


def hydrate(workflow: dict[str, Any]) -> None:
    """Put ``nodes`` back where they are compressed.

    Raises
    ------
    InvalidSpec
        When the text is not what this or Argo's gzip would have written.
    """
    status = workflow.get("status") or {}
    text = status.get("compressedNodes")
    if not text:
        return
    try:
        status["nodes"] = json.loads(gzip.decompress(base64.b64decode(text)))
    except (ValueError, OSError, EOFError, binascii.Error, zlib.error):
        raise InvalidSpec("status.compressedNodes cannot be read: only gzip is understood here") from None
    del status["compressedNodes"]


def dehydrate(workflow: dict[str, Any]) -> None:
    """Compress ``nodes`` when the object would be too large."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    if len(nodes) < _SMALL or len(json.dumps(workflow)) <= SIZE_MAX:
        return
    packed = gzip.compress(json.dumps(nodes, separators=(",", ":")).encode(), mtime=0)
    del workflow["status"]["nodes"]
    workflow["status"]["compressedNodes"] = base64.b64encode(packed).decode()
