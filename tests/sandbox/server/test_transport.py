"""Numbered requests and faults on purpose, over HTTP/1.1."""

from __future__ import annotations

import asyncio
import json
import os
import socket

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.http import Request, json_response
from argovx_lab.sandbox.transport import Fault, Faults, Listener, Transport


def play(scenario, faults: Faults | None = None):
    """Serve a counting application on a port and run ``scenario(ask, transport, done)``."""

    async def whole():
        done: list[str] = []

        async def app(scope, receive, send):
            request = Request.of(scope, receive)
            done.append(f"{request.method} {request.raw_path}")
            await json_response({"path": request.path}).send(send)

        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        transport = Transport(faults or Faults())
        listener = Listener("kubernetes", app, transport)
        await listener.start(listening)

        async def ask(path: str, method: str = "GET") -> bytes:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            try:
                return await reader.read()
            finally:
                writer.close()

        try:
            return await asyncio.wait_for(scenario(ask, transport, done), 20)
        finally:
            await listener.stop()

    return asyncio.run(whole())


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def test_requests_are_numbered(caplog):
    caplog.set_level("INFO")

    async def scenario(ask, transport, done):
        assert [status(await ask(path)) for path in ("/a", "/b?token=secret")] == [200, 200]
        assert transport.requests == 2

    play(scenario)
    assert "1 kubernetes GET /a 200" in caplog.text
    assert "2 kubernetes GET /b 200" in caplog.text
    assert "secret" not in caplog.text


def test_a_status_fault_answers_without_doing():
    async def scenario(ask, transport, done):
        transport.faults.add(Fault("status", path="^/a", status=429, count=2))
        assert [status(await ask(path)) for path in ("/a", "/b", "/a", "/a")] == [429, 200, 429, 200]
        assert done == ["GET /b", "GET /a"]

    play(scenario)


def test_a_reset_cuts_before_anything_is_done():
    async def scenario(ask, transport, done):
        transport.faults.add(Fault("reset"))
        with pytest.raises(ConnectionResetError):
            await ask("/a")
        assert done == []
        assert status(await ask("/a")) == 200

    play(scenario)


def test_a_lost_answer_is_lost_after_the_work():
    async def scenario(ask, transport, done):
        transport.faults.add(Fault("lost", method="POST"))
        assert status(await ask("/a")) == 200
        with pytest.raises(ConnectionResetError):
            await ask("/a", "POST")
        assert done == ["GET /a", "POST /a"]

    play(scenario)


def test_latency_waits_and_then_does():
    async def scenario(ask, transport, done):
        transport.faults.add(Fault("latency", seconds=0.2))
        began = asyncio.get_running_loop().time()
        assert status(await ask("/a")) == 200
        assert asyncio.get_running_loop().time() - began >= 0.2

    play(scenario)


def test_late_does_the_work_and_then_waits():
    async def scenario(ask, transport, done):
        transport.faults.add(Fault("late", seconds=0.3))
        asking = asyncio.create_task(ask("/a"))
        early, _ = await asyncio.wait([asking], timeout=0.15)
        assert (early, done) == (set(), ["GET /a"])
        assert status(await asking) == 200

    play(scenario)


def test_faults_choose_service_method_path_and_turn():
    faults = Faults()
    faults.add(Fault("status", service="google", method="POST", path=r"customJobs\?x=1$", skip=1))
    assert faults.take("kubernetes", "POST", "/customJobs?x=1") is None
    assert faults.take("google", "GET", "/customJobs?x=1") is None
    assert faults.take("google", "POST", "/customJobs?x=12") is None
    assert faults.take("google", "POST", "/customJobs?x=1") is None, "the first one passes"
    assert faults.take("google", "POST", "/customJobs?x=1") is not None
    assert faults.take("google", "POST", "/customJobs?x=1") is None, "once is enough"


def test_faults_come_from_a_file_too(tmp_path):
    path = tmp_path / "faults.json"

    async def scenario(ask, transport, done):
        assert status(await ask("/a")) == 200
        path.write_text(json.dumps([{"kind": "status", "status": 500}]))
        path.chmod(0o600)
        assert [status(await ask("/a")) for _ in range(2)] == [500, 200]
        assert not path.exists()

    play(scenario, Faults(path))


def test_a_file_of_nonsense_is_said_and_does_nothing(tmp_path, caplog):
    path = tmp_path / "faults.json"
    path.write_text('[{"kind": "earthquake"}]')
    os.chmod(path, 0o600)

    async def scenario(ask, transport, done):
        assert status(await ask("/a")) == 200

    play(scenario, Faults(path))
    assert "earthquake" in caplog.text
    assert not path.exists()


def test_a_file_that_others_may_write_is_not_used(tmp_path, caplog):
    path = tmp_path / "faults.json"
    path.write_text('[{"kind": "status"}]')
    path.chmod(0o644)
    assert Faults(path).take("google", "GET", "/") is None
    assert "mode 0600" in caplog.text


@pytest.mark.parametrize("fields", [{"kind": "flood"}, {"kind": "reset", "path": "("}])
def test_impossible_faults_are_refused(fields):
    with pytest.raises(SandboxError):
        Fault(**fields)
