"""Every request to the sandbox: its number, its log line, and faults on purpose.

Owns the listeners (HTTP/1.1 and HTTP/2 on one port) and the fault table. A test arms a fault in process
(:meth:`Faults.add`), or from outside by writing ``faults.json`` (mode 0600) into the state folder, a list
of objects with the fields of :class:`Fault`; the server takes them over and removes the file. Knows
nothing of what is served.
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
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.http import App, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

#: Time for open requests to end when the server stops. Unit: seconds.
STOP_GRACE_S = 0.3

Kind = Literal["latency", "late", "status", "reset", "lost"]
_KINDS = ("latency", "late", "status", "reset", "lost")
#: A job reaches the metadata server under a path of its own, which is its credential.
_SECRET = re.compile(r"^/(?!computeMetadata)[^/]+/")


@dataclass
class Fault:
    """Something that goes wrong on purpose.

    Parameters
    ----------
    kind : str
        ``latency``: wait ``seconds`` first. ``late``: do the work, then wait ``seconds`` before the answer.
        ``status``: answer ``status`` and do nothing. ``reset``: cut
        the connection before anything is done. ``lost``: do the work, then cut the connection instead
        of answering.
    service : str
        ``kubernetes``, ``google`` or ``metadata``; empty means each.
    method : str
        HTTP method; empty means each.
    path : str
        Regular expression that is searched for in the raw path with its query.
    count : int
        How often it happens; -1 means for ever.
    skip : int
        How many matching requests pass before.
    """

    kind: Kind
    service: str = ""
    method: str = ""
    path: str = ""
    count: int = 1
    skip: int = 0
    status: int = 503
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise SandboxError(f"fault kind {self.kind!r} is not known", hint=f"use {', '.join(_KINDS)}")
        try:
            re.compile(self.path)
        except re.error as error:
            raise SandboxError(f"fault path {self.path!r}: {error}") from None


class Faults:
    """The table of armed faults."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._armed: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def take(self, service: str, method: str, target: str) -> Fault | None:
        """Return the fault that this request meets, counting it; ``None`` as a rule."""
        self._read()
        for fault in self._armed:
            if (
                fault.count != 0
                and fault.service in ("", service)
                and fault.method in ("", method)
                and re.search(fault.path, target)
            ):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.count -= fault.count > 0
                return fault
        return None

    def _read(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            if self._path.stat().st_mode & 0o077:
                raise SandboxError("the file must have mode 0600")
            documents = json.loads(self._path.read_text())
            self._armed += [Fault(**document) for document in documents]
        except (ValueError, TypeError, SandboxError) as error:
            known = ", ".join(field.name for field in fields(Fault))
            log.error("faults.json is not used: %s; fields are %s", error, known)
        self._path.unlink(missing_ok=True)


class Transport:
    """Counts requests over all services and lets faults happen."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.requests = 0

    async def handle(
        self, service: str, app: App, cut: Callable[[], None], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass one request to ``app``, under its number."""
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        self.requests += 1
        number, began = self.requests, time.perf_counter()
        target = _target(scope)
        seen: list[int] = []

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.append(message["status"])
            await send(message)

        fault = self.faults.take(service, scope["method"], target)
        try:
            if fault is None:
                await app(scope, receive, counted)
            else:
                await self._faulty(fault, app, cut, scope, receive, counted)
        finally:
            spent = (time.perf_counter() - began) * 1000
            said = fault.kind if fault else ""
            status = seen[0] if seen else "-"
            path = _SECRET.sub("/…/", scope["path"]) if service == "metadata" else scope["path"]
            log.info("%d %s %s %s %s %.0f ms %s", number, service, scope["method"], path, status, spent, said)

    async def _faulty(
        self, fault: Fault, app: App, cut: Callable[[], None], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
            await app(scope, receive, send)
        elif fault.kind == "late":
            await app(scope, receive, _late(fault.seconds, send))
        elif fault.kind == "status":
            await _answer(fault.status, send)
        elif fault.kind == "reset":
            cut()
        else:

            async def lose(_: Message) -> None:
                return None

            await app(scope, receive, lose)
            cut()


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


async def _answer(status: int, send: Send) -> None:
    body = json.dumps(
        {"kind": "Status", "error": {"code": status, "message": "a fault on purpose", "status": "FAULT"}}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Listener:
    """One port that serves one application.

    Parameters
    ----------
    service : str
        The name that faults and log lines use.
    tls : SSLContext, optional
        Without it the port is plaintext.
    """

    def __init__(
        self, service: str, app: App, transport: Transport, tls: ssl.SSLContext | None = None
    ) -> None:
        self._service, self._app, self._transport, self._tls = service, app, transport, tls
        self._config = Config()
        self._config.loglevel = "ERROR"
        self._config.accesslog = None
        self._config.errorlog = log
        self._config.keep_alive_timeout = 3600.0
        self._config.h11_max_incomplete_size = 64 * 1024
        self._config.h2_max_inbound_frame_size = 2**20
        self._context = WorkerContext(None)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def start(self, bound: socket.socket) -> None:
        """Serve on a bound socket."""
        self._server = await asyncio.start_server(self._serve, sock=bound, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening; what is still open after the grace is cut."""
        await self._context.terminated.set()
        if self._server is not None:
            self._server.close()
        if self._open:
            await asyncio.wait(self._open, timeout=STOP_GRACE_S)
        for writer in self._open.values():
            writer.transport.abort()  # a polite close would wait for TLS's farewell from idle clients
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        task.add_done_callback(lambda done: self._open.pop(done, None))

        def cut() -> None:
            _reset(writer)

        async def app(scope: Scope, receive: Receive, send: Send, *_: object) -> None:
            await self._transport.handle(self._service, self._app, cut, scope, receive, send)

        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            served = TCPServer(cast(Any, app), loop, self._config, self._context, {}, reader, writer)
            await served


def _reset(writer: asyncio.StreamWriter) -> None:
    """Cut a connection as a crash would: without TLS's farewell, with RST."""
    bound = writer.get_extra_info("socket")
    if bound is not None:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
