"""Live changes: one WebSocket per tab, and a long poll on the same ring where sockets are cut.

Owns coalescing, heartbeats and back-pressure. Any connection is assumed to die within a minute: a client
comes back with ``since=EPOCH.SEQ`` and misses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime
from typing import Any

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from argovx_lab.errors import ArgovxError, SpecError
from argovx_lab.runs.store import Place, RunStore
from argovx_lab.server.handlers import ArgovxHandler

logger = logging.getLogger(__name__)

#: Pause that lets changes gather before they are sent. Unit: seconds.
COALESCE_S = 0.05

#: Time between heartbeat messages. Unit: seconds.
HEARTBEAT_S = 15.0

#: Longest long poll. Unit: seconds.
WAIT_MAX_S = 30.0


class Changes:
    """A reader of the ring that can wait on the event loop for the writer's thread."""

    def __init__(self, store: RunStore, place: Place) -> None:
        self._store = store
        self._place = place
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._close = store.listen(self._notice)

    def _notice(self) -> None:
        with contextlib.suppress(RuntimeError):  # the server ends, and its loop is closed already
            self._loop.call_soon_threadsafe(self._event.set)

    @property
    def place(self) -> Place:
        """Where this reader stands."""
        return self._place

    def take(self) -> list[dict[str, Any]]:
        """Return what is new."""
        self._event.clear()
        messages, self._place = self._store.since(self._place)
        return messages

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a change; tell whether there was one."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Stop listening."""
        self._close()


class StreamHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """``GET stream?since=EPOCH.SEQ`` as a WebSocket."""

    auth_resource = "argovx"
    _task: asyncio.Task[None] | None = None

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Upgrade, once the user is known and may read."""
        user = self.current_user
        if not await ensure_async(self.authorizer.is_authorized(self, user, "read", self.auth_resource)):
            raise web.HTTPError(403)
        result = super().get(*args, **kwargs)
        if result is not None:
            await result

    def get_compression_options(self) -> dict[str, Any]:
        """Compress messages: node lists repeat themselves."""
        return {}

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Begin to send."""
        super().open(*args, **kwargs)
        place = Place.parse(self.get_argument("since", ""))
        self._task = asyncio.ensure_future(self._pump(place))

    def on_message(self, message: str | bytes) -> None:
        """Ignore what the browser sends: this channel only tells."""

    def on_close(self) -> None:
        """End sending."""
        if self._task is not None:
            self._task.cancel()
        super().on_close()

    async def _pump(self, place: Place) -> None:
        hub = self.settings["argovx_hub"]
        try:
            store = await hub.call(lambda: hub.store)
        except ArgovxError as error:
            await self._send(error.to_dict())
            self.close(1011, "see the last message")
            return
        changes = Changes(store, place)
        try:
            await self._send([*changes.take(), _heartbeat(changes.place)])
            while True:
                if await changes.wait(HEARTBEAT_S):
                    await asyncio.sleep(COALESCE_S)
                messages = changes.take()
                await self._send(messages or [_heartbeat(changes.place)])
        except WebSocketClosedError:
            return
        except Exception:
            logger.exception("argovx: a stream broke")
            self.close(1011, "the server's log tells more")
        finally:
            changes.close()

    async def _send(self, value: object) -> None:
        await self.write_message(json.dumps(value))


class EventsHandler(ArgovxHandler):
    """``GET events?since=EPOCH.SEQ&wait=SECONDS``: the same messages by long poll."""

    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer what is new, waiting for it up to ``wait`` seconds."""
        try:
            wait_s = min(float(self.get_argument("wait", "0")), WAIT_MAX_S)
        except ValueError as error:
            raise SpecError("wait must be a number of seconds") from error
        store = await self.hub.call(lambda: self.hub.store)
        changes = Changes(store, Place.parse(self.get_argument("since", "")))
        try:
            messages = changes.take()
            if not messages and wait_s > 0 and await changes.wait(wait_s):
                messages = changes.take()
        finally:
            changes.close()
        self.finish(json.dumps({"messages": messages, "since": str(changes.place)}))


def _heartbeat(place: Place) -> dict[str, Any]:
    return {"heartbeat": datetime.now(UTC).isoformat(), "epoch": place.epoch, "seq": place.seq}


STREAM_ROUTES: tuple[tuple[str, Any], ...] = ((r"stream", StreamHandler), (r"events", EventsHandler))
