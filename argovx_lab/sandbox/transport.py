"""Every request to the sandbox: its number, its log line, and faults on the wire.

Owns the listeners (HTTP/1.1 and HTTP/2 on one port) and what the wire kinds of :mod:`.faults` do to a
request. Knows nothing of what is served, but for the function by which a service names a request's method.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any

from hypercorn.asyncio.worker_context import WorkerContext

from argovx_lab.sandbox.connection import Connection, Settings
from argovx_lab.sandbox.door import Door
from argovx_lab.sandbox.exchange import Cut, Exchange
from argovx_lab.sandbox.faults import Fault, Faults
from argovx_lab.sandbox.http import App, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

#: Time for open requests to end when the server stops. Unit: seconds.
STOP_GRACE_S = 0.3

#: How long a truncated answer's connection waits for the peer's farewell. Unit: seconds.
_FAREWELL_S = 0.1
#: A job reaches the metadata server under a path of its own, which is its credential.
_SECRET = re.compile(r"^/(?!computeMetadata)[^/]+/")
#: Returns the name of the method that a request means, or the empty string.
Names = Callable[[Scope], str]


class Transport:
    """Counts requests over all services and lets faults happen."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.requests = 0

    async def handle(
        self,
        service: str,
        app: App,
        cut: Cut,
        scope: Scope,
        receive: Receive,
        send: Send,
        names: Names | None = None,
    ) -> None:
        """Pass one request to ``app``, under its number; ``names`` tells its method to faults."""
        if scope["type"] != "http":
            return
        self.requests += 1
        number, began = self.requests, time.perf_counter()
        exchange = Exchange(receive, send, cut)
        fault = self._fault(service, scope, names)
        try:
            if fault is None:
                await app(scope, exchange.receive, exchange.send)
            else:
                await self._faulty(fault, app, cut, scope, exchange.receive, exchange.send)
        finally:
            spent = (time.perf_counter() - began) * 1000
            said = fault.kind if fault else ""
            path = _SECRET.sub("/…/", scope["path"]) if service == "metadata" else scope["path"]
            status = exchange.status or "-"
            log.info("%d %s %s %s %s %.0f ms %s", number, service, scope["method"], path, status, spent, said)

    def _fault(self, service: str, scope: Scope, names: Names | None) -> Fault | None:
        if not self.faults.any():
            return None
        rpc = names(scope) if names else ""
        return self.faults.take(service, scope["method"], _target(scope), rpc)

    async def _faulty(
        self, fault: Fault, app: App, cut: Cut, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
            await app(scope, receive, send)
        elif fault.kind == "late":
            await app(scope, receive, _late(fault.seconds, send))
        elif fault.kind == "status":
            await _drain(receive)
            await _answer(fault, scope, send)
        elif fault.kind == "reset":
            cut(True)
        elif fault.kind == "truncated":
            await app(scope, receive, _Truncated(fault.bytes, cut, send))
        else:

            async def lose(_: Message) -> None:
                return None

            await app(scope, receive, lose)
            cut(True)


class _Truncated:
    """Sends the beginning of an answer's body, then closes the connection and drops the rest."""

    def __init__(self, size: int, cut: Cut, send: Send) -> None:
        self._left, self._cut, self._send = size, cut, send
        self._done = False

    async def __call__(self, message: Message) -> None:
        if self._done:
            return
        if message["type"] == "http.response.body":
            part = message.get("body", b"")[: self._left]
            self._left -= len(part)
            self._done = self._left == 0 or not message.get("more_body")
            message = {**message, "body": part, "more_body": True}
        await self._send(message)
        if self._done:
            self._cut(False)


def _late(seconds: float, send: Send) -> Send:
    async def later(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(seconds)
        await send(message)

    return later


def _target(scope: Scope) -> str:
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{raw}?{query}" if query else raw


#: HTTP status → canonical name and gRPC number, for answers that no service gave.
#: Source: https://cloud.google.com/apis/design/errors
_CANONICAL = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    403: ("PERMISSION_DENIED", 7),
    404: ("NOT_FOUND", 5),
    409: ("ABORTED", 10),
    429: ("RESOURCE_EXHAUSTED", 8),
    500: ("INTERNAL", 13),
    501: ("UNIMPLEMENTED", 12),
    503: ("UNAVAILABLE", 14),
    504: ("DEADLINE_EXCEEDED", 4),
}


async def _drain(receive: Receive) -> None:
    """Read a request to its end: over HTTP/2 an answer before it would break the connection."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def _answer(fault: Fault, scope: Scope, send: Send) -> None:
    """Answer the status of a fault: as trailers to gRPC, as JSON to everybody else."""
    name, number = _CANONICAL.get(fault.status, ("UNKNOWN", 2))
    headers = []
    if fault.retry_after_s is not None:
        headers.append((b"retry-after", f"{fault.retry_after_s:g}".encode()))
    kind = dict(scope["headers"]).get(b"content-type", b"")
    if kind.startswith(b"application/grpc"):
        said = [(b"grpc-status", str(number).encode()), (b"grpc-message", b"a fault on purpose")]
        headers.append((b"content-type", b"application/grpc"))
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        await send({"type": "http.response.trailers", "headers": said, "more_trailers": False})
        return
    error = {"code": fault.status, "message": "a fault on purpose", "status": name}
    body = json.dumps({"kind": "Status", "error": error}).encode()
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Listener:
    """One port that serves one application.

    Parameters
    ----------
    service : str
        The name that faults and log lines use.
    tls : SSLContext, optional
        Without it the port is plaintext.
    names : callable, optional
        Tells the method that a request means, for faults.
    plaintext : bool
        Whether the port speaks plaintext beside TLS.
    """

    def __init__(
        self,
        service: str,
        app: App,
        transport: Transport,
        tls: ssl.SSLContext | None = None,
        names: Names | None = None,
        plaintext: bool = False,
    ) -> None:
        self._names = names
        self._plaintext = plaintext
        self._service, self._app, self._transport, self._tls = service, app, transport, tls
        self._config = Settings()
        self._config.errorlog = log
        self._context = WorkerContext(None)
        self._server: asyncio.Server | Door | None = None
        self._open: dict[asyncio.Task[Any], Connection] = {}

    async def start(self, bound: socket.socket) -> None:
        """Serve on a bound socket."""
        if self._tls is not None and self._plaintext:
            self._server = Door(bound, self._tls, self._serve)
            self._server.start()
            return
        self._server = await asyncio.start_server(self._serve, sock=bound, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening; what is still open after the grace is cut."""
        await self._context.terminated.set()
        if self._server is not None:
            self._server.close()
        for connection in list(self._open.values()):
            connection.end()
        if self._open:
            await asyncio.wait(self._open, timeout=STOP_GRACE_S)
        for connection in self._open.values():
            # a polite close would wait for TLS's farewell from idle clients
            connection.writer.transport.abort()
        if self._open:
            await asyncio.wait(self._open, timeout=STOP_GRACE_S)
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()

        def cut(reset: bool) -> None:
            if reset:
                _reset(writer)
            else:  # a farewell first; who does not answer it sees the connection end all the same
                connection.flush()
                writer.close()
                loop.call_later(_FAREWELL_S, writer.transport.abort)

        async def app(scope: Scope, receive: Receive, send: Send, *_: object) -> None:
            await self._transport.handle(self._service, self._app, cut, scope, receive, send, self._names)

        connection = Connection(app, loop, self._config, self._context, {}, reader, writer)
        self._open[task] = connection
        task.add_done_callback(lambda done: self._open.pop(done, None))
        with contextlib.suppress(OSError, asyncio.CancelledError):  # by stop alone, which waits for the end
            await connection.run()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Cut a connection as a crash would: without TLS's farewell, with RST."""
    bound = writer.get_extra_info("socket")
    if bound is not None:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
