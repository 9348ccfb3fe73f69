"""Objects: written once, read with checks, listed, resumed; every refusal by its name."""

from __future__ import annotations

import hashlib
import io

import pytest

from argovx_lab.errors import Conflict, CredentialError, NotFound, PermissionMissing, RemoteError, Unavailable
from argovx_lab.model.layout import Layout
from argovx_lab.storage import objects as module
from argovx_lab.storage import upload

LAYOUT = Layout("b", "ada")


def test_what_is_written_is_read(objects):
    meta = objects.create("b", "x/y z", b"hello", content_type="text/plain")
    assert (meta.size_bytes, meta.digest) == (5, hashlib.sha256(b"hello").hexdigest())
    assert meta.uri == "gs://b/x/y z"
    assert objects.get("b", "x/y z") == b"hello"
    assert objects.get("b", "x/y z", generation=meta.generation) == b"hello"
    assert objects.stat("b", "x/y z").generation == meta.generation
    assert objects.stat("b", "x/y z", generation=1) is None


def test_nothing_is_overwritten_unasked(objects):
    first = objects.create("b", "x", b"1")
    with pytest.raises(Conflict):
        objects.create("b", "x", b"2")
    with pytest.raises(Conflict):
        objects.replace("b", "x", b"2", generation=first.generation + 99)
    assert objects.get("b", "x") == b"1"
    second = objects.replace("b", "x", b"2", generation=first.generation)
    assert second.generation != first.generation
    objects.create("b", "x", b"3", if_absent=False)
    assert objects.get("b", "x") == b"3"


def test_content_is_written_once_by_its_digest(objects, bucket):
    first = objects.create_content(LAYOUT, b"data")
    again = objects.create_content(LAYOUT, io.BytesIO(b"data"))
    assert first.name == LAYOUT.object(hashlib.sha256(b"data").hexdigest())
    assert again.generation == first.generation
    assert len(bucket.objects) == 1


def test_large_content_that_is_there_is_not_sent_again(objects, bucket):
    data = b"x" * 100_000
    first = objects.create_content(LAYOUT, data)
    sent = len([line for line in bucket.requests if line.startswith("POST")])
    assert objects.create_content(LAYOUT, io.BytesIO(data)).generation == first.generation
    assert len([line for line in bucket.requests if line.startswith("POST")]) == sent


def test_other_content_under_a_digest_is_damage(objects, bucket):
    bucket.store({"name": LAYOUT.object(hashlib.sha256(b"data").hexdigest())}, b"else!")
    with pytest.raises(RemoteError, match="checksum"):
        objects.create_content(LAYOUT, b"data")


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (None, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 2, b"34"),
        (None, 4, b"0123"),
        (10, None, b""),
        (2, 0, b""),
    ],
)
def test_parts_are_read_by_range(objects, offset, length, expected):
    objects.create("b", "x", b"0123456789")
    assert objects.get("b", "x", offset=offset, length=length) == expected


def test_absence_is_none_or_not_found(objects):
    assert objects.stat("b", "x") is None
    with pytest.raises(NotFound, match="gs://b/x is not there"):
        objects.get("b", "x")
    with pytest.raises(NotFound):
        objects.download("b", "x", io.BytesIO())


def test_listing_pages_folders_and_offsets(objects, bucket):
    bucket.page = 2
    for name in ("p/a", "p/b", "p/c/1", "p/c/2", "q/a"):
        bucket.store({"name": name}, b"")
    assert [meta.name for meta in objects.list("b", "p/")] == ["p/a", "p/b", "p/c/1", "p/c/2"]
    assert [meta.name for meta in objects.list("b", "p/", start_offset="p/b")] == ["p/b", "p/c/1", "p/c/2"]
    assert [meta.name for meta in objects.list("b", "p/", delimiter="/")] == ["p/a", "p/b"]
    assert list(objects.folders("b", "p/")) == ["p/c/"]


@pytest.mark.parametrize("crc_only", [False, True])
def test_damaged_bytes_are_not_handed_out(objects, bucket, crc_only):
    bucket.crc_only = crc_only
    meta = bucket.store({"name": "x"}, b"good")
    bucket.objects["x"]["data"] = b"evil"
    with pytest.raises(RemoteError, match="checksum"):
        objects.get("b", "x")
    assert meta["name"] == "x"


