"""The CONNECT proxy: Google's names inwards, loopback straight, nothing else."""

from __future__ import annotations

import asyncio
import socket

import pytest

from argovx_lab.sandbox.proxy import Proxy, is_google, is_loopback


def bound() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    made.setblocking(False)
    return made


async def echo(reader, writer):
    writer.write(b"far:" + await reader.read(100))
    await writer.drain()
    writer.close()


def ask(head: bytes, *, far_is_google: bool = True) -> tuple[bytes, Proxy]:
    """Send a request through a fresh proxy, then ``ping``; return what came back."""

    async def scenario() -> tuple[bytes, Proxy]:
        far = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        proxy, listening = Proxy(("127.0.0.1", port if far_is_google else 1)), bound()
        address = listening.getsockname()
        await proxy.start(listening)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head.replace(b"PORT", str(port).encode()) + b"\r\nhost: x\r\n\r\n")
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " in answer:
            writer.write(b"ping")
            writer.write_eof()
        answer += await reader.read()
        writer.close()
        await proxy.stop()
        far.close()
        return answer, proxy

    return asyncio.run(asyncio.wait_for(scenario(), 20))


@pytest.mark.parametrize(
    "host", ["storage.googleapis.com", "US-central1-aiplatform.googleapis.com", "googleapis.com"]
)
def test_googles_names_lead_to_the_sandbox(host):
    answer, _ = ask(f"CONNECT {host}:443 HTTP/1.1".encode())
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nfar:ping"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_goes_where_it_asks(host):
    answer, _ = ask(f"CONNECT {host}:PORT HTTP/1.1".encode(), far_is_google=False)
    assert answer.endswith(b"far:ping")


@pytest.mark.parametrize(
    "host", ["example.com", "googleapis.com.evil.org", "10.0.0.1", "evilgoogleapis.com", "[::2]"]
)
def test_every_other_host_is_refused_and_named(host, caplog):
    answer, proxy = ask(f"CONNECT {host}:443 HTTP/1.1".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert proxy.refused == {host: 1}
    assert f"CONNECT {host}" in caplog.text


@pytest.mark.parametrize(
    "head", [b"GET http://example.com/ HTTP/1.1", b"CONNECT example.com HTTP/1.1", b"nonsense"]
)
def test_it_speaks_connect_only(head):
    answer, _ = ask(head)
    assert answer.startswith(b"HTTP/1.1 405 ")


def test_nobody_there_is_502():
    closed = bound()
    port = closed.getsockname()[1]
    closed.close()
    answer, _ = ask(f"CONNECT 127.0.0.1:{port} HTTP/1.1".encode())
    assert answer.startswith(b"HTTP/1.1 502 ")


def test_names():
    assert is_google("x.googleapis.com")
    assert not is_google("googleapis.com.evil.org")
    assert is_loopback("127.8.8.8")
    assert is_loopback("[::1]")
    assert not is_loopback("loopback.example")
