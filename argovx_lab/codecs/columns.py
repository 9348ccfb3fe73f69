"""Columns of a frame that Parquet does not keep, as columns that it keeps.

Owns the few ways: mixed objects as JSON with tags, categories as their numbers, complex numbers as their
bytes, whole seconds as numbers, sparse columns as dense ones. Refuses objects that are no plain data.
"""

from __future__ import annotations

import json
from typing import Any

from argovx_lab.codecs.dtypes import retyped, spec, with_column
from argovx_lab.codecs.tagged import pack, unpack
from argovx_lab.errors import CodecError

#: Kinds of objects that Arrow keeps as they are, when all values of a column are of one.
_UNIFORM = ("string", "empty", "bytes", "boolean", "date")


def put_aside(frame: Any, position: int) -> Any:
    """Replace a column by one that Parquet keeps; returns how to undo it, ``None`` when it was one.

    Raises
    ------
    CodecError
        When its objects are no plain data.
    """
    dtype = frame.dtypes.iloc[position]
    name = str(getattr(dtype, "name", ""))
    if name == "object":
        return _object(frame, position)
    if name == "category":
        return _category(frame, position)
    if name.startswith(("datetime64[s", "timedelta64[s")):
        return _seconds(frame, position)
    if name.startswith("Sparse"):
        with_column(frame, position, frame.iloc[:, position].sparse.to_dense())
        return {"fill": pack(dtype.fill_value), "of": str(dtype.subtype)}
    if getattr(dtype, "kind", "") == "c":
        return _complex(frame, position)
    return None


def _object(frame: Any, position: int) -> Any:
    """Write a column of objects as JSON with tags, unless Arrow keeps it."""
    import pandas as pd

    column = frame.iloc[:, position]
    missing = {type(item).__name__ for item in column[column.isna()]}
    uniform = pd.api.types.infer_dtype(column, skipna=True)
    kept = (set(), {"NoneType"}, {"float"}) if uniform in ("string", "empty") else (set(), {"NoneType"})
    if uniform in _UNIFORM and missing in kept:
        return None
    label = "its column %r" % (frame.columns[position],)
    try:
        texts = [json.dumps(pack(item, label), separators=(",", ":")) for item in column]
    except CodecError as error:
        raise CodecError(
            error.message,
            hint="Convert it to plain values, one kind of objects per column, or drop the column.",
        ) from error
    with_column(frame, position, pd.Series(texts, index=frame.index, dtype=object))
    return "tagged"


def _complex(frame: Any, position: int) -> Any:
    """Write complex numbers as pairs of bytes, which keeps every bit."""
    import numpy as np
    import pandas as pd

    values = np.ascontiguousarray(frame.iloc[:, position].to_numpy())
    size = values.dtype.itemsize
    raw = values.tobytes()
    cells = [raw[n * size : (n + 1) * size] for n in range(len(values))]
    dtype = values.dtype.newbyteorder("<").str
    with_column(frame, position, pd.Series(cells, index=frame.index, dtype=object))
    return {"complex": dtype}


def _category(frame: Any, position: int) -> Any:
    """Write numbers instead of categories: Parquet keeps only texts, and not those that no row has."""
    import pandas as pd

    column = frame.iloc[:, position]
    found = column.cat.categories
    try:
        how = {"categories": pack(list(found)), "of": spec(found.dtype), "ordered": bool(column.cat.ordered)}
    except CodecError:
        return None  # times and intervals: what Parquet makes of them is looked at
    with_column(frame, position, pd.Series(column.cat.codes.astype("int32"), index=frame.index))
    return how


def _seconds(frame: Any, position: int) -> Any:
    """Write whole seconds as numbers: Parquet's coarsest unit is the thousandth."""
    import pandas as pd

    column = frame.iloc[:, position]
    zone = getattr(column.dtype, "tz", None)
    plain = column.dt.tz_convert(None) if zone is not None else column
    numbers = plain.to_numpy().view("int64")
    with_column(frame, position, pd.Series(numbers.copy(), index=frame.index))
    return {"seconds": str(column.dtype)}


def brought_back(column: Any, how: Any) -> Any:
    """Return the column that `put_aside` replaced."""
    import numpy as np
    import pandas as pd

    if how == "tagged":
        values = np.empty(len(column), dtype=object)
        for row, text in enumerate(column):
            values[row] = unpack(json.loads(text))
        return pd.Series(values, index=column.index, dtype=object)
    if "complex" in how:
        values = np.frombuffer(b"".join(column), dtype=np.dtype(str(how["complex"])))
        if values.dtype.kind != "c":
            raise ValueError("not complex")
        return pd.Series(values.copy(), index=column.index)
    if "categories" in how:
        categories = pd.Index(unpack(how["categories"]), tupleize_cols=False)
        if spec(categories.dtype) != how["of"]:
            categories = retyped(categories, how["of"])
        if spec(categories.dtype) != how["of"] and not str(how["of"]).startswith("string["):
            categories = categories.astype(str(how["of"]))
        made = pd.Categorical.from_codes(column.to_numpy(), categories, ordered=how["ordered"])
        return pd.Series(made, index=column.index)
    if "seconds" in how:
        name, _, zone = str(how["seconds"])[:-1].partition("[s")
        times = pd.Series(
            column.to_numpy().view("m8[s]" if name == "timedelta64" else "M8[s]"), index=column.index
        )
        return times.dt.tz_localize("UTC").dt.tz_convert(zone[2:]) if zone else times
    return column.astype(pd.SparseDtype(np.dtype(str(how["of"])), unpack(how["fill"])))
