"""Values come back the same, by their types."""

from __future__ import annotations

import array
import datetime as dt
import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argovx_lab import codecs
from argovx_lab.errors import CodecError


def back(value, codec="auto"):
    encoded = codecs.encode(value, codec)
    data = encoded.read()
    assert encoded.size_bytes == len(data)
    assert encoded.digest == hashlib.sha256(data).hexdigest()
    again = codecs.encode(value, codec).read()
    assert again == data, "equal values have equal bytes"
    return codecs.decode(data, encoded.codec)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def same(one, other) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return one == other


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_plain_data_comes_back_exactly(value):
    assert same(back(value), value)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        dtype=hnp.boolean_dtypes()
        | hnp.integer_dtypes()
        | hnp.floating_dtypes()
        | hnp.complex_number_dtypes()
        | hnp.unicode_string_dtypes()
        | hnp.byte_string_dtypes()
        | hnp.datetime64_dtypes()
        | hnp.timedelta64_dtypes(),
        shape=hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
    )
)
def test_arrays_come_back_exactly(value):
    found = back(value)
    assert type(found) is np.ndarray
    assert found.dtype == value.dtype
    assert found.shape == value.shape
    assert found.tobytes() == value.tobytes()


@pytest.mark.parametrize(
    "value",
    [
        np.float64(0.1),
        np.int8(-3),
        np.bool_(True),
        np.str_("ü"),
        np.datetime64("2026-11-24"),
        np.complex64(1j),
        np.zeros((2, 0)),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::2],
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["a", "bc"]),
        np.arange(3).astype(">i4"),
    ],
    ids=repr,
)
def test_numbers_and_layouts_of_numpy(value):
    found = back(value)
    assert type(found) is type(value)
    assert found.dtype == value.dtype
    assert np.array_equal(found, value)


FRAMES = {
    "plain": pd.DataFrame({"a": [1, 2], "b": [0.5, math.nan], "c": ["x", "ü"]}),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int32"), "b": pd.Series([], dtype="float64")}),
    "no columns": pd.DataFrame(index=[1, 2]),
    "labels": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["r1", "r2"], name="row")),
    "range": pd.DataFrame({"a": [1, 2, 3]}, index=pd.RangeIndex(5, 11, 2)),
    "levels": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", "n"])
    ),
    "zone": pd.DataFrame({"t": pd.to_datetime(["2026-03-29 01:30", None]).tz_localize("Europe/Zurich")}),
    "time": pd.DataFrame(
        {"t": pd.to_datetime(["2026-01-01", "2027-01-01"]), "d": pd.to_timedelta([1, 2], unit="s")}
    ),
    "categories": pd.DataFrame(
        {"c": pd.Categorical(["lo", "hi"], categories=["lo", "mid", "hi"], ordered=True)}
    ),
    "nullable": pd.DataFrame(
        {"i": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}
    ),
    "labels of objects": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], dtype=object)),
    "labels of objects, one twice": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "a"], dtype=object)),
    "numbered columns": pd.DataFrame(np.arange(6).reshape(2, 3)),
    "text or nothing": pd.DataFrame({"s": pd.Series(["a", None], dtype="object")}),
    "text or nan": pd.DataFrame({"s": pd.Series(["a", math.nan, "b"], dtype="object"), "n": [1, 2, 3]}),
    "nothing": pd.DataFrame({"s": pd.Series([None, None], dtype="object")}),
    "small": pd.DataFrame({"f": np.array([1, 2], dtype="float32"), "u": np.array([1, 2], dtype="uint8")}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back_exactly(name):
    frame = FRAMES[name]
    found = back(frame)
    for position, dtype in enumerate(frame.dtypes):
        if dtype.kind == "O":
            columns = found.iloc[:, position], frame.iloc[:, position]
            assert list(map(type, columns[0])) == list(map(type, columns[1]))
    pd.testing.assert_frame_equal(found, frame, check_exact=True, check_freq=False)


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2], name="n"),
        pd.Series([0.5], index=["a"]),
        pd.Series(["a", None]),
        pd.Series([1], name=3),
        pd.Series([], dtype="float64"),
        pd.Series(pd.Categorical(["a"])),
    ],
    ids=lambda s: f"{s.dtype}-{s.name}",
)
def test_series_come_back_exactly(series):
    found = back(series)
    assert isinstance(found, pd.Series)
    pd.testing.assert_series_equal(found, series, check_exact=True)


def test_attributes_of_a_frame_come_back():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["unit"] = "m"
    assert back(frame).attrs == {"unit": "m"}


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1, None], "b": ["x", "y"]}),
        pa.table({"l": [[1], []], "s": [{"k": 1}, {"k": None}]}),
        pa.table({"d": pa.array(["a", "b", "a"]).dictionary_encode()}),
        pa.table({"a": pa.array([], pa.float32())}).replace_schema_metadata({"k": "v"}),
        pa.table({}),
    ],
    ids=range(5),
)
def test_tables_come_back_exactly(table):
    found = back(table)
    assert found.schema.equals(table.schema, check_metadata=True)
    assert found.equals(table)


