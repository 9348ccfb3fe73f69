"""Single values, collections and generators that people pass: the same kind comes back, and draws the same."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import json
import math
import pathlib
import random
import struct
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argovx_lab import codecs
from argovx_lab.codecs import generators
from argovx_lab.errors import CodecError

ZURICH = zoneinfo.ZoneInfo("Europe/Zurich")


def back(value):
    encoded = codecs.encode(value)
    assert codecs.encode(value).digest == encoded.digest
    return codecs.decode(encoded.read(), encoded.codec)


def about(value):
    """Return all of a value that must come back, as something that compares."""
    kind = type(value)
    inner = ()
    if isinstance(value, dict):
        inner = tuple((about(key), about(item)) for key, item in value.items())
    elif isinstance(value, (list, tuple, collections.deque)):
        inner = tuple(map(about, value))
    elif isinstance(value, (set, frozenset)):
        inner = frozenset(map(about, value))
    elif kind is slice:
        inner = about((value.start, value.stop, value.step))
    elif isinstance(value, float):
        inner = struct.pack(">d", value)
    elif kind is complex:
        inner = about(value.real), about(value.imag)
    elif isinstance(value, dt.timezone):
        inner = value.utcoffset(None), value.tzname(None)
    elif isinstance(value, (dt.datetime, dt.time)):
        inner = repr(value), value.fold, about(value.tzinfo), str(getattr(value, "unit", ""))
    else:
        inner = repr(value)
    more = tuple(getattr(value, name, "") for name in ("default_factory", "maxlen"))
    return kind, inner, more


VALUES = [
    collections.Counter("abca"),
    collections.Counter(),
    collections.OrderedDict([(2, "b"), ("a", (1,))]),
    collections.defaultdict(list, {"a": [1]}),
    collections.defaultdict(None, {1: 2}),
    collections.defaultdict(collections.Counter),
    collections.deque([1, (2,)], maxlen=3),
    collections.deque(),
    fractions.Fraction(-3, 7),
    decimal.Decimal("-0E+3"),
    decimal.Decimal("sNaN12"),
    range(0),
    range(5, 1, -2),
    slice(None, 3),
    (slice(1, None, (2,)), ..., None),
    pathlib.PurePosixPath("/data/x.csv"),
    pathlib.PureWindowsPath("C:/x"),
    dt.UTC,
    dt.timezone(dt.timedelta(hours=-3, microseconds=1), "BRT"),
    dt.timezone(dt.timedelta(), "Z"),
    ZURICH,
    dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZURICH, fold=1),
    dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(0), "Z")),
    dt.time(1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.timedelta.min,
    -math.nan,
    struct.unpack(">d", bytes.fromhex("7ff8000000000123"))[0],
    complex(math.nan, -0.0),
    pd.Timestamp("2026-11-24 01:02:03.000000004"),
    pd.Timestamp("2026-11-24").as_unit("s"),
    pd.Timestamp("2026-10-25 00:30", tz="UTC").tz_convert("Europe/Zurich"),
    pd.Timestamp("2026-10-25 01:30", tz="UTC").tz_convert(ZURICH),
    pd.Timestamp(0, tz="UTC"),
    pd.Timedelta("-1 days 3ns"),
    pd.Period("2026-11", "M"),
    pd.Interval(0, 1.5, closed="both"),
    pd.Interval(pd.Timestamp(0), pd.Timestamp(1)),
    pd.NaT,
    pd.NA,
    {"when": pd.Timestamp(0), 3: [range(2)]},
    (1, "a", (2.5,)),
    {1: "a", None: 2, (1, 2): 3},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_what_it_was(value):
    assert about(back(value)) == about(value)
    assert about(back([value])) == about([value]), "inside a container too"


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats() | st.binary(max_size=5)
KEYS = st.integers() | st.text(max_size=5) | st.tuples(st.integers(), st.text(max_size=3)) | st.fractions()
NESTED = st.recursive(
    PLAIN
    | st.fractions()
    | st.decimals()
    | st.complex_numbers()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.times()
    | st.timedeltas()
    | st.builds(range, st.integers(), st.integers(), st.integers(1, 9)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3).map(collections.OrderedDict)
        | st.dictionaries(KEYS, st.integers(), max_size=3).map(collections.Counter)
        | st.dictionaries(KEYS, inner, max_size=3).map(lambda d: collections.defaultdict(set, d))
        | st.builds(collections.deque, st.lists(inner, max_size=3), st.just(5))
        | st.builds(slice, inner, inner, inner)
        | st.frozensets(KEYS, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(NESTED)
def test_any_nesting_comes_back(value):
    assert about(back(value)) == about(value)


@pytest.mark.long
@settings(max_examples=5000, deadline=None)
@given(NESTED)
def test_any_nesting_comes_back_many_times(value):
    assert about(back(value)) == about(value)


MACHINES = [np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.MT19937, np.random.Philox]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_generator_draws_what_it_would_have_drawn(machine):
    value = np.random.Generator(machine(np.random.SeedSequence(7, spawn_key=(1,))))
    value.integers(9, size=3, dtype="uint32")  # leaves half a word behind
    value.spawn(1)
    found = back({"rng": value})["rng"]
    assert type(found.bit_generator) is machine
    assert found.spawn(1)[0].random() == value.spawn(1)[0].random()
    assert found.normal(size=700).tobytes() == value.normal(size=700).tobytes()


def test_older_generators_draw_what_they_would_have_drawn():
    old = np.random.RandomState(3)
    old.normal(size=3)  # leaves one of a pair behind
    assert back(old).normal(size=700).tobytes() == old.normal(size=700).tobytes()
    plain = random.Random(3)
    plain.gauss(0, 1)
    found = back(plain)
    assert [found.gauss(0, 1) for _ in range(700)] == [plain.gauss(0, 1) for _ in range(700)]
    seeds = np.random.SeedSequence([1, 2], pool_size=8)
    assert back(seeds).generate_state(9).tobytes() == seeds.generate_state(9).tobytes()


def spoilt():
    """Yield documents of generators that compiled code must never see."""
    for value in [np.random.Generator(m(1)) for m in MACHINES] + [np.random.RandomState(1), random.Random(1)]:
        document = generators.pack_generator(value, "it")

        def places(node, *, path=()):
            if isinstance(node, (dict, list)):
                items = node.items() if isinstance(node, dict) else list(enumerate(node))[:3]
                for key, item in items:
                    yield from places(item, path=(*path, key))
            else:
                yield path

        for path in places(document["v"]):
            for bad in (-1, 1 << 200, 10**6, "x", None, [1], True):
                copied = json.loads(json.dumps(document))
                node = copied["v"]
                for key in path[:-1]:
                    node = node[key]
                node[path[-1]] = bad
                yield copied


def test_a_generator_whose_state_is_none_is_refused_or_harmless():
    refused = 0
    for document in spoilt():
        data = json.dumps({"schema": "argovx.data/1", "value": document}).encode()
        try:
            found = codecs.decode(data, "data")
        except CodecError:
            refused += 1
        else:
            getattr(found, "random", None) or found.bytes(3)
    assert refused > 100


@pytest.mark.parametrize(
    "value",
    [
        {"$": "defaultdict", "v": [], "factory": "eval"},
        {"$": "defaultdict", "v": [], "factory": ["list"]},
        {"$": "deque", "v": [1, 2], "maxlen": 1},
        {"$": "zone", "v": "../../etc/passwd"},
        {"$": "zone", "v": "No/Where"},
        {"$": "fraction", "v": [1, 0]},
        {"$": "range", "v": [0, 1, 0]},
        {"$": "path", "v": ["os", "x"]},
        {"$": "float", "v": "0000000000000000"},
        {"$": "float", "v": "7ff8"},
        {"$": "pandas", "kind": "read_pickle", "v": [1, "s"]},
        {"$": "pandas", "kind": "Timestamp", "v": [1 << 70, "s", None, 0]},
        {"$": "pandas", "kind": "Period", "v": [1, "nope"]},
        {"$": "pandas", "kind": "Interval", "v": [1, 2, "nope"]},
        {"$": "seeds", "v": [None, [], 4, 0]},
        {"$": "seeds", "v": [1, [], 1 << 40, 0]},
        {"$": "generator", "v": ["default_rng", {}, [1, [], 4, 0]]},
    ],
    ids=repr,
)
def test_documents_of_values_that_are_none_are_refused(value):
    with pytest.raises(CodecError):
        codecs.decode(json.dumps({"schema": "argovx.data/1", "value": value}).encode(), "data")


INDEXES = [
    pd.Index([1, 2], name="n"),
    pd.Index(["a", None, "b"]),
    pd.Index([0.5, math.nan]),
    pd.RangeIndex(3, 9, 2, name=("k", 1)),
    pd.date_range("2026-01-01", periods=3, freq="D", tz="Europe/Zurich"),
    pd.DatetimeIndex(["2026-01-01", None]),
    pd.timedelta_range("1h", periods=3),
    pd.period_range("2026", periods=2, freq="M"),
    pd.interval_range(0, 3),
    pd.CategoricalIndex(["a", "b"], categories=["b", "a", "c"], ordered=True),
    pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", None]),
    pd.MultiIndex.from_arrays([pd.date_range("2026", periods=2), [1.5, 2.5]]),
    pd.Index([(1, 2), (3, 4)], tupleize_cols=False),
    pd.Index([], dtype="float64"),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda i: f"{type(i).__name__}-{i.dtype}")
def test_an_index_comes_back(index):
    assert codecs.detect(index).name == "pandas-index"
    found = back(index)
    assert type(found) is type(index)
    assert found.identical(index)
    assert getattr(found, "freq", None) == getattr(index, "freq", None)


def test_a_frame_is_no_index_and_an_index_no_frame():
    frame = codecs.encode(pd.DataFrame({"a": [1]})).read()
    with pytest.raises(CodecError, match="not an index"):
        codecs.decode(frame, "pandas-index")
    with pytest.raises(CodecError, match="not an index of pandas"):
        codecs.encode([1], "pandas-index")
