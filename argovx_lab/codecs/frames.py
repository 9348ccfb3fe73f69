"""What Parquet does not keep of a frame: put aside on writing, put back on reading.

Owns the notes: labels, names and attrs of any plain kind, the index's frequency, flags, columns of mixed
objects, of complex numbers and sparse ones, and what every dtype was. Refuses, naming the column, a frame
that this pandas cannot give back as it was written.
"""

from __future__ import annotations

import json
from typing import Any

from argovx_lab.codecs.base import need
from argovx_lab.codecs.columns import brought_back, put_aside
from argovx_lab.codecs.dtypes import retyped, same_kind, spec, with_column
from argovx_lab.codecs.tagged import BROKEN, pack, unpack
from argovx_lab.errors import CodecError

SCHEMA = "argovx.frame/1"
KEY = b"argovx.frame"

_COLUMN = "value"


def unfold(value: Any) -> tuple[Any, dict[str, Any]]:
    """Return a frame that Parquet keeps, and the notes that make ``value`` of it again.

    Raises
    ------
    CodecError
        When a part of it is no plain data.
    """
    import pandas as pd

    notes: dict[str, Any] = {"schema": SCHEMA, "pandas": pd.__version__}
    if value.attrs:
        notes["attrs"] = pack(dict(value.attrs), "its attrs")
    frame = value
    if isinstance(value, pd.Series):
        notes["series"] = pack(value.name, "its name")
        frame = value.to_frame(_COLUMN)
    else:
        frame = value.copy(deep=False)
    notes["columns"] = _kinds(frame.columns)
    notes["dtypes"] = [spec(dtype) for dtype in frame.dtypes]
    notes["index"] = _kinds(frame.index)
    frame.attrs = {}
    if not value.flags.allows_duplicate_labels:
        notes["unique"] = True
        frame = frame.set_flags(allows_duplicate_labels=True)
    return _plain_index(_plain_columns(frame, notes), notes), notes


def fold(frame: Any, notes: dict[str, Any]) -> Any:
    """Return the frame or series that `unfold` was given.

    Raises
    ------
    CodecError
        When this pandas makes something else of it, or the notes are not ours.
    """
    try:
        if notes.get("schema") != SCHEMA:
            raise ValueError("schema")
        made = _folded_columns(_folded_index(frame, notes), notes)
        if notes.get("attrs") is not None:
            made.attrs = unpack(notes["attrs"])
        if notes.get("unique"):
            made = made.set_flags(allows_duplicate_labels=False)
        _agree(made, notes)
        if "series" not in notes:
            return made
        series = made.iloc[:, 0].rename(unpack(notes["series"]))
        series.attrs = made.attrs
        return series
    except BROKEN as error:
        raise CodecError("the bytes are not a pandas frame of argovx-lab: %.160s" % error) from error


def know_types() -> None:
    """Have pandas tell Arrow of its periods and intervals, which it does when it first writes some."""
    need("pyarrow").array(need("pandas").period_range("2026", periods=0, freq="D").array)


def without_rows(notes: dict[str, Any]) -> dict[str, Any]:
    """Return notes for the same frame with no rows, which has no frequency."""
    return {key: note for key, note in notes.items() if key != "freq"}


def noted(table: Any, notes: dict[str, Any]) -> Any:
    """Return the Arrow table with the notes in its metadata."""
    meta = dict(table.schema.metadata or {})
    meta[KEY] = json.dumps(notes, separators=(",", ":")).encode()
    return table.replace_schema_metadata(meta)


def notes_of(table: Any) -> dict[str, Any]:
    """Return the notes of a table; raises `CodecError` when it has none of ours."""
    try:
        found: dict[str, Any] = json.loads(dict(table.schema.metadata or {})[KEY])
        return dict(found)
    except BROKEN as error:
        raise CodecError("the bytes are Parquet, but not a pandas frame of argovx-lab") from error


def _kinds(index: Any) -> list[Any]:
    """Return type, dtypes and what else an index is made of."""
    levels = [index.get_level_values(n) for n in range(index.nlevels)]
    kind = type(index).__name__
    kind = "Index" if kind in ("Int64Index", "UInt64Index", "Float64Index", "NumericIndex") else kind
    return [kind, [spec(level.dtype) for level in levels]]


def _texts(labels: Any) -> bool:
    return all(type(label) is str for label in labels)


def _plain_columns(frame: Any, notes: dict[str, Any]) -> Any:
    """Replace columns and labels that Parquet does not keep."""
    columns = frame.columns
    odd = columns.nlevels == 1 and columns.dtype == object and not _texts(columns)
    if odd or type(columns).__name__ == "RangeIndex" or not columns.is_unique or not len(columns):
        _note_labels(columns, notes)
        frame.columns = [str(n) for n in range(len(columns))]
    done = {str(n): how for n in range(frame.shape[1]) for how in [put_aside(frame, n)] if how is not None}
    if done:
        notes["how"] = done
    return frame


def _note_labels(columns: Any, notes: dict[str, Any]) -> None:
    if type(columns).__name__ == "RangeIndex":
        notes["labels"] = {"start": columns.start, "stop": columns.stop, "step": columns.step}
    else:
        notes["labels"] = pack(list(columns), "its columns")
    notes["label_names"] = pack(list(columns.names), "a name of its columns")


def _labels(notes: dict[str, Any]) -> Any:
    """Return the labels of the columns that `_note_labels` put aside."""
    import pandas as pd

    found, names = notes["labels"], unpack(notes["label_names"])
    kind, dtypes = notes["columns"]
    if kind == "RangeIndex":
        return pd.RangeIndex(found["start"], found["stop"], found["step"], name=names[0])
    labels = unpack(found)
    if kind == "MultiIndex":
        return pd.MultiIndex.from_tuples(labels, names=names)
    given = {} if _texts(labels) else {"dtype": dtypes[0]}
    return pd.Index(labels, tupleize_cols=False, name=names[0], **given)


