"""One request and its answer, seen from the wire.

Owns the reading of a request to its end before its answer ends: a client that is answered while it still
sends would otherwise find its connection cut before it has read why, or wait for somebody to read on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from argovx_lab.sandbox.http import Message, Receive, Send

#: How long a client may go on sending what nobody wants to read. Unit: seconds.
DRAIN_S = 30.0
#: How long a client may be silent in the midst of a request's body. Unit: seconds.
SILENCE_S = 300.0
#: Cuts a connection: as a crash would (true), or with a farewell after what was sent.
Cut = Callable[[bool], None]


class Exchange:
    """What passes between a client and an application.

    Attributes
    ----------
    status : int
        HTTP status of the answer, 0 before it began.
    """

    def __init__(self, receive: Receive, send: Send, cut: Cut) -> None:
        self.status = 0
        self._receive, self._send, self._cut = receive, send, cut
        self._read = False
        self._trailers = False

    async def receive(self) -> Message:
        """Return the next part of the request; a client that stays silent in its midst is gone."""
        if self._read:
            return await self._receive()
        watch = asyncio.get_running_loop().call_later(SILENCE_S, self._cut, False)
        try:
            message = await self._receive()
        finally:
            watch.cancel()
        self._read = not message.get("more_body")
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        kind = message["type"]
        if kind == "http.response.start":
            self.status, self._trailers = message["status"], message.get("trailers", False)
        elif not self._read and not message.get("more_body"):
            if kind == "http.response.trailers":
                await self._drain()
            elif not self._trailers:
                await self._send({**message, "more_body": True})
                await self._drain()
                message = {"type": kind, "body": b""}
        await self._send(message)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_S):
                while not self._read:
                    await self.receive()
        except TimeoutError:
            self._read = True
            self._cut(False)
