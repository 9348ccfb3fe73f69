"""The one ASGI application of the Google end: sends each request to the service that owns its path.

Owns the dispatch only. gRPC and REST, all hosts, one port: the unmodified clients come through a proxy with
the real host names, or with ``api_endpoint`` and ours.
"""

from __future__ import annotations

import contextlib
from typing import Protocol

from argovx_lab.sandbox.google import wire
from argovx_lab.sandbox.google.gateway import Gateway
from argovx_lab.sandbox.http import ClientGone, Receive, Request, Response, Scope, Send

_STORAGE = ("/storage/", "/upload/storage/", "/download/storage/", "/batch/storage", "/resumable/")
#: Parts of paths that belong to IAM and IAM Credentials.
_CREDENTIALS = ("/serviceAccounts", "/workloadIdentityPools/", "/workforcePools/")


class Handles(Protocol):
    """A service with its own HTTP."""

    async def handle(self, request: Request) -> Response:
        """Answer one request."""


class GoogleApp:
    """ASGI application.

    Parameters
    ----------
    gateway : Gateway
        Everything that protobuf describes.
    sts, credentials, storage : Handles
        The services with their own HTTP.
    """

    def __init__(self, gateway: Gateway, sts: Handles, credentials: Handles, storage: Handles) -> None:
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
            if wire.is_grpc(request):
                await self._gateway.grpc(request, send)
                return
            response = await self._respond(request)
            await response.send(send)

    async def _respond(self, request: Request) -> Response:
        path = request.path
        host = request.host.partition(":")[0]
        if path in ("/v1/token", "/v1/introspect"):
            return await self._sts.handle(request)
        if path.startswith(_STORAGE) or host.endswith("storage.googleapis.com"):
            return await self._storage.handle(request)
        if path.startswith("/v1/") and any(part in path for part in _CREDENTIALS):
            return await self._credentials.handle(request)
        return await self._gateway.rest(request)
