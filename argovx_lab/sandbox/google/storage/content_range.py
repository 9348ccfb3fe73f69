"""``Content-Range`` of a resumable upload's request: which bytes it brings, and whether they are the last.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads, RFC 9110 14.4
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from argovx_lab.sandbox.google.storage.errors import invalid
from argovx_lab.sandbox.google.storage.preconditions import number
from argovx_lab.sandbox.http import Request

_PATTERN = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)\Z", re.ASCII)


@dataclass(frozen=True)
class Piece:
    """What a request brings.

    Parameters
    ----------
    first : int, optional
        Offset of its first byte; ``None`` when it brings none and only asks.
    length : int, optional
        How many bytes; ``None`` when only the end of the body tells.
    total : int, optional
        Size of the whole upload; ``None`` when not yet known.
    whole : bool
        The body is everything, whatever its length.
    """

    first: int | None
    length: int | None
    total: int | None
    whole: bool = False

    @classmethod
    def of(cls, request: Request) -> Piece:
        """Read the header; without it the body is everything.

        Raises
        ------
        StorageError
            400, when it is not understood or contradicts itself.
        """
        text = request.headers.get("content-range", "")
        if not text:
            length = number("Content-Length", request.headers.get("content-length"))
            return cls(0, length, length, whole=True)
        match = _PATTERN.match(text)
        if match is None:
            raise invalid(f"Failed to parse Content-Range header: {text[:60]!r}.", "Content-Range")
        total = None if match.group(3) == "*" else int(match.group(3))
        if match.group(1) is None:
            return cls(None, None, total)
        first, last = int(match.group(1)), int(match.group(2))
        if last < first or (total is not None and last >= total):
            raise invalid(f"Invalid Content-Range header: {text[:60]!r}.", "Content-Range")
        return cls(first, last + 1 - first, total)

    def completes(self, size: int) -> bool:
        """Return whether an upload with ``size`` bytes is complete after this request."""
        if self.total is None:
            return self.whole
        return size >= self.total
