"""What stays when the server is killed, when two write at once, when the disk is full, when it is large."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import http.client
import io
import os
import random
import threading
import time
from pathlib import Path

import google_crc32c
import pytest
from google.cloud.storage._media.requests import ResumableUpload

from argovx_lab.sandbox.google.storage.blobs import Writer

UP = "/upload/storage/v1/b/lab-bucket/o?uploadType=media&name="
O = "/storage/v1/b/lab-bucket/o"  # noqa: E741


def test_of_two_that_create_one_wins(storage):
    async def race(name):
        def one(i):
            pieces = [f"{i}".encode() * 1000 for _ in range(3)]
            return storage.answer(storage.request("POST", f"{UP}{name}&ifGenerationMatch=0", pieces))

        return await asyncio.gather(*(one(i) for i in range(4)))

    for round_ in range(20):
        answers = asyncio.run(race(f"n{round_}"))
        assert sorted(a.status for a in answers) == [200, 412, 412, 412]
        winner = next(i for i, a in enumerate(answers) if a.status == 200)
        assert storage.get(f"n{round_}", "?alt=media").body == f"{winner}".encode() * 3000


def test_killed_while_many_create(server):
    """Two writers per name, a server that is killed five times: what was answered stays, nothing is half there."""
    dice, answered, lock = random.Random(5), {}, threading.Lock()
    stop = threading.Event()

    def content(name: str, who: int) -> bytes:
        return hashlib.sha256(f"{name}/{who}".encode()).digest() * (1 + hash(name) % 9000)

    def write(who: int) -> None:
        number = 0
        while not stop.is_set():
            name = f"o{number}"
            try:
                status, _ = server.ask("POST", f"{UP}{name}&ifGenerationMatch=0", content(name, who))
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)
                continue
            with lock:
                answered.setdefault(name, []).append((who, status))
            number += 1

    writers = [threading.Thread(target=write, args=(who,)) for who in (1, 2)]
    for writer in writers:
        writer.start()
    for _ in range(5):
        time.sleep(0.2 + dice.random() / 5)
        server.kill()
        server.start()
    time.sleep(0.2)
    stop.set()
    for writer in writers:
        writer.join(60)
    assert len(answered) > 20
    for name, answers in answered.items():
        status, data = server.ask("GET", f"{O}/{name}?alt=media")
        assert status == 200
        winners = [who for who, got in answers if got == 200]
        assert len(winners) <= 1
        # a writer whose answer got lost may have won without knowing it; then both were told 412
        assert data in [content(name, who) for who in (winners or [1, 2])]


def test_bytes_that_nobody_names_are_removed(storage):
    storage.put("a", b"kept")
    stray = storage.folder / "blobs" / "ab" / "ab0000"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a killed process")
    asyncio.run(storage.service.tidy())
    assert not stray.exists()
    assert storage.get("a", "?alt=media").body == b"kept"
    assert len(storage.files()) == 1


def test_no_blob_outlives_its_object(storage):
    for i in range(3):
        storage.put("a", bytes([i]))
    storage.ask("POST", f"{O}/a/copyTo/b/lab-bucket/o/b")
    storage.ask("POST", f"{O}/c/compose", {"sourceObjects": [{"name": "a"}, {"name": "b"}]})
    assert len(storage.files()) == 3
    for name in "abc":
        assert storage.ask("DELETE", f"{O}/{name}").status == 204
    assert storage.files() == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk(storage, monkeypatch, code):
    storage.put("a", b"old")
    real, room = os.write, [300_000]

    def write(descriptor, data):
        # the disk takes a part, then nothing
        if room[0] <= 0:
            raise OSError(code, os.strerror(code))
        taken = real(descriptor, bytes(data[: room[0]]))
        room[0] -= taken
        return taken

    monkeypatch.setattr("argovx_lab.sandbox.google.storage.blobs.os.write", write)
    answer = storage.put("a", [b"x" * 100_000] * 5)
    assert answer.status == 507
    assert "disk" in answer.error
    assert storage.get("a", "?alt=media").body == b"old"
    assert len(storage.files()) == 1
    # a resumable upload goes on where it was, once there is room
    opened = storage.ask("POST", "/upload/storage/v1/b/lab-bucket/o?uploadType=resumable&name=r")
    place = "/" + opened.headers["location"].split("/", 3)[3]
    room[0] = 0
    body, unit = b"y" * 524_288, 262_144
    assert (
        storage.ask("PUT", place, body, account=None, headers={"content-range": "bytes 0-524287/*"}).status
        == 507
    )
    room[0] = 10**9
    state = storage.ask("PUT", place, account=None, headers={"content-range": "bytes */*"})
    begin = int(state.headers["range"].rpartition("-")[2]) + 1 if "range" in state.headers else 0
    assert begin % unit == 0
    done = storage.ask(
        "PUT", place, body[begin:], account=None, headers={"content-range": f"bytes {begin}-524287/524288"}
    )
    assert done.status == 200
    assert storage.get("r", "?alt=media").body == body


def test_full_disk_while_the_record_is_written(storage, monkeypatch):
    import sqlite3

    def put(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(storage.service._catalog, "put", put)
    answer = storage.put("a", b"x")
    assert (answer.status, storage.files()) == (507, [])
    monkeypatch.undo()
    assert storage.get("a").status == 404


def test_bytes_that_somebody_removed_by_hand(storage, caplog):
    storage.put("a", b"x")
    storage.files()[0].unlink()
    answer = storage.get("a", "?alt=media")
    assert (answer.status, "state folder" in answer.error) == (500, True)
    assert "FileNotFoundError" in caplog.text


def test_a_writer_goes_back_to_its_mark(tmp_path):
    writer = Writer(tmp_path / "w")
    writer.write(b"abc")
    assert writer.mark() == 3
    writer.write(b"defgh")
    writer.truncate(5)
    writer.write(b"X")
    whole = Writer(tmp_path / "x")
    whole.write(b"abcdeX")
    assert (writer.digests.crc32c, writer.digests.md5) == (whole.digests.crc32c, whole.digests.md5)
    writer.close()
    assert (tmp_path / "w").read_bytes() == b"abcdeX"
    with pytest.raises(ValueError, match="between 3 and 6"):
        writer.truncate(2)
    whole.discard()
    assert not (tmp_path / "x").exists()


def memory_mib(pid: int) -> int:
    """Return the largest resident size so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@pytest.mark.parametrize("size_mib", [96, pytest.param(1024, marks=pytest.mark.long)])