def _plain_index(frame: Any, notes: dict[str, Any]) -> Any:
    """Replace an index that Parquet does not keep by numbers, and append its levels as columns."""
    import pandas as pd

    index = frame.index
    for key, labels in (("freq", index), ("label_freq", frame.columns)):
        freq = getattr(labels, "freq", None)
        if freq is not None and type(labels).__name__ != "PeriodIndex":
            notes[key] = _frequency(freq)
    names = list(index.names)
    if not all(name is None or type(name) is str for name in names):
        notes["names"] = pack(names, "a name of its index")
        frame.index = index = index.set_names([None] * len(names))
    levels = [index.get_level_values(n) for n in range(index.nlevels)]
    if not any(str(level.dtype) in ("object", "category") for level in levels):
        return frame
    notes.setdefault("names", pack(names, "a name of its index"))
    if "labels" not in notes:  # so that the appended columns' labels cannot be taken
        _note_labels(frame.columns, notes)
    frame.index = range(len(frame))
    frame.columns = [str(n) for n in range(frame.shape[1])]
    for number, level in enumerate(levels):
        position = frame.shape[1]
        frame.insert(
            position, "index %d" % number, pd.Series(level.array, index=frame.index, dtype=level.dtype)
        )
        how = put_aside(frame, position)
        if how is not None:
            notes.setdefault("how", {})[str(position)] = how
    notes["levels"] = len(levels)
    return frame


def _frequency(freq: Any) -> str:
    from pandas.tseries.frequencies import to_offset

    text = str(freq.freqstr)
    try:
        kept = to_offset(text) == freq
    except ValueError:
        kept = False
    if not kept:
        raise CodecError(
            "its index has the frequency %.60s, which would be lost" % text,
            hint="Clear it: .index.freq = None.",
        )
    return text


def _folded_index(frame: Any, notes: dict[str, Any]) -> Any:
    import pandas as pd

    for position, how in (notes.get("how") or {}).items():
        frame = with_column(frame, int(position), brought_back(frame.iloc[:, int(position)], how))
    count = notes.get("levels", 0)
    names = list(unpack(notes["names"])) if "names" in notes else None
    if count:
        first = frame.shape[1] - count
        columns = [frame.iloc[:, first + n] for n in range(count)]
        levels = [pd.Index(column, dtype=column.dtype) for column in columns]
        levels = [retyped(level, want) for level, want in zip(levels, notes["index"][1])]
        frame = frame.iloc[:, :first]
        many = notes["index"][0] == "MultiIndex"
        frame.index = pd.MultiIndex.from_arrays(levels, names=names) if many else levels[0]
    if names is not None:
        frame.index = frame.index.set_names(names)
    if "freq" in notes:
        frame.index = _with_frequency(frame.index, notes["freq"], notes)
    return frame


def _with_frequency(index: Any, freq: str, notes: dict[str, Any]) -> Any:
    try:
        return type(index)(index, freq=freq)
    except ValueError as error:
        raise _other(notes, "its index has the frequency %.40s" % freq) from error


def _folded_columns(frame: Any, notes: dict[str, Any]) -> Any:
    if "labels" in notes:
        frame.columns = _labels(notes)
    elif "label_freq" in notes:
        frame.columns = _with_frequency(frame.columns, notes["label_freq"], notes)
    if frame.columns.nlevels == 1 and _same_major(notes):
        frame.columns = retyped(frame.columns, notes["columns"][1][0])
    for position, want in enumerate(notes["dtypes"]):
        if spec(frame.dtypes.iloc[position]) != want:
            frame = with_column(frame, position, retyped(frame.iloc[:, position], want))
    if not frame.index.nlevels > 1:
        frame.index = retyped(frame.index, notes["index"][1][0])
    return frame


def _same_major(notes: dict[str, Any]) -> bool:
    """Tell whether this pandas gives labels of text the same dtype by itself as the one that wrote."""
    import pandas as pd

    return str(notes.get("pandas", "")).partition(".")[0] == pd.__version__.partition(".")[0]


def _agree(frame: Any, notes: dict[str, Any]) -> None:
    """Raise when a dtype or the index is not what it was where it was written."""
    found = [spec(dtype) for dtype in frame.dtypes]
    if len(found) != len(notes["dtypes"]):
        raise ValueError("its columns are not as many as its notes say")
    for label, was, here in zip(frame.columns, notes["dtypes"], found):
        if was != here:
            raise _other(notes, "its column %.60r was %s, and would be %s here" % (label, was, here))
    index = _kinds(frame.index)
    if notes["index"] != index:
        was, here = _worded(notes["index"]), _worded(index)
        raise _other(notes, "its index was %s, and would be %s here" % (was, here))
    if not same_kind(notes["columns"], _kinds(frame.columns)):
        raise _other(notes, "its columns' labels were %s" % _worded(notes["columns"]))


def _worded(kinds: Any) -> str:
    return "%s of %s" % (kinds[0], ", ".join(map(str, kinds[1])))


def _other(notes: dict[str, Any], what: str) -> CodecError:
    import pandas as pd

    wrote = str(notes.get("pandas", ""))[:20]
    if wrote == pd.__version__:
        return CodecError(what, hint="Use plain dtypes and a plain index (.reset_index()).")
    return CodecError(
        "%s: it was written by pandas %s, and this is %s" % (what, wrote, pd.__version__),
        hint="Use the same pandas in notebook and image, or convert the column before it is passed.",
    )
