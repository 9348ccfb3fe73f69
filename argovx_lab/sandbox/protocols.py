"""Hypercorn's HTTP/1.1 and HTTP/2, made to bear whatever a client sends.

Owns what hypercorn leaves open: streams that a client goes on with after their answer, names that are no
ASCII, refusals without a reason; and what nothing here speaks, which is ignored or refused: WebSockets,
HTTP/2 by upgrade, priorities. A small answer goes out without the sending task.
Source: RFC 9112, RFC 9113
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

import h2.errors
import h2.events
import h2.exceptions
import h11
from hypercorn.events import Event, RawData, Updated
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.events import Body, EndBody, Trailers
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H2ProtocolAssumedError, H11Protocol

#: How long a client may take from a head's first byte to its last, and to its first request. Unit: seconds.
HEAD_S: Final = 60.0


class Protocol(ProtocolWrapper):
    """HTTP/1.1 or HTTP/2, as TLS or the first bytes say."""

    def __init__(self, *parts: Any) -> None:
        *self._made_of, alpn = parts
        super().__init__(*parts)
        self.protocol: _Http1 | _Http2 = (_Http2 if alpn == "h2" else _Http1)(*self._made_of)

    async def handle(self, event: Event) -> None:
        """Pass on what came."""
        try:
            await self.protocol.handle(event)
        except H2ProtocolAssumedError as error:
            self.protocol = _Http2(*self._made_of)
            await self.protocol.initiate()
            await self.protocol.handle(RawData(data=error.data))

    @property
    def in_head(self) -> bool:
        """Whether a request's head is awaited that ought to come soon."""
        return bool(self.protocol.in_head)

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return bool(self.protocol.idle)

    @property
    def refused(self) -> bool:
        """Whether something was sent that is no request, and the answer said so."""
        return self.protocol.refused

    async def too_late(self) -> None:
        """Say that the head took too long."""
        await self.protocol.too_late()


class _Http1(H11Protocol):
    """HTTP/1.1 alone: who asks for an upgrade is answered as if they had not."""

    refused = False

    @property
    def in_head(self) -> bool:
        return self.stream is None and (
            not self.keep_alive_requests or bool(self.connection.trailing_data[0])
        )

    @property
    def idle(self) -> bool:
        return self.stream is None

    async def too_late(self) -> None:
        await self._send_error_response(408)

    async def _create_stream(self, request: Any) -> None:
        if any(name == b"upgrade" for name, _ in request.headers):
            kept = [(name, value) for name, value in request.headers if name != b"upgrade"]
            request = type(request)(
                method=request.method,
                headers=kept,
                target=request.target,
                http_version=request.http_version,
            )
        await super()._create_stream(request)

    async def _check_protocol(self, event: Any) -> None:
        if event.method == b"PRI" and event.target == b"*" and event.http_version == b"2.0":
            await super()._check_protocol(event)

    async def _send_error_response(self, status_code: int) -> None:
        self.refused = True
        said = HTTPStatus(status_code)
        text = f"{said.phrase}: the request is not HTTP/1.1 that the sandbox can read."
        if status_code == HTTPStatus.REQUEST_TIMEOUT:
            text = f"{said.phrase}: the request's head was not complete within {HEAD_S:g} s."
        error = {"code": status_code, "message": text, "status": "INVALID_ARGUMENT"}
        body = json.dumps({"kind": "Status", "error": error}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *self.config.response_headers("h11"),
        ]
        answer = h11.Response(status_code=status_code, reason=said.phrase.encode(), headers=headers)
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            await self._send_h11_event(event)


class _Http2(H2Protocol):
    """HTTP/2: small answers go out at once, and a broken stream ends alone."""

    refused = False

    @property
    def in_head(self) -> bool:
        return not self.keep_alive_requests

    async def too_late(self) -> None:
        self.connection.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
        await self._flush()

    async def stream_send(self, event: Any) -> None:
        if isinstance(event, (Body, EndBody, Trailers)) and self._at_once(event):
            await self._flush()
        else:
            await super().stream_send(event)

    def _at_once(self, event: Body | EndBody | Trailers) -> bool:
        """Send without the sending task where nothing waits and the window is open; say whether it was."""
        number = event.stream_id
        buffer = self.stream_buffers.get(number)
        if buffer is None:
            return True  # the stream has ended
        if buffer.buffer:
            return False
        try:
            if isinstance(event, Body):
                window = self.connection.local_flow_control_window(number)
                if len(event.data) > min(window, self.connection.max_outbound_frame_size):
                    return False
                self.connection.send_data(number, event.data)
                return True
            if isinstance(event, Trailers):
                self.connection.send_headers(number, event.headers, end_stream=True)
            else:
                self.connection.end_stream(number)
        except h2.exceptions.ProtocolError:
            pass  # the client has reset the stream
        del self.stream_buffers[number]
        self.priority.remove_stream(number)
        return True

    async def _handle_events(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.stream_id not in self.streams:
                # the answer came first; what the client still sends is not for anybody
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                continue
            try:
                await super()._handle_events([event])
            except h2.exceptions.ProtocolError:  # it ended while an earlier part of it was handled
                continue
        await self._flush()
        await self.send(Updated(idle=self.idle))

    async def _create_stream(self, request: Any) -> None:
        fields = dict(request.headers)
        method, path = fields.get(b":method", b""), fields.get(b":path", b"")
        if method in (b"", b"CONNECT") or not path or not (method + path).isascii():
            self.connection.reset_stream(request.stream_id, h2.errors.ErrorCodes.PROTOCOL_ERROR)
            return
        await super()._create_stream(request)

    async def _priority_updated(self, event: Any) -> None:
        """Ignore it: priorities are deprecated, and idle streams with one would fill hypercorn's tree."""
