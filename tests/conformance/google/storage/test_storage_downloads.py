"""Downloads: ranges, gzip on the way, entity tags, what is not there."""

from __future__ import annotations

import gzip
import io
import os

import pytest
from google.api_core.exceptions import (
    NotFound,
    PreconditionFailed,
)
from google.cloud.storage import transfer_manager


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


def test_range_reads(bucket):
    blob = put(bucket, "r", b"0123456789")
    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=7) == b"789"
    assert blob.download_as_bytes(start=-3) == b"789"
    assert blob.download_as_bytes(start=5, end=100) == b"56789"
    with pytest.raises(Exception, match="416"):
        blob.download_as_bytes(start=10)


def test_gzip_stays_as_it_is_and_unpacks_on_the_way(bucket):
    packed = gzip.compress(b"text" * 1000)
    blob = bucket.blob("z")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/plain")
    assert blob.download_as_bytes(raw_download=True) == packed
    assert blob.download_as_bytes() == b"text" * 1000


def test_etag_conditions(bucket):
    blob = put(bucket, "e")
    blob.reload()
    assert blob.download_as_bytes(if_etag_match=blob.etag) == b"x"
    with pytest.raises(PreconditionFailed):
        blob.download_as_bytes(if_etag_match="other")
    with pytest.raises(Exception, match="304"):
        blob.download_as_bytes(if_etag_not_match=blob.etag)


def test_not_found_of_objects(bucket):
    for call in (
        lambda: bucket.blob("no").download_as_bytes(),
        lambda: bucket.blob("no").reload(),
        lambda: bucket.blob("no").delete(),
        lambda: bucket.blob("no").patch(),
        lambda: bucket.copy_blob(bucket.blob("no"), bucket, "to"),
    ):
        with pytest.raises(NotFound, match=f"No such object: {bucket.name}/no"):
            call()


def test_ranges_of_an_object_that_is_read_as_a_file(bucket):
    data = os.urandom(3 * 256 * 1024)
    put(bucket, "f", data)
    with bucket.blob("f").open("rb", chunk_size=256 * 1024) as file:
        assert file.read(10) == data[:10]
        file.seek(-10, io.SEEK_END)
        assert file.read() == data[-10:]
    with bucket.blob("t").open("wt") as file:
        file.write("one\ntwo\n")
    with bucket.blob("t").open("rt") as file:
        assert list(file) == ["one\n", "two\n"]


def test_many_at_once(bucket, tmp_path):
    for i in range(5):
        put(bucket, f"d/f{i}", bytes([i]) * 100)
    names = [f"d/f{i}" for i in range(5)]
    transfer_manager.download_many_to_path(
        bucket, names, str(tmp_path), max_workers=3, worker_type=transfer_manager.THREAD
    )
    assert [(tmp_path / name).read_bytes() for name in names] == [bytes([i]) * 100 for i in range(5)]
