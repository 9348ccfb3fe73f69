"""Frames come back with dtypes, labels, index, flags and attrs, or are refused by name."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pickle

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as hpd

from argovx_lab import codecs
from argovx_lab.codecs.frames import KEY, fold, notes_of, unfold
from argovx_lab.errors import CodecError
from tests.codecs.frames import FRAMES, describe


def alike(found, value) -> None:
    exact = {"check_exact": True, "check_freq": True, "check_flags": True, "check_index_type": "exact"}
    assert type(found) is type(value)
    if isinstance(value, pd.Series):
        pd.testing.assert_series_equal(found, value, **exact)
        found, value = found.to_frame(), value.to_frame()
    pd.testing.assert_frame_equal(found, value, check_column_type="exact", **exact)
    assert found.attrs == value.attrs
    for position, dtype in enumerate(value.dtypes):
        if str(dtype) == "object":
            assert repr(list(found.iloc[:, position])) == repr(list(value.iloc[:, position]))
    assert [repr(item) for item in found.index] == [repr(item) for item in value.index]
    assert [type(name) for name in found.index.names] == [type(name) for name in value.index.names]


@pytest.mark.parametrize("name", FRAMES)
def test_what_parquet_alone_would_not_keep_comes_back(name):
    value = FRAMES[name]()
    before = value.copy()
    encoded = codecs.encode(value)
    found = codecs.decode(encoded.read(), "pandas")
    alike(found, value)
    alike(value, before)
    assert codecs.encode(found).digest == encoded.digest


CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=4)
    | st.binary(max_size=4)
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.just(pd.NA)
    | st.just(pd.NaT),
    lambda inner: st.lists(inner, max_size=2) | st.tuples(inner),
    max_leaves=3,
)
COLUMNS = [
    hpd.column("f", dtype="float32"),
    hpd.column("i", dtype="int16"),
    hpd.column("t", dtype="datetime64[ns]"),
    hpd.column("o", elements=CELLS, dtype=object),
    hpd.column("c", elements=st.complex_numbers(), dtype="complex128"),
    hpd.column("s", elements=st.text(max_size=5), dtype=object),
]
INDEXES = hpd.range_indexes(max_size=4) | hpd.indexes(elements=st.text(max_size=3), dtype=object, max_size=4)


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(
    value=hpd.data_frames(COLUMNS, index=INDEXES),
    labels=st.lists(st.integers() | st.text(), min_size=6, max_size=6),
)
def test_frames_of_anything_come_back(value, labels):
    value.columns = pd.Index(labels, dtype=object)
    found = codecs.decode(codecs.encode(value).read(), "pandas")
    assert describe(found) == describe(value)


def test_what_another_pandas_wrote_is_refused_by_name_when_a_dtype_is_not_the_same():
    frame, notes = unfold(pd.DataFrame({"a": [1]}))
    for change, words in [
        ({"dtypes": ["float7"]}, "its column 'a' was float7, and would be int64 here"),
        ({"index": ["PeriodIndex", ["period[D]"]]}, "its index was PeriodIndex of period"),
        ({"columns": ["MultiIndex", ["object"]]}, "its columns' labels were MultiIndex"),
        ({"freq": "D"}, "not a pandas frame"),
        ({"dtypes": []}, "not as many"),
        ({"schema": "other"}, "not a pandas frame"),
        ({"how": {"0": {"complex": "|O"}}}, "not a pandas frame"),
        ({"how": {"9": "tagged"}}, "not a pandas frame"),
        ({"how": {"0": "tagged"}}, "not a pandas frame"),
        ({"attrs": [1]}, "not a pandas frame"),
        ({"names": 3}, "not a pandas frame"),
    ]:
        with pytest.raises(CodecError, match=words):
            fold(frame.copy(), {**notes, "pandas": "1.0", **change})
    with pytest.raises(CodecError, match=r"written by pandas 1\.0, and this is"):
        fold(frame.copy(), {**notes, "pandas": "1.0", "dtypes": ["float7"]})


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("executed",)


def parquet(notes: bytes, extra) -> bytes:
    table = pa.table({"a": [1]}).replace_schema_metadata({KEY: notes, **extra})
    out = pa.BufferOutputStream()
    pq.write_table(table, out)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "notes",
    [b"", b"[]", b"{}", b"[" * 9999, pickle.dumps(Bomb()), json.dumps({"schema": "argovx.frame/1"}).encode()],
)
def test_metadata_of_any_kind_is_data(notes):
    for extra in ({}, {b"pandas": pickle.dumps(Bomb())}, {b"argovx.objects": pickle.dumps(Bomb())}):
        with pytest.raises(CodecError, match="X cannot be read"):
            codecs.decode(parquet(notes, extra), "pandas", name="X")


def test_a_table_without_notes_is_no_frame_of_ours():
    with pytest.raises(CodecError, match="not a pandas frame of argovx-lab"):
        notes_of(pa.table({"a": [1]}))


def test_many_row_groups_keep_categories_that_no_row_has():
    value = pd.DataFrame(
        {"c": pd.Categorical(["b", "a"] * 600_000, categories=["z", "b", "a", "y"], ordered=True)}
    )
    alike(codecs.decode(codecs.encode(value).payload, "pandas"), value)


def test_decimals_keep_their_digits_and_dates_their_type():
    value = pd.DataFrame(
        {"d": [decimal.Decimal("1.10"), decimal.Decimal(2)], "t": [dt.date(2026, 1, 1), None]}
    )
    found = codecs.decode(codecs.encode(value).read(), "pandas")
    assert [str(item) for item in found["d"]] == ["1.10", "2"]
    assert list(map(type, found["t"])) == [dt.date, type(None)]
