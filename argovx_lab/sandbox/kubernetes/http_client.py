"""The other end of :class:`KubeClient`: HTTP to any Kubernetes API server.

Owns paths, errors and watches that go on where they broke; engine and pod runner work through it on a
real cluster as they do on the sandbox's own store. Calls run in threads: nothing here blocks the loop.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from argovx_lab.sandbox.kubernetes.interface import ApiError, Event, Object, Resource

#: How long one watch request may last before the next goes on. Unit: seconds.
WATCH_S = 300
#: Wait before a watch that broke is opened again. Unit: seconds.
RETRY_S = 0.5
#: Time for a connection and for an answer. Unit: seconds.
_TIMEOUT = urllib3.Timeout(connect=10, read=60)
#: What the body of a subresource's POST is.
_POSTED = {
    "binding": ("v1", "Binding"),
    "eviction": ("policy/v1", "Eviction"),
    "token": ("authentication.k8s.io/v1", "TokenRequest"),
}


@dataclass
class _Stream:
    """A watch request that a thread reads."""

    response: urllib3.BaseHTTPResponse | None = None
    stopped: bool = False


class HttpClient:
    """A client of an API server.

    Parameters
    ----------
    host : str
        Base URL.
    token : str
        Bearer token; it is in no error and no repr.
    ca_file : str
        What the server's certificate is checked with.
    connections : int
        How many requests may be under way at once, watches included.
    """

    def __init__(self, host: str, token: str, *, ca_file: str = "", connections: int = 32) -> None:
        self._host, self._headers = host.rstrip("/"), {"authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(
            maxsize=connections, block=True, ca_certs=ca_file or None, retries=False, timeout=_TIMEOUT
        )

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._pool.clear()

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """Return one object."""
        return await self._call("GET", _path(resource, namespace, name))

    async def list(
        self, resource: Resource, namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """Return matching objects (all namespaces when empty) and the list's resourceVersion."""
        query = {"labelSelector": label_selector, "fieldSelector": field_selector}
        found = await self._call("GET", _path(resource, namespace), query)
        head = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [{**head, **item} for item in found["items"]], found["metadata"]["resourceVersion"]

    async def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = "", label_selector: str = ""
    ) -> AsyncIterator[Event]:
        """Yield every change after ``resource_version``; a request that ends is followed by the next."""
        query = {"watch": "true", "labelSelector": label_selector, "allowWatchBookmarks": "true"}
        path = _path(resource, namespace)
        while True:
            asked = {**query, "resourceVersion": resource_version, "timeoutSeconds": str(WATCH_S)}
            try:
                async for event in self._events(path, asked):
                    resource_version = event.object["metadata"]["resourceVersion"]
                    if event.type != "BOOKMARK":
                        yield event
            except urllib3.exceptions.HTTPError:
                await asyncio.sleep(RETRY_S)

    async def create(
        self, resource: Resource, obj: Object, namespace: str = "", *, subresource: str = "", name: str = ""
    ) -> Object:
        """Create an object, or POST to a subresource of the object ``name``."""
        namespace = namespace or (obj.get("metadata") or {}).get("namespace") or ""
        version, kind = _POSTED.get(subresource, (resource.api_version, resource.kind))
        body = {"apiVersion": version, "kind": kind, **obj}
        return await self._call("POST", _path(resource, namespace, name, subresource), body=body)

    async def replace(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """Write a whole object; a stale ``resourceVersion`` is 409 ``Conflict``."""
        meta = obj["metadata"]
        path = _path(resource, meta.get("namespace", ""), meta["name"], subresource)
        return await self._call("PUT", path, body=obj)

    async def patch(
        self, resource: Resource, name: str, patch: Object, namespace: str = "", *, subresource: str = ""
    ) -> Object:
        """Apply a JSON merge patch."""
        path = _path(resource, namespace, name, subresource)
        return await self._call("PATCH", path, body=patch, media="application/merge-patch+json")

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, grace_s: int | None = None, uid: str = ""
    ) -> None:
        """Delete an object; bound pods get a deletionTimestamp first, ``grace_s=0`` removes at once."""
        body: Object = {"propagationPolicy": "Background"}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        if uid:
            body["preconditions"] = {"uid": uid}
        await self._call("DELETE", _path(resource, namespace, name), body=body)

    async def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        media: str = "application/json",
    ) -> Object:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "content-type": media} if data is not None else self._headers
        url = self._host + path + _query(query or {})

        def send() -> Object:
            try:
                answer = self._pool.request(method, url, body=data, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                why = f"{method} {path}: the API server does not answer ({type(error).__name__})"
                raise ApiError(503, "ServiceUnavailable", why) from error
            return _object(answer.status, answer.data)

        return await asyncio.to_thread(send)

    async def _events(self, path: str, query: dict[str, str]) -> AsyncIterator[Event]:
        loop, arrived = asyncio.get_running_loop(), asyncio.Queue[Any]()
        stream = _Stream()

        def put(item: Any) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(arrived.put_nowait, item)

        url = self._host + path + _query(query)
        threading.Thread(target=self._read, args=(url, stream, put), daemon=True).start()
        try:
            while (item := await arrived.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            stream.stopped = True
            _cut(stream)

    def _read(self, url: str, stream: _Stream, put: Callable[[Any], None]) -> None:
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers=self._headers,
                preload_content=False,
                timeout=urllib3.Timeout(connect=10, read=WATCH_S + 30),
            )
            stream.response = answer
            if answer.status != 200:
                _object(answer.status, answer.data)
            if not stream.stopped:
                for line in _lines(answer):
                    put(_event(line))
            put(None)
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            put(error)
        except (OSError, ValueError) as error:  # cut by us, or half a line
            put(urllib3.exceptions.ProtocolError(str(error)))
        finally:
            if stream.response is not None:
                stream.response.close()
                stream.response.release_conn()


def _cut(stream: _Stream) -> None:
    """Wake the thread that reads: closing alone would wait for it."""
    connection = getattr(stream.response, "connection", None)
    sock = getattr(connection, "sock", None)
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _lines(answer: urllib3.BaseHTTPResponse) -> Any:
    rest = b""
    for chunk in answer.stream(65536, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def _event(line: bytes) -> Event:
    value = json.loads(line)
    if value["type"] == "ERROR":
        raise _error(value["object"].get("code", 500), value["object"])
    return Event(value["type"], value["object"])


def _object(code: int, data: bytes) -> Object:
    try:
        value = json.loads(data) if data else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ApiError(
            code if code >= 400 else 502, "InternalError", "the API server did not answer with an object"
        )
    if code >= 400:
        raise _error(code, value)
    return value


def _error(code: int, status: Object) -> ApiError:
    message = str(status.get("message") or "no message")[:512]
    return ApiError(code, str(status.get("reason") or ""), message, status.get("details") or {})


def _path(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.api_version}"
    place = f"/namespaces/{namespace}" if namespace and resource.namespaced else ""
    tail = "".join(f"/{part}" for part in (name, subresource) if part)
    return f"{root}{place}/{resource.plural}{tail}"


def _query(values: dict[str, str]) -> str:
    given = {key: value for key, value in values.items() if value}
    return f"?{urlencode(given)}" if given else ""
