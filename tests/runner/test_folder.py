"""A folder in the bucket's place keeps the bucket's rules."""

import hashlib
import io

import pytest

from argovx_lab.errors import Conflict, NotFound, SpecError
from argovx_lab.runner.folder import Folder

URI = "gs://b/users/ada/x"


@pytest.fixture
def folder(tmp_path):
    return Folder(str(tmp_path))


def test_what_was_created_is_read_with_its_digest(folder):
    stored = folder.create(URI, b"abc")
    assert stored.digest == hashlib.sha256(b"abc").hexdigest()
    assert folder.read(URI, stored.digest) == b"abc"
    target = io.BytesIO()
    assert folder.download(URI, target, stored.digest) == 3
    assert target.getvalue() == b"abc"
    with pytest.raises(SpecError, match="does not have the digest"):
        folder.read(URI, "0" * 64)
    with pytest.raises(SpecError, match="does not have the digest"):
        folder.download(URI, io.BytesIO(), "0" * 64)


def test_nothing_is_overwritten_unseen(folder, tmp_path):
    folder.create(URI, b"abc")
    assert folder.create(URI, b"abc").uri == URI  # the same bytes once more
    with pytest.raises(Conflict):
        folder.create(URI, b"other")
    file = tmp_path / "file"
    file.write_bytes(b"other")
    with pytest.raises(Conflict):
        folder.create_from(URI, str(file), 5)
    assert folder.read(URI) == b"abc"


def test_a_checkpoint_is_replaced_under_the_generation_that_was_read(folder):
    first = folder.replace(URI, b"1", 0)
    with pytest.raises(Conflict):
        folder.replace(URI, b"2", 0)
    second = folder.replace(URI, b"2", first.generation)
    assert folder.stat(URI).generation == second.generation
    assert folder.read(URI) == b"2"


def test_folders_deletion_and_what_is_not_there(folder):
    folder.create("gs://b/a/1/x", b"")
    folder.create("gs://b/a/2/x", b"")
    folder.create("gs://b/a/file", b"")
    assert folder.folders("gs://b/a/") == ["gs://b/a/1/", "gs://b/a/2/"]
    assert folder.folders("gs://b/none/") == []
    folder.delete("gs://b/a/file")
    folder.delete("gs://b/a/file")
    for call in (folder.read, folder.stat):
        with pytest.raises(NotFound):
            call("gs://b/a/file")


@pytest.mark.parametrize("uri", ["gs://b/../x", "gs://b//x", "/etc/passwd", "gs://b", "gs://b/a/./x"])
def test_no_name_leaves_the_folder(folder, uri):
    with pytest.raises(SpecError):
        folder.create(uri, b"x")
