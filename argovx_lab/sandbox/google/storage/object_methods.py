"""Methods on objects: permission first, then state.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.google.storage import downloads, listing, props
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog, Stored
from argovx_lab.sandbox.google.storage.errors import (
    condition_not_met,
    invalid,
    not_emulated,
    not_modified,
    required,
)
from argovx_lab.sandbox.google.storage.names import check_object
from argovx_lab.sandbox.google.storage.objects import DEFAULT_TYPE, SOURCES_MAX, Objects, etag_of
from argovx_lab.sandbox.google.storage.preconditions import Preconditions, number
from argovx_lab.sandbox.google.storage.resources import object_resource
from argovx_lab.sandbox.google.storage.uploads import may_replace
from argovx_lab.sandbox.http import Response


class ObjectMethods:
    """Handlers of ``/b/{bucket}/o`` and below, but for uploads.

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
        if query.glob and query.delimiter:
            raise not_emulated("matchGlob together with a delimiter")
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
        if "if-match" in headers and not _tags(headers["if-match"]) & {etag, "*"}:
            raise condition_not_met("If-Match")
        if "if-none-match" in headers and _tags(headers["if-none-match"]) & {etag, "*"}:
            raise not_modified(etag)
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

    async def rewrite(self, call: Call) -> Response:
        """``POST …/rewriteTo/b/{bucket}/o/{object}``; every copy is done in one call."""
        if call.params.get("rewriteToken"):
            raise invalid("Invalid rewrite token: rewrites are done in one call here.", "rewriteToken")
        call.number("maxBytesRewrittenPerCall")
        stored = await self._copied(call)
        size = str(stored.size)
        resource = object_resource(stored)
        return call.answer(
            {
                "kind": "storage#rewriteResponse",
                "totalBytesRewritten": size,
                "objectSize": size,
                "done": True,
                "resource": resource,
            }
        )

    async def copy(self, call: Call) -> Response:
        """``POST …/copyTo/b/{bucket}/o/{object}``."""
        return call.answer(object_resource(await self._copied(call)))

    async def _copied(self, call: Call) -> Stored:
        given = await call.json()
        change = props.checked(given)
        _, _, bucket, name = call.names
        check_object(name)
        source = self._existing(call, "storage.objects.get", "sourceGeneration")
        Preconditions.of(call.params, "ifSource").check(source.generation, source.metageneration)
        self._buckets.get(bucket)
        call.access.object("storage.objects.create", bucket, name)
        # a resource that sets anything replaces everything, as at Google; an empty one keeps all
        wanted = change or {k: v for k, v in source.props.items() if k != "storageClass"}
        if change and "contentType" not in change:
            wanted = {"contentType": DEFAULT_TYPE, **change}
        pre = Preconditions.of(call.params)
        return self._objects.copy(source, bucket, name, wanted, pre, may_replace(call.access))

    async def compose(self, call: Call) -> Response:
        """``POST /b/{bucket}/o/{object}/compose``."""
        bucket, name = call.names
        body = await call.json()
        extra = set(body) - {"kind", "sourceObjects", "destination"}
        if extra:
            raise not_emulated(f"the compose field {min(extra)}")
        wanted = props.checked(body.get("destination") or {})
        check_object(name)
        self._buckets.get(bucket)
        call.access.object("storage.objects.create", bucket, name)
        pre, replaces = Preconditions.of(call.params), may_replace(call.access)
        self._objects.check(bucket, name, pre, replaces)
        sources = _sources(self._objects, call.access, bucket, body.get("sourceObjects"))
        descriptors = [self._objects.open(source) for source in sources]
        try:
            writer = await asyncio.to_thread(self._objects.concatenate, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        wanted.setdefault("contentType", sources[0].props.get("contentType", DEFAULT_TYPE))
        stored = self._objects.compose(sources, bucket, name, writer, wanted, pre, replaces)
        return call.answer(object_resource(stored))

    def _existing(self, call: Call, permission: str, generation: str = "generation") -> Stored:
        """Return the object that a path names, once the caller may know of it."""
        bucket, name = call.names[:2]
        check_object(name)
        self._buckets.get(bucket)
        call.access.object(permission, bucket, name)
        stored = self._objects.find(bucket, name, call.number(generation))
        if stored is None:
            raise call.access.missing(permission, bucket, name)
        return stored


def _sources(objects: Objects, access: Access, bucket: str, given: object) -> list[Stored]:
    """Return the sources of a composition, each readable and as its preconditions demand."""
    if not isinstance(given, list) or not given:
        raise required("sourceObjects")
    if len(given) > SOURCES_MAX:
        raise invalid(
            f"The number of source components provided ({len(given)}) exceeds the maximum ({SOURCES_MAX})"
        )
    found: list[Stored] = []
    for index, source in enumerate(given):
        name, generation, pre = _source(f"sourceObjects[{index}]", source)
        access.object("storage.objects.get", bucket, name)
        stored = objects.find(bucket, name, generation)
        if stored is None:
            raise access.missing("storage.objects.get", bucket, name)
        pre.check(stored.generation, stored.metageneration)
        found.append(stored)
    return found


def _source(place: str, source: object) -> tuple[str, int | None, Preconditions]:
    if not isinstance(source, dict) or not set(source) <= {"name", "generation", "objectPreconditions"}:
        raise invalid(f"{place} must hold name, generation and objectPreconditions only.", place)
    name = source.get("name")
    if not isinstance(name, str):
        raise required(f"{place}.name")
    demands = source.get("objectPreconditions") or {}
    if not isinstance(demands, dict) or not set(demands) <= {"ifGenerationMatch"}:
        raise invalid(f"{place}.objectPreconditions may hold ifGenerationMatch only.", place)
    pre = Preconditions.of({k: str(v) for k, v in demands.items()})
    return check_object(name), number(f"{place}.generation", _text(source.get("generation"))), pre


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _tags(header: str) -> set[str]:
    tags: Mapping[str, None] = dict.fromkeys(tag.strip().strip('"') for tag in header.split(","))
    return set(tags)
