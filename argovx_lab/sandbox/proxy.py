"""An HTTPS CONNECT proxy that leads unmodified clients to the sandbox and nothing off this machine.

Hosts of Google's APIs go to the sandbox's Google port, loopback hosts go where they ask; every other
host is refused with 403, and named in the log. Bytes are passed on unread.
Source: RFC 9110, section 9.3.6.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket

log = logging.getLogger(__name__)

#: Longest head of a CONNECT request. Unit: bytes.
HEAD_MAX = 16 * 1024
#: Time for a client to say where it wants to go. Unit: seconds.
HEAD_TIMEOUT_S = 30.0
_CHUNK = 64 * 1024
_GOOGLE = (".googleapis.com",)


def is_google(host: str) -> bool:
    """Tell whether the sandbox stands in for ``host``."""
    return host == "googleapis.com" or host.endswith(_GOOGLE)


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


class Proxy:
    """The proxy.

    Parameters
    ----------
    google : tuple
        Host and port of the sandbox's Google end.
    """

    def __init__(self, google: tuple[str, int]) -> None:
        self._google = google
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.refused: dict[str, int] = {}

    async def start(self, bound: socket.socket) -> None:
        """Listen on a bound socket."""
        self._server = await asyncio.start_server(self._serve, sock=bound, limit=HEAD_MAX)

    async def stop(self) -> None:
        """Stop listening and cut open tunnels."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._tunnel(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client or the far end went away
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.rpartition(" ")[0]
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or not port.isdigit():
            await _refuse(writer, 405, "this proxy speaks CONNECT only")
            return
        place = self._place(host.lower(), int(port))
        if place is None:
            log.warning("refused to leave this machine: CONNECT %s", host[:253])
            self.refused[host] = self.refused.get(host, 0) + 1
            await _refuse(writer, 403, f"the argovx-lab sandbox connects nobody to {host[:253]}")
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*place)
        except OSError:
            await _refuse(writer, 502, f"nobody listens at {target[:260]}")
            return
        self._writers.add(far_writer)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, writer, far_writer), _pump(far_reader, far_writer, writer))
        finally:
            self._writers.discard(far_writer)
            far_writer.close()

    def _place(self, host: str, port: int) -> tuple[str, int] | None:
        if is_google(host):
            return self._google
        return (host.strip("[]"), port) if is_loopback(host) else None


async def _pump(
    reader: asyncio.StreamReader, back: asyncio.StreamWriter, writer: asyncio.StreamWriter
) -> None:
    """Pass on what ``reader`` gives; ``back`` is the other direction of the same connection.

    Acknowledged at once: a client that sends head and body apart, without TCP_NODELAY, waits for that.
    Source: RFC 9293, 3.8.6.3; tcp(7), TCP_QUICKACK, which the kernel resets by itself.
    """
    bound = back.get_extra_info("socket")
    quick = getattr(socket, "TCP_QUICKACK", None)
    while data := await reader.read(_CHUNK):
        if quick is not None and bound is not None:
            with contextlib.suppress(OSError):
                bound.setsockopt(socket.IPPROTO_TCP, quick, 1)
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _refuse(writer: asyncio.StreamWriter, status: int, why: str) -> None:
    body = f"{why}\n".encode()
    head = f"HTTP/1.1 {status} Refused\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