def test_a_download_is_checked_against_its_digest(objects):
    data = b"z" * 3_000_000
    objects.create("b", "x", data)
    file = io.BytesIO()
    assert objects.download("b", "x", file, digest=hashlib.sha256(data).hexdigest()) == len(data)
    assert file.getvalue() == data
    with pytest.raises(RemoteError, match="checksum"):
        objects.download("b", "x", io.BytesIO(), digest="0" * 64)


@pytest.mark.parametrize("action", ["reset", "lost", 503, 429])
def test_a_lost_answer_of_a_create_is_resolved(objects, bucket, action):
    bucket.fault("POST /upload", action)
    assert objects.create("b", "x", b"1").size_bytes == 1
    assert len(bucket.objects) == 1


def test_a_lost_answer_is_not_taken_for_anothers_object(objects, bucket):
    bucket.store({"name": "x"}, b"somebody else's")
    bucket.fault("POST /upload", "reset")
    with pytest.raises(Conflict):
        objects.create("b", "x", b"1")


def test_an_overwrite_is_not_repeated(objects, bucket):
    bucket.fault("POST /upload", "lost")
    with pytest.raises(Unavailable):
        objects.create("b", "x", b"1", if_absent=False)
    assert len(bucket.requests) == 1


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (401, CredentialError, "refuses the access token"),
        (403, PermissionMissing, "storage.objects.create is missing on gs://b/x"),
        (404, NotFound, "gs://b/x is not there"),
        (409, Conflict, "exists already"),
        (412, Conflict, "exists already"),
        (429, Unavailable, "429"),
        (500, Unavailable, "500"),
        (503, Unavailable, "503"),
        (507, RemoteError, "507"),
        (400, RemoteError, "planned"),
    ],
)
def test_each_answer_has_its_error(objects, bucket, status, error, text):
    bucket.fault("POST /upload", status, times=9)
    with pytest.raises(error, match=text) as caught:
        objects.create("b", "x", b"1")
    assert type(caught.value) is error
    if status == 507:
        assert "free some space" in caught.value.hint


def test_the_permission_is_the_one_that_the_service_names(objects, bucket):
    text = "wf-ada does not have storage.objects.list access to the bucket."
    bucket.fault("GET", (403, {"error": {"code": 403, "message": text}}, {}))
    with pytest.raises(PermissionMissing, match=r"storage\.objects\.list"):
        objects.get("b", "x")


def test_a_proxys_page_is_not_taken_for_an_object(objects, bucket):
    bucket.fault("GET", (200, b"<html>", {}))
    with pytest.raises(RemoteError, match="not JSON"):
        objects.stat("b", "x")


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(upload, "PIECE", 256 * 1024)
    monkeypatch.setattr(module, "RESUMABLE_FROM", 300 * 1024)


BIG = bytes(range(256)) * 4096  # 1 MiB: four pieces


def test_large_objects_go_up_in_pieces(objects, bucket, small_pieces):
    file = io.BytesIO(b"skipped" + BIG)
    file.seek(7)
    meta = objects.create("b", "x", file, digest=hashlib.sha256(BIG).hexdigest())
    assert (meta.size_bytes, bucket.objects["x"]["data"]) == (len(BIG), BIG)
    assert len([line for line in bucket.requests if line.startswith("PUT")]) == 4


@pytest.mark.parametrize("action", ["reset", "lost", "half", 503])
@pytest.mark.parametrize("piece", ["bytes 0-", "bytes 262144-", "bytes 786432-"])
def test_a_broken_piece_is_resumed_where_the_service_stands(objects, bucket, small_pieces, action, piece):
    bucket.fault(f"PUT .*{piece}", action)
    objects.create("b", "x", BIG)
    assert bucket.objects["x"]["data"] == BIG


def test_a_piece_that_stays_broken_is_given_up(objects, bucket, small_pieces):
    bucket.fault("PUT .*bytes 262144-", 503, times=99)
    with pytest.raises(Unavailable):
        objects.create("b", "x", BIG)
    assert "x" not in bucket.objects


def test_a_large_object_overwrites_nothing(objects, bucket, small_pieces):
    bucket.store({"name": "x"}, b"there")
    with pytest.raises(Conflict):
        objects.create("b", "x", BIG)
    assert bucket.objects["x"]["data"] == b"there"


def test_an_upload_at_another_address_is_refused(objects, bucket, small_pieces):
    bucket.fault("POST /upload.*resumable", (200, {}, {"Location": "http://127.0.0.1:9/upload/steal"}))
    with pytest.raises(RemoteError, match="another address"):
        objects.create("b", "x", BIG)
