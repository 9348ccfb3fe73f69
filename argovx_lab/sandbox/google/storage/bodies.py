"""Bodies on their way: what nobody read is read away, and nothing is read for a client that has gone.

Owns no bytes; knows nothing of what is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from argovx_lab.sandbox.http import Message, Receive

#: What is read away of a refused upload. Unit: bytes.
_DRAIN_MAX: Final = 1024**3


class Body:
    """Passes a request's body on, and reads away what nobody read.

    A client that is still sending when the refusal comes would see a broken connection instead of it.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def __call__(self) -> Message:
        """Return the next message of the server."""
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def drain(self) -> None:
        """Read what is left."""
        left = _DRAIN_MAX
        while not self._ended and left > 0:
            left -= len((await self()).get("body", b""))

    async def while_there(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield an answer's chunks until the client goes away; the source is closed at the end.

        The server says nothing to who sends to a closed connection: a large object would be read to its end.
        """
        gone = asyncio.ensure_future(self._gone())
        try:
            async for chunk in chunks:
                if gone.done() and gone.exception() is None:
                    return
                yield chunk
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
