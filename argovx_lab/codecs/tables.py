"""Codecs of tables: `pandas` for frames and series, `arrow` for ``pyarrow.Table``; both as Parquet.

Labels, dtypes, the index and every column but plain numbers are read back before a frame's bytes are handed
out; whatever would differ is refused, naming it. Refuses pickled extension types on both ways.

Source: https://arrow.apache.org/docs/python/parquet.html
"""

from __future__ import annotations

import io
import json
import math
import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, shape_text, type_name
from argovx_lab.codecs.bounds import check_parquet, check_size
from argovx_lab.codecs.dtypes import retyped_like
from argovx_lab.codecs.frames import fold, know_types, noted, notes_of, unfold, without_rows
from argovx_lab.errors import CodecError

_OBJECTS = b"argovx.objects"

#: Kinds of numpy dtypes whose values Arrow and Parquet keep bit by bit.
_PLAIN_KINDS = frozenset("biuf")


class Pandas(Codec):
    """A pandas DataFrame or Series."""

    name = "pandas"
    about = (
        "`pandas.DataFrame`, `pandas.Series`: dtypes, categories, zones, index, flags, attrs, mixed columns",
        "Parquet, and notes for what it does not keep; read back before it is handed out",
        "objects that are no plain data, and what another pandas cannot give back, by the column's name",
    )

    def accepts(self, value: Any) -> bool:
        """Accept DataFrame and Series."""
        pandas = sys.modules.get("pandas")
        return pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series))

    def summary(self, value: Any) -> str:
        """Return the shape."""
        return "pandas %s, %s" % (type(value).__name__, shape_text(value.shape))

    def write(self, value: Any, sink: Sink) -> None:
        """Write Parquet, after a look at what comes back."""
        import pandas as pd

        if type(value) not in (pd.DataFrame, pd.Series):
            raise CodecError("it is a %s, not a pandas frame or series" % type_name(value))
        need("pyarrow")
        plain, notes = unfold(value)
        table = _table(plain)
        _check(plain, table)
        fold(_frame(_through_parquet(table.slice(0, 0))), without_rows(notes))
        _write_table(noted(table, notes), sink)

    def load(self, source: IO[bytes]) -> Any:
        """Read Parquet."""
        know_types()
        table = _read_table(source)
        return fold(_frame(table), notes_of(table))

    def warm(self) -> None:
        """Import pandas and Arrow, with what they import when the first table becomes a frame."""
        need("pandas")
        need("pyarrow.parquet")
        need("pyarrow").table({"x": [0.0]}).to_pandas()


