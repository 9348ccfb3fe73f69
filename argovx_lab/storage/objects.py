"""Objects in Cloud Storage, written once and read with checks.

Owns every storage call of ours. Refuses to overwrite unless the caller names the generation that it replaces.

Notes
-----
Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Optional, Union
from urllib.parse import quote

from argovx_lab.errors import Conflict
from argovx_lab.model.layout import DatasetPlace, Layout
from argovx_lab.storage.meta import (
    PIECE,
    SHA256_KEY,
    Checks,
    ObjectMeta,
    damaged,
    length_of,
    measure,
    verify,
)
from argovx_lab.storage.session import SERVICE, Answer, Session, document, fault
from argovx_lab.storage.upload import RESUMABLE_FROM, multipart, resumable

#: The public endpoint.
DEFAULT_URL = "https://storage.googleapis.com"

#: From this size on it pays to ask whether content is there before it is sent. Unit: bytes.
_LOOK_FROM = 64 * 1024

_BYTES = "application/octet-stream"
_FIELDS = "bucket,name,generation,size,contentType,metadata,md5Hash,crc32c,updated"


class Objects:
    """Objects of any bucket that the session may see.

    Parameters
    ----------
    session : Session
        Adds the credentials.
    base_url : str
        The endpoint; the public one by default.
    """

    def __init__(self, session: Session, base_url: str = DEFAULT_URL) -> None:
        self._session = session
        self._base = base_url.rstrip("/")

    def create(
        self,
        bucket: str,
        name: str,
        data: Union[bytes, BinaryIO],
        *,
        content_type: str = _BYTES,
        if_absent: bool = True,
        digest: str = "",
    ) -> ObjectMeta:
        """Write an object that does not exist yet.

        Parameters
        ----------
        data : bytes or binary file
            A file is read from its current position and must be seekable.
        if_absent : bool
            ``False`` overwrites whatever is there; only for alias files and checkpoints.
        digest : str
            SHA-256 of the bytes to be stated beside them; computed for ``bytes``.

        Raises
        ------
        Conflict
            When the name is taken.
        """
        return self._write(bucket, name, data, content_type, 0 if if_absent else None, digest)

    def replace(
        self, bucket: str, name: str, data: bytes, *, generation: int, content_type: str = _BYTES
    ) -> ObjectMeta:
        """Overwrite exactly that generation (0: the name must be free).

        Raises
        ------
        Conflict
            When somebody else wrote meanwhile.
        """
        return self._write(bucket, name, data, content_type, generation, "")

    def create_content(
        self, layout: Union[Layout, DatasetPlace], data: Union[bytes, BinaryIO], *, content_type: str = _BYTES
    ) -> ObjectMeta:
        """Write immutable content under its SHA-256; content that is there already is left as it is.

        Raises
        ------
        RemoteError
            When other bytes lie under that digest.
        """
        digest, size = measure(data)
        name = layout.object(digest)
        there = self.stat(layout.bucket, name) if size >= _LOOK_FROM else None
        if there is None:
            try:
                return self.create(layout.bucket, name, data, content_type=content_type, digest=digest)
            except Conflict:
                there = self.stat(layout.bucket, name)
        if there is None or there.size_bytes != size or there.digest not in ("", digest):
            raise damaged(layout.uri(name))
        return there

    def get(
        self,
        bucket: str,
        name: str,
        *,
        generation: Optional[int] = None,
        offset: Optional[int] = None,
        length: Optional[int] = None,
    ) -> bytes:
        """Return an object's bytes, or those from ``offset`` on, at most ``length``.

        An ``offset`` at or behind the end returns nothing.

        Raises
        ------
        NotFound
            When it is not there.
        RemoteError
            When the bytes do not fit the service's checksum.
        """
        headers = {"Accept-Encoding": "identity"}
        part = offset is not None or length is not None
        if part:
            if length == 0:
                return b""
            last = "" if length is None else str((offset or 0) + length - 1)
            headers["Range"] = f"bytes={offset or 0}-{last}"
        answer = self._call(
            "GET", self._url(bucket, name), params=_media(generation), headers=headers, stream=False
        )
        if part and answer.status_code == 416:
            return b""
        self._check(answer, "storage.objects.get", bucket, name)
        data = answer.content
        if not part:
            verify(answer.headers, data, f"gs://{bucket}/{name}")
        return data

    def download(
        self, bucket: str, name: str, file: BinaryIO, *, generation: Optional[int] = None, digest: str = ""
    ) -> int:
        """Stream an object into ``file`` and return its length in bytes.

        Parameters
        ----------
        digest : str
            SHA-256 that the bytes must have; empty checks the service's own checksum only.

        Raises
        ------
        NotFound
            When it is not there.
        RemoteError
            When the bytes are not the expected ones; ``file`` must then be thrown away.
        """
        uri = f"gs://{bucket}/{name}"
        answer = self._call(
            "GET",
            self._url(bucket, name),
            params=_media(generation),
            headers={"Accept-Encoding": "identity"},
            stream=True,
        )
        try:
            self._check(answer, "storage.objects.get", bucket, name)
            checks = Checks()
            for piece in answer.iter_content(PIECE):
                checks.update(piece)
                file.write(piece)
        finally:
            answer.close()
        checks.compare(answer.headers, uri)
        if digest and checks.sha256.hexdigest() != digest:
            raise damaged(uri)
        return checks.size_bytes

    def stat(self, bucket: str, name: str, *, generation: Optional[int] = None) -> Optional[ObjectMeta]:
        """Return what the service says of an object, or ``None`` when it is not there."""
        params: dict[str, Any] = {"fields": _FIELDS}
        if generation is not None:
            params["generation"] = str(generation)
        answer = self._call("GET", self._url(bucket, name), params=params)
        if answer.status_code == 404:
            return None
        self._check(answer, "storage.objects.get", bucket, name)
        return ObjectMeta.of(document(answer))

    def list(
        self, bucket: str, prefix: str, *, delimiter: str = "", start_offset: str = ""
    ) -> Iterator[ObjectMeta]:
        """Yield objects whose names begin with ``prefix``, in order of their names.

        Parameters
        ----------
        delimiter : str
            Names that contain it behind the prefix are left out; :meth:`folders` yields those.
        start_offset : str
            First name to yield, or empty.
        """
        for page in self._pages(bucket, prefix, delimiter, start_offset):
            for item in page.get("items", []):
                yield ObjectMeta.of(item)

    def folders(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the folders right below ``prefix``, each with its closing slash."""
        for page in self._pages(bucket, prefix, "/", ""):
            yield from (str(item) for item in page.get("prefixes", []))

    def _pages(
        self, bucket: str, prefix: str, delimiter: str, start_offset: str
    ) -> Iterator[Mapping[str, Any]]:
        params: dict[str, Any] = {"prefix": prefix, "fields": f"items({_FIELDS}),prefixes,nextPageToken"}
        if delimiter:
            params["delimiter"] = delimiter
        if start_offset:
            params["startOffset"] = start_offset
        while True:
            answer = self._call("GET", f"{self._base}/storage/v1/b/{quote(bucket, safe='')}/o", params=params)
            self._check(answer, "storage.objects.list", bucket, prefix)
            page = document(answer)
            yield page
            if not page.get("nextPageToken"):
                return
            params["pageToken"] = page["nextPageToken"]

    def _write(
        self,
        bucket: str,
        name: str,
        data: Union[bytes, BinaryIO],
        content_type: str,
        generation: Optional[int],
        digest: str,
    ) -> ObjectMeta:
        params = {} if generation is None else {"ifGenerationMatch": str(generation)}
        size = len(data) if isinstance(data, bytes) else length_of(data)
        if isinstance(data, bytes) and not digest:
            digest = hashlib.sha256(data).hexdigest()
        about: dict[str, Any] = {"name": name, "contentType": content_type}
        if digest:
            about["metadata"] = {SHA256_KEY: digest}
        url = f"{self._base}/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        if size >= RESUMABLE_FROM:
            file = io.BytesIO(data) if isinstance(data, bytes) else data
            answer, checks = resumable(self._session, url, params, about, file, size)
        else:
            body = data if isinstance(data, bytes) else data.read()
            answer, checks = multipart(self._session, url, params, about, body)
        repeated = answer.headers.get("x-argovx-repeats", "0") != "0"
        if answer.status_code == 412 and repeated:  # the lost answer may have been a success
            there = self.stat(bucket, name)
            if there is not None and there.md5 and there.md5 == checks.md5:
                return there
        self._check(answer, "storage.objects.create", bucket, name)
        meta = ObjectMeta.of(document(answer))
        checks.compare_meta(meta)
        return meta

    def _call(self, method: str, url: str, **options: Any) -> Answer:
        answer: Answer = self._session.request(method, url, service=SERVICE, **options)
        return answer

    def _url(self, bucket: str, name: str) -> str:
        return f"{self._base}/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"

    @staticmethod
    def _check(answer: Answer, permission: str, bucket: str, name: str) -> None:
        if not 200 <= answer.status_code < 300:
            raise fault(answer, permission, f"gs://{bucket}/{name}")


def _media(generation: Optional[int]) -> dict[str, str]:
    params = {"alt": "media"}
    if generation is not None:
        params["generation"] = str(generation)
    return params
