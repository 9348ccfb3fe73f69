def test_round_trip(bucket):
    blob = bucket.blob("a/b.txt")
    blob.upload_from_string("hello", if_generation_match=0)
    assert bucket.blob("a/b.txt").download_as_bytes() == b"hello"
    assert [b.name for b in bucket.list_blobs(prefix="a/")] == ["a/b.txt"]
    blob.delete()
    assert not bucket.blob("a/b.txt").exists()
