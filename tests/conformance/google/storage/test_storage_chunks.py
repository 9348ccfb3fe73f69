"""Chunks at once: multipart uploads of the XML API, as the client's transfer manager makes them."""

from __future__ import annotations

import os
import uuid

import google_crc32c
import pytest
import requests
from google.cloud.storage import transfer_manager
from google.cloud.storage._media.requests import XMLMPUContainer, XMLMPUPart
from google.cloud.storage.exceptions import InvalidResponse

MIB = 1024 * 1024


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(11 * MIB + 3))
    return path


@pytest.fixture
def container(bucket, file):
    """A multipart upload that has begun."""
    made = XMLMPUContainer(f"https://storage.googleapis.com/{bucket.name}/mpu", str(file))
    made.initiate(bucket.client._http, "application/x-lab")
    return made


@pytest.fixture
def part(bucket, file, container):
    """Send a part and tell the container."""

    def send(number, start, end, **kwargs):
        made = XMLMPUPart(container.upload_url, container.upload_id, str(file), start, end, number, **kwargs)
        made.upload(bucket.client._http)
        container.register_part(number, made.etag)

    return send


def code(caught):
    """Return the code of an error of the XML API."""
    return caught.value.response.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize("checksum", ["auto", "md5", None])
def test_chunks_are_uploaded_at_once(bucket, file, checksum):
    blob = bucket.blob("dir/a b+c☃")
    blob.metadata = {"k": "v"}
    blob.content_language = "de"
    transfer_manager.upload_chunks_concurrently(
        str(file),
        blob,
        content_type="application/x-lab",
        chunk_size=5 * MIB,
        max_workers=3,
        worker_type=transfer_manager.THREAD,
        checksum=checksum,
    )
    blob.reload()
    data = file.read_bytes()
    assert blob.download_as_bytes() == data
    assert (blob.content_type, blob.metadata, blob.content_language) == (
        "application/x-lab",
        {"k": "v"},
        "de",
    )
    assert int.from_bytes(__import__("base64").b64decode(blob.crc32c), "big") == google_crc32c.value(data)
    assert (blob.component_count, blob.md5_hash) == (3, None)


def test_chunks_are_downloaded_at_once(bucket, file, tmp_path):
    blob = bucket.blob("down")
    blob.upload_from_filename(str(file))
    transfer_manager.download_chunks_concurrently(
        blob,
        str(tmp_path / "back"),
        chunk_size=2 * MIB,
        worker_type=transfer_manager.THREAD,
        crc32c_checksum=True,
    )
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_parts_in_any_order_and_one_twice(bucket, file, container, part):
    part(2, 5 * MIB, 7 * MIB)
    part(1, 0, 1)
    part(1, 0, 5 * MIB)
    container._parts = dict(sorted(container._parts.items()))
    assert not bucket.blob("mpu").exists()
    container.finalize(bucket.client._http)
    assert bucket.blob("mpu").download_as_bytes() == file.read_bytes()[: 7 * MIB]
    # it is done with: neither parts nor an end follow
    for call in (lambda: part(3, 0, 1), lambda: container.finalize(bucket.client._http)):
        with pytest.raises(InvalidResponse) as caught:
            call()
        assert (caught.value.response.status_code, code(caught)) == (404, "NoSuchUpload")


def test_small_part_that_is_not_the_last(bucket, container, part):
    part(1, 0, 5 * MIB - 1)
    part(2, 0, 1)
    with pytest.raises(InvalidResponse) as caught:
        container.finalize(bucket.client._http)
    assert (caught.value.response.status_code, code(caught)) == (400, "EntityTooSmall")
    assert not bucket.blob("mpu").exists()


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({2: "x"}, "InvalidPart"),
        ({1: '"00000000000000000000000000000000"'}, "InvalidPart"),
        ({2: "a", 1: "b"}, "InvalidPartOrder"),
        ({}, "MalformedCompleteMultipartUploadRequest"),
    ],
)
def test_end_that_does_not_fit(bucket, container, part, parts, name):
    part(1, 0, 10)
    container._parts = parts
    with pytest.raises(InvalidResponse) as caught:
        container.finalize(bucket.client._http)
    assert (caught.value.response.status_code, code(caught)) == (400, name)


def test_part_with_a_wrong_checksum(bucket, container):
    answer = bucket.client._http.put(
        f"{container.upload_url}?partNumber=1&uploadId={container.upload_id}",
        data=b"x",
        headers={"x-goog-hash": "crc32c=AAAAAA=="},
    )
    assert (answer.status_code, "CRC32C" in answer.text) == (400, True)


def test_abort_drops_everything(bucket, container, part):
    part(1, 0, 10)
    container.cancel(bucket.client._http)
    with pytest.raises(InvalidResponse) as caught:
        container.finalize(bucket.client._http)
    assert code(caught) == "NoSuchUpload"
    assert not bucket.blob("mpu").exists()


def test_upload_into_nowhere(client, file):
    blob = client.bucket(f"lab-absent-{uuid.uuid4().hex[:8]}").blob("a")
    with pytest.raises(InvalidResponse) as caught:
        transfer_manager.upload_chunks_concurrently(str(file), blob, worker_type=transfer_manager.THREAD)
    assert (caught.value.response.status_code, code(caught)) == (404, "NoSuchBucket")


def test_strangers(become, bucket, file, container):
    stranger = become("nb-bob")._http
    other = XMLMPUContainer(container.upload_url, str(file))
    with pytest.raises(InvalidResponse) as caught:
        other.initiate(stranger, "text/plain")
    assert (caught.value.response.status_code, code(caught)) == (403, "AccessDenied")
    foreign = XMLMPUPart(container.upload_url, container.upload_id, str(file), 0, 10, 1)
    with pytest.raises(InvalidResponse) as caught:
        foreign.upload(stranger)
    assert code(caught) == "AccessDenied"
    with requests.Session() as session:
        answer = session.post(container.upload_url + "?uploads")
    assert (answer.status_code, "AuthenticationRequired" in answer.text) == (401, True)
