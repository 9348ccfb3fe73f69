"""One port for TLS and plaintext: who says nothing, nonsense, or goes away, disturbs nobody."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

import trustme

from argovx_lab.sandbox import door


@contextlib.asynccontextmanager
async def opened():
    ca = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)

    async def echo(reader, writer):
        kind = b"tls " if writer.get_extra_info("ssl_object") else b"plain "
        writer.write(kind + await reader.readline())
        await writer.drain()
        writer.close()

    bound = socket.create_server(("127.0.0.1", 0))
    made = door.Door(bound, context, echo)
    made.start()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    try:
        yield bound.getsockname()[1], trusting
    finally:
        made.close()


async def say(port, words, context=None):
    name = "localhost" if context else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    writer.write(words)
    found = await reader.read()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return found


def test_both_are_served_whatever_others_do():
    async def work():
        async with opened() as (port, trusting):
            silent = socket.create_connection(("127.0.0.1", port))
            gone = socket.create_connection(("127.0.0.1", port))
            gone.close()
            stranger = ssl.create_default_context()
            with contextlib.suppress(ssl.SSLError):
                await say(port, b"x\n", stranger)
            with socket.create_connection(("127.0.0.1", port)) as broken:
                broken.sendall(b"\x16nonsense")
                both = await asyncio.gather(say(port, b"one\n"), say(port, b"two\n", trusting))
            silent.close()
            return both

    assert asyncio.run(work()) == [b"plain one\n", b"tls two\n"]


def test_a_client_that_says_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr(door, "_SILENCE_S", 0.1)

    async def work():
        async with opened() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await asyncio.wait_for(reader.read(), 10)
            finally:
                writer.close()

    assert asyncio.run(work()) == b""
