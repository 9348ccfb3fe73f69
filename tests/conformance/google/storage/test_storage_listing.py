"""Listing: prefix, delimiter, offsets, glob, versions, fields and pages."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import (
    BadRequest,
)


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


def names(blobs):
    return [blob.name for blob in blobs]


def test_listing_with_prefix_delimiter_and_pages(bucket):
    for name in ("a/1", "a/2", "a/b/3", "a.txt", "z", "é"):
        put(bucket, name)
    assert names(bucket.list_blobs()) == ["a.txt", "a/1", "a/2", "a/b/3", "z", "é"]
    assert names(bucket.list_blobs(prefix="a/")) == ["a/1", "a/2", "a/b/3"]
    found = bucket.list_blobs(delimiter="/")
    assert (names(found), found.prefixes) == (["a.txt", "z", "é"], {"a/"})
    found = bucket.list_blobs(prefix="a/", delimiter="/")
    assert (names(found), found.prefixes) == (["a/1", "a/2"], {"a/b/"})
    assert names(bucket.list_blobs(start_offset="a/2", end_offset="z")) == ["a/2", "a/b/3"]
    sizes = [len(list(page)) for page in bucket.list_blobs(page_size=2).pages]
    assert sizes == [2, 2, 2]
    with_prefixes = bucket.list_blobs(delimiter="/", page_size=1)
    assert names(with_prefixes) == ["a.txt", "z", "é"]
    assert with_prefixes.prefixes == {"a/"}
    assert names(bucket.list_blobs(max_results=3)) == ["a.txt", "a/1", "a/2"]


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.txt", ["a.txt"]),
        ("**.txt", ["a.txt", "d/b.txt", "d/e/c.txt"]),
        ("d/*", ["d/b.txt"]),
        ("d/**", ["d/b.txt", "d/e/c.txt"]),
        ("**/c.txt", ["d/e/c.txt"]),
        ("{a,d/b}.t?t", ["a.txt", "d/b.txt"]),
        ("[a-b].txt", ["a.txt"]),
    ],
)
def test_listing_with_a_glob(bucket, glob, found):
    for name in ("a.txt", "d/b.txt", "d/e/c.txt"):
        put(bucket, name)
    assert names(bucket.list_blobs(match_glob=glob)) == found


def test_listing_with_fields_and_bad_token(client, bucket):
    put(bucket, "a", content_type="text/plain")
    blob = next(iter(bucket.list_blobs(fields="items(name),nextPageToken")))
    assert (blob.name, blob.content_type) == ("a", None)
    with pytest.raises(BadRequest, match="page token"):
        list(bucket.list_blobs(page_token="nonsense!"))


def test_glob_with_a_delimiter(bucket):
    for name in ("a.txt", "b.csv", "d/b.txt", "e/c.csv", "f/g/h.txt"):
        put(bucket, name)
    found = bucket.list_blobs(match_glob="**.txt", delimiter="/")
    assert (names(found), found.prefixes) == (["a.txt"], {"d/", "f/"})
    with pytest.raises(BadRequest, match="delimiter"):
        list(bucket.list_blobs(match_glob="**", delimiter="-"))


def test_object_that_is_named_like_its_prefix(bucket):
    for name in ("a/", "a/x", "b", "c/"):
        put(bucket, name)
    for size in (1, 2, 100):
        found = bucket.list_blobs(delimiter="/", include_trailing_delimiter=True, page_size=size)
        assert (names(found), found.prefixes) == (["a/", "b", "c/"], {"a/", "c/"})
        found = bucket.list_blobs(delimiter="/", page_size=size)
        assert (names(found), found.prefixes) == (["b"], {"a/", "c/"})


def test_versions_prefixes_and_offsets_over_pages(bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    for name in ("a", "b/1", "b/1", "c", "c", "d"):
        put(bucket, name)
    bucket.blob("d").delete()
    for size in (1, 2, 100):
        found = bucket.list_blobs(versions=True, delimiter="/", page_size=size)
        assert (names(found), found.prefixes) == (["a", "c", "c", "d"], {"b/"})
        assert (
            names(bucket.list_blobs(versions=True, start_offset="b", end_offset="c", page_size=size))
            == ["b/1"] * 2
        )
        assert names(bucket.list_blobs(page_size=size, start_offset="b")) == ["b/1", "c"]


def test_more_objects_than_a_page_holds(bucket, client):
    source = put(bucket, "n0000")
    # batches of copies fill the bucket fastest
    for start in range(1, 1010, 100):
        with client.batch():
            for i in range(start, min(start + 100, 1010)):
                bucket.copy_blob(source, bucket, f"n{i:04d}")
    assert [len(list(page)) for page in bucket.list_blobs().pages] == [1000, 10]
    assert [len(list(page)) for page in bucket.list_blobs(page_size=5000).pages] == [1000, 10]
    for start in range(0, 1010, 100):
        with client.batch():
            for i in range(start, min(start + 100, 1010)):
                bucket.blob(f"n{i:04d}").delete()
    assert names(bucket.list_blobs()) == []
