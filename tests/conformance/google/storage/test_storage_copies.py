"""Metadata, copies, rewrites, moves, compositions and batches."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import (
    BadRequest,
    NotFound,
    PreconditionFailed,
)


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


def names(blobs):
    return [blob.name for blob in blobs]


def test_metadata_is_patched_and_replaced(bucket):
    blob = bucket.blob("m")
    blob.metadata = {"a": "1", "b": "2"}
    blob.cache_control = "no-store"
    blob.upload_from_string("x")
    blob.metadata = {"a": "9", "b": None}
    blob.content_language = "de"
    blob.patch()
    again = bucket.get_blob("m")
    assert (again.metadata, again.cache_control, again.content_language) == ({"a": "9"}, "no-store", "de")
    assert again.metageneration == 2
    again.metadata = {"c": "3"}
    again.update()
    assert bucket.get_blob("m").metadata == {"c": "3"}


def test_copy_keeps_bytes_and_metadata(client, bucket):
    blob = bucket.blob("from")
    blob.metadata = {"k": "v"}
    blob.upload_from_string("data", content_type="text/plain")
    other = client.create_bucket(f"lab-{uuid.uuid4().hex[:12]}")
    copy = bucket.copy_blob(blob, other, "to")
    assert (copy.download_as_bytes(), copy.metadata, copy.content_type) == (b"data", {"k": "v"}, "text/plain")
    assert copy.generation != blob.generation
    blob.delete()
    assert other.blob("to").download_as_bytes() == b"data"
    renamed = other.rename_blob(other.blob("to"), "renamed")
    assert (renamed.name, other.blob("to").exists()) == ("renamed", False)


def test_rewrite_changes_the_storage_class(bucket):
    blob = put(bucket, "c", b"data")
    blob.update_storage_class("NEARLINE")
    assert bucket.get_blob("c").storage_class == "NEARLINE"
    assert bucket.blob("c").download_as_bytes() == b"data"


def test_compose(bucket):
    parts = [put(bucket, f"part{i}", f"{i};".encode()) for i in range(3)]
    whole = bucket.blob("whole")
    whole.content_type = "text/csv"
    whole.compose(parts)
    assert whole.download_as_bytes() == b"0;1;2;"
    assert (whole.component_count, whole.content_type, whole.md5_hash) == (3, "text/csv", None)
    whole.compose([whole, parts[0]])
    assert (bucket.get_blob("whole").component_count, whole.download_as_bytes()) == (4, b"0;1;2;0;")
    with pytest.raises(NotFound):
        whole.compose([bucket.blob("absent")])
    with pytest.raises(BadRequest, match="exceeds the maximum"):
        whole.compose([parts[0]] * 33)
    with pytest.raises(PreconditionFailed):
        whole.compose(parts, if_source_generation_match=[1, 1, 1])


def test_batch(client, bucket):
    blobs = [put(bucket, f"b{i}") for i in range(4)]
    with client.batch():
        for blob in blobs:
            blob.metadata = {"n": blob.name}
            blob.patch()
    assert [b.metadata for b in bucket.list_blobs()] == [{"n": f"b{i}"} for i in range(4)]
    bucket.delete_blobs(blobs[:2])
    with pytest.raises(NotFound):
        bucket.delete_blobs([blobs[2], bucket.blob("absent")])
    assert names(bucket.list_blobs()) == ["b3"]


MIB = 1024 * 1024


def _step(client, source, target, **query):
    """One call of a rewrite, as the JSON API has it: the client has no word for the bytes per call."""
    path = f"{source.path}/rewriteTo{target.path}"
    return client._connection.api_request("POST", path, data={"storageClass": "NEARLINE"}, query_params=query)


def test_rewrite_over_storage_classes_takes_several_calls(client, bucket):
    data = os.urandom(2 * MIB + 5)
    source, target = put(bucket, "from", data), bucket.blob("to")
    first = _step(client, source, target, maxBytesRewrittenPerCall=MIB)
    assert (first["done"], first["totalBytesRewritten"], first["objectSize"]) == (
        False,
        str(MIB),
        str(len(data)),
    )
    assert not target.exists()
    second = _step(client, source, target, maxBytesRewrittenPerCall=MIB, rewriteToken=first["rewriteToken"])
    assert (second["done"], second["totalBytesRewritten"]) == (False, str(2 * MIB))
    for wrong in (
        {"maxBytesRewrittenPerCall": 2 * MIB, "rewriteToken": second["rewriteToken"]},
        {"rewriteToken": second["rewriteToken"]},
        {"maxBytesRewrittenPerCall": MIB, "rewriteToken": "bm9uc2Vuc2U="},
        {"maxBytesRewrittenPerCall": MIB + 1},
        {"maxBytesRewrittenPerCall": 0},
    ):
        with pytest.raises(BadRequest, match=r"rewrite token|maxBytesRewrittenPerCall"):
            _step(client, source, target, **wrong)
    last = _step(client, source, target, maxBytesRewrittenPerCall=MIB, rewriteToken=second["rewriteToken"])
    assert (last["done"], last["resource"]["storageClass"]) == (True, "NEARLINE")
    assert target.download_as_bytes() == data


def test_rewrite_of_a_source_that_changes_meanwhile(client, bucket):
    source, target = put(bucket, "from", bytes(2 * MIB)), bucket.blob("to")
    first = _step(client, source, target, maxBytesRewrittenPerCall=MIB)
    put(bucket, "from", b"other")
    with pytest.raises(BadRequest, match="rewrite token"):
        _step(client, source, target, maxBytesRewrittenPerCall=MIB, rewriteToken=first["rewriteToken"])
    assert not target.exists()


def test_rewrite_within_a_class_is_one_call(client, bucket):
    source = put(bucket, "from", bytes(2 * MIB))
    token, done, size = bucket.blob("to").rewrite(source)
    assert (token, done, size) == (None, 2 * MIB, 2 * MIB)


def test_client_loops_over_a_long_rewrite(bucket, new_bucket):
    part = put(bucket, "part", bytes(13 * MIB))
    source = bucket.blob("long")
    source.compose([part] * 5)
    far = new_bucket(location="EU").blob("copy")
    calls, token = 0, None
    while calls == 0 or token:
        token, done, size = far.rewrite(source, token=token)
        calls += 1
    assert (calls > 1, done, size) == (True, 65 * MIB, 65 * MIB)
    far.reload()
    assert (far.size, far.crc32c) == (65 * MIB, source.crc32c)


def test_move(bucket):
    blob = bucket.blob("from")
    blob.metadata = {"k": "v"}
    blob.upload_from_string("data", content_type="text/plain")
    moved = bucket.move_blob(
        blob, "dir/to", if_generation_match=0, if_source_generation_match=blob.generation
    )
    assert (moved.name, moved.metadata, moved.content_type) == ("dir/to", {"k": "v"}, "text/plain")
    assert moved.download_as_bytes() == b"data"
    assert names(bucket.list_blobs()) == ["dir/to"]
    put(bucket, "other")
    with pytest.raises(PreconditionFailed):
        bucket.move_blob(bucket.blob("other"), "dir/to", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        bucket.move_blob(bucket.blob("other"), "new", if_source_generation_match=1)
    with pytest.raises(NotFound, match="No such object"):
        bucket.move_blob(bucket.blob("absent"), "new")
    with pytest.raises(BadRequest, match="must differ"):
        bucket.move_blob(bucket.blob("other"), "other")
    bucket.move_blob(bucket.blob("other"), "dir/to")
    assert (names(bucket.list_blobs()), bucket.blob("dir/to").download_as_bytes()) == (["dir/to"], b"x")


def test_move_leaves_the_old_generation_of_a_versioned_bucket(bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    old = put(bucket, "from", b"data").generation
    bucket.move_blob(bucket.blob("from"), "to")
    assert names(bucket.list_blobs()) == ["to"]
    assert bucket.blob("from", generation=old).download_as_bytes() == b"data"


def test_custom_time_goes_forward_only(bucket):
    blob = put(bucket, "t")
    blob.custom_time = datetime(2026, 1, 2, tzinfo=UTC)
    blob.patch()
    blob.custom_time = datetime(2026, 1, 3, tzinfo=UTC)
    blob.patch()
    assert bucket.get_blob("t").custom_time == datetime(2026, 1, 3, tzinfo=UTC)
    blob.custom_time = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(BadRequest, match="earlier"):
        blob.patch()


def test_batch_answers_each_call_for_itself(client, bucket):
    put(bucket, "a")
    with client.batch(raise_exception=False) as batch:
        bucket.blob("a").patch()
        bucket.blob("absent").delete()
        bucket.blob("a").delete(if_generation_match=1)
    assert [answer.status_code for answer in batch._responses] == [200, 404, 412]
    many = client.batch()
    with pytest.raises(BadRequest, match="100"), many:  # noqa: PT012 - the batch is sent when the block ends
        for _ in range(101):
            bucket.blob("a").patch()
