"""Bytes from a bucket are hostile: reading them runs nothing and fails with one line."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from argovx_lab import codecs
from argovx_lab.errors import CodecError


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "executed"


def refused(data, codec):
    with pytest.raises(CodecError) as caught:
        codecs.decode(data, codec, name="X")
    assert caught.value.message.startswith("X cannot be read: ")
    return caught.value.message


def npy(value) -> bytes:
    out = io.BytesIO()
    np.save(out, value, allow_pickle=True)
    return out.getvalue()


def test_an_object_array_is_not_unpickled(mark):
    refused(npy(np.array([Bomb(mark)], dtype=object)), "numpy")
    refused(npy(np.array([Bomb(mark)], dtype=object)), "numpy-scalar")
    assert not mark.exists()


def test_a_pickle_is_read_by_no_other_codec(mark):
    data = pickle.dumps(Bomb(mark))
    for name in codecs.names():
        if name != "bytes":
            refused(data, name)
    assert not mark.exists()


def test_a_pickle_needs_the_head_line_of_this_python(mark):
    data = pickle.dumps(Bomb(mark))
    assert "not a pickle of argovx-lab" in refused(data, "pickle")
    assert "was pickled by Python 3.7" in refused(b"argovx-pickle/1 3.7\n" + data, "pickle")
    assert not mark.exists()
    good = codecs.encode(3, "pickle").read()
    refused(good[:-2], "pickle")


def parquet(field) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table([pa.array([b"x"])], schema=pa.schema([field])), out)
    return out.getvalue()


def test_a_pickled_extension_type_is_not_loaded(mark):
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Bomb(mark)),
    }
    data = parquet(pa.field("a", pa.binary(), metadata=metadata))
    for codec in ("arrow", "pandas"):
        assert "pickled extension type" in refused(data, codec)
    assert not mark.exists()


FUNCTIONS = {
    "two statements": "import os\ndef f(): pass",
    "call": "def f(v=__import__('os').mkdir(PATH)): pass",
    "decorator": "@__import__('os').mkdir(PATH)\ndef f(): pass",
    "annotation": "def f(v: __import__('os').mkdir(PATH)): pass",
    "class body": "class f:\n    __import__('os').mkdir(PATH)",
    "class assign": "class f:\n    x = __import__('os').mkdir(PATH)",
    "metaclass": "class f(metaclass=__import__('os').mkdir(PATH)): pass",
    "base": "class f(__import__('os').mkdir(PATH)): pass",
    "method default": "class f:\n    def m(self, v=__import__('os').mkdir(PATH)): pass",
    "walrus": "(f := __import__('os').mkdir(PATH))",
    "other name": "def g(): pass",
    "comprehension": "class f:\n    x = [__import__('os').mkdir(PATH) for _ in '1']",
    "no python": "def f(:",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_definition_that_runs_something_when_loaded_is_refused(name, mark):
    text = FUNCTIONS[name].replace("PATH", repr(str(mark)))
    data = json.dumps({"schema": "argovx.function/1", "name": "f", "source": text}).encode()
    if name == "annotation":  # never evaluated: annotations stay text
        codecs.decode(data, "function")
    else:
        refused(data, "function")
    assert not mark.exists()


def test_truncated_and_flipped_bytes_of_every_codec_fail_with_one_line():
    import pandas as pd

    rng = random.Random(3)
    values = [
        [1, {"a": "ü"}],
        "über",
        np.arange(5.0),
        np.float64(2),
        pd.DataFrame({"a": [1, 2]}),
        pa.table({"a": [1]}),
    ]
    for value in values:
        encoded = codecs.encode(value)
        data = encoded.read()
        for _ in range(60):
            broken = bytearray(data[: rng.randrange(len(data) + 1)])
            if broken and rng.random() < 0.5:
                broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
            try:
                codecs.decode(bytes(broken), encoded.codec)
            except CodecError:
                continue


@pytest.mark.parametrize(
    "value",
    [
        {"$": "numpy", "v": ["O", None, "AAAA"]},
        {"$": "numpy", "v": ["<f8", [10**9], "AAAA"]},
        {"$": "os.system", "v": "true"},
        {"$": "datetime", "v": [1, 2]},
        {"$": "decimal", "v": "x"},
        {"$": "bytes", "v": "?"},
        {"$": ["x"], "v": 1},
        {"$": "tuple"},
        {"$": "set", "v": [[1]]},
    ],
    ids=repr,
)
def test_tags_that_are_not_ours_are_refused(value):
    refused(json.dumps({"schema": "argovx.data/1", "value": value}).encode(), "data")
    refused(json.dumps({"schema": "other", "value": 1}).encode(), "data")
    refused(b"[]", "data")


def test_nan_is_no_json():
    refused(b"[NaN]", "json")
    refused(b"[" * 100_000, "json")


def test_a_zip_that_is_no_skops_archive_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", "y")
    refused(out.getvalue(), "sklearn")
    refused(b"PK", "sklearn")