@pytest.mark.parametrize("value", ["", "ü\n\r\0", b"", b"\x00\xff"])
def test_text_and_bytes(value):
    assert back(value) == value
    assert codecs.encode(value).codec == ("text" if isinstance(value, str) else "bytes")


def plain_function(a, b=2, *, c=(1, "x")):
    """Add."""
    import math

    return math.floor(a) + b + len(c)


class PlainClass:
    """A class."""

    limit = 3

    def go(self, n: int = 1) -> int:
        return n + self.limit

    @staticmethod
    def still():
        return 7


def test_functions_and_classes_travel_by_source():
    found = back(plain_function)
    assert found(1.5) == plain_function(1.5) == 5
    assert found.__defaults__ == (2,)
    assert codecs.encode(found).digest == codecs.encode(plain_function).digest
    made = back(PlainClass)
    assert (made().go(2), made.still()) == (5, 7)


TAGGED = st.recursive(
    JSON
    | st.floats()
    | st.complex_numbers()
    | st.binary()
    | st.decimals()
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.just(dt.UTC))
    | st.timedeltas()
    | hnp.arrays(hnp.integer_dtypes() | hnp.floating_dtypes(), hnp.array_shapes(max_side=3))
    | st.floats(width=32).map(np.float32)
    | st.frozensets(st.integers() | st.text()),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.integers() | st.text(), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(TAGGED)
def test_what_json_lacks_comes_back_exactly(value):
    assert alike(back(value, "data" if type(value) in (list, dict, tuple) else "auto"), value)


def alike(one, other) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return all(map(alike, one, other)) and all(
            alike(one[k], v) for k, v in zip(one, other.values(), strict=True)
        )
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dt.time | dt.datetime):
        return one == other and one.fold == other.fold and one.tzinfo == other.tzinfo
    return repr(one) == repr(other) or one == other


def test_json_where_it_is_exact_and_tags_where_it_is_not():
    assert codecs.detect({"a": [1.5, None]}).name == "json"
    for value in ((1,), {1}, {"a": np.float64(1)}, [math.nan], {1: 2}, {"$": (1,)}, {(1, 2): b"x"}):
        assert codecs.detect(value).name == "data"
        assert alike(back(value), value)


def test_sets_have_equal_bytes_in_every_process():
    code = "from argovx_lab import codecs; print(codecs.encode({'b', 'a', 'c', 'zz', 'q'}).digest)"
    digests = set()
    for seed in "12":
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_pickle_only_by_name():
    value = array.array("d", [1, 2])
    with pytest.raises(CodecError):
        codecs.encode(value)
    assert back(value, "pickle") == value
    assert codecs.encode(value, "pickle").summary == "pickled array.array"


def test_many_bytes_go_through_a_file_and_the_same_digest():
    value = np.arange(3_000_000, dtype="float64")
    encoded = codecs.encode(value)
    assert not isinstance(encoded.payload, bytes)
    assert all(len(piece) <= 1 << 20 for piece in encoded.chunks())
    digest = hashlib.sha256(encoded.read()).hexdigest()
    assert digest == encoded.digest
    encoded.payload.seek(0)
    assert np.array_equal(codecs.decode(encoded.payload, "numpy"), value)
    encoded.close()


SUMMARIES = [
    (np.zeros((1797, 64)), "numpy array, 1797×64"),
    (np.float64(1), "numpy float64"),
    (pd.DataFrame({"a": [1]}), "pandas DataFrame, 1×1"),
    (pd.Series([1, 2]), "pandas Series, 2"),
    (pa.table({"a": [1]}), "Arrow table, 1×1"),
    ({"secret": "hunter2"}, "dict, 1 entry"),
    ([1, 2], "list, 2 items"),
    ("hunter2", "text, 7 characters"),
    (b"abc", "bytes, 3 long"),
    (3, "int"),
    (None, "None"),
    ((1, 2), "tuple, 2 items"),
    (plain_function, "function plain_function"),
    (object(), "object"),
]


@pytest.mark.parametrize(("value", "summary"), SUMMARIES, ids=[s for _, s in SUMMARIES])
def test_a_value_is_described_without_its_content(value, summary):
    assert codecs.describe(value) == summary


def test_there_is_no_codec_of_a_wrong_name():
    with pytest.raises(CodecError, match="'nope' is not a codec") as caught:
        codecs.get("nope")
    assert "numpy" in caught.value.hint
    assert [codecs.get(name).name for name in codecs.names()] == list(codecs.names())
