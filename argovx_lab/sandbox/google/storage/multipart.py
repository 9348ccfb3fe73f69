"""``multipart/related`` uploads, read as a stream: the resource, then the bytes.

Owns the format; the bytes are never held in memory as a whole.
Source: RFC 2387, https://cloud.google.com/storage/docs/json_api/v1/how-tos/multipart-upload
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from argovx_lab.sandbox.google.storage.errors import StorageError, invalid

#: Limit of the resource part and of each part's headers. Unit: bytes.
PART_MAX: Final = 256 * 1024


@dataclass
class Related:
    """A parsed upload.

    Parameters
    ----------
    resource : bytes
        JSON of the first part.
    content_type : str
        Of the second part; empty when it names none.
    media : async iterator of bytes
        The second part's bytes; ends after the closing boundary, raises when it never comes.
    """

    resource: bytes
    content_type: str
    media: AsyncIterator[bytes]


def boundary(content_type: str) -> str:
    """Return the boundary that a Content-Type header names.

    Raises
    ------
    StorageError
        400.
    """
    message = Message()
    message["content-type"] = content_type
    found = message.get_boundary()
    if message.get_content_type() not in ("multipart/related", "multipart/mixed") or not found:
        raise invalid("Multipart uploads need Content-Type: multipart/related with a boundary.")
    return str(found)


async def parse(content_type: str, chunks: AsyncIterator[bytes]) -> Related:
    """Read up to the beginning of the second part's bytes.

    Raises
    ------
    StorageError
        400 for what is not such a body.
    """
    reader = _Reader(chunks)
    mark = b"--" + boundary(content_type).encode("latin-1", "replace")
    await reader.until(mark)
    # gcsfs ends lines with a bare line feed, and Google takes it: the first line tells which it is
    end = b"\r\n" if (await reader.until(b"\n")).endswith(b"\r") else b"\n"
    await _headers(reader, end)
    resource = await reader.until(end + mark)
    await reader.until(end)
    headers = await _headers(reader, end)
    return Related(resource, headers.get("content-type", ""), reader.stream(end + mark))


async def _headers(reader: _Reader, end: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while line := await reader.until(end):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(found) > 50:
            raise _malformed()
        found[name.strip().lower()] = value.strip()
    return found


class _Reader:
    """Finds marks in a stream."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    async def _more(self) -> None:
        try:
            self._buffer += await anext(self._chunks)
        except StopAsyncIteration:
            raise _malformed() from None

    async def until(self, mark: bytes) -> bytes:
        """Return what comes before a mark, and step over it."""
        while (place := self._buffer.find(mark)) < 0:
            if len(self._buffer) > PART_MAX:
                raise invalid(f"A part of the multipart body is longer than {PART_MAX} bytes.")
            await self._more()
        data = bytes(self._buffer[:place])
        del self._buffer[: place + len(mark)]
        return data

    async def stream(self, mark: bytes) -> AsyncIterator[bytes]:
        """Yield what comes before a mark in pieces; then read the rest away."""
        keep = len(mark) - 1
        while (place := self._buffer.find(mark)) < 0:
            if (ready := len(self._buffer) - keep) > 0:
                yield bytes(self._buffer[:ready])
                del self._buffer[:ready]
            await self._more()
        if place:
            yield bytes(self._buffer[:place])
        tail = bytes(self._buffer[place + len(mark) : place + len(mark) + 2])
        while len(tail) < 2:
            self._buffer.clear()
            await self._more()
            tail += bytes(self._buffer[:2])
        if tail[:2] != b"--":
            raise invalid("A multipart upload has two parts.")
        async for _ in self._chunks:
            pass


def _malformed() -> StorageError:
    return invalid("Malformed multipart body.")
