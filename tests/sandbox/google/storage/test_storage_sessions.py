"""Resumable uploads at their edges: broken off, resumed, overlapping, raced, refused, restarted."""

from __future__ import annotations

import asyncio
import base64
import os
from datetime import timedelta

import google_crc32c
import pytest

UNIT = 256 * 1024
BASE = "/upload/storage/v1/b/lab-bucket/o?uploadType=resumable"


@pytest.fixture
def begin(storage):
    def call(name="r", query="", **kwargs):
        answer = storage.ask("POST", f"{BASE}&name={name}{query}", kwargs.pop("body", b""), **kwargs)
        assert answer.status == 200, answer.body
        return answer.headers["location"].partition("googleapis.com")[2] or _path(answer)

    return call


def _path(answer):
    return "/" + answer.headers["location"].split("://", 1)[1].split("/", 1)[1]


def feed(storage, place, data=b"", content_range="", **headers):
    given = {"content-range": content_range} if content_range else {"content-length": str(len(data or b""))}
    return storage.ask("PUT", place, data, account=None, headers={**given, **headers})


def chunk(storage, place, data, first, total="*"):
    size = len(data) if isinstance(data, bytes) else sum(len(d) for d in data if d)
    return feed(storage, place, data, f"bytes {first}-{first + size - 1}/{total}")


def state(storage, place, total="*"):
    return feed(storage, place, b"", f"bytes */{total}")


def test_whole_in_one_request(storage, begin):
    answer = feed(storage, begin(), b"hello")
    assert (answer.status, answer.json["size"]) == (200, "5")
    assert storage.get("r", "?alt=media").body == b"hello"


def test_empty(storage, begin):
    assert feed(storage, begin(), b"").json["size"] == "0"
    assert storage.get("r", "?alt=media").body == b""


