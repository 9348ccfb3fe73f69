"""Results that were made on this machine: kept in the bucket by digest, written down for the next kernel.

Owns ``argovx.here/1`` below ``users/<user>/here/<run>/``. A result is believed for its digest: the record
says which bytes, and they lie where their own digest says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.codecs import ID as CODEC_ID
from argovx_lab.errors import NotFound
from argovx_lab.model.layout import Layout
from argovx_lab.notebook.remote import Resolved
from argovx_lab.wiring import Services

SCHEMA = "argovx.here/1"

_DIGEST = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


@dataclass(frozen=True)
class Made:
    """One output of a step that ran on this machine."""

    step: str
    name: str
    id: str
    created_at: str
    resolved: Resolved


def recorded(services: Services, run: str) -> list[Made]:
    """Return what was made on the user's machines for a run; a record that cannot be read is passed over."""
    layout, found = services.profile.layout, []
    for meta in services.objects.list(layout.bucket, layout.here(run)):
        try:
            document = json.loads(services.objects.get(layout.bucket, meta.name))
            found += made(layout, document) if document.get("schema") == SCHEMA else []
        except (NotFound, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def made(layout: Layout, document: Mapping[str, Any]) -> list[Made]:
    """Return what a record says was made; an output with an odd digest or codec is left out."""
    return [
        Made(str(document["step"]), str(name), str(document["id"]), str(document["created_at"]), resolved)
        for name, item in document["outputs"].items()
        if (resolved := _resolved(layout, item)) is not None
    ]


def _resolved(layout: Layout, item: Mapping[str, Any]) -> Resolved | None:
    digest, codec = str(item["digest"]), str(item["codec"])
    if not _DIGEST.match(digest) or not CODEC_ID.match(codec):
        return None
    uri = layout.uri(layout.object(digest))
    return Resolved(codec, str(item["summary"]), int(item["size_bytes"]), digest, uri, "")
