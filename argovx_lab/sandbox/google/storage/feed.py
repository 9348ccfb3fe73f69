"""The open file of one resumable upload, and the request that feeds it: a newer one takes over.

Owns what of a request's bytes counts: whole units of a chunk that is not the last, nothing of one that broke.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from argovx_lab.sandbox.google.storage.blobs import Writer
from argovx_lab.sandbox.google.storage.content_range import Piece
from argovx_lab.sandbox.google.storage.errors import invalid
from argovx_lab.sandbox.google.storage.uploads import receive, write
from argovx_lab.sandbox.http import ClientGone, Request
from argovx_lab.sandbox.room import is_full

#: Chunks are multiples of this, but for the last. Unit: bytes.
UNIT: Final = 256 * 1024


class Feed:
    """The open file of one session, and the request that feeds it: a newer one takes over."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.lock = asyncio.Lock()
        self.feeder: object = None
        self._before = 0

    async def settle(self, piece: Piece) -> None:
        """Stop who feeds now, so that the size that is told stays true; whole units of his count."""
        async with self.lock:
            if self.feeder is not None:
                self.feeder = None
                self._cut(piece)

    @property
    def busy(self) -> bool:
        """Whether a request feeds it or is about to."""
        return self.feeder is not None or self.lock.locked()

    def _cut(self, piece: Piece) -> None:
        """Keep whole units of a chunk that is not the last, as Google does."""
        if not piece.completes(self.writer.size):
            self.writer.truncate(max(self._before, self.writer.size // UNIT * UNIT))

    async def append(self, piece: Piece, request: Request) -> None:
        """Write what the request brings behind what is here."""
        mine = self.feeder = object()
        async with self.lock:
            before = self._before = self.writer.mark()
        assert piece.first is not None
        if piece.first > before:
            raise invalid(
                "Invalid request.  According to the Content-Range header, the upload offset is "
                f"{piece.first} byte(s), which exceeds already uploaded size of {before} byte(s).",
                "Content-Range",
            )
        try:
            await receive(
                partial(self._write, mine), behind(request.chunks(), before - piece.first, piece.length)
            )
        except OSError as error:
            async with self.lock:
                if self.feeder is mine:
                    # nobody knows whether it will be continued, so a full disk gets everything back
                    self._before = 0 if is_full(error) else before
                    self.writer.begin_anew() if is_full(error) else self.writer.truncate(before)
            raise
        finally:
            async with self.lock:
                if self.feeder is mine:
                    self.feeder = None
                    self._cut(piece)
        brought = (piece.length or 0) - (before - piece.first)
        if self.writer.size == before and brought > 0 and not piece.completes(before):
            raise invalid(
                "Invalid request.  The number of bytes uploaded is required to be equal or greater than "
                f"{UNIT}, except for the final request (it's recommended to be the exact multiple of "
                f"{UNIT}). The received request contained {brought} bytes, which does not meet this."
            )

    async def _write(self, mine: object, data: bytes) -> None:
        async with self.lock:
            if self.feeder is not mine:
                raise ClientGone
            await write(self.writer, data)


async def behind(chunks: AsyncIterator[bytes], skip: int, length: int | None) -> AsyncIterator[bytes]:
    """Yield a body without its first ``skip`` bytes, which are here already."""
    seen = 0
    async for chunk in chunks:
        seen += len(chunk)
        if length is not None and seen > length:
            raise invalid("The body is longer than the Content-Range header says.", "Content-Range")
        if fresh := chunk[skip:]:
            yield fresh
        skip = max(0, skip - len(chunk))