class Arrow(Codec):
    """A ``pyarrow.Table``."""

    name = "arrow"
    about = (
        "`pyarrow.Table`",
        "Parquet",
        "types that Parquet changes, pickled extension types",
    )

    def accepts(self, value: Any) -> bool:
        """Accept Table."""
        pyarrow = sys.modules.get("pyarrow")
        return pyarrow is not None and isinstance(value, pyarrow.Table)

    def summary(self, value: Any) -> str:
        """Return the shape."""
        return "Arrow table, %s" % shape_text(value.shape)

    def write(self, value: Any, sink: Sink) -> None:
        """Write Parquet; refuses schemas that Parquet would change."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not an Arrow table" % type_name(value))
        _write_table(value, sink)
        back = _through_parquet(value.slice(0, 0))
        if not back.schema.equals(value.schema, check_metadata=True):
            raise CodecError(
                "its columns would come back with other types from Parquet",
                hint="Cast them with table.cast(…) to plain types.",
            )

    def load(self, source: IO[bytes]) -> Any:
        """Read Parquet."""
        return _read_table(source)


def _table(value: Any) -> Any:
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(value)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(part) for part in getattr(error, "args", ()) if isinstance(part, str))
        raise CodecError(
            "Parquet cannot hold it: %.200s" % (reason or error),
            hint="Give the column one plain type with .astype(…), or drop it.",
        ) from error
    meta = dict(table.schema.metadata or {})
    objects = _objects(value)
    if objects:
        meta[_OBJECTS] = json.dumps(objects, sort_keys=True).encode()
    return table.replace_schema_metadata(meta)


def _objects(frame: Any) -> dict[str, str]:
    """Return position → ``None`` or ``nan`` for columns of objects: which of the two stands for missing.

    Parquet keeps text and "missing"; whether text was a column of objects, it does not.
    """
    found = {}
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        if column.dtype != object:
            continue
        missing = {type(item).__name__ for item in column[column.isna()]}
        if missing - {"NoneType", "float"} or len(missing) > 1:
            raise CodecError(
                "column %r mixes kinds of missing values" % (frame.columns[position],),
                hint="Make them one with .where(column.notna(), None).",
            )
        found[str(position)] = "nan" if missing == {"float"} else "None"
    return found


def _restore(frame: Any, objects: Any) -> Any:
    for position, missing in objects.items():
        label = frame.columns[int(position)]
        column = frame[label].astype(object)
        frame[label] = column.where(column.notna(), None if missing == "None" else math.nan)
    return frame


def _frame(table: Any) -> Any:
    meta = dict(table.schema.metadata or {})
    try:
        frame = table.to_pandas()
    except (
        ValueError,
        TypeError,
        KeyError,
        NotImplementedError,
        MemoryError,
    ) as error:  # Arrow's own among them
        raise CodecError(
            "pandas cannot hold it here: %.160s" % error, hint="Use the pandas that wrote it."
        ) from error
    try:
        return _restore(frame, json.loads(meta.get(_OBJECTS, b"{}")))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise CodecError("the bytes are not a pandas frame of argovx-lab") from error


def _doubtful(value: Any) -> Any:
    """Return the part of a frame whose values Parquet might change: all but plain numbers and times.

    Columns of numpy's own numbers, truth values and times are copied as they are; that costs seconds to look
    at in a large frame and cannot fail. Dtypes, labels and the index are looked at for all of them.
    """
    import numpy as np

    sure = [isinstance(dtype, np.dtype) and dtype.kind in _PLAIN_KINDS for dtype in value.dtypes]
    if sum(sure) < 2:
        return value
    doubtful = [position for position, one in enumerate(sure) if not one]
    return value.iloc[:, doubtful or [0]]  # one column at least: the index is looked at with it


def _check(value: Any, table: Any) -> None:
    """Raise when the frame that comes back would differ from ``value``."""
    part = _doubtful(value)
    if part is value:
        _compare(value, table)
        return
    _compare(value.iloc[:0], table.slice(0, 0))
    if len(value):
        _compare(part, _table(part))


def _compare(value: Any, table: Any) -> None:
    """Raise when the frame that comes back differs from ``value``."""
    import pandas as pd

    frame, other = value, retyped_like(_frame(table), value)
    for column in frame.columns:
        before, after = frame[column].dtype, other[column].dtype if column in other.columns else None
        if before != after:
            raise CodecError(
                "column %r would come back as %s instead of %s" % (column, after, before),
                hint="Convert it with .astype(…) first.",
            )
    try:
        pd.testing.assert_frame_equal(frame, other, check_exact=True, check_freq=False, check_flags=False)
    except (AssertionError, TypeError, ValueError) as error:
        line = " ".join(str(error).split())
        raise CodecError(
            "it would come back changed from Parquet: %.160s" % line,
            hint="Use columns of one plain type each, text names and a plain index (.reset_index()).",
        ) from error


def _through_parquet(table: Any) -> Any:
    """Return what Parquet makes of a small table."""
    sink = Sink(sys.maxsize)
    _write_table(table, sink)
    payload = sink.finish()
    return _read_table(io.BytesIO(payload if isinstance(payload, bytes) else payload.read()))


def _write_table(table: Any, sink: Sink) -> None:
    pyarrow, parquet = need("pyarrow"), need("pyarrow.parquet")
    for field in table.schema:
        _refuse_pickled(field.metadata)
    check_size(table.nbytes)
    try:
        with pyarrow.PythonFile(sink, mode="w") as file:
            parquet.write_table(
                table,
                file,
                compression="snappy",
                use_dictionary=_repetitive(pyarrow, table.schema),
                store_schema=True,
                use_compliant_nested_type=False,
            )
    except (pyarrow.ArrowException, OSError) as error:
        raise CodecError("Parquet cannot hold it: %.200s" % error, hint="Use plain column types.") from error


def _repetitive(pyarrow: Any, schema: Any) -> Any:
    """Return the columns that a dictionary may make small; numbers with a point it only makes slow."""
    if not any(pyarrow.types.is_floating(field.type) for field in schema):
        return True
    return [field.name for field in schema if not pyarrow.types.is_floating(field.type)]


def _open(pyarrow: Any, source: Any) -> Any:
    """Return what Arrow reads without a copy where it can: a file of this machine, or bytes."""
    if isinstance(source, io.BytesIO):
        return pyarrow.BufferReader(pyarrow.py_buffer(source.getbuffer()))
    name = getattr(source, "name", None)
    if isinstance(source, io.BufferedReader) and isinstance(name, str) and source.tell() == 0:
        return pyarrow.memory_map(name)
    return source


def _read_table(source: Any) -> Any:
    pyarrow, parquet = need("pyarrow"), need("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(_open(pyarrow, source))
        check_parquet(file)
        table = file.read()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        raise CodecError("the bytes are not Parquet: %.200s" % error) from error
    for field in table.schema:
        _refuse_pickled(field.metadata)
    return table


def _refuse_pickled(metadata: Any) -> None:
    name = dict(metadata or {}).get(b"ARROW:extension:name", b"")
    if name == b"arrow.py_extension_type":
        raise CodecError("a column has a pickled extension type", hint="Use its storage type.")
