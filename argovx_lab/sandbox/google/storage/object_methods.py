"""Methods on objects: permission first, then state.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.google.storage import downloads, listing, props
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog, Stored
from argovx_lab.sandbox.google.storage.errors import invalid
from argovx_lab.sandbox.google.storage.names import check_object
from argovx_lab.sandbox.google.storage.objects import Objects, etag_of
from argovx_lab.sandbox.google.storage.preconditions import Preconditions, check_tags
from argovx_lab.sandbox.google.storage.resources import object_resource
from argovx_lab.sandbox.http import Response


class ObjectMethods:
    """Handlers of ``/b/{bucket}/o`` and below, but for uploads and copies.

    Parameters
    ----------
    catalog, buckets, objects
        Records and state.
    """

    def __init__(self, catalog: Catalog, buckets: Buckets, objects: Objects) -> None:
        self._catalog = catalog
        self._buckets = buckets
        self._objects = objects

    async def list(self, call: Call) -> Response:
        """``GET /b/{bucket}/o``."""
        params, bucket = call.params, call.names[0]
        query = listing.Query(
            prefix=params.get("prefix", ""),
            delimiter=params.get("delimiter", ""),
            trailing=call.flag("includeTrailingDelimiter"),
            start=params.get("startOffset", ""),
            end=params.get("endOffset", ""),
            token=params.get("pageToken", ""),
            limit=call.limit(listing.PAGE_MAX),
            versions=call.flag("versions"),
            glob=params.get("matchGlob", ""),
            folder_prefixes=call.flag("includeFoldersAsPrefixes"),
        )
        if query.glob and query.delimiter not in ("", "/"):
            raise invalid("With matchGlob the delimiter must be '/'.", "delimiter")
        if query.folder_prefixes and query.delimiter != "/":
            raise invalid("includeFoldersAsPrefixes needs the delimiter '/'.", "includeFoldersAsPrefixes")
        self._buckets.get(bucket)
        call.access.listing(bucket, query.prefix)
        page = listing.page(self._catalog, bucket, query)
        answer: dict[str, Any] = {"kind": "storage#objects"}
        if page.token:
            answer["nextPageToken"] = page.token
        if page.prefixes:
            answer["prefixes"] = page.prefixes
        if page.items:
            answer["items"] = [object_resource(stored) for stored in page.items]
        return call.answer(answer)

    async def get(self, call: Call) -> Response:
        """``GET /b/{bucket}/o/{object}``, the resource or with ``alt=media`` the bytes."""
        stored = self._existing(call, "storage.objects.get")
        etag, headers = etag_of(stored), call.request.headers
        pre = Preconditions.of(call.params)
        pre.check(stored.generation, stored.metageneration, etag=etag, read=True)
        check_tags(headers, etag)
        if call.params.get("alt") == "media":
            return downloads.respond(self._objects, stored, headers)
        return call.answer(object_resource(stored))

    async def patch(self, call: Call) -> Response:
        """``PATCH /b/{bucket}/o/{object}``."""
        return await self._change(call, whole=False)

    async def update(self, call: Call) -> Response:
        """``PUT /b/{bucket}/o/{object}``."""
        return await self._change(call, whole=True)

    async def _change(self, call: Call, *, whole: bool) -> Response:
        change = props.checked(await call.json())
        stored = self._existing(call, "storage.objects.update")
        call.access.object("storage.objects.get", stored.bucket, stored.name)
        changed = self._objects.patch(stored, change, Preconditions.of(call.params), whole=whole)
        return call.answer(object_resource(changed))

    async def delete(self, call: Call) -> Response:
        """``DELETE /b/{bucket}/o/{object}``."""
        stored = self._existing(call, "storage.objects.delete")
        permanently = call.number("generation") is not None
        self._objects.delete(stored, permanently=permanently, pre=Preconditions.of(call.params))
        return Response(204)

    def _existing(self, call: Call, permission: str) -> Stored:
        """Return the object that a path names, once the caller may know of it."""
        bucket, name = call.names
        check_object(name)
        self._buckets.get(bucket)
        call.access.object(permission, bucket, name)
        stored = self._objects.find(bucket, name, call.number("generation"))
        if stored is None:
            raise call.access.missing(permission, bucket, name)
        return stored
