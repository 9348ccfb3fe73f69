"""Frames that Parquet alone would change, and a description of a frame that two versions of pandas can compare.

As a script it writes them all to a folder, or reads what another version wrote there: one JSON object, name →
description, or ``refused: …``.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pathlib
import sys

import numpy as np
import pandas as pd

from argovx_lab import codecs
from argovx_lab.errors import CodecError


def _attrs():
    found = pd.DataFrame({"a": [1]})
    found.attrs = {"unit": "m", "range": (1, 2)}
    return found


def _days(*args, **kwargs):
    return pd.DataFrame({"a": [1, 2, 3]}, index=pd.date_range(*args, periods=3, **kwargs))


def _objects(*values):
    return pd.DataFrame({"o": pd.Series(list(values), dtype=object)})


def _two(index):
    return pd.DataFrame({"a": [1, 2]}, index=index)


FRAMES = {
    "plain": lambda: pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan], "c": ["x", "ü"]}),
    "numbers": lambda: pd.DataFrame(
        {"a": np.array([1, 2], "f2"), "b": np.array([1, 2], "u1"), "c": [True, False]}
    ),
    "empty": pd.DataFrame,
    "no rows": lambda: pd.DataFrame({"a": pd.Series([], dtype=object)}),
    "frequency": lambda: _days("2026-01-01", freq="D"),
    "frequency in a zone": lambda: _days("2026-03-28", freq="2D", tz="Europe/Zurich"),
    "differences": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.timedelta_range("1D", periods=2)),
    "periods": lambda: pd.DataFrame({"p": pd.period_range("2026", periods=3, freq="D")}),
    "index of periods": lambda: _two(pd.period_range("2026", periods=2, freq="D")),
    "intervals": lambda: pd.DataFrame({"p": pd.interval_range(0, 3)}),
    "index of intervals": lambda: _two(pd.interval_range(0, 2)),
    "index of categories": lambda: _two(pd.CategoricalIndex(["b", "a"], categories=["b", "c", "a"])),
    "sparse": lambda: pd.DataFrame(
        {"s": pd.arrays.SparseArray([0, 0, 1]), "n": pd.arrays.SparseArray([np.nan, 1.5, np.nan])}
    ),
    "levels as labels": lambda: pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    ),
    "names of labels": lambda: pd.DataFrame(
        [[1]], columns=pd.MultiIndex.from_tuples([("a", "x")], names=["k", None])
    ),
    "a label twice": lambda: pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    "mixed labels": lambda: pd.DataFrame([[1, 2]], columns=["a", 3]),
    "times as labels": lambda: pd.DataFrame([[1, 2]], columns=pd.date_range("2026", periods=2)),
    "name of labels": lambda: pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], name="cn")),
    "numbers as labels": lambda: pd.DataFrame([[1, 2]], columns=[5, 7]),
    "index of objects": lambda: _two(pd.Index(["a", 3], dtype=object, name="k")),
    "index of text objects": lambda: _two(pd.Index(["a", None], dtype=object)),
    "index called 7": lambda: _two(pd.Index([3, 4], name=7)),
    "range with a name": lambda: _two(pd.RangeIndex(2, name="r")),
    "a row twice": lambda: _two(pd.Index(["x", "x"])),
    "index of floats": lambda: _two(pd.Index([0.5, np.nan])),
    "levels": lambda: _two(pd.MultiIndex.from_tuples([("x", 1), ("x", 2)], names=["k", "n"])),
    "levels of times": lambda: _two(
        pd.MultiIndex.from_tuples([("x", pd.Timestamp("2026")), ("y", pd.NaT)], names=[None, "t"])
    ),
    "dates": lambda: _objects(dt.date(2026, 1, 1), None),
    "decimals": lambda: _objects(decimal.Decimal("1.10"), decimal.Decimal(2)),
    "mixed": lambda: _objects(1, "x", None, 2.5, (1, [2])),
    "lists": lambda: _objects([1], [2, 3]),
    "bytes": lambda: _objects(b"x", None),
    "dicts": lambda: _objects({"k": 1}, {"k": 2, "j": None}),
    "truth or nothing": lambda: _objects(True, None, False),
    "kinds of missing": lambda: _objects(None, np.nan, pd.NA, pd.NaT, "x"),
    "unique labels": lambda: pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
    "attrs": _attrs,
    "complex": lambda: pd.DataFrame({"a": [1j, complex(np.nan, -0.0)], "b": np.array([1, 2], "c8")}),
    "arrow": lambda: pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
    "nullable": lambda: pd.DataFrame(
        {"i": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}
    ),
    "text of python": lambda: pd.DataFrame({"a": pd.array(["x", None], dtype="string[python]")}),
    "text of arrow": lambda: pd.DataFrame({"a": pd.array(["x", None], dtype="string[pyarrow]")}),
    "categories of numbers": lambda: pd.DataFrame({"a": pd.Categorical([3, 1], categories=[3, 2, 1])}),
    "categories in order": lambda: pd.DataFrame(
        {"a": pd.Categorical(["b", None], categories=["b", "a"], ordered=True)}
    ),
    "seconds": lambda: pd.DataFrame({"a": pd.Series(["2026", None], dtype="M8[ns]").astype("M8[s]")}),
    "series": lambda: pd.Series([1.5], name=("a", 1), index=["q"]),
    "series of text": lambda: pd.Series(["a", None]),
}


def describe(value):
    """Return all of a frame that must be the same, as JSON."""
    frame = value.to_frame() if isinstance(value, pd.Series) else value
    return {
        "type": type(value).__name__,
        "values": [[repr(item) for item in frame.iloc[:, n]] for n in range(frame.shape[1])],
        "dtypes": [repr(dtype) for dtype in frame.dtypes],
        "index": [repr(item) for item in frame.index],
        "index dtype": str(frame.index.dtype),
        "names": [repr(name) for name in [*frame.index.names, *frame.columns.names]],
        "labels": [repr(label) for label in frame.columns],
        "freq": str(getattr(frame.index, "freqstr", None)),
        "attrs": repr(value.attrs),
        "unique": not value.flags.allows_duplicate_labels,
    }


def main(action: str, folder: pathlib.Path) -> dict:
    """Write all frames, or read those that are there; return what they are."""
    found = {}
    for name, make in FRAMES.items():
        path = folder / name
        try:
            if action == "write":
                value = make()
                path.write_bytes(codecs.encode(value).read())
            elif path.exists():
                value = codecs.decode(path.read_bytes(), "pandas")
            else:
                continue
        except CodecError as error:
            found[name] = f"refused: {error.message}"
        else:
            found[name] = describe(value)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], pathlib.Path(sys.argv[2]))))
