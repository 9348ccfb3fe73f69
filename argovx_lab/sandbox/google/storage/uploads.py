"""Uploads in one request: ``uploadType=media`` and ``uploadType=multipart``; and moving bytes into a blob.

Resumable uploads are in :mod:`.sessions`.
Source: https://cloud.google.com/storage/docs/uploads-downloads
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from argovx_lab.sandbox.google.storage import multipart, props
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.blobs import CHUNK, Blobs, Writer
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Stored
from argovx_lab.sandbox.google.storage.errors import invalid, required
from argovx_lab.sandbox.google.storage.names import check_object
from argovx_lab.sandbox.google.storage.objects import DEFAULT_TYPE, MayReplace, Objects, check_digests
from argovx_lab.sandbox.google.storage.preconditions import Preconditions
from argovx_lab.sandbox.google.storage.resources import object_resource
from argovx_lab.sandbox.http import ClientGone, Response

Sink = Callable[[bytes], Awaitable[None]]

#: Source: https://cloud.google.com/storage/quotas#objects
SIZE_MAX: Final = 5 * 1024**4
#: Bodies up to this size are hashed and written on the event loop: a thread would cost more. Unit: bytes.
_SMALL: Final = 128 * 1024


@dataclass
class Target:
    """What an upload becomes when its bytes are there.

    Parameters
    ----------
    crc32c, md5 : str
        Checksums that the client sent, in Base64; empty ones are not compared.
    """

    bucket: str
    name: str
    props: dict[str, Any]
    pre: Preconditions
    crc32c: str = ""
    md5: str = ""

    @classmethod
    def of(cls, call: Call, resource: Mapping[str, Any], content_type: str) -> Target:
        """Read path, parameters and resource of an upload.

        Raises
        ------
        StorageError
            400 or 501, naming what is wrong.
        """
        given = resource.get("name")
        if given is not None and not isinstance(given, str):
            raise invalid("Invalid value for name: a string is wanted.", "name")
        name = check_object(call.params.get("name") or given or "")
        if call.params.get("name") and given and given != call.params["name"]:
            raise invalid("Value in the query parameter 'name' does not match the object resource.", "name")
        wanted = props.checked(dict(resource))
        if content_type and not wanted.get("contentType"):
            wanted["contentType"] = props.checked({"contentType": content_type})["contentType"]
        if encoding := call.params.get("contentEncoding"):
            wanted["contentEncoding"] = props.checked({"contentEncoding": encoding})["contentEncoding"]
        wanted.setdefault("contentType", DEFAULT_TYPE)
        target = cls(call.names[0], name, wanted, Preconditions.of(call.params))
        target.expect(str(resource.get("crc32c") or ""), str(resource.get("md5Hash") or ""))
        target.expect(*hash_header(call.request.headers))
        return target

    def expect(self, crc32c: str, md5: str) -> None:
        """Add checksums to compare with."""
        self.crc32c, self.md5 = crc32c or self.crc32c, md5 or self.md5


def hash_header(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return crc32c and md5 of ``X-Goog-Hash`` (or ``Content-MD5``); empty where absent.

    Raises
    ------
    StorageError
        400 for another algorithm.
    """
    found = {"crc32c": "", "md5": headers.get("content-md5", "")}
    for part in headers.get("x-goog-hash", "").split(","):
        name, equals, value = part.strip().partition("=")
        if equals and name not in found:
            raise invalid(f"Invalid hash {name[:20]!r}: crc32c or md5.", "X-Goog-Hash")
        if equals:
            found[name] = value
    return found["crc32c"], found["md5"]


def may_replace(access: Access) -> MayReplace:
    """Return the check for overwriting: it takes the right to delete what is there."""

    def check(current: Stored) -> None:
        access.object("storage.objects.delete", current.bucket, current.name)

    return check


async def receive(sink: Sink, chunks: AsyncIterator[bytes]) -> None:
    """Move a stream into a sink, a mebibyte at a time; what arrived before the client went away counts.

    Raises
    ------
    ClientGone
        After the last bytes have been handed on.
    """
    buffer = bytearray()
    try:
        async for chunk in chunks:
            buffer += chunk
            if len(buffer) >= CHUNK:
                data, buffer = bytes(buffer), bytearray()
                await sink(data)
    except ClientGone:
        if buffer:
            await sink(bytes(buffer))
        raise
    if buffer:
        await sink(bytes(buffer))


async def write(writer: Writer, data: bytes) -> None:
    """Hash and write bytes, large ones in a thread; a cancelled caller still waits for it.

    On a full disk it goes on as long as the writer can make room.

    Raises
    ------
    StorageError
        400 beyond the largest object size.
    OSError
        When the disk is full.
    """
    if writer.size + len(data) > SIZE_MAX:
        raise invalid(f"Objects may have at most {SIZE_MAX} bytes.")
    while True:
        try:
            return await _write(writer, data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not writer.make_room():
                raise


async def _write(writer: Writer, data: bytes) -> None:
    if len(data) <= _SMALL:
        writer.write(data)
        return
    work = asyncio.ensure_future(asyncio.to_thread(writer.write, data))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


class Uploads:
    """Uploads in one request.

    Parameters
    ----------
    objects, blobs, buckets
        Where things go.
    """

    def __init__(self, objects: Objects, blobs: Blobs, buckets: Buckets) -> None:
        self._objects = objects
        self._blobs = blobs
        self._buckets = buckets

    async def media(self, call: Call) -> Response:
        """``POST …/o?uploadType=media&name=…``: the body is the bytes."""
        if not call.params.get("name"):
            raise required("name")
        target = Target.of(call, {}, call.request.headers.get("content-type", ""))
        return await self._store(call, target, call.request.chunks())

    async def multipart(self, call: Call) -> Response:
        """``POST …/o?uploadType=multipart``: resource and bytes in one body."""
        related = await multipart.parse(call.request.headers.get("content-type", ""), call.request.chunks())
        target = Target.of(call, props.parse(related.resource), related.content_type)
        return await self._store(call, target, related.media)

    async def _store(self, call: Call, target: Target, chunks: AsyncIterator[bytes]) -> Response:
        self.authorize(call, target)
        writer = self._blobs.writer()
        try:
            await receive(partial(write, writer), chunks)
            check_digests(writer, target.crc32c, target.md5)
            stored = self._objects.create(
                target.bucket, target.name, writer, target.props, target.pre, may_replace(call.access)
            )
        finally:
            writer.discard()
        return call.answer(object_resource(stored))

    def authorize(self, call: Call, target: Target) -> None:
        """Refuse an upload before its bytes are read."""
        self._buckets.get(target.bucket)
        call.access.object("storage.objects.create", target.bucket, target.name)
        self._objects.check(target.bucket, target.name, target.pre, may_replace(call.access))