def test_memory_does_not_grow_with_the_object(server, size_mib):
    server.ask("POST", UP + "warm", b"x" * 5_000_000)
    server.ask("GET", f"{O}/warm?alt=media")
    before, block = memory_mib(server.process.pid), os.urandom(1024 * 1024)
    status, _ = server.ask("POST", UP + "big", (block for _ in range(size_mib)))
    assert status == 200
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"{O}/big?alt=media", headers=server.headers)
    response, got = connection.getresponse(), 0
    while data := response.read(1024 * 1024):
        assert data == block
        got += 1
    connection.close()
    assert got == size_mib
    assert memory_mib(server.process.pid) - before < 24


def test_client_goes_on_with_an_upload_after_the_server_was_killed(server, vendor):
    unit, data = 256 * 1024, os.urandom(7 * 256 * 1024 + 5)
    address = f"http://127.0.0.1:{server.port}/upload/storage/v1/b/lab-bucket/o?uploadType=resumable"
    upload, transport = ResumableUpload(address, 2 * unit), vendor._http
    upload.initiate(
        transport, io.BytesIO(data), {"name": "r"}, "application/octet-stream", total_bytes=len(data)
    )
    upload.transmit_next_chunk(transport)
    for _ in range(2):
        server.kill()
        server.start()
        upload.recover(transport)
        assert upload.bytes_uploaded % (2 * unit) == 0
        upload.transmit_next_chunk(transport)
    while not upload.finished:
        upload.transmit_next_chunk(transport)
    server.kill()
    server.start()
    blob = vendor.bucket("lab-bucket").blob("r")
    assert blob.download_as_bytes() == data
    assert blob.crc32c == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
