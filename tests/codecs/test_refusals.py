"""What cannot travel: one line that says which, why and what instead."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
import http
import io
import queue
import random
import re
import socket
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from argovx_lab import codecs
from argovx_lab.errors import CodecError

FACTOR = 2


def uses_a_global(v):
    return v * FACTOR


def closure(n):
    def inner(v):
        return v + n

    return inner


def marked(v):
    return v


marked.note = 1


def default(v=np.pi * 1):
    return v


@staticmethod
def _nothing():
    return None


class Custom:
    pass


class Child(Custom):
    pass


class Array(np.ndarray):
    pass


class Zone(dt.tzinfo):
    def utcoffset(self, when):
        return dt.timedelta(hours=1)

    def dst(self, when):
        return dt.timedelta()


def circle():
    found = []
    found.append(found)
    return found


def deep():
    found = []
    for _ in range(500):
        found = [found]
    return found


async def coroutine():
    return 1


def frame_with_attrs():
    found = pd.DataFrame({"a": [1]})
    found.attrs["lock"] = threading.Lock()
    return found


def frame_with_a_frequency():
    days = pd.offsets.CustomBusinessDay(holidays=["2026-12-25"])
    return pd.DataFrame({"a": range(3)}, index=pd.date_range("2026-12-23", periods=3, freq=days))


def frame_with_objects():
    return pd.DataFrame({"o": [Custom(), Custom()]})


CASES = {
    "generator": (lambda: (i for i in []), "a generator", "list("),
    "file": (lambda: io.StringIO("x"), "an open file", "content"),
    "lock": (threading.Lock, "a lock", "inside the cell"),
    "rlock": (threading.RLock, "a lock", "inside the cell"),
    "thread": (threading.Thread, "threading.Thread", "inside the cell"),
    "event": (threading.Event, "threading.Event", "inside the cell"),
    "queue": (queue.Queue, "queue.Queue", "inside the cell"),
    "module": (lambda: np, "the module numpy", "Import it"),
    "database": (lambda: sqlite3.connect(":memory:"), "a connection", "Open it"),
    "lambda": (lambda: lambda v: v, "a lambda", "def"),
    "closure": (lambda: closure(1), "keeps n from the function around it", "arguments"),
    "global": (lambda: uses_a_global, "uses FACTOR from outside", "Import modules inside"),
    "attributes": (lambda: marked, "a function with attributes (note)", "Drop them"),
    "default": (lambda: default, "a default that is not a literal", "cell"),
    "builtin": (lambda: len, "builtin len", "inside the cell"),
    "method": (lambda: "x".upper, "builtin upper", "inside the cell"),
    "class": (lambda: Child, "a base class of its own", "cell"),
    "instance": (Custom, "Custom, which no codec carries", "NAME:pickle"),
    "object": (object, "a object, which no codec carries", "pickle"),
    "exception": (lambda: ValueError("x"), "an exception", "str("),
    "enumeration": (lambda: enumerate([]), "a enumerate", "list("),
    "factory": (
        lambda: collections.defaultdict(lambda: 1),
        "a defaultdict whose entries <lambda> makes",
        ".default_factory",
    ),
    "generator of another kind": (random.SystemRandom, "SystemRandom, which no codec carries", "pickle"),
    "bytearray": (lambda: bytearray(b"x"), "a bytearray", "bytes("),
    "path": (lambda: __import__("pathlib").Path("x"), "there is no file or folder x", "str("),
    "nested lock": (lambda: {"a": (1, [threading.Lock()])}, "it['a'][1][0] is a lock", "inside the cell"),
    "nested circle": (lambda: (circle(),), "it[0][0] contains itself", "circle"),
    "large array in a list": (lambda: [np.zeros(1 << 18)], "an array of 2.1 MB inside a container", "own"),
    "array of objects in a list": (lambda: [np.array([None])], "numpy.ndarray of object", "plain dtype"),
    "zone": (
        lambda: dt.datetime(2026, 1, 1, tzinfo=Zone()),
        "it has the zone",
        "astimezone",
    ),
    "named tuple": (lambda: collections.namedtuple("P", "a")(1), "P, whose class is not one of", "_asdict()"),
    "enum": (lambda: http.HTTPStatus.OK, "HTTPStatus, whose class is not one of", ".value"),
    "dataclass": (lambda: dataclasses.make_dataclass("D", ["a"])(1), "D, whose class is not", "asdict"),
    "model in a dict": (lambda: {"m": LogisticRegression()}, "it['m'] is a sklearn", "own"),
    "frame in json": (lambda: [pd.DataFrame()], "DataFrame", "output of its own"),
    "circle": (circle, "contains itself", "circle"),
    "deep": (deep, "nested more than 200 deep", "Flatten"),
    "surrogate": (lambda: "\ud800", "half a character at position 0", "bytes"),
    "surrogate in json": (lambda: ["\ud800"], "half a character", "drop"),
    "huge number": (lambda: 1 << 20000, "a number of 20001 bits", "text"),
    "object array": (lambda: np.array([None, 1], dtype=object), "Python objects", "astype"),
    "array subclass": (lambda: np.zeros(2).view(Array), "not a plain numpy array", "asarray"),
    "masked array": (lambda: np.ma.array([1], mask=[1]), "not a plain numpy array", "asarray"),
    "frame of objects": (frame_with_objects, "its column 'o' is a", "plain values"),
    "frames in a column": (
        lambda: pd.Series([pd.DataFrame()]),
        "DataFrame inside a container",
        "plain values",
    ),
    "attrs": (frame_with_attrs, "its attrs['lock'] is a lock", "inside the cell"),
    "frequency": (frame_with_a_frequency, "the frequency C, which would be lost", ".index.freq = None"),
    "series name": (lambda: pd.Series([1], name=pd.offsets.Day()), "its name is a pandas", "own"),
    "index with spare levels": (
        lambda: pd.MultiIndex.from_product([["a", "b"], [1]])[:1],
        "would come back as another",
        "remove_unused_levels",
    ),
    "figure": (lambda: type("Figure", (), {"__module__": "matplotlib.figure"})(), "a figure", "savefig"),
    "tensor": (lambda: type("Tensor", (), {"__module__": "torch"})(), "torch.Tensor", "numpy"),
    "client": (
        lambda: type("Client", (), {"__module__": "google.cloud.storage"})(),
        "Google's",
        "inside the cell",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_names_the_value_the_reason_and_the_way_out(name):
    make, reason, way_out = CASES[name]
    value = make()
    with pytest.raises(CodecError) as caught:
        codecs.encode(value, name="value")
    if isinstance(value, sqlite3.Connection):
        value.close()  # Python 3.13 warns of one that is left open
    error = caught.value
    assert error.message.startswith("value cannot travel: ")
    assert reason in error.message
    assert way_out.replace("NAME:", "value:") in error.hint
    assert "\n" not in error.message + error.hint
    assert len(error.message) < 400
    assert error.exit_code == 10


def test_coroutines_sockets_and_processes():
    value = coroutine()
    with pytest.raises(CodecError, match="a coroutine"):
        codecs.encode(value)
    asyncio.run(value)
    with socket.socket() as value, pytest.raises(CodecError, match="a connection"):
        codecs.encode(value)
    with (
        subprocess.Popen([sys.executable, "-c", ""]) as value,
        pytest.raises(CodecError, match="this process"),
    ):
        codecs.encode(value)


NAMED = [
    ((1,), "json", "it is a tuple, which JSON gives back as a list"),
    ({1}, "json", "it is a set, which JSON does not have"),
    ({"a": [(1,)]}, "json", "it['a'][0] is a tuple"),
    ({1: 2}, "json", "the key 1"),
    ([float("nan")], "json", "it[0] is nan"),
    ({"a": np.float64(1)}, "json", "it['a'] is a numpy.float64"),
    (object(), "data", "no codec carries"),
    (np.zeros(2), "json", "numpy.ndarray, which JSON does not have"),
    ([1], "numpy", "not a plain numpy array"),
    ([1], "numpy-scalar", "not a numpy number"),
    (np.zeros(2), "pandas", "not a pandas frame"),
    ([1], "arrow", "not an Arrow table"),
    (1, "text", "not text"),
    ("x", "bytes", "not bytes"),
    ([1], "sklearn", "not a scikit-learn estimator"),
    (1, "function", "not a function"),
    (threading.Lock(), "pickle", "pickle cannot write"),
    (1, "nope", "'nope' is not a codec"),
]


@pytest.mark.parametrize(("value", "codec", "reason"), NAMED, ids=[f"{c}-{r[:20]}" for _, c, r in NAMED])
def test_a_codec_named_for_the_wrong_value_is_refused(value, codec, reason):
    with pytest.raises(CodecError, match=re.escape(reason)):
        codecs.encode(value, codec)


@pytest.mark.parametrize(
    "value", [b"x" * 2000, "x" * 2000, [0] * 2000, np.zeros(2000), pd.DataFrame({"a": range(2000)})]
)
def test_what_is_too_large_is_refused_with_its_limit(value):
    with pytest.raises(CodecError, match=r"larger than 1 KB as bytes") as caught:
        codecs.encode(value, limit_bytes=1000)
    assert "gs://" in caught.value.hint


def test_a_table_that_parquet_would_change_is_refused():
    table = pa.table({"a": pa.array([1], pa.time32("s"))})
    with pytest.raises(CodecError, match="other types"):
        codecs.encode(table)
