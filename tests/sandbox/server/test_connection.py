"""What a connection bears: slow clients, clients that go on talking, and thousands of calls."""

from __future__ import annotations

import asyncio
import json
import socket

import h2.config
import h2.connection
import h2.events
import pytest

from argovx_lab.sandbox import connection, exchange
from argovx_lab.sandbox.http import BodyTooLarge, Request, json_response
from argovx_lab.sandbox.transport import Listener, Transport

MORE = 8 * 1024 * 1024


def play(scenario):
    """Serve an application that refuses long bodies and run ``scenario(reader, writer)`` on a connection."""

    async def whole():
        async def app(scope, receive, send):
            request = Request.of(scope, receive)
            try:
                found = len(await request.read(1000))
            except BodyTooLarge:
                await json_response({"error": "too large"}, 413).send(send)
                return
            await json_response({"size": found}).send(send)

        bound = socket.create_server(("127.0.0.1", 0))
        bound.setblocking(False)
        listener = Listener("google", app, Transport())
        await listener.start(bound)
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        try:
            return await asyncio.wait_for(scenario(reader, writer), 60)
        finally:
            writer.close()
            await listener.stop()

    return asyncio.run(whole())


def head(size, more=""):
    return f"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n{more}\r\n".encode()


def test_a_client_that_is_refused_while_it_sends_can_read_why():
    async def scenario(reader, writer):
        writer.write(head(MORE) + bytes(MORE))
        await writer.drain()
        refused = await reader.readuntil(b'"too large"}')
        writer.write(head(3) + b"abc")
        return refused, await reader.readuntil(b'"size":3}')

    refused, served = play(scenario)
    assert refused.startswith(b"HTTP/1.1 413 ")
    assert served.startswith(b"HTTP/1.1 200 "), "the connection is as good as before"


def test_who_goes_on_for_ever_is_cut_after_the_refusal(monkeypatch):
    monkeypatch.setattr(exchange, "DRAIN_S", 0.2)

    async def scenario(reader, writer):
        writer.write(head(MORE) + bytes(2000))
        return await reader.read()

    found = play(scenario)
    assert found.startswith(b"HTTP/1.1 413 ")
    assert found.endswith(b'"too large"}')


@pytest.mark.parametrize("words", [b"", b"POST /x HT", head(3)[:-2]])
def test_a_head_that_does_not_end_is_answered_in_time(monkeypatch, words):
    monkeypatch.setattr(connection, "HEAD_S", 0.3)

    async def scenario(reader, writer):
        writer.write(words)
        answer = asyncio.create_task(reader.read())
        while not answer.done():  # a byte now and then puts nothing off
            await asyncio.wait([answer], timeout=0.05)
            if words:
                writer.write(b"a")
        return await answer

    found = play(scenario)
    assert found.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["code"] == 408


def test_a_body_that_stops_ends_the_connection(monkeypatch):
    monkeypatch.setattr(exchange, "SILENCE_S", 0.2)

    async def scenario(reader, writer):
        writer.write(head(3) + b"a")
        return await reader.read()

    assert play(scenario) == b""


def test_an_idle_connection_is_kept_between_requests(monkeypatch):
    monkeypatch.setattr(connection, "HEAD_S", 0.2)

    async def scenario(reader, writer):
        found = []
        for _ in range(2):
            writer.write(head(3) + b"abc")
            found.append(await reader.readuntil(b'"size":3}'))
            early, _ = await asyncio.wait([reading := asyncio.create_task(reader.read(1))], timeout=0.4)
            assert not early
            reading.cancel()
            await asyncio.wait([reading])
        return found

    assert len(play(scenario)) == 2


class Channel:
    """HTTP/2 by hand."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.events = []

    async def call(self, *parts):
        number = self.h2.get_next_available_stream_id()
        fields = {":method": "POST", ":scheme": "http", ":authority": "x", ":path": "/x"}
        self.h2.send_headers(number, list(fields.items()), end_stream=not parts)
        for part in parts:
            await self._sent(number, part)
        if parts:
            self.h2.end_stream(number)
        return await self._answer(number)

    async def many(self, number):
        """Make calls of which none waits for another one."""
        fields = {":method": "POST", ":scheme": "http", ":authority": "x", ":path": "/x"}
        made = []
        for _ in range(number):
            made.append(self.h2.get_next_available_stream_id())
            self.h2.send_headers(made[-1], list(fields.items()), end_stream=True)
        return [await self._answer(one) for one in made]

    async def _answer(self, number):
        while not any(isinstance(e, h2.events.StreamEnded) and e.stream_id == number for e in self.events):
            await self._next()
        mine = [event for event in self.events if getattr(event, "stream_id", None) == number]
        self.events = [event for event in self.events if event not in mine]
        (status,) = (dict(e.headers)[":status"] for e in mine if isinstance(e, h2.events.ResponseReceived))
        return status, json.loads(b"".join(e.data for e in mine if isinstance(e, h2.events.DataReceived)))

    async def _sent(self, number, part):
        while part:
            window = min(
                self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size, len(part)
            )
            if window:
                self.h2.send_data(number, part[:window])
                part = part[window:]
                self.writer.write(self.h2.data_to_send())
            else:
                await self._next()

    async def _next(self):
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()
        data = await self.reader.read(65536)
        assert data, "the connection has ended"
        found = self.h2.receive_data(data)
        assert not any(isinstance(e, (h2.events.StreamReset, h2.events.ConnectionTerminated)) for e in found)
        self.events += found


def test_a_channel_serves_more_than_a_thousand_calls():
    async def scenario(reader, writer):
        channel = Channel(reader, writer)
        return [answer for _ in range(11) for answer in await channel.many(100)]

    assert play(scenario) == [("200", {"size": 0})] * 1100


def test_a_refusal_while_a_stream_is_sent_leaves_the_channel_as_it_was():
    async def scenario(reader, writer):
        channel = Channel(reader, writer)
        return [await channel.call(bytes(300_000)), await channel.call(b"abc")]

    assert play(scenario) == [("413", {"error": "too large"}), ("200", {"size": 3})]


def test_a_head_that_is_too_long_is_refused_so_that_it_can_be_read():
    async def scenario(reader, writer):
        writer.write(b"GET /x HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 3_000_000)
        return await reader.read()

    found = play(scenario)
    assert found.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["code"] == 431


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_an_upgrade_is_answered_as_if_nobody_had_asked(upgrade):
    async def scenario(reader, writer):
        more = f"connection: upgrade\r\nupgrade: {upgrade}\r\nhttp2-settings: ??\r\n"
        writer.write(f"GET /x HTTP/1.1\r\nhost: x\r\n{more}\r\n".encode())
        return await reader.readuntil(b'"size":0}')

    assert play(scenario).startswith(b"HTTP/1.1 200 ")
