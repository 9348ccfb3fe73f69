"""Multipart uploads of the XML API: opened, fed with numbered parts in any order, completed or aborted.

It is what ``transfer_manager.upload_chunks_concurrently`` of the vendor's client speaks; the rest of the XML
API is refused by name. Owns part files until they are joined; every part survives the death of the server.
Source: https://cloud.google.com/storage/docs/multipart-uploads
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import Iterable
from functools import partial
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from argovx_lab.sandbox.google.storage import props
from argovx_lab.sandbox.google.storage.access import object_resource
from argovx_lab.sandbox.google.storage.blobs import Blobs, Writer
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog, Stored
from argovx_lab.sandbox.google.storage.names import check_object
from argovx_lab.sandbox.google.storage.objects import DEFAULT_TYPE, Objects, check_digests, etag_of
from argovx_lab.sandbox.google.storage.preconditions import Preconditions
from argovx_lab.sandbox.google.storage.uploads import hash_header, may_replace, receive, write
from argovx_lab.sandbox.google.storage.xml_errors import HEAD, XmlError
from argovx_lab.sandbox.http import Response

#: Source: https://cloud.google.com/storage/quotas#requests
PARTS_MAX: Final = 10_000
#: Of every part but the last. Unit: bytes. Source: same page.
PART_MIN: Final = 5 * 1024 * 1024
_SPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_PROPS: Final = {
    "content-type": "contentType",
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "x-goog-custom-time": "customTime",
    "x-goog-storage-class": "storageClass",
}
_META: Final = "x-goog-meta-"

Part = dict[str, Any]


class XmlUploads:
    """All multipart uploads of the XML API.

    Parameters
    ----------
    catalog, objects, blobs, buckets
        Where they live and what they become.
    """

    def __init__(self, catalog: Catalog, objects: Objects, blobs: Blobs, buckets: Buckets) -> None:
        self._catalog = catalog
        self._objects = objects
        self._blobs = blobs
        self._buckets = buckets

    async def initiate(self, call: Call) -> Response:
        """``POST /{bucket}/{object}?uploads``: answer the upload's id."""
        bucket, name = self._target(call)
        for permission in ("storage.multipartUploads.create", "storage.objects.create"):
            call.access.object(permission, bucket, name)
        headers = call.request.headers
        wanted: dict[str, Any] = {_PROPS[key]: value for key, value in headers.items() if key in _PROPS}
        if meta := {k.removeprefix(_META): v for k, v in headers.items() if k.startswith(_META)}:
            wanted["metadata"] = meta
        await call.body()
        upload = secrets.token_urlsafe(48)
        record = {
            "bucket": bucket,
            "name": name,
            "props": props.checked({"contentType": DEFAULT_TYPE, **wanted}),
        }
        self._catalog.put_multipart(upload, record)
        fields = {"Bucket": bucket, "Key": name, "UploadId": upload}
        return _document("InitiateMultipartUploadResult", fields)

    async def part(self, call: Call) -> Response:
        """``PUT /{bucket}/{object}?partNumber=…&uploadId=…``: a part, in place of one with its number."""
        upload, record = self._record(call)
        number = call.number("partNumber") or 0
        if not 1 <= number <= PARTS_MAX:
            raise XmlError("InvalidArgument", f"Part number must be an integer between 1 and {PARTS_MAX}.")
        for permission in ("storage.multipartUploads.create", "storage.objects.create"):
            call.access.object(permission, record["bucket"], record["name"])
        writer = self._blobs.writer()
        try:
            await receive(partial(write, writer), call.request.chunks())
            check_digests(writer, *hash_header(call.request.headers))
            digests, old = writer.digests, None
            blob = self._blobs.keep(writer)
            try:
                with self._catalog.transaction():
                    self._record(call)  # it may have been aborted meanwhile
                    old = self._catalog.parts(upload).get(number)
                    part = {"blob": blob, "size": digests.size, "etag": _hex(digests.md5)}
                    self._catalog.put_part(upload, number, part)
            except BaseException:
                self._blobs.delete([blob])
                raise
            self._blobs.delete([old["blob"]] if old else [])
        finally:
            writer.discard()
        return Response(
            200,
            {
                "etag": f'"{_hex(digests.md5)}"',
                "x-goog-hash": f"crc32c={digests.crc32c},md5={digests.md5}",
                "content-type": "text/html; charset=UTF-8",
            },
        )

    async def complete(self, call: Call) -> Response:
        """``POST /{bucket}/{object}?uploadId=…``: join the parts that the body names."""
        body = await call.body()
        upload, record = self._record(call)
        bucket, name = record["bucket"], record["name"]
        for permission in ("storage.multipartUploads.create", "storage.objects.create"):
            call.access.object(permission, bucket, name)
        pre, replaces = Preconditions(), may_replace(call.access)
        self._objects.check(bucket, name, pre, replaces)
        parts = _chosen(body, self._catalog.parts(upload))
        writer = await self._joined(parts)
        freed: list[str] = []

        def done(_: object) -> None:
            self._record(call)  # two requests that complete it: one wins
            freed.extend(self._catalog.delete_multipart(upload))

        try:
            stored = self._objects.compose(
                len(parts), bucket, name, writer, record["props"], pre, replaces, done
            )
        finally:
            writer.discard()
        self._blobs.delete(freed)
        return _completed(stored)

    async def _joined(self, parts: list[Part]) -> Writer:
        """Return one new blob with the bytes of all parts."""
        descriptors: list[int] = []
        try:
            descriptors.extend(self._blobs.open(part["blob"]) for part in parts)
            return await asyncio.to_thread(self._objects.concatenate, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    async def abort(self, call: Call) -> Response:
        """``DELETE /{bucket}/{object}?uploadId=…``: drop the upload and its parts."""
        upload, record = self._record(call)
        call.access.object("storage.multipartUploads.abort", record["bucket"], record["name"])
        with self._catalog.transaction():
            freed = self._catalog.delete_multipart(upload)
        self._blobs.delete(freed)
        return Response(204)

    def _target(self, call: Call) -> tuple[str, str]:
        bucket, name = call.names
        check_object(name)
        self._buckets.get(bucket)
        return bucket, name

    def _record(self, call: Call) -> tuple[str, dict[str, Any]]:
        upload = call.params["uploadId"]
        record = self._catalog.multipart(upload)
        bucket, name = self._target(call)
        if record is None or (record["bucket"], record["name"]) != (bucket, name):
            # who may not write here is not told what is going on here
            call.access.object("storage.objects.create", bucket, name)
            raise XmlError(
                "NoSuchUpload",
                "The requested upload was not found: it was completed, aborted, or never begun for "
                f"{object_resource(bucket, name)[:300]}.",
                "NOT_FOUND",
            )
        return upload, record


def _chosen(body: bytes, there: dict[int, Part]) -> list[Part]:
    """Return the parts that a request to complete names, in its order."""
    wanted = list(_named(body))
    if not wanted or len(wanted) > PARTS_MAX:
        raise XmlError("MalformedCompleteMultipartUploadRequest", "Name 1 to 10000 parts.")
    numbers = [number for number, _ in wanted]
    if sorted(set(numbers)) != numbers:
        raise XmlError("InvalidPartOrder", "The list of parts was not in ascending order of part numbers.")
    chosen: list[Part] = []
    for number, etag in wanted:
        part = there.get(number)
        if part is None or part["etag"] != etag:
            raise XmlError("InvalidPart", f"Part {number} was not uploaded, or has another ETag.")
        chosen.append(part)
    if any(part["size"] < PART_MIN for part in chosen[:-1]):
        raise XmlError("EntityTooSmall", f"Every part but the last must have at least {PART_MIN} bytes.")
    return chosen


def _named(body: bytes) -> Iterable[tuple[int, str]]:
    """Yield number and ETag of each part in ``CompleteMultipartUpload``."""
    if b"<!" in body:
        # no entities, no document types: expat would expand them
        raise XmlError("MalformedCompleteMultipartUploadRequest", "The XML must not have declarations.")
    try:
        root = ET.fromstring(body)  # noqa: S314 - declarations are refused above
    except ET.ParseError:
        raise XmlError("MalformedCompleteMultipartUploadRequest", "The body is not XML.") from None
    if root.tag.rpartition("}")[2] != "CompleteMultipartUpload":
        raise XmlError("MalformedCompleteMultipartUploadRequest", "CompleteMultipartUpload is wanted.")
    for part in root:
        found = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in part}
        number = found.get("PartNumber", "")
        if not number.isascii() or not number.isdigit() or len(number) > 6:
            raise XmlError("MalformedCompleteMultipartUploadRequest", "A part has no PartNumber.")
        yield int(number), found.get("ETag", "").strip('"')


def _completed(stored: Stored) -> Response:
    fields = {
        "Location": f"http://{stored.bucket}.storage.googleapis.com/{stored.name}",
        "Bucket": stored.bucket,
        "Key": stored.name,
        "ETag": f'"{etag_of(stored)}"',
    }
    answer = _document("CompleteMultipartUploadResult", fields)
    answer.headers = {
        **answer.headers,
        "x-goog-generation": str(stored.generation),
        "x-goog-metageneration": "1",
        "x-goog-hash": f"crc32c={stored.crc32c}",
    }
    return answer


def _document(name: str, fields: dict[str, str]) -> Response:
    inside = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items())
    text = f"{HEAD}<{name} xmlns='{_SPACE}'>{inside}</{name}>"
    return Response(200, {"content-type": "application/xml; charset=UTF-8"}, text.encode())


def _hex(md5: str) -> str:
    return base64.b64decode(md5).hex()
