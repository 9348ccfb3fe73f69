"""TLS and plaintext on one port: which of the two a client speaks is told by its first byte.

Owns accepting connections and nothing that is said on them. Only loopback ports are given to it, so plaintext
leaves no machine; it is what ``api_endpoint="http://…"`` and an insecure gRPC channel speak.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

#: A TLS record of the type handshake begins with it. Source: RFC 8446, 5.1
_HANDSHAKE = b"\x16"
#: How long a client may say nothing before it is let go. Unit: seconds.
_SILENCE_S = 60.0
#: Pause when no connection can be accepted because too many are open. Unit: seconds.
_FULL_S = 0.1

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Door:
    """Accepts connections of one port.

    Parameters
    ----------
    bound : socket
        Listening on loopback.
    tls : SSLContext
        For those who begin with a handshake.
    serve : callable
        Serves one connection.
    """

    def __init__(self, bound: socket.socket, tls: ssl.SSLContext, serve: Serve) -> None:
        self._bound, self._tls, self._serve = bound, tls, serve
        self._opening: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Accept from now on."""
        self._bound.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Accept no more; what is open stays open."""
        for task in (self._accepting, *self._opening):
            if task is not None:
                task.cancel()
        self._bound.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._bound)
            except OSError as error:
                log.warning("no connection can be accepted: %s", error)
                await asyncio.sleep(_FULL_S)
                continue
            task = asyncio.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_SILENCE_S):
                first = await _peek(connection)
            tls = self._tls if first == _HANDSHAKE else None
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader, self._serve)
            await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
        except (OSError, TimeoutError):  # of TLS as well: a client that does not trust us goes away
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise


async def _peek(connection: socket.socket) -> bytes:
    """Return the first byte without taking it; empty when the client went away."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    with contextlib.suppress(BlockingIOError):
        return connection.recv(1, socket.MSG_PEEK)
    return b""
