"""``alt=media`` to the byte: headers, ranges, gzip on the way out, and clients that go away."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import os
import random
import time
import zlib

import pytest

B = "/storage/v1/b/lab-bucket"


def test_headers_of_a_download(storage):
    storage.put("a", b"0123456789", headers={"content-type": "text/plain"})
    storage.ask("PATCH", f"{B}/o/a", {"contentDisposition": "attachment", "contentLanguage": "de"})
    resource = storage.get("a").json
    answer = storage.get("a", "?alt=media")
    assert answer.headers["x-goog-generation"] == resource["generation"]
    assert answer.headers["x-goog-metageneration"] == "2"
    assert answer.headers["x-goog-hash"] == f"crc32c={resource['crc32c']},md5={resource['md5Hash']}"
    assert answer.headers["etag"] == resource["etag"]
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-language"] == "de"
    assert answer.headers["x-goog-stored-content-length"] == "10"


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=0-", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=9-", 206, b"9", "bytes 9-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
    ],
)
def test_ranges(storage, wanted, status, body, content_range):
    storage.put("a", b"0123456789")
    answer = storage.get("a", "?alt=media", headers={"range": wanted})
    assert answer.status == status
    assert answer.headers.get("content-range") == content_range
    if body is not None:
        assert (answer.body, answer.headers["content-length"]) == (body, str(len(body)))


def test_large_objects_are_streamed_in_ranges(storage):
    data = random.Random(7).randbytes(3_000_000)
    storage.put("big", data)
    assert storage.get("big", "?alt=media").body == data
    answer = storage.get("big", "?alt=media", headers={"range": "bytes=100-2500000"})
    assert answer.body == data[100:2_500_001]


@pytest.mark.parametrize(
    ("data", "accept", "encoded", "body"),
    [
        (gzip.compress(b"plain" * 100_000), "gzip", True, None),
        (gzip.compress(b"plain" * 100_000), "", False, b"plain" * 100_000),
        (gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0), "", False, b"ab"),
        (b"not gzip at all", "", False, b"not gzip at all"),
    ],
)
def test_gzip_on_the_way_out(storage, data, accept, encoded, body):
    storage.put("z", data, "&contentEncoding=gzip")
    answer = storage.get("z", "?alt=media", headers={"accept-encoding": accept} if accept else {})
    assert (answer.headers.get("content-encoding") == "gzip") is encoded
    assert answer.body == (data if body is None else body)
    assert answer.headers["x-goog-stored-content-encoding"] == "gzip"


def test_zip_bomb_stays_small(storage):
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = packed.compress(b"\0" * 20_000_000) + packed.flush()
    storage.put("bomb", body, "&contentEncoding=gzip")

    async def largest():
        response = await storage.service.handle(storage.request("GET", f"{B}/o/bomb?alt=media"))
        return [len(chunk) async for chunk in response.body]

    sizes = asyncio.run(largest())
    assert (sum(sizes), max(sizes) <= 256 * 1024) == (20_000_000, True)


def test_nothing_is_read_for_a_client_that_has_gone(storage):
    storage.put("big", bytes(20_000_000))
    open_files = len(os.listdir("/proc/self/fd"))

    async def stop_after(chunks):
        request, seen, gone = storage.request("GET", f"{B}/o/big?alt=media"), 0, asyncio.Event()
        first = request.receive

        async def receive():
            if not gone.is_set():
                await gone.wait()
                return {"type": "http.disconnect"}
            return await first()

        request.receive = receive
        response = await storage.service.handle(request)
        async for _ in response.body:
            seen += 1
            if seen == chunks:
                gone.set()
        return seen

    assert asyncio.run(stop_after(3)) <= 4
    assert len(os.listdir("/proc/self/fd")) == open_files


def test_server_stops_reading_when_a_client_goes_away(server):
    size = 200_000_000
    status, _ = server.ask(
        "POST", f"/upload{B}/o?uploadType=media&name=big", (bytes(10**6) for _ in range(200))
    )
    assert status == 200
    blobs = f"{server.folder}/blobs/"

    def reading():
        here = f"/proc/{server.process.pid}/fd"
        with contextlib.suppress(FileNotFoundError):
            return any(os.readlink(f"{here}/{fd}").startswith(blobs) for fd in os.listdir(here))
        return True

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"{B}/o/big?alt=media", headers=server.headers)
    response = connection.getresponse()
    assert len(response.read(100_000)) == 100_000
    before = read_by(server.process.pid)
    response.close()
    connection.close()
    deadline = time.monotonic() + 20
    while reading():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert read_by(server.process.pid) - before < size // 4


def read_by(pid):
    """Return how many bytes a process has read from files and sockets."""
    with open(f"/proc/{pid}/io") as file:
        return int(file.read().split()[1])
