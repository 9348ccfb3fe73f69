"""Resumable uploads: opened with a resource, fed in chunks, asked how far they are, finished or dropped.

The session's address is its own credential, as at Google: its upload id is random and stored as a hash;
permissions are judged when the session opens, and the right to overwrite again at the end. Bytes that
arrived survive the death of client and server.
Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from argovx_lab.sandbox.google.auth import caller_of, caller_record
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.noted import Noted
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.access import object_resource as object_name
from argovx_lab.sandbox.google.storage.blobs import Blobs, Writer
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog
from argovx_lab.sandbox.google.storage.content_range import Piece
from argovx_lab.sandbox.google.storage.errors import StorageError, invalid
from argovx_lab.sandbox.google.storage.objects import Objects, check_digests
from argovx_lab.sandbox.google.storage.preconditions import Preconditions, number
from argovx_lab.sandbox.google.storage.resources import object_resource
from argovx_lab.sandbox.google.storage.uploads import (
    Target,
    Uploads,
    hash_header,
    may_replace,
    receive,
    write,
)
from argovx_lab.sandbox.http import ClientGone, Request, Response, json_response

#: Chunks are multiples of this, but for the last. Unit: bytes.
UNIT: Final = 256 * 1024
#: Source: https://cloud.google.com/storage/docs/resumable-uploads#session-uris
LIFETIME: Final = timedelta(days=7)
#: Uploads whose file stays open between requests; others are read again when they go on.
_OPEN_MAX: Final = 64


class _Feed:
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
                partial(self._write, mine), _behind(request.chunks(), before - piece.first, piece.length)
            )
        except OSError:
            async with self.lock:
                if self.feeder is mine:
                    # the disk is full: what this request brought is given back
                    self.writer.truncate(before)
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


class Sessions:
    """All resumable uploads.

    Parameters
    ----------
    catalog, objects, blobs, uploads
        Where they live and what they become.
    access_of : callable
        Makes the checks of a caller who is kept with a session.
    """

    def __init__(
        self,
        catalog: Catalog,
        objects: Objects,
        blobs: Blobs,
        uploads: Uploads,
        access_of: Callable[[Caller], Access],
    ) -> None:
        self._catalog = catalog
        self._objects = objects
        self._blobs = blobs
        self._uploads = uploads
        self._access_of = access_of
        self._feeds: dict[str, _Feed] = {}

    async def open(self, call: Call) -> Response:
        """``POST …/o?uploadType=resumable``: answer the session's address.

        Raises
        ------
        StorageError
            As an upload in one request would be refused now.
        """
        headers = call.request.headers
        target = Target.of(call, await call.json(), headers.get("x-upload-content-type", ""))
        self._uploads.authorize(call, target)
        caller = call.access.caller
        assert caller is not None  # authorize refuses anonymous callers
        upload = secrets.token_urlsafe(48)
        record: dict[str, Any] = {
            "bucket": target.bucket,
            "name": target.name,
            "props": target.props,
            "pre": target.pre.to_dict(),
            "crc32c": target.crc32c,
            "md5": target.md5,
            "total": number("X-Upload-Content-Length", headers.get("x-upload-content-length")),
            "ends": (self._catalog.now() + LIFETIME).timestamp(),
            "caller": caller_record(caller),
            "done": 0,
        }
        self._catalog.put_upload(_key(upload), record)
        place = f"{call.request.scheme}://{call.request.host}/upload/storage/v1/b/{target.bucket}/o"
        place += f"?uploadType=resumable&upload_id={upload}"
        return Response(200, {"location": place, "x-guploader-uploadid": upload})

    async def feed(self, request: Request, upload: str, noted: Noted) -> Response:
        """``PUT`` on the session's address: bytes, or the question how far it is.

        ``noted`` learns whose upload it is.

        Raises
        ------
        StorageError
            404 or 410 for a session that is not there, 400 for a range that does not fit.
        """
        key = _key(upload)
        record = self._record(key, noted)
        if record["done"]:
            return self._finished(record)
        piece = Piece.of(request)
        if record["total"] is not None and piece.total not in (None, record["total"]):
            raise invalid(f"The upload was opened with {record['total']} bytes, not {piece.total}.")
        feed = self._feed(key)
        if piece.first is None:
            await request.read()
            await feed.settle(piece)
        else:
            await feed.append(piece, request)
        if piece.completes(feed.writer.size):
            return self._finish(key, record, feed.writer, request)
        size = feed.writer.size
        return Response(308, {"range": f"bytes=0-{size - 1}"} if size else {})

    def _finish(self, key: str, record: dict[str, Any], writer: Writer, request: Request) -> Response:
        pre = Preconditions(**record["pre"])
        target = Target(
            record["bucket"], record["name"], record["props"], pre, record["crc32c"], record["md5"]
        )
        target.expect(*hash_header(request.headers))
        access = self._access_of(caller_of(record["caller"]))
        self._feeds.pop(key, None)
        try:
            check_digests(writer, target.crc32c, target.md5)
            stored = self._objects.create(
                target.bucket,
                target.name,
                writer,
                target.props,
                pre,
                may_replace(access),
                lambda new: self._catalog.put_upload(key, _ended(record, new.generation)),
            )
        except StorageError:
            writer.discard()
            self._catalog.delete_upload(key)
            raise
        return json_response(object_resource(stored))

    def cancel(self, upload: str, noted: Noted) -> Response:
        """``DELETE`` on the session's address: drop it; Google answers 499."""
        key = _key(upload)
        self._record(key, noted)
        self._drop(key)
        return Response(499)

    def tidy(self) -> None:
        """Drop sessions that are past their week, and files of sessions that are gone."""
        now = self._catalog.now().timestamp()
        for key, record in list(self._catalog.uploads()):
            if record["ends"] < now:
                self._drop(key)
        known = {key for key, _ in self._catalog.uploads()}
        for left in self._blobs.sessions() - known:
            self._blobs.drop_session(left)

    def _drop(self, key: str) -> None:
        if (feed := self._feeds.pop(key, None)) is not None:
            feed.feeder = None
            feed.writer.close()
        self._blobs.drop_session(key)
        self._catalog.delete_upload(key)

    def _record(self, key: str, noted: Noted) -> dict[str, Any]:
        record = self._catalog.upload(key)
        if record is None:
            raise StorageError("NOT_FOUND", "The upload session does not exist, or has ended.")
        noted.principal = caller_of(record["caller"]).principal
        noted.permission = "storage.objects.create"
        noted.resource = object_name(record["bucket"], record["name"])[:500]
        if record["ends"] < self._catalog.now().timestamp():
            self._drop(key)
            raise StorageError("NOT_FOUND", "The upload session has expired.", status=410)
        return record

    def _feed(self, key: str) -> _Feed:
        """Return the session's open file; after a restart its digests are computed from what is there."""
        feed = self._feeds.pop(key, None) or _Feed(self._blobs.session(key))
        self._feeds[key] = feed
        idle = [k for k, f in self._feeds.items() if k != key and f.feeder is None and not f.lock.locked()]
        for old in idle[: max(0, len(self._feeds) - _OPEN_MAX)]:
            self._feeds.pop(old).writer.close()
        return feed

    def _finished(self, record: dict[str, Any]) -> Response:
        stored = self._catalog.generation(record["bucket"], record["name"], record["done"])
        if stored is None:
            raise StorageError("NOT_FOUND", "The object that this upload made is gone.", status=410)
        return json_response(object_resource(stored))


def _ended(record: dict[str, Any], generation: int) -> dict[str, Any]:
    """Return what is kept of a session that is done: a client whose answer got lost asks again."""
    kept = {name: record[name] for name in ("bucket", "name", "ends", "caller")}
    return {**kept, "done": generation}


async def _behind(chunks: AsyncIterator[bytes], skip: int, length: int | None) -> AsyncIterator[bytes]:
    """Yield a body without its first ``skip`` bytes, which are here already."""
    seen = 0
    async for chunk in chunks:
        seen += len(chunk)
        if length is not None and seen > length:
            raise invalid("The body is longer than the Content-Range header says.", "Content-Range")
        if fresh := chunk[skip:]:
            yield fresh
        skip = max(0, skip - len(chunk))


def _key(upload: str) -> str:
    return hashlib.sha256(upload.encode()).hexdigest()
