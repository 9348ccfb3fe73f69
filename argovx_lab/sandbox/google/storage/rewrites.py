"""Rewrite tokens: how far a copy that takes several calls is, and what it copies.

Owns the rules of ``maxBytesRewrittenPerCall``. A token holds everything itself, so it outlives the server;
one that was made for another copy is refused. Only copies over locations or storage classes take several
calls. Source: https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from argovx_lab.sandbox.google.storage.catalog import Stored
from argovx_lab.sandbox.google.storage.errors import invalid

#: ``maxBytesRewrittenPerCall`` is a multiple of this. Unit: bytes. Source: the page above.
UNIT: Final = 1024 * 1024
#: What one call rewrites when nothing is asked for; Google's own figure is not published. Unit: bytes.
PER_CALL: Final = 64 * UNIT


@dataclass(frozen=True)
class Copy:
    """A copy in the making.

    Parameters
    ----------
    source : Stored
        The generation that is copied.
    bucket, name : str
        Where to.
    props : mapping
        What is set on the copy.
    spans : bool
        Whether it goes over locations or storage classes.
    """

    source: Stored
    bucket: str
    name: str
    props: Mapping[str, Any]
    spans: bool

    def step(self, token: str, limit: int | None) -> tuple[int, str]:
        """Return how many bytes are rewritten after this call, and the token of the next (empty at the end).

        Parameters
        ----------
        token : str
            Of the call before; empty on the first.
        limit : int, optional
            ``maxBytesRewrittenPerCall``.

        Raises
        ------
        StorageError
            400 for a limit that is no multiple of a mebibyte, or a token of another copy.
        """
        if limit is not None and (limit < UNIT or limit % UNIT):
            raise invalid(
                f"Invalid value for maxBytesRewrittenPerCall: {limit}. It must be a multiple of {UNIT}.",
                "maxBytesRewrittenPerCall",
            )
        mark = self._mark(limit)
        before = _decode(token, mark) if token else 0
        after = min(self.source.size, before + (limit or PER_CALL)) if self.spans else self.source.size
        return after, "" if after == self.source.size else _encode(after, mark)

    def _mark(self, limit: int | None) -> str:
        """Return a digest of everything that must stay the same from call to call."""
        source = self.source
        parts = [source.bucket, source.name, source.generation, self.bucket, self.name, self.props, limit]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _encode(done: int, mark: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([done, mark]).encode()).decode()


def _decode(token: str, mark: str) -> int:
    try:
        done, found = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error):
        found = None
    if found != mark or type(done) is not int or done < 0:
        raise invalid(
            "Invalid rewrite token: it belongs to another source generation, destination, resource or "
            "maxBytesRewrittenPerCall. Begin again without it.",
            "rewriteToken",
        )
    return done
