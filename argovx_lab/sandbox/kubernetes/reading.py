"""GET: one object, a list in pages, a watch.

Owns consistency of what is read: pages of one list show one revision, a watch goes on exactly where
its list ended.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from argovx_lab.sandbox.http import Request, Response
from argovx_lab.sandbox.kubernetes import status, tables
from argovx_lab.sandbox.kubernetes.client import not_a_number, parse_revision
from argovx_lab.sandbox.kubernetes.history import Cursor, Record, encode
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import Kind
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.requests import Target, boolean, number
from argovx_lab.sandbox.kubernetes.selectors import matcher
from argovx_lab.sandbox.kubernetes.tables import Table

JSON_HEADERS = {"content-type": "application/json", "cache-control": "no-cache, private"}
#: A watch without timeoutSeconds ends by itself after between one and two of these. Unit: seconds.
WATCH_S = 1800.0
#: Time between bookmarks of a quiet watch. Unit: seconds.
BOOKMARK_S = 60.0


def raw_response(body: bytes, code: int = 200) -> Response:
    """Return encoded JSON as an answer."""
    return Response(code, dict(JSON_HEADERS), body)


def _table(registry: Registry, request: Request, kind: Kind) -> Table | None:
    version = tables.wanted(request)
    return Table(registry, request, kind, version) if version else None


def get(registry: Registry, request: Request, target: Target) -> Response:
    """Answer with one object, or with it as a table."""
    record = registry.get(target.kind, target.namespace, target.name)
    table = _table(registry, request, target.kind)
    if table is None:
        return raw_response(record.raw)
    return raw_response(table.body({"resourceVersion": str(record.revision)}, [record.object()]))


def list_objects(registry: Registry, request: Request, target: Target) -> Response:
    """Answer with a list, or with one page of it."""
    kind = target.kind
    match = matcher(kind, target.namespace, request.param("labelSelector"), request.param("fieldSelector"))
    limit, token = number(request, "limit"), request.param("continue")
    try:
        revision, start = _place(registry, request, token)
    except ApiError as error:
        if kind.id == "events":  # their list says nothing of when to come again
            error.details.pop("retryAfterSeconds", None)
        raise
    if revision == registry.store.revision:
        records = registry.store.select(kind, target.namespace)
    else:
        records = _snapshot(registry, kind, revision, target.namespace, continued=bool(token))
    found = [record for record in records if match(record) and (record.namespace, record.name) > start]
    page = found[:limit] if limit else found
    meta: Object = {"resourceVersion": str(revision)}
    if kind.custom:
        meta["continue"] = ""
    if len(found) > len(page):
        meta["continue"] = _token(revision, page[-1])
        if not (request.param("labelSelector") or request.param("fieldSelector")):
            meta["remainingItemCount"] = len(found) - len(page)
    table = _table(registry, request, kind)
    if table is not None:
        return raw_response(table.body(meta, (record.object() for record in page)))
    return raw_response(_list_body(kind, meta, page))


def _list_body(kind: Kind, meta: Object, records: list[Record]) -> bytes:
    head = {"kind": kind.listed, "apiVersion": kind.resource.api_version, "metadata": meta}
    if kind.custom:
        raw = [record.raw for record in records]
    else:
        raw = [encode(item(kind, record.object())) for record in records]
    return encode(head)[:-1] + b',"items":[' + b",".join(raw) + b"]}"


def item(kind: Kind, obj: Object) -> Object:
    """Return an object as it stands in a list: core kinds leave out what the list says already."""
    return obj if kind.custom else {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")}


def _place(registry: Registry, request: Request, token: str) -> tuple[int, tuple[str, str]]:
    current = registry.store.revision
    wanted, rule = request.param("resourceVersion"), request.param("resourceVersionMatch")
    _check_match(rule, wanted)
    if token:
        if wanted and wanted != "0":
            raise status.bad_request("specifying resource version is not allowed when using continue")
        return _read_token(token, current)
    if not wanted:
        return current, ("", "")
    if not (wanted.isascii() and wanted.isdigit()):
        why = f"invalid resource version: resourceVersion: Invalid value: {not_a_number(wanted)}"
        raise status.bad_request(why)
    revision = parse_revision(wanted, current)
    if rule == "Exact":
        return revision, ("", "")
    return current, ("", "")


def _check_match(rule: str, wanted: str) -> None:
    field = "resourceVersionMatch"
    if rule and not wanted:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif rule == "Exact" and wanted == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    elif rule in ("", "Exact", "NotOlderThan"):
        return
    else:
        cause = status.unsupported_value(field, rule, ("Exact", "NotOlderThan", ""))
        raise status.bad_options("ListOptions", cause)
    raise status.bad_options("ListOptions", status.not_allowed(field, why))


def _snapshot(
    registry: Registry, kind: Kind, revision: int, namespace: str, *, continued: bool
) -> list[Record]:
    try:
        return registry.store.snapshot(kind, revision, namespace)
    except ApiError as error:
        if not continued:
            raise
        text = (
            "The provided continue parameter is too old to display a consistent list result. You can start"
            " a new list without the continue parameter."
        )
        raise ApiError(410, "Expired", text) from error


def _token(revision: int, last: Record) -> str:
    data = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": [last.namespace, last.name]})
    return base64.urlsafe_b64encode(data.encode()).decode()


def _read_token(token: str, current: int) -> tuple[int, tuple[str, str]]:
    try:
        data: Any = json.loads(base64.urlsafe_b64decode(token.encode()))
        namespace, name = data["start"]
        revision = int(data["rv"])
        ok = 0 < revision <= current and isinstance(namespace, str) and isinstance(name, str)
    except (binascii.Error, ValueError, TypeError, KeyError):
        ok = False
    if not ok:
        raise status.bad_request("continue key is not valid: it is not one that this server gave out")
    return revision, (namespace, name)


def watch(registry: Registry, request: Request, target: Target) -> Response:
    """Answer with a stream of changes."""
    kind, store = target.kind, registry.store
    match = matcher(kind, target.namespace, request.param("labelSelector"), request.param("fieldSelector"))
    rule, wanted = request.param("resourceVersionMatch"), request.param("resourceVersion")
    if rule:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes = [status.not_allowed("resourceVersionMatch", why)]
        if rule != "NotOlderThan":
            causes.append(status.unsupported_value("resourceVersionMatch", rule, ("NotOlderThan",)))
        raise status.bad_options("ListOptions", *causes)
    present: list[Record] = []
    if wanted in ("", "0"):
        present, revision = (
            [item for item in store.select(kind, target.namespace) if match(item)],
            store.revision,
        )
    else:
        revision = parse_revision(wanted, store.revision)
    asked = number(request, "timeoutSeconds")
    seconds = float(asked) if asked else WATCH_S * (1 + random.random())  # noqa: S311  spreads load only
    marks = boolean(request, "allowWatchBookmarks")
    cursor = store.history(kind).cursor(revision, match)
    table = _table(registry, request, kind)
    shape = table.events() if table is not None else _plain
    stream = _events(registry, kind, cursor, present, seconds, shape, marks=marks)
    return Response(200, dict(JSON_HEADERS), until_gone(request, stream, cursor.stop))


def _plain(raw: bytes) -> bytes:
    return raw


async def _events(
    registry: Registry,
    kind: Kind,
    cursor: Cursor,
    present: list[Record],
    seconds: float,
    shape: Callable[[bytes], bytes],
    *,
    marks: bool,
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end, sent = loop.time() + seconds, False
    try:
        for record in present:
            yield _line("ADDED", shape(record.raw))
        while (left := end - loop.time()) > 0 and not cursor.stopped:
            seen = await cursor.next(min(left, BOOKMARK_S))
            if seen is not None:
                yield _line(seen[0], shape(seen[1]))
            elif marks and not cursor.stopped:
                yield _bookmark(kind, registry.store.revision)
                sent = left <= BOOKMARK_S
        if marks and not sent and not cursor.stopped:
            yield _bookmark(kind, registry.store.revision)
    except ApiError as error:
        yield _line("ERROR", encode(status.failure(error)))
    finally:
        cursor.close()


def _line(event: str, raw: bytes) -> bytes:
    return b'{"type":"' + event.encode() + b'","object":' + raw + b"}\n"


def _bookmark(kind: Kind, revision: int) -> bytes:
    meta = {"resourceVersion": str(revision), "creationTimestamp": None}
    head = {"kind": kind.resource.kind, "apiVersion": kind.resource.api_version, "metadata": meta}
    return _line("BOOKMARK", encode(head))


async def until_gone(
    request: Request, stream: AsyncIterator[bytes], stop: Callable[[], None]
) -> AsyncIterator[bytes]:
    """Pass a stream on and call ``stop`` when the client goes away or the stream ends."""
    gone = asyncio.create_task(disconnected(request))
    gone.add_done_callback(lambda _: stop())
    try:
        async for chunk in stream:
            yield chunk
    finally:
        gone.cancel()


async def disconnected(request: Request) -> None:
    """Return when the client is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
