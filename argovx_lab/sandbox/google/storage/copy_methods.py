"""Methods that make objects out of objects: copy, rewrite, move, compose.

Owns their permissions and order of checks; what they do is in :mod:`.objects` and :mod:`.rewrites`.
Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from argovx_lab.sandbox.google.storage import props
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Stored
from argovx_lab.sandbox.google.storage.errors import invalid, not_emulated, required
from argovx_lab.sandbox.google.storage.names import check_object
from argovx_lab.sandbox.google.storage.objects import DEFAULT_TYPE, SOURCES_MAX, Objects
from argovx_lab.sandbox.google.storage.preconditions import Preconditions, number
from argovx_lab.sandbox.google.storage.resources import object_resource
from argovx_lab.sandbox.google.storage.rewrites import Copy
from argovx_lab.sandbox.google.storage.uploads import may_replace
from argovx_lab.sandbox.http import Response


class CopyMethods:
    """Handlers of ``copyTo``, ``rewriteTo``, ``moveTo`` and ``compose``.

    Parameters
    ----------
    buckets, objects
        State.
    """

    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets = buckets
        self._objects = objects

    async def rewrite(self, call: Call) -> Response:
        """``POST …/rewriteTo/b/{bucket}/o/{object}``; see :mod:`.rewrites`."""
        copy = await self._wanted(call)
        done, token = copy.step(call.params.get("rewriteToken", ""), call.number("maxBytesRewrittenPerCall"))
        answer: dict[str, Any] = {
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": str(done),
            "objectSize": str(copy.source.size),
            "done": not token,
        }
        if token:
            answer["rewriteToken"] = token
        else:
            answer["resource"] = object_resource(self._copied(call, copy))
        return call.answer(answer)

    async def copy(self, call: Call) -> Response:
        """``POST …/copyTo/b/{bucket}/o/{object}``."""
        return call.answer(object_resource(self._copied(call, await self._wanted(call))))

    async def _wanted(self, call: Call) -> Copy:
        """Read and check everything about a copy, without making it."""
        change = props.checked(await call.json())
        _, _, bucket, name = call.names
        check_object(name)
        source = self._source_of(call, "storage.objects.get")
        there = self._buckets.get(bucket)
        call.access.object("storage.objects.create", bucket, name)
        # a resource that sets anything replaces everything, as at Google; an empty one keeps all
        wanted = change or {k: v for k, v in source.props.items() if k != "storageClass"}
        if change and "contentType" not in change:
            wanted = {"contentType": DEFAULT_TYPE, **change}
        self._objects.check(bucket, name, Preconditions.of(call.params), may_replace(call.access))
        spans = (
            there["location"] != self._buckets.get(source.bucket)["location"]
            or (wanted.get("storageClass") or there["storage_class"]) != source.props["storageClass"]
        )
        return Copy(source, bucket, name, wanted, spans)

    def _copied(self, call: Call, copy: Copy) -> Stored:
        pre, replaces = Preconditions.of(call.params), may_replace(call.access)
        return self._objects.copy(copy.source, copy.bucket, copy.name, copy.props, pre, replaces)

    async def move(self, call: Call) -> Response:
        """``POST …/moveTo/o/{object}``: a new name in the same bucket, in one step."""
        if (await call.body()).strip():
            raise invalid("moveTo takes no request body.")
        bucket, _, name = call.names
        check_object(name)
        source = self._source_of(call, "storage.objects.move")
        call.access.object("storage.objects.create", bucket, name)
        if source.name == name:
            raise invalid("The source and destination object names must differ.")
        pre, replaces = Preconditions.of(call.params), may_replace(call.access)
        return call.answer(object_resource(self._objects.move(source, name, pre, replaces)))

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
        parts = sum(max(1, source.components) for source in sources)
        stored = self._objects.compose(parts, bucket, name, writer, wanted, pre, replaces)
        return call.answer(object_resource(stored))

    def _source_of(self, call: Call, permission: str) -> Stored:
        """Return what is copied, once the caller may know of it and its preconditions hold."""
        bucket, name = call.names[:2]
        check_object(name)
        self._buckets.get(bucket)
        call.access.object(permission, bucket, name)
        stored = self._objects.find(bucket, name, call.number("sourceGeneration"))
        if stored is None:
            raise call.access.missing(permission, bucket, name)
        Preconditions.of(call.params, "ifSource").check(stored.generation, stored.metageneration)
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
