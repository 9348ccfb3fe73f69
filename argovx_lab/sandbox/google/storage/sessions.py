"""Resumable uploads: opened with a resource, fed in chunks, asked how far they are, finished or dropped.

The session's address is its own credential, as at Google: its upload id is random and stored as a hash;
permissions are judged when the session opens, and the right to overwrite again at the end. Bytes that
arrived survive the death of client and server, but not a full disk: a session that finds no room gives back
all it has and begins anew, and so do those that nobody continues, oldest first.
Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
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
from argovx_lab.sandbox.google.storage.feed import Feed
from argovx_lab.sandbox.google.storage.objects import Objects, check_digests
from argovx_lab.sandbox.google.storage.preconditions import Preconditions, number
from argovx_lab.sandbox.google.storage.resources import object_resource
from argovx_lab.sandbox.google.storage.uploads import Target, Uploads, hash_header, may_replace
from argovx_lab.sandbox.http import Request, Response, json_response
from argovx_lab.sandbox.room import is_full

#: Source: https://cloud.google.com/storage/docs/resumable-uploads#session-uris
LIFETIME: Final = timedelta(days=7)
#: A session to which nothing came for so long gives its bytes back when somebody needs room. Unit: seconds.
IDLE_S: Final = 120.0
#: Uploads whose file stays open between requests; others are read again when they go on.
_OPEN_MAX: Final = 64


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
        self._feeds: dict[str, Feed] = {}
        blobs.make_room = self.make_room

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
        if piece.first is None:
            await request.read()
            feed = self._feed(key)
            await feed.settle(piece)
        else:
            feed = self._feed(key)
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
        except (OSError, sqlite3.Error) as error:
            if is_full(error):
                writer.discard()
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

    def make_room(self) -> bool:
        """Take the bytes of the session that nobody has continued for longest; say whether there was one.

        The session stays and begins anew.
        """
        limit = time.time() - IDLE_S
        fed = {key for key, feed in self._feeds.items() if feed.busy}
        idle = [(at, key) for at, key in self._blobs.held() if at < limit and key not in fed]
        if not idle:
            return False
        self._give_back(min(idle)[1])
        return True

    def _drop(self, key: str) -> None:
        self._give_back(key)
        self._catalog.delete_upload(key)

    def _give_back(self, key: str) -> None:
        if (feed := self._feeds.pop(key, None)) is not None:
            feed.feeder = None
            feed.writer.close()
        self._blobs.drop_session(key)

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

    def _feed(self, key: str) -> Feed:
        """Return the session's open file; after a restart its digests are computed from what is there."""
        feed = self._feeds.pop(key, None) or Feed(self._blobs.session(key))
        self._feeds[key] = feed
        idle = [k for k, f in self._feeds.items() if k != key and not f.busy]
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


def _key(upload: str) -> str:
    return hashlib.sha256(upload.encode()).hexdigest()
