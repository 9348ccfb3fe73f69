"""The same client against the sandbox's Cloud Storage, through STS, TLS and IAM."""

from __future__ import annotations

import hashlib
import io

import pytest

from argovx_lab.errors import Conflict, NotFound, PermissionMissing


def test_small_and_large_objects_go_there_and_back(sandbox):
    objects, bucket, root = sandbox.objects, sandbox.profile.bucket, sandbox.profile.layout.root
    small = objects.create(bucket, f"{root}t/small ü.txt", b"hello", content_type="text/plain")
    assert objects.get(bucket, small.name, generation=small.generation) == b"hello"
    assert objects.get(bucket, small.name, offset=1, length=3) == b"ell"
    assert objects.get(bucket, small.name, offset=5) == b""
    data = bytes(range(256)) * 70_000  # 17 MiB: two pieces
    large = objects.create_content(sandbox.profile.layout, io.BytesIO(data))
    assert (large.size_bytes, large.digest) == (len(data), hashlib.sha256(data).hexdigest())
    file = io.BytesIO()
    assert objects.download(bucket, large.name, file, digest=large.digest) == len(data)
    assert file.getvalue() == data
    assert objects.create_content(sandbox.profile.layout, data).generation == large.generation


def test_preconditions_hold(sandbox):
    objects, bucket, name = sandbox.objects, sandbox.profile.bucket, f"{sandbox.profile.layout.root}t/alias"
    first = objects.create(bucket, name, b"1")
    with pytest.raises(Conflict):
        objects.create(bucket, name, b"2")
    second = objects.replace(bucket, name, b"2", generation=first.generation)
    with pytest.raises(Conflict):
        objects.replace(bucket, name, b"3", generation=first.generation)
    assert objects.stat(bucket, name).generation == second.generation
    with pytest.raises(NotFound):
        objects.get(bucket, name, generation=1)


def test_folders_and_offsets(sandbox):
    objects, bucket, root = sandbox.objects, sandbox.profile.bucket, f"{sandbox.profile.layout.root}l/"
    for name in ("a", "b/1", "b/2", "c/1"):
        objects.create(bucket, root + name, b"")
    assert list(objects.folders(bucket, root)) == [f"{root}b/", f"{root}c/"]
    assert [meta.name for meta in objects.list(bucket, root, delimiter="/")] == [f"{root}a"]
    names = [meta.name.removeprefix(root) for meta in objects.list(bucket, root, start_offset=f"{root}b/2")]
    assert names == ["b/2", "c/1"]


def test_another_users_folder_is_closed_and_the_permission_named(sandbox):
    objects, bucket = sandbox.objects, sandbox.profile.bucket
    with pytest.raises(PermissionMissing, match=r"storage\.objects\.create"):
        objects.create(bucket, "users/eve/x", b"")
    with pytest.raises(PermissionMissing, match=r"storage\.objects\.get"):
        objects.get(bucket, "users/eve/x")
    with pytest.raises(PermissionMissing, match=r"storage\.objects\.list"):
        list(objects.list(bucket, ""))
