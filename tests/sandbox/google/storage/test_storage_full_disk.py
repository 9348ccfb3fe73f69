"""A disk that is really full, seen through the vendor's client: 507, nothing half, and it goes on."""

from __future__ import annotations

import os
import resource
import subprocess
from functools import partial

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.storage.exceptions import InvalidResponse

MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(
            f"no file system can be mounted here ({mounted.stderr.strip()}): see the test with a limit"
        )
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def server(request, server_at):
    """A server whose disk is small."""
    return server_at(request.getfixturevalue("small_disk"))


def refused(call):
    with pytest.raises(GoogleAPICallError, match="disk under the sandbox's state folder is full") as caught:
        call()
    assert caught.value.code == 507


def fill(path):
    with open(path, "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def stored(server):
    there = (path for path in (server.folder / "blobs").rglob("*") if path.is_file())
    return [path for path in there if path.name != "reserve"]


def test_disk_that_is_full(server, vendor):
    bucket = vendor.bucket("lab-bucket")
    kept, data = os.urandom(1000), os.urandom(5 * MIB)
    bucket.blob("kept").upload_from_string(kept)
    bucket.blob("large").upload_from_string(data)
    refused(lambda: bucket.blob("new").upload_from_string(bytes(4 * MIB)))
    # one in place of another: the old one stays
    refused(lambda: bucket.blob("kept").upload_from_string(bytes(4 * MIB)))
    refused(lambda: bucket.blob("composed").compose([bucket.blob("large")]))

    def stream():
        with bucket.blob("stream").open("wb", chunk_size=MIB) as file:
            for _ in range(6):
                file.write(os.urandom(MIB))

    with pytest.raises(InvalidResponse) as caught:
        stream()
    assert (caught.value.response.status_code, "disk" in caught.value.response.text) == (507, True)
    # nothing half, and everything that was there can be read
    assert [blob.name for blob in vendor.list_blobs("lab-bucket")] == ["kept", "large"]
    assert bucket.blob("large").download_as_bytes() == data
    assert bucket.blob("kept").download_as_bytes() == kept
    # to the last byte: then not even a record can be written, but a deletion can
    with pytest.raises(OSError, match="space"):
        fill(server.folder / "ballast")
    refused(lambda: bucket.blob("tiny").upload_from_string(bytes(64 * 1024)))
    bucket.blob("large").delete()
    assert not bucket.blob("large").exists()
    bucket.blob("new").upload_from_string(data[: 2 * MIB])
    assert bucket.blob("new").download_as_bytes() == data[: 2 * MIB]
    server.kill()
    server.start()
    assert [blob.name for blob in vendor.list_blobs("lab-bucket")] == ["kept", "new"]
    assert bucket.blob("new").download_as_bytes() == data[: 2 * MIB]


class TestLimit:
    """The same with a limit on the size of files, which needs no rights."""

    @pytest.fixture
    def server(self, tmp_path, server_at):
        lowered = (3 * MIB, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        return server_at(tmp_path, before=partial(resource.setrlimit, resource.RLIMIT_FSIZE, lowered))

    def test_file_that_may_not_grow(self, server, vendor):
        bucket, data = vendor.bucket("lab-bucket"), os.urandom(4 * MIB)
        refused(lambda: bucket.blob("new").upload_from_string(data))
        assert list(vendor.list_blobs("lab-bucket")) == []
        assert stored(server) == []
        bucket.blob("small").upload_from_string(b"x")
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        bucket.blob("new").upload_from_string(data)
        assert bucket.blob("new").download_as_bytes() == data
        assert len(stored(server)) == 2
