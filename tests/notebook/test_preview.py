"""A look at a result reads little and runs nothing."""

import hashlib
import pickle

import pytest

from argovx_lab import codecs
from argovx_lab.errors import OutputsMissing
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.preview import READ_MAX, SHOWN_MAX
from argovx_lab.notebook.remote import Resolved


class Bucket:
    """One object that counts what is read of it."""

    def __init__(self, data):
        self.data, self.read_bytes = data, 0

    def read_first(self, bucket, name, length):
        part = self.data[:length]
        self.read_bytes += len(part)
        return part


def handle(data, codec, digest=""):
    bucket = Bucket(data)
    known = Resolved(
        codec, "a value", len(data), digest or hashlib.sha256(data).hexdigest(), "gs://bucket/x", "m"
    )
    return Handle(bucket, "step", "x", "w", "t", known), bucket


def test_a_small_value_is_shown_whole():
    made, _ = handle(codecs.encode([1, 2, 3]).read(), "json")
    assert repr(made.preview()).endswith("\n[1, 2, 3]")
    assert made.path() == "gs://bucket/x"


def test_of_a_large_one_little_is_read_and_shown():
    for codec in ("text", "numpy"):
        made, bucket = handle(b"a" * (4 * READ_MAX), codec)
        assert len(repr(made.preview())) < SHOWN_MAX + 300
        assert bucket.read_bytes == READ_MAX


def test_what_may_run_code_is_not_decoded():
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("it ran",))

    made, _ = handle(pickle.dumps(Bomb()), "pickle")
    assert "x.get() brings it here" in repr(made.preview())


def test_changed_bytes_are_not_shown():
    made, _ = handle(b"[1]", "json", digest="0" * 64)
    with pytest.raises(OutputsMissing, match="not what its manifest says"):
        made.preview()


def test_an_object_that_was_cut_short_is_not_shown():
    made, bucket = handle(b"a" * 100, "text")
    bucket.data = b"b" * 50
    with pytest.raises(OutputsMissing, match="not what its manifest says"):
        made.preview()
