"""``alt=media``: the bytes of an object, whole or a range, as a stream.

Owns ranges, the headers of a download and decompressive transcoding: an object stored with
``contentEncoding: gzip`` goes out as it is to clients that take gzip, and unpacked to those that do not.
Source: https://cloud.google.com/storage/docs/transcoding, RFC 9110 14
"""

from __future__ import annotations

import asyncio
import os
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from argovx_lab.sandbox.google.storage.catalog import Stored
from argovx_lab.sandbox.google.storage.errors import StorageError
from argovx_lab.sandbox.google.storage.objects import DEFAULT_TYPE, Objects, etag_of, read_piece
from argovx_lab.sandbox.http import Response

#: Objects up to this size are read at once: a thread would cost more than the read. Unit: bytes.
_SMALL = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII)


def respond(objects: Objects, stored: Stored, headers: Mapping[str, str]) -> Response:
    """Return the answer that carries an object's bytes.

    Raises
    ------
    StorageError
        416, when the range begins behind the end.
    """
    answer = _headers(stored)
    packed = stored.props.get("contentEncoding") == "gzip" and _is_gzip(objects, stored)
    if packed and not _takes_gzip(headers) and "no-transform" not in stored.props.get("cacheControl", ""):
        answer["warning"] = '214 UploadServer gunzipped "gunzipped"'
        return Response(200, answer, _unpacked(objects.open(stored), stored.size))
    if packed:
        answer["content-encoding"] = "gzip"
    wanted = _range(headers.get("range", ""), stored.size)
    first, last = wanted or (0, stored.size - 1)
    length = last - first + 1
    answer["content-length"] = str(length)
    status = 200
    if wanted is not None:
        status = 206
        answer["content-range"] = f"bytes {first}-{last}/{stored.size}"
    descriptor = objects.open(stored)
    if length <= _SMALL:
        try:
            return Response(status, answer, read_piece(descriptor, first, length))
        finally:
            os.close(descriptor)
    return Response(status, answer, _stream(descriptor, first, length))


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte; ``None`` when there is no range or one that is not understood."""
    match = _RANGE.match(text.strip())
    if match is None or match.groups() == ("", ""):
        return None
    begin, end = match.groups()
    if begin and end and int(end) < int(begin):
        return None
    if begin:
        first, last = int(begin), min(int(end), size - 1) if end else size - 1
    else:
        first, last = max(0, size - int(end)), size - 1
    if first >= size or (not begin and int(end) == 0):
        raise StorageError(
            "OUT_OF_RANGE",
            "The requested range cannot be satisfied.",
            status=416,
            location="Range",
            headers={"content-range": f"bytes */{size}"},
        )
    return first, last


def _is_gzip(objects: Objects, stored: Stored) -> bool:
    """Return whether the bytes are what ``contentEncoding`` says: only then can they be unpacked."""
    descriptor = objects.open(stored)
    try:
        return read_piece(descriptor, 0, 2) == b"\x1f\x8b"
    finally:
        os.close(descriptor)


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    return "gzip" in headers.get("accept-encoding", "").lower()


def _headers(stored: Stored) -> dict[str, str]:
    props = stored.props
    hashes = f"crc32c={stored.crc32c}" + (f",md5={stored.md5}" if stored.md5 else "")
    answer = {
        "content-type": props.get("contentType", DEFAULT_TYPE),
        "cache-control": props.get("cacheControl", "no-cache, no-store, max-age=0, must-revalidate"),
        "etag": etag_of(stored),
        "last-modified": format_datetime(datetime.fromtimestamp(stored.updated, UTC), usegmt=True),
        "x-goog-generation": str(stored.generation),
        "x-goog-metageneration": str(stored.metageneration),
        "x-goog-hash": hashes,
        "x-goog-storage-class": props["storageClass"],
        "x-goog-stored-content-encoding": props.get("contentEncoding", "identity"),
        "x-goog-stored-content-length": str(stored.size),
    }
    for name, header in (
        ("contentDisposition", "content-disposition"),
        ("contentLanguage", "content-language"),
    ):
        if name in props:
            answer[header] = props[name]
    if stored.size:
        answer["accept-ranges"] = "bytes"
    if (encoding := props.get("contentEncoding", "gzip")) != "gzip":
        answer["content-encoding"] = encoding
    return answer


async def _stream(descriptor: int, first: int, length: int) -> AsyncIterator[bytes]:
    try:
        while length > 0:
            data = await asyncio.to_thread(read_piece, descriptor, first, length)
            if not data:
                # the client sees a body shorter than its Content-Length, and knows that it failed
                return
            yield data
            first, length = first + len(data), length - len(data)
    finally:
        os.close(descriptor)


async def _unpacked(descriptor: int, size: int) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    async for packed in _stream(descriptor, 0, size):
        rest = packed
        while rest:
            # a bound on the output keeps a "zip bomb" in constant memory
            data = unpacker.decompress(rest, _SMALL)
            rest = unpacker.unconsumed_tail
            if data:
                yield data
            if unpacker.eof:
                if not unpacker.unused_data:
                    break
                # gzip members may follow one another
                rest, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
    yield unpacker.flush()
