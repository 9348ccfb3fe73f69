"""Generations: versions, and every precondition on every verb that takes it."""

from __future__ import annotations

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


def test_versions(bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    blob = put(bucket, "v", b"one")
    first = blob.generation
    blob = put(bucket, "v", b"two")
    assert [b.generation for b in bucket.list_blobs(versions=True)] == [first, blob.generation]
    assert names(bucket.list_blobs()) == ["v"]
    assert bucket.blob("v", generation=first).download_as_bytes() == b"one"
    bucket.blob("v").delete()
    assert not bucket.blob("v").exists()
    assert len(list(bucket.list_blobs(versions=True))) == 2
    bucket.copy_blob(bucket.blob("v", generation=first), bucket, "v", source_generation=first)
    assert bucket.blob("v").download_as_bytes() == b"one"
    bucket.blob("v", generation=first).delete()
    with pytest.raises(NotFound):
        bucket.blob("v", generation=first).download_as_bytes()
    pages = [[b.generation for b in page] for page in bucket.list_blobs(versions=True, page_size=1).pages]
    assert [len(page) for page in pages] == [1, 1]


def test_without_versioning_an_old_generation_is_gone(bucket):
    first = put(bucket, "v", b"one").generation
    put(bucket, "v", b"two")
    with pytest.raises(NotFound, match="No such object"):
        bucket.blob("v", generation=first).download_as_bytes()


def _upload(bucket, **pre):
    bucket.blob("p").upload_from_string("new", **pre)


def _download(bucket, **pre):
    bucket.blob("p").download_as_bytes(**pre)


def _reload(bucket, **pre):
    bucket.blob("p").reload(**pre)


def _patch(bucket, **pre):
    blob = bucket.blob("p")
    blob.metadata = {"a": "b"}
    blob.patch(**pre)


def _delete(bucket, **pre):
    bucket.blob("p").delete(**pre)


def _compose(bucket, **pre):
    bucket.blob("p").compose([bucket.blob("other")], **pre)


def _rewrite(bucket, **pre):
    bucket.blob("p").rewrite(bucket.blob("other"), **pre)


def _copy(bucket, **pre):
    bucket.copy_blob(bucket.blob("other"), bucket, "p", **pre)


MUTATIONS = [_upload, _patch, _delete, _compose, _rewrite, _copy]
READS = [_download, _reload]
#: verbs whose client method takes all four preconditions
FULL = [_upload, _patch, _delete, _rewrite, _copy, _download, _reload]


@pytest.fixture
def pair(bucket):
    put(bucket, "other")
    return bucket, put(bucket, "p")


@pytest.mark.parametrize("verb", MUTATIONS + READS)
def test_precondition_generation(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed, match="pre-conditions"):
        verb(bucket, if_generation_match=blob.generation + 1)
    verb(bucket, if_generation_match=blob.generation)


@pytest.mark.parametrize("verb", [*MUTATIONS, *READS])
def test_precondition_metageneration(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_metageneration_match=7)
    verb(bucket, if_metageneration_match=blob.metageneration)


@pytest.mark.parametrize("verb", [v for v in FULL if v not in READS])
def test_precondition_not_match_of_a_write(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_generation_not_match=blob.generation)
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_metageneration_not_match=blob.metageneration)
    verb(bucket, if_generation_not_match=1, if_metageneration_not_match=9)


@pytest.mark.parametrize("verb", READS)
def test_precondition_not_match_of_a_read_is_not_modified(pair, verb):
    bucket, blob = pair
    for pre in ({"if_generation_not_match": blob.generation}, {"if_metageneration_not_match": 1}):
        with pytest.raises(Exception, match="304"):
            verb(bucket, **pre)
    verb(bucket, if_generation_not_match=1)


@pytest.mark.parametrize("verb", [_upload, _compose, _rewrite, _copy])
def test_create_only_where_nothing_is(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_generation_match=0)
    blob.delete()
    verb(bucket, if_generation_match=0)


@pytest.mark.parametrize("verb", [_rewrite, _copy])
def test_precondition_of_a_source(pair, verb):
    bucket, _ = pair
    source = bucket.get_blob("other")
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_generation_match=source.generation + 1)
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_generation_not_match=source.generation)
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_metageneration_match=5)
    verb(bucket, if_source_generation_match=source.generation)


def test_precondition_of_sources_of_a_composition(pair):
    bucket, blob = pair
    other = bucket.get_blob("other")
    with pytest.raises(PreconditionFailed):
        blob.compose([other, blob], if_source_generation_match=[other.generation, 1])
    blob.compose([other, blob], if_source_generation_match=[other.generation, None])
    assert blob.download_as_bytes() == b"xx"


@pytest.mark.parametrize("verb", [_rewrite, _copy])
def test_precondition_of_a_source_not_match(pair, verb):
    bucket, _ = pair
    source = bucket.get_blob("other")
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_metageneration_not_match=source.metageneration)
    verb(bucket, if_source_generation_not_match=1, if_source_metageneration_not_match=9)


@pytest.mark.parametrize("verb", [_download, _reload])
def test_preconditions_of_a_read_hold_for_an_old_generation(bucket, verb):
    bucket.versioning_enabled = True
    bucket.patch()
    old = put(bucket, "p", b"old").generation
    new = put(bucket, "p", b"new").generation
    blob = bucket.blob("p", generation=old)
    read = blob.download_as_bytes if verb is _download else blob.reload
    read(if_generation_match=old)
    with pytest.raises(PreconditionFailed):
        read(if_generation_match=new)


@pytest.mark.parametrize("value", [-1, "x", 2**64])
def test_precondition_that_is_no_number(bucket, value):
    put(bucket, "p")
    with pytest.raises(BadRequest, match="Invalid"):
        bucket.client._connection.api_request(
            "GET", bucket.blob("p").path, query_params={"ifGenerationMatch": value}
        )
