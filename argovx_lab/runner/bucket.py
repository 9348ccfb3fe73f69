"""Objects of Cloud Storage as the runner needs them: read with a digest, create once.

Owns the JSON API's paths and the mapping of its statuses to our errors. Refuses to overwrite unseen: every
object is created with ``ifGenerationMatch=0``, and an object that is there already counts only when
it holds the same bytes; `replace` names the generation that it takes the place of.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.parse
from dataclasses import dataclass
from typing import IO, Any, Callable, Optional, Union

from argovx_lab.errors import (
    Conflict,
    NotFound,
    RemoteError,
    SpecError,
    Unavailable,
)
from argovx_lab.runner.answers import DOCUMENT_MAX, refusal, resource, wrong_digest
from argovx_lab.runner.bodies import Bytes, File
from argovx_lab.runner.hashing import Sha256
from argovx_lab.runner.http import Answer, Body, Https
from argovx_lab.runner.token import TokenSource

_HOST = "storage.googleapis.com"
#: What a request carries of an object.
Chunk = Union[bytes, memoryview]

#: Storage's answer to a part of a resumable upload that is not the last.
_MORE = 308


@dataclass(frozen=True)
class Stored:
    """Where an object lies and which generation it is; ``digest`` is the SHA-256 of what was sent."""

    uri: str
    generation: int
    digest: str = ""


class Bucket:
    """Reads and creates objects with the job's own identity."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._https = Https(_HOST, "storage")

    def read(self, uri: str, sha256: str = "") -> bytes:
        """Return an object's bytes.

        Raises
        ------
        SpecError
            When its SHA-256 is not ``sha256``.
        RemoteError, PermissionMissing, CredentialError
            When it cannot be had.
        """
        data = self._whole("GET", _object(uri) + "?alt=media", uri)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise wrong_digest(uri)
        return data

    def download(self, uri: str, target: IO[bytes], sha256: str, generation: str = "") -> int:
        """Write an object to ``target`` and return its length in bytes; checks its SHA-256."""
        path = _object(uri) + "?alt=media" + ("&generation=" + generation if generation else "")
        for _ in range(4):
            target.seek(0)
            target.truncate()
            answer, _sent = self._call("GET", path, uri)
            with Sha256(answer.headers.get("content-length", "")) as digest:
                size = _copy(answer, target, digest)
            if size < 0:
                self._https.drop()
                continue
            if digest.hexdigest() != sha256:
                raise wrong_digest(uri)
            return size
        raise Unavailable("%s broke off four times while it was read" % uri, service="storage")

    def create(self, uri: str, data: bytes, content_type: str = "application/octet-stream") -> Stored:
        """Create an object of ``data``.

        Raises
        ------
        Conflict
            When the name is taken by other bytes.
        """
        return self._create(uri, Bytes(data), 0, content_type)

    def create_from(self, uri: str, path: str, size_bytes: int, digest: str = "") -> Stored:
        """Create an object of the first ``size_bytes`` of the file at ``path``; it is read once.

        Parameters
        ----------
        digest : str
            Its SHA-256 where that is known; else it is taken on the way.
        """
        with open(path, "rb", buffering=0) as handle:
            return self._create(uri, File(handle, size_bytes, digest), 0, "application/octet-stream")

    def replace(self, uri: str, data: bytes, generation: int) -> Stored:
        """Put ``data`` in the place of ``generation``; 0 stands for "nothing is there".

        Raises
        ------
        Conflict
            When somebody else wrote it in the meantime.
        """
        return self._create(uri, Bytes(data), generation, "application/json")

    def begin(self, uri: str) -> str:
        """Begin a resumable upload of a new object; returns the session's path."""
        bucket, name = _split(uri)
        query = urllib.parse.urlencode({"uploadType": "resumable", "name": name, "ifGenerationMatch": "0"})
        path = "/upload/storage/v1/b/%s/o?%s" % (bucket, query)
        headers = {"X-Upload-Content-Type": "application/octet-stream", "Content-Length": "0"}
        answer, _ = self._call("POST", path, uri, headers, _nothing)
        answer.read(DOCUMENT_MAX)
        place = urllib.parse.urlsplit(answer.headers.get("location", ""))
        if place.scheme != "https" or place.hostname != _HOST:
            raise RemoteError("storage begins the upload of %s elsewhere" % uri, service="storage")
        return "%s?%s" % (place.path, place.query)

    def go_on(self, session: str, uri: str, data: Chunk, start: int) -> None:
        """Send the bytes from ``start`` on; raises `RemoteError` when storage did not take exactly these."""
        end = start + len(data)
        headers = {"Content-Length": str(len(data)), "Content-Range": "bytes %d-%d/*" % (start, end - 1)}
        answer, _ = self._call("PUT", session, uri, headers, lambda: data)
        answer.read(DOCUMENT_MAX)
        if answer.status != _MORE or answer.headers.get("range") != "bytes=0-%d" % (end - 1):
            raise RemoteError("storage lost its place in %s" % uri, service="storage")

    def end(self, session: str, uri: str, data: Chunk, start: int) -> Stored:
        """Send the last bytes, of which there is one at least; the object is there then."""
        total = start + len(data)
        span = "bytes %d-%d/%d" % (start, total - 1, total)
        headers = {"Content-Length": str(len(data)), "Content-Range": span}
        answer, _ = self._call("PUT", session, uri, headers, lambda: data)
        made = resource(answer.read(DOCUMENT_MAX), uri)
        if answer.status == _MORE or str(made.get("size", total)) != str(total):
            raise RemoteError("storage has not all of %s" % uri, service="storage")
        return Stored(uri, int(made["generation"]))

    def drop(self) -> None:
        """Close the calling thread's connection."""
        self._https.drop()

    def stat(self, uri: str) -> Stored:
        """Return which generation an object has; raises `NotFound`."""
        found = resource(self._whole("GET", _object(uri), uri), uri)
        return Stored(uri, int(found["generation"]))

    def folders(self, prefix: str) -> list[str]:
        """Return the ``gs://…/`` of each folder directly below ``prefix``, which ends in a slash."""
        bucket, name = _split(prefix)
        found: list[str] = []
        page = ""
        while True:
            query = {"prefix": name, "delimiter": "/", "fields": "prefixes,nextPageToken", "pageToken": page}
            text = urllib.parse.urlencode({key: value for key, value in query.items() if value})
            data = self._whole("GET", "/storage/v1/b/%s/o?%s" % (bucket, text), prefix)
            try:
                answer = json.loads(data)
                found += ["gs://%s/%s" % (bucket, item) for item in answer.get("prefixes") or []]
                page = answer.get("nextPageToken") or ""
            except (ValueError, AttributeError, TypeError) as error:
                raise Unavailable(
                    "storage's list of %s cannot be read" % prefix, service="storage"
                ) from error
            if not page:
                return found

    def delete(self, uri: str) -> None:
        """Delete an object; one that is gone is no error."""
        try:
            self._whole("DELETE", _object(uri), uri)
        except NotFound:
            return

    def _create(self, uri: str, source: Union[Bytes, File], generation: int, content_type: str) -> Stored:
        bucket, name = _split(uri)
        condition = {"uploadType": "media", "name": name, "ifGenerationMatch": str(generation)}
        path = "/upload/storage/v1/b/%s/o?%s" % (bucket, urllib.parse.urlencode(condition))
        size = source.size
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        try:
            made = self._made(path, uri, headers, source.open)
        except Conflict:
            found = self._same(uri, source)
            if found is None:
                raise
            return Stored(uri, found.generation, source.sha256())
        if not source.stored(made, sure=False):
            raise RemoteError("%s was stored with other bytes than were sent" % uri, service="storage")
        return Stored(uri, int(made["generation"]), source.sha256())

    def _made(self, path: str, uri: str, headers: dict[str, str], body: Callable[[], Body]) -> dict[str, Any]:
        """Return what storage says of the object that it created."""
        answer, _ = self._call("POST", path, uri, headers, body)
        try:
            return resource(answer.read(DOCUMENT_MAX), uri)
        except Unavailable as error:  # it was created, and the answer is broken: that is looked at
            self._https.drop()
            raise Conflict(error.message, service="storage") from error

    def _same(self, uri: str, source: Union[Bytes, File]) -> Optional[Stored]:
        """Return the object at ``uri`` when it holds these bytes: an answer to us was lost."""
        there = resource(self._whole("GET", _object(uri), uri), uri)
        if source.stored(there, sure=True):
            return Stored(uri, int(there["generation"]))
        return None

    def _whole(self, method: str, path: str, uri: str) -> bytes:
        """Return the body of an answer; one that breaks off is asked for again."""
        for last in (False, False, False, True):
            answer, _ = self._call(method, path, uri)
            try:
                return answer.read(DOCUMENT_MAX)
            except Unavailable:
                self._https.drop()
                if last:
                    raise
        raise AssertionError("the last try returns or raises")

    def _call(
        self,
        method: str,
        path: str,
        uri: str,
        headers: Any = None,
        body: Callable[[], Body] = lambda: None,
    ) -> tuple[Answer, int]:
        for last in (False, True):
            token = self._tokens.get()
            given = {"Authorization": "Bearer " + token, **(headers or {})}
            answer, count = self._https.call(method, path, given, body)
            if answer.status == 401 and not last:
                answer.stream.read()
                self._tokens.refuse(token)
                continue
            if answer.status >= 300 and answer.status != _MORE:
                raise refusal(answer, method, uri)
            return answer, count
        raise AssertionError("the second try returns or raises")


def _nothing() -> bytes:
    return b""


def _copy(answer: Answer, target: IO[bytes], digest: Sha256) -> int:
    """Return how many bytes were copied, or -1 when the connection broke off."""
    size = 0
    expected = answer.headers.get("content-length")
    while True:
        room = digest.room()
        try:
            count = answer.stream.readinto(room)
        except (OSError, http.client.HTTPException):
            return -1
        if not count:
            break
        digest.take(room, count)
        target.write(room[:count])
        size += count
    return size if expected is None or size == int(expected) else -1


def _split(uri: str) -> tuple[str, str]:
    bucket, slash, name = uri[len("gs://") :].partition("/")
    if not uri.startswith("gs://") or not bucket or not slash or not name:
        raise SpecError("%.200r is not gs://BUCKET/OBJECT" % uri)
    return bucket, name


def _object(uri: str) -> str:
    bucket, name = _split(uri)
    return "/storage/v1/b/%s/o/%s" % (bucket, urllib.parse.quote(name, safe=""))
