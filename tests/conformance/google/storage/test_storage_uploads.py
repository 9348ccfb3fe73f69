"""Uploads: in one request, resumable, broken off, with checksums, in chunks at once; and names."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import time

import google_crc32c
import pytest
import requests
from google.api_core.exceptions import (
    BadRequest,
    PreconditionFailed,
)
from google.cloud.storage import transfer_manager
from google.cloud.storage._media.requests import ResumableUpload
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.fileio import BlobReader


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


def names(blobs):
    return [blob.name for blob in blobs]


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(300_000)])
def test_upload_returns_checksums_that_are_true(bucket, data):
    blob = put(bucket, "data.bin", data, content_type="application/x-lab")
    blob.reload()
    assert blob.size == len(data)
    assert blob.md5_hash == base64.b64encode(hashlib.md5(data).digest()).decode()
    assert blob.crc32c == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    assert blob.content_type == "application/x-lab"
    assert blob.download_as_bytes() == data


def test_resumable_upload_of_known_size_in_chunks(bucket):
    # up to 8 MiB of known size travel in one request, whatever the chunk size
    data = os.urandom(8 * 1024 * 1024 + 17)
    blob = bucket.blob("big", chunk_size=1024 * 1024)
    blob.upload_from_file(io.BytesIO(data), size=len(data), if_generation_match=0)
    assert blob.download_as_bytes() == data
    with pytest.raises(PreconditionFailed):
        blob.upload_from_file(io.BytesIO(data), size=len(data), if_generation_match=0)


def test_resumable_upload_of_unknown_size(bucket):
    data = os.urandom(2 * 256 * 1024)
    blob = bucket.blob("stream", chunk_size=256 * 1024)
    blob.upload_from_file(_Unseekable(data))
    assert blob.download_as_bytes() == data
    with bucket.blob("writer").open("wb", chunk_size=256 * 1024) as file:
        file.write(data[:1000])
        file.write(data[1000:])
    assert bucket.blob("writer").download_as_bytes() == data


class _Unseekable(io.RawIOBase):
    """A stream that knows neither its size nor how to go back."""

    def __init__(self, data):
        self._inner = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._inner.read(size)

    def tell(self):
        return self._inner.tell()


def test_nine_megabytes_travel_resumably_by_themselves(bucket, tmp_path):
    data = os.urandom(9 * 1024 * 1024)
    (tmp_path / "nine").write_bytes(data)
    blob = bucket.blob("nine")
    blob.upload_from_filename(str(tmp_path / "nine"))
    with BlobReader(blob) as reader:
        reader.seek(5_000_000)
        assert reader.read(10) == data[5_000_000:5_000_010]
    blob.download_to_filename(str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data


def test_wrong_checksum_is_refused_and_nothing_is_stored(bucket):
    blob = bucket.blob("sum")
    blob.md5_hash = base64.b64encode(bytes(16)).decode()
    with pytest.raises(BadRequest, match="MD5"):
        blob.upload_from_string("x")
    assert not bucket.blob("sum").exists()


def test_unicode_and_odd_names(bucket):
    for name in ("äöü/☃ a+b%20&c=d?#e", "a//b", "a/../b", "%2F", " "):
        put(bucket, name, name.encode())
        assert bucket.blob(name).download_as_bytes() == name.encode()
    assert set(names(bucket.list_blobs())) == {"äöü/☃ a+b%20&c=d?#e", "a//b", "a/../b", "%2F", " "}


@pytest.mark.parametrize("name", [".", "..", "a\nb", "x" * 1025, ".well-known/acme-challenge/x"])
def test_names_that_google_refuses(bucket, name):
    with pytest.raises(BadRequest):
        put(bucket, name)


def test_many_at_once(bucket, tmp_path):
    for i in range(5):
        (tmp_path / f"f{i}").write_bytes(bytes([i]) * 100)
    paths = [f"f{i}" for i in range(5)]
    kwargs = {"worker_type": transfer_manager.THREAD, "max_workers": 3}
    sent = transfer_manager.upload_many_from_filenames(bucket, paths, str(tmp_path), **kwargs)
    assert sent == [None] * 5
    (tmp_path / "back").mkdir()
    transfer_manager.download_many_to_path(bucket, paths, str(tmp_path / "back"), **kwargs)
    assert (tmp_path / "back" / "f3").read_bytes() == b"\x03" * 100
    put(bucket, "chunked", os.urandom(1000))
    transfer_manager.download_chunks_concurrently(
        bucket.blob("chunked"), str(tmp_path / "c"), chunk_size=300, worker_type=transfer_manager.THREAD
    )
    assert (tmp_path / "c").read_bytes() == bucket.blob("chunked").download_as_bytes()


@pytest.mark.parametrize("checksum", ["md5", "crc32c", None])
def test_resumable_upload_with_a_checksum(bucket, checksum):
    data = os.urandom(2 * 256 * 1024 + 1)
    blob = bucket.blob("sum", chunk_size=256 * 1024)
    blob.upload_from_file(_Unseekable(data), checksum=checksum)
    assert bucket.get_blob("sum").md5_hash == base64.b64encode(hashlib.md5(data).digest()).decode()


def test_wrong_checksum_of_a_resumable_upload_stores_nothing(bucket):
    blob = bucket.blob("sum", chunk_size=256 * 1024)
    blob.md5_hash = base64.b64encode(bytes(16)).decode()
    with pytest.raises(BadRequest, match="MD5"):
        blob.upload_from_file(_Unseekable(os.urandom(2 * 256 * 1024 + 1)), checksum=None)
    assert not blob.exists()


def test_bytes_that_change_on_the_way_are_seen(bucket):
    """The client sends the checksum of what it read; here what it reads is not what it sends."""
    upload = ResumableUpload(_resumable(bucket), 256 * 1024, checksum="crc32c")
    data = os.urandom(2 * 256 * 1024)
    transport = bucket.client._http
    upload.initiate(transport, io.BytesIO(data), {"name": "sum"}, "application/octet-stream")
    upload.transmit_next_chunk(transport)
    upload._stream = io.BytesIO(data[: 256 * 1024] + bytes(256 * 1024))
    upload._stream.seek(256 * 1024)
    upload._checksum_object.update(b"what was meant")
    with pytest.raises((DataCorruption, InvalidResponse)):
        upload.transmit_next_chunk(transport)
    assert not bucket.blob("sum").exists()


def _resumable(bucket):
    return f"https://storage.googleapis.com/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable"


class _Cut:
    """A transport whose connection breaks once, in the middle of a chunk's bytes."""

    def __init__(self, inner, chunk):
        self._inner, self._left = inner, chunk

    def request(self, method, url, data=None, headers=None, **kwargs):
        if data is not None:
            self._left -= 1
            if self._left == 0:
                data = self._half(data)
        return self._inner.request(method, url, data=data, headers=headers, **kwargs)

    @staticmethod
    def _half(data):
        yield data[: len(data) // 2]
        raise ConnectionError("the network went away")


UNIT = 256 * 1024


def test_upload_is_resumed_after_a_break(bucket):
    data = os.urandom(9 * UNIT + 99)
    transport = _Cut(bucket.client._http, chunk=3)
    upload = ResumableUpload(_resumable(bucket), 4 * UNIT, retry=None)
    upload.initiate(
        transport, io.BytesIO(data), {"name": "r"}, "application/octet-stream", total_bytes=len(data)
    )
    upload.transmit_next_chunk(transport)
    with pytest.raises(requests.ConnectionError):
        upload.transmit_next_chunk(transport)
    upload.recover(transport)
    assert upload.bytes_uploaded % UNIT == 0
    assert 4 * UNIT <= upload.bytes_uploaded <= 6 * UNIT
    while not upload.finished:
        upload.transmit_next_chunk(transport)
    assert bucket.blob("r").download_as_bytes() == data


def test_client_sends_a_broken_chunk_again_by_itself(bucket):
    data = os.urandom(9 * UNIT + 99)
    transport = _Cut(bucket.client._http, chunk=3)
    upload = ResumableUpload(_resumable(bucket), 4 * UNIT)
    upload.initiate(transport, io.BytesIO(data), {"name": "r"}, "application/octet-stream")
    while not upload.finished:
        upload.transmit_next_chunk(transport)
    assert bucket.blob("r").download_as_bytes() == data


def test_session_is_opened_here_and_fed_by_who_has_its_address(bucket):
    address = bucket.blob("s").create_resumable_upload_session(size=5, if_generation_match=0)
    # the address is the credential: a plain session without a token feeds it
    with requests.Session() as session:
        answer = session.put(address, data=b"hello")
        assert (answer.status_code, answer.json()["name"]) == (200, "s")
        assert session.put(address + "x", data=b"hello").status_code == 404
    assert bucket.blob("s").download_as_bytes() == b"hello"


def test_object_resource_holds_what_google_documents_and_nothing_else(client, bucket):
    before = time.time_ns() // 1000
    blob = put(bucket, "o", b"x", content_type="text/plain")
    found = client._connection.api_request("GET", blob.path)
    assert set(found) == {
        "kind", "id", "selfLink", "mediaLink", "name", "bucket", "generation", "metageneration", "contentType",
        "storageClass", "size", "md5Hash", "crc32c", "etag", "timeCreated", "updated", "timeStorageClassUpdated",
        "timeFinalized",
    }  # fmt: skip
    # generations are microseconds of the clock
    assert abs(blob.generation - before) < 600 * 10**6
