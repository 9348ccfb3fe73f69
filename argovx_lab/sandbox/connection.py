"""One connection over hypercorn's protocol machines.

Owns what is written together (one answer is one write), how long a client may take over a request's head, and
how long a connection may be idle. Knows nothing of services; what is said on it is :mod:`.protocols`' part.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from argovx_lab.sandbox.protocols import HEAD_S, Protocol

#: How long a connection may be idle between requests; vendors' pools and channels keep theirs for long.
IDLE_S: Final = 3600.0
#: How long a client that was refused may take to fall silent. Unit: seconds.
_LINGER_S: Final = 1.0
#: What is written at once; more of one answer waits for the client to read. Unit: bytes.
_WRITE_MAX: Final = 64 * 1024


class Settings(Config):
    """Hypercorn's configuration with our limits, and headers that are made once a second."""

    def __init__(self) -> None:
        super().__init__()
        self.loglevel = "ERROR"
        self.accesslog = None
        # a channel that has served a thousand calls is as good as a new one; over HTTP/2 the call at the
        # limit would never be answered
        self.keep_alive_max_requests = 2**62
        self.h11_max_incomplete_size = 64 * 1024
        self.h2_max_inbound_frame_size = 2**20
        self._made: dict[str, tuple[int, list[tuple[bytes, bytes]]]] = {}

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of every answer."""
        now = int(time.time())
        made = self._made.get(protocol)
        if made is None or made[0] != now:
            made = self._made[protocol] = (now, super().response_headers(protocol))
        return made[1]


class Connection(TCPServer):
    """Serves one connection; ``await connection.run()``."""

    protocol: Protocol

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._out: list[bytes] = []
        self._size = 0
        self._writing: asyncio.Handle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._head_by: float | None = self.loop.time() + HEAD_S

    async def run(self) -> None:
        """Serve until either side ends it."""
        try:
            async with TaskGroup(self.loop) as group:
                self._task_group = group
                self.protocol = Protocol(*self._parts(group))
                await self.protocol.initiate()
                await self._read_data()
        except OSError:
            pass
        finally:
            self._wake()
            await self._close()

    def _parts(self, group: TaskGroup) -> tuple[Any, ...]:
        bound = self.writer.get_extra_info("socket")
        client = parse_socket_addr(bound.family, bound.getpeername())
        server = parse_socket_addr(bound.family, bound.getsockname())
        tls = self.writer.get_extra_info("ssl_object")
        alpn = tls.selected_alpn_protocol() if tls is not None else "http/1.1"
        state = ConnectionState(self.state)
        settings = (self.app, self.config, self.context, group, state)
        return (*settings, tls is not None, client, server, self.protocol_send, alpn)

    async def protocol_send(self, event: Event) -> None:
        """Take what a protocol machine says."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            await self._linger()
            await self._close()
        elif isinstance(event, Updated):
            self._wake()
            if event.idle:
                self._expiry = self.loop.call_later(IDLE_S, self.end)

    async def _write(self, data: bytes) -> None:
        """Write with what follows in the same turn of the loop: head, body and trailers are one packet."""
        self._out.append(data)
        self._size += len(data)
        if self._size >= _WRITE_MAX:
            self.flush()
        elif self._writing is None:
            self._writing = self.loop.call_soon(self.flush)
        try:
            await self.writer.drain()
        except (ConnectionError, RuntimeError):
            await self.protocol.handle(Closed())

    def flush(self) -> None:
        """Write what waits to be written."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        data, self._out, self._size = b"".join(self._out), [], 0
        if data and not self.writer.is_closing():
            self.writer.write(data)

    async def _linger(self) -> None:
        """After a refusal read on for a moment: what is unread at a close takes the refusal back."""
        if not self.protocol.refused:
            return
        self.flush()
        with contextlib.suppress(NotImplementedError, OSError, RuntimeError):  # over TLS there is no half end
            self.writer.write_eof()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LINGER_S):
                while await self.reader.read(MAX_RECV):
                    pass

    async def _close(self) -> None:
        self.flush()
        await super()._close()

    async def _read_data(self) -> None:
        while not self.reader.at_eof():
            try:
                async with asyncio.timeout_at(self._deadline()):
                    data = await self.reader.read(MAX_RECV)
            except TimeoutError:
                await self.protocol.too_late()
                break
            except OSError:
                break
            await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())

    def _deadline(self) -> float | None:
        """Return when the head that is under way must be complete; ``None`` when none is."""
        if not self.protocol.in_head:
            self._head_by = None
        elif self._head_by is None:
            self._head_by = self.loop.time() + HEAD_S
        return self._head_by

    def _wake(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def end(self) -> None:
        """End the connection when nothing is under way on it."""
        if self._ending is None and self.protocol.idle:
            self._ending = asyncio.create_task(self._initiate_server_close())