def test_in_chunks_with_status_between(storage, begin):
    data, place = os.urandom(2 * UNIT + 5), begin()
    assert (state(storage, place).status, "range" in state(storage, place).headers) == (308, False)
    first = chunk(storage, place, data[:UNIT], 0)
    assert (first.status, first.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    chunk(storage, place, data[UNIT : 2 * UNIT], UNIT)
    assert state(storage, place).headers["range"] == f"bytes=0-{2 * UNIT - 1}"
    last = chunk(storage, place, data[2 * UNIT :], 2 * UNIT, len(data))
    assert last.status == 200
    assert storage.get("r", "?alt=media").body == data
    # asked again after the end, it says what became of it
    assert state(storage, place, len(data)).json["generation"] == last.json["generation"]
    assert chunk(storage, place, b"more", 0, 4).json["generation"] == last.json["generation"]


def test_end_is_told_without_bytes(storage, begin):
    data, place = os.urandom(UNIT), begin()
    chunk(storage, place, data, 0)
    assert state(storage, place, UNIT).status == 200
    assert storage.get("r", "?alt=media").body == data


def test_broken_off_and_resumed_after_a_restart(storage, begin):
    data, place = os.urandom(3 * UNIT), begin()
    half = data[: UNIT + 1000]
    broken = storage.ask(
        "PUT",
        place,
        [half[:70_000], half[70_000:], None],
        account=None,
        headers={"content-range": f"bytes 0-{len(data) - 1}/{len(data)}"},
    )
    assert broken.status == 499
    storage.restart()
    # whole units stay
    assert state(storage, place, len(data)).headers["range"] == f"bytes=0-{UNIT - 1}"
    done = chunk(storage, place, data[UNIT:], UNIT, len(data))
    assert done.status == 200
    assert done.json["crc32c"] == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    assert storage.get("r", "?alt=media").body == data


def test_bytes_that_are_there_already_are_skipped(storage, begin):
    data, place = os.urandom(2 * UNIT), begin()
    chunk(storage, place, data[:UNIT], 0)
    assert chunk(storage, place, data, 0, len(data)).status == 200
    assert storage.get("r", "?alt=media").body == data


@pytest.mark.parametrize(
    ("content_range", "data", "text"),
    [
        ("bytes 262144-262145/*", b"xx", "exceeds already uploaded size of 0"),
        ("bytes 0-9/*", b"x" * 10, "equal or greater than 262144"),
        ("bytes 0-1/1", b"xx", "Invalid Content-Range"),
        ("bytes 2-1/3", b"xx", "Invalid Content-Range"),
        ("bytes 0-1/x", b"xx", "Failed to parse Content-Range"),
        ("0-1/2", b"xx", "Failed to parse Content-Range"),
        ("bytes 0-1/2", b"xxx", "longer than the Content-Range"),
        ("bytes 0-1/7", b"xx", "opened with 2 bytes, not 7"),
    ],
)
def test_ranges_that_do_not_fit(storage, begin, content_range, data, text):
    place = begin(headers={"x-upload-content-length": "2"}) if "7" in content_range else begin()
    answer = feed(storage, place, data, content_range)
    assert answer.status == 400
    assert text in answer.error
    # and it can go on
    assert feed(storage, place, b"ok", "bytes 0-1/2").status == 200


def test_odd_chunk_keeps_whole_units(storage, begin):
    data, place = os.urandom(UNIT + 77), begin()
    assert chunk(storage, place, data, 0).headers["range"] == f"bytes=0-{UNIT - 1}"
    assert chunk(storage, place, data[UNIT:], UNIT, len(data)).status == 200
    assert storage.get("r", "?alt=media").body == data


def test_a_newer_request_takes_over(storage, begin):
    data, place = os.urandom(4 * UNIT), begin()

    async def race():
        gate = asyncio.Event()
        slow = storage.request(
            "PUT", place, [data[:UNIT], b""], account=None, headers={"content-range": "bytes 0-524287/*"}
        )
        inner = slow.receive

        async def receive():
            message = await inner()
            if not message["body"]:
                await gate.wait()
                return {"type": "http.request", "body": b"z" * UNIT, "more_body": False}
            return message

        slow.receive = receive
        first = asyncio.create_task(storage.answer(slow))
        await asyncio.sleep(0.01)
        fresh = storage.request(
            "PUT",
            place,
            data,
            account=None,
            headers={"content-range": f"bytes 0-{len(data) - 1}/{len(data)}"},
        )
        done = await storage.answer(fresh)
        gate.set()
        return done, await first

    done, late = asyncio.run(race())
    assert (done.status, late.status) == (200, 499)
    assert storage.get("r", "?alt=media").body == data


def test_who_asks_how_far_it_is_stops_who_feeds(storage, begin):
    """A client that lost its connection asks before the server has noticed: what it is told stays true."""
    data, place = os.urandom(4 * UNIT), begin()

    async def race():
        gate = asyncio.Event()
        slow = storage.request(
            "PUT",
            place,
            [data[: 2 * UNIT], data[2 * UNIT : 3 * UNIT + 100_000]],
            account=None,
            headers={"content-range": f"bytes 0-{len(data) - 1}/{len(data)}"},
        )
        inner, fed, all_fed = slow.receive, [], asyncio.Event()

        async def receive():
            if len(fed) == 2:
                all_fed.set()
                await gate.wait()
                return {"type": "http.request", "body": data[3 * UNIT + 100_000 :], "more_body": False}
            fed.append(await inner())
            return {**fed[-1], "more_body": True}

        slow.receive = receive
        first = asyncio.create_task(storage.answer(slow))
        await all_fed.wait()
        asked = await storage.answer(
            storage.request("PUT", place, account=None, headers={"content-range": f"bytes */{len(data)}"})
        )
        gate.set()
        late = await first
        again = await storage.answer(
            storage.request("PUT", place, account=None, headers={"content-range": f"bytes */{len(data)}"})
        )
        return asked, late, again

    asked, late, again = asyncio.run(race())
    assert (asked.status, late.status, again.status) == (308, 499, 308)
    assert asked.headers == again.headers
    there = int(asked.headers.get("range", "-0").rpartition("-")[2]) + 1 if "range" in asked.headers else 0
    assert there % UNIT == 0
    assert chunk(storage, place, data[there:], there, len(data)).status == 200
    assert storage.get("r", "?alt=media").body == data


def test_hash_of_the_end_is_compared(storage, begin):
    crc = base64.b64encode(google_crc32c.value(b"hello").to_bytes(4, "big")).decode()
    good = feed(storage, begin(), b"hello", **{"x-goog-hash": f"crc32c={crc}"})
    assert good.status == 200
    place = begin("other")
    bad = feed(storage, place, b"hallo", **{"x-goog-hash": f"crc32c={crc}"})
    assert (bad.status, storage.get("other").status) == (400, 404)
    assert "doesn't match calculated CRC32C" in bad.error
    assert state(storage, place).status == 404
    assert len(storage.files()) == 1


def test_resource_and_content_type_come_from_the_opening(storage, begin):
    place = begin(
        "r",
        body={"metadata": {"a": "b"}, "contentType": "text/csv"},
        headers={"x-upload-content-type": "text/plain"},
    )
    answer = feed(storage, place, b"x").json
    assert (answer["metadata"], answer["contentType"]) == ({"a": "b"}, "text/csv")
    assert (
        feed(storage, begin("s", headers={"x-upload-content-type": "text/plain"}), b"x").json["contentType"]
        == "text/plain"
    )


def test_preconditions_hold_at_the_end_too(storage, begin):
    place = begin("r", "&ifGenerationMatch=0")
    storage.put("r", b"first")
    answer = feed(storage, place, b"second")
    assert answer.status == 412
    assert storage.get("r", "?alt=media").body == b"first"
    refused = storage.ask("POST", f"{BASE}&name=r&ifGenerationMatch=0")
    assert refused.status == 412


def test_right_to_overwrite_is_judged_at_the_end(storage, begin):
    name = "users%2Fada%2Fr"
    place = begin(name, account="wf-ada")
    storage.put(name, b"first")
    answer = feed(storage, place, b"second")
    assert answer.status == 403
    assert "storage.objects.delete" in answer.error


def test_dropped_expired_and_unknown_sessions(storage, begin, monkeypatch):
    place = begin()
    chunk(storage, place, os.urandom(UNIT), 0)
    assert storage.ask("DELETE", place, account=None).status == 499
    assert state(storage, place).status == 404
    assert storage.files() == []
    assert state(storage, f"{BASE}&upload_id=nobody").status == 404
    assert storage.ask("GET", place, account=None).status == 400
    place = begin()
    chunk(storage, place, os.urandom(UNIT), 0)
    now = storage.clock.now
    monkeypatch.setattr(storage.clock, "now", lambda: now() + timedelta(days=8))
    assert state(storage, place).status == 410
    assert storage.files() == []


def test_files_of_sessions_that_nobody_knows_go_at_start(storage, begin):
    place = begin()
    chunk(storage, place, os.urandom(UNIT), 0)
    (storage.folder / "blobs" / "incoming" / "session-unknown").write_bytes(b"x")
    (storage.folder / "blobs" / "incoming" / "new-unknown").write_bytes(b"x")
    storage.restart()
    assert len(storage.files()) == 1
    assert state(storage, place).headers["range"] == f"bytes=0-{UNIT - 1}"


def test_many_open_sessions_do_not_hold_files_open(storage, begin):
    before = len(os.listdir("/proc/self/fd"))  # other tests of this process hold some
    places = [begin(f"n{i}") for i in range(80)]
    for place in places:
        chunk(storage, place, b"x" * UNIT, 0)
    assert len(os.listdir("/proc/self/fd")) - before < 80
    assert chunk(storage, places[0], b"y", UNIT, UNIT + 1).status == 200
    assert storage.get("n0", "?alt=media").body == b"x" * UNIT + b"y"


@pytest.fixture
def crowded(disk, storage_at):
    """Cloud Storage on a disk of 8 MiB."""
    made = storage_at(disk.place)
    yield made
    made.store.close()


def opened(storage, name):
    return _path(storage.ask("POST", f"{BASE}&name={name}"))


def test_an_upload_that_finds_no_room_gives_all_of_it_back_and_may_begin_anew(crowded, disk):
    data, place = os.urandom(12 * UNIT), opened(crowded, "r")
    for i in range(0, len(data), 4 * UNIT):
        assert chunk(crowded, place, data[i : i + 4 * UNIT], i).status == 308
    before = disk.free()
    disk.fill()
    refused = chunk(crowded, place, os.urandom(4 * UNIT), len(data))
    assert (refused.status, "disk" in refused.error) == (507, True)
    assert disk.free() >= len(data), "what came before is given back as well"
    disk.make_room()
    assert disk.free() > before
    again = state(crowded, place)
    assert (again.status, "range" in again.headers) == (308, False)
    assert chunk(crowded, place, data, 0, len(data)).status == 200
    assert crowded.get("r", "?alt=media").body == data


def test_an_end_that_cannot_be_written_down_gives_its_bytes_back(crowded, disk):
    data, place = os.urandom(8 * UNIT), opened(crowded, "r")
    chunk(crowded, place, data, 0)
    disk.fill()
    before = disk.free()
    assert state(crowded, place, len(data)).status == 507
    assert disk.free() >= before + len(data)
    disk.make_room()
    assert crowded.get("r").status == 404
    assert chunk(crowded, place, data, 0, len(data)).status == 200


def test_under_pressure_uploads_that_nobody_continues_go_oldest_first(crowded, disk):
    places = {name: opened(crowded, name) for name in ("older", "old", "young")}
    for place in places.values():
        chunk(crowded, place, os.urandom(4 * UNIT), 0)
    files = sorted(
        (crowded.folder / "blobs" / "incoming").iterdir(), key=lambda path: path.stat().st_mtime_ns
    )
    for path, age in zip(files, (7200, 3600, 1), strict=True):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    bearer = crowded.bearer("owner-ada")
    disk.fill()
    data = os.urandom(3 * UNIT)
    assert crowded.put("new", data, bearer=bearer).status == 200
    assert [("range" in state(crowded, place).headers) for place in places.values()] == [False, True, True]
    assert crowded.put("newer", os.urandom(4 * UNIT), bearer=bearer).status == 200
    assert [("range" in state(crowded, place).headers) for place in places.values()] == [False, False, True]
    # whoever was here a moment ago goes on
    assert crowded.put("newest", os.urandom(4 * UNIT), bearer=bearer).status == 507
    assert "range" in state(crowded, places["young"]).headers
    assert crowded.get("new", "?alt=media", bearer=bearer).body == data


def test_the_running_service_ends_uploads_that_are_past_their_week(storage, begin, monkeypatch):
    chunk(storage, begin(), os.urandom(UNIT), 0)
    now = storage.clock.now
    monkeypatch.setattr(storage.clock, "now", lambda: now() + timedelta(days=8))
    monkeypatch.setattr("argovx_lab.sandbox.google.storage.service._TIDY_EVERY_S", 0.001)

    gone, drop = asyncio.Event(), storage.service._blobs.drop_session
    monkeypatch.setattr(storage.service._blobs, "drop_session", lambda name: (drop(name), gone.set()))

    async def live():
        running = asyncio.create_task(storage.service.run())
        await asyncio.wait_for(gone.wait(), 10)
        running.cancel()

    asyncio.run(live())
    assert storage.files() == []
