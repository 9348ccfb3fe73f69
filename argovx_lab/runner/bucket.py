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
    CredentialError,
    NotFound,
    PermissionMissing,
    RemoteError,
    SpecError,
    Unavailable,
    shorten,
)
from argovx_lab.runner.bodies import Bytes, File
from argovx_lab.runner.http import Answer, Body, Https
from argovx_lab.runner.token import TokenSource

#: Largest document that is read into memory. Unit: bytes.
DOCUMENT_MAX = 32 << 20

_HOST = "storage.googleapis.com"
_CHUNK = 1 << 20


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
            raise _wrong_digest(uri)
        return data

    def download(self, uri: str, target: IO[bytes], sha256: str, generation: str = "") -> int:
        """Write an object to ``target`` and return its length in bytes; checks its SHA-256."""
        path = _object(uri) + "?alt=media" + ("&generation=" + generation if generation else "")
        for _ in range(4):
            target.seek(0)
            target.truncate()
            answer, _sent = self._call("GET", path, uri)
            digest = hashlib.sha256()
            size = _copy(answer, target, digest.update)
            if size < 0:
                self._https.drop()
                continue
            if digest.hexdigest() != sha256:
                raise _wrong_digest(uri)
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

    def stat(self, uri: str) -> Stored:
        """Return which generation an object has; raises `NotFound`."""
        found = _resource(self._whole("GET", _object(uri), uri), uri)
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
            return _resource(answer.read(DOCUMENT_MAX), uri)
        except Unavailable as error:  # it was created, and the answer is broken: that is looked at
            self._https.drop()
            raise Conflict(error.message, service="storage") from error

    def _same(self, uri: str, source: Union[Bytes, File]) -> Optional[Stored]:
        """Return the object at ``uri`` when it holds these bytes: an answer to us was lost."""
        there = _resource(self._whole("GET", _object(uri), uri), uri)
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
            if answer.status >= 300:
                raise _error(answer, method, uri)
            return answer, count
        raise AssertionError("the second try returns or raises")


def _copy(answer: Answer, target: IO[bytes], update: Callable[[Any], Any]) -> int:
    """Return how many bytes were copied, or -1 when the connection broke off."""
    size = 0
    expected = answer.headers.get("content-length")
    room = memoryview(bytearray(_CHUNK))
    while True:
        try:
            count = answer.stream.readinto(room)
        except (OSError, http.client.HTTPException):
            return -1
        if not count:
            break
        update(room[:count])
        target.write(room[:count])
        size += count
    return size if expected is None or size == int(expected) else -1


def _resource(data: bytes, uri: str) -> dict[str, Any]:
    """Return the object resource that an answer holds."""
    try:
        found = json.loads(data)
        int(found["generation"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("storage's answer about %s cannot be read" % uri, service="storage") from error
    return dict(found)


def _error(answer: Answer, method: str, uri: str) -> Exception:
    text = shorten(answer.read(DOCUMENT_MAX).decode("utf-8", "replace"), 120)
    verb = {"GET": "read", "DELETE": "delete"}.get(method, "create")
    if answer.status == 401:
        return CredentialError("storage refuses the job's token (HTTP 401)", hint="Run the step again.")
    if answer.status == 403:
        return PermissionMissing(
            "the job's service account may not %s %s" % (verb, uri),
            hint="Grant it roles/storage.objectUser on its folder of the bucket.",
        )
    kinds = {404: NotFound, 409: Conflict, 412: Conflict}
    kind = kinds.get(answer.status, RemoteError)
    return kind(
        "storage would not %s %s: HTTP %d %s" % (verb, uri, answer.status, text),
        service="storage",
        status=answer.status,
    )


def _wrong_digest(uri: str) -> SpecError:
    return SpecError("%s does not have the digest it should have" % uri, hint="Submit the cell again.")


def _split(uri: str) -> tuple[str, str]:
    bucket, slash, name = uri[len("gs://") :].partition("/")
    if not uri.startswith("gs://") or not bucket or not slash or not name:
        raise SpecError("%.200r is not gs://BUCKET/OBJECT" % uri)
    return bucket, name


def _object(uri: str) -> str:
    bucket, name = _split(uri)
    return "/storage/v1/b/%s/o/%s" % (bucket, urllib.parse.quote(name, safe=""))
