"""The one ASGI application of the Google end: sends each request to the service that owns its path.

Owns the dispatch only. gRPC and REST, all hosts, one port: the unmodified clients come through a proxy with
the real host names, or with ``api_endpoint`` and ours.
"""

from __future__ import annotations

import contextlib
from typing import Protocol

from argovx_lab.sandbox.google import transcode, wire
from argovx_lab.sandbox.google.disorder import Disorder
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.gateway import Gateway
from argovx_lab.sandbox.http import ClientGone, Receive, Request, Response, Scope, Send

_STORAGE = ("/storage/", "/upload/storage/", "/download/storage/", "/batch/storage", "/resumable/")
#: Paths of IAM Credentials that have no description, or are served as they are for google-auth.
_CREDENTIALS = (":generateAccessToken", "/allowedLocations")
_STS_PATHS = ("/v1/token", "/v1/introspect")
_STS = "sts.ExchangeToken"


class Handles(Protocol):
    """A service with its own HTTP."""

    async def handle(self, request: Request) -> Response:
        """Answer one request."""


class Names(Protocol):
    """A service that tells the names of its methods."""

    async def handle(self, request: Request) -> Response:
        """Answer one request."""

    def name_of(self, method: str, path: str) -> str:
        """Return the name of the method that a request means, or the empty string."""


class GoogleApp:
    """ASGI application.

    Parameters
    ----------
    gateway : Gateway
        Everything that protobuf describes.
    sts, credentials, storage
        The services with their own HTTP.
    disorder : Disorder
        Faults and quotas, which the gateway sees to itself.
    """

    def __init__(
        self, gateway: Gateway, sts: Handles, credentials: Handles, storage: Names, disorder: Disorder
    ) -> None:
        self._disorder = disorder
        self._gateway = gateway
        self._sts = sts
        self._credentials = credentials
        self._storage = storage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            return
        request = Request.of(scope, receive)
        with contextlib.suppress(ClientGone):
            if wire.is_grpc(request) and not scope.get("http_version", "2").startswith("1."):
                # hypercorn sends trailers to who asks for them; some proxies do not let that through
                scope["headers"] = [*scope["headers"], (b"te", b"trailers")]
                await self._gateway.grpc(request, send)
                return
            response = await self._respond(request)
            await response.send(send)

    def name_of(self, scope: Scope) -> str:
        """Return the full name of the method that a request means, or the empty string; for faults."""
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").decode("latin-1")
        raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        host = (headers.get(b":authority") or headers.get(b"host", b"")).decode("latin-1").partition(":")[0]
        if scope["path"] in _STS_PATHS:
            return _STS
        if scope["path"].startswith(_STORAGE) or host.endswith("storage.googleapis.com"):
            return self._storage.name_of(scope["method"], raw)
        return self._gateway.name_of(scope["method"], raw, kind.startswith("application/grpc"))

    async def _respond(self, request: Request) -> Response:
        path = request.path
        host = request.host.partition(":")[0]
        if path in _STS_PATHS:
            return await self._limited(self._sts, _STS, request)
        if path.startswith(_STORAGE) or host.endswith("storage.googleapis.com"):
            name = self._storage.name_of(request.method, request.raw_path)
            with self._disorder.disk(name):
                return await self._limited(self._storage, name, request)
        if path.startswith("/v1/") and path.endswith(_CREDENTIALS):
            name = self._gateway.name_of(request.method, path, False)
            return await self._limited(self._credentials, name, request)
        return await self._gateway.rest(request)

    async def _limited(self, service: Handles, name: str, request: Request) -> Response:
        try:
            self._disorder.before(name, request.bearer)
            self._disorder.quota(name, request.path)
        except GoogleError as error:
            return transcode.failure(error)
        return await service.handle(request)
