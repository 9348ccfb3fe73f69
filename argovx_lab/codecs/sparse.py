"""The codec `sparse`: scipy's sparse matrices and arrays of every format, as their own arrays.

Gives back the format, whether it is a matrix or an array, dtypes, the order of entries and entries that are
zero. Refuses subclasses, and on reading every index that lies outside of the shape: scipy's compiled code
does not look.

Source: https://docs.scipy.org/doc/scipy/reference/sparse.html
"""

from __future__ import annotations

import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, shape_text, type_name
from argovx_lab.codecs.npy import BROKEN
from argovx_lab.codecs.parts import read_parts, write_parts
from argovx_lab.errors import CodecError

SCHEMA = "argovx.sparse/1"

#: Format → the arrays that make it up; `coo`, `lil` and `dok` are written as coordinates.
_FIELDS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
}
_FORMATS = (*_FIELDS, "coo", "lil", "dok")


class Sparse(Codec):
    """A scipy sparse matrix or array."""

    name = "sparse"
    about = (
        "scipy sparse matrices and arrays: bsr, coo, csc, csr, dia, dok, lil",
        "a line of JSON and their arrays as `.npy`",
        "subclasses",
    )

    def accepts(self, value: Any) -> bool:
        """Accept all that scipy calls sparse."""
        sparse = sys.modules.get("scipy.sparse")
        return sparse is not None and bool(sparse.issparse(value))

    def summary(self, value: Any) -> str:
        """Return format and shape."""
        return "sparse %s, %s" % (value.format, shape_text(value.shape))

    def write(self, value: Any, sink: Sink) -> None:
        """Write head and arrays."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not a sparse matrix of scipy" % type_name(value))
        kind = type(value).__name__
        if kind not in _kinds() or type(value) is not getattr(sys.modules["scipy.sparse"], kind, None):
            raise CodecError("it is a %s, not scipy's own" % type_name(value), hint="Use .tocsr() of it.")
        if value.format == "coo":
            arrays = [value.data, *_coordinates(value)]
        elif value.format == "dok":
            arrays = _of_dok(value)
        elif value.format == "lil":
            arrays = _of_lil(value)
        else:
            arrays = [getattr(value, field) for field in _FIELDS[value.format]]
        write_parts(sink, SCHEMA, {"kind": kind, "shape": [int(n) for n in value.shape]}, arrays)

    def load(self, source: IO[bytes]) -> Any:
        """Read head and arrays, and look at every index."""
        sparse = need("scipy.sparse")
        head, arrays = read_parts(source, SCHEMA)
        kind, shape = head.get("kind"), head.get("shape")
        if kind not in _kinds() or not isinstance(shape, list):
            raise CodecError("the bytes are not %s" % SCHEMA)
        if not hasattr(sparse, kind):
            raise CodecError("this scipy has no %s" % kind, hint="Use an image with a newer scipy.")
        try:
            if not all(type(n) is int and 0 <= n < 1 << 62 for n in shape):
                raise ValueError("shape %.60r" % (shape,))
            return _build(getattr(sparse, kind), kind[:3], tuple(shape), arrays)
        except BROKEN as error:
            raise CodecError("the bytes are not a sparse matrix: %.160s" % error) from error


def _kinds() -> tuple[str, ...]:
    return tuple("%s_%s" % (form, kind) for form in _FORMATS for kind in ("matrix", "array"))


def _coordinates(value: Any) -> list[Any]:
    found = getattr(value, "coords", None)
    return list(found) if found is not None else [value.row, value.col]


def _of_dok(value: Any) -> list[Any]:
    import numpy as np

    keys = list(value.keys())
    data = np.array([value[key] for key in keys], dtype=value.dtype)
    rows = [key if isinstance(key, tuple) else (key,) for key in keys]
    table = np.array(rows, dtype=np.int64).reshape(len(keys), len(value.shape))
    return [data, *(np.ascontiguousarray(table[:, axis]) for axis in range(table.shape[1]))]


def _of_lil(value: Any) -> list[Any]:
    """Return values, columns, and how many entries each row has."""
    import numpy as np

    lengths = np.array([len(row) for row in value.rows], dtype=np.int64)
    columns = np.array([column for row in value.rows for column in row], dtype=np.int64)
    data = np.empty(len(columns), dtype=value.dtype)
    data[:] = [item for row in value.data for item in row]
    return [data, columns, lengths]


def _build(kind: Any, form: str, shape: tuple[int, ...], arrays: list[Any]) -> Any:
    import numpy as np

    data, rest = arrays[0], arrays[1:]
    if not all(array.ndim == 1 and array.dtype.kind in "iu" for array in rest):
        raise ValueError("indices that are not whole numbers")
    if form == "coo":
        _inside(rest, shape, len(data))
        found = kind((data, tuple(rest)), shape=shape)
        _place(
            found, "data coords" if hasattr(found, "coords") else "data row col", [data, *_tied(found, rest)]
        )
        return found
    if form == "dok":
        _inside(rest, shape, len(data))
        found = kind(shape, dtype=data.dtype)
        for index, item in zip(zip(*(axis.tolist() for axis in rest)), data):
            found[index if len(shape) > 1 else index[0]] = item
        return found
    if form == "lil":
        return _lil(kind, shape, data, rest)
    if form == "dia":
        if data.ndim != 2 or len(rest) != 1 or len(rest[0]) != len(data):
            raise ValueError("diagonals that are not as many as their offsets")
        found = kind((data, rest[0]), shape=shape)
        _place(found, "data offsets", [data, rest[0]])
        return found
    if len(rest) != 2 or rest[1].ndim != 1 or not len(rest[1]):
        raise ValueError("arrays that do not fit together")
    found = kind((data, *rest), shape=shape)
    _place(found, "data indices indptr", [data, *rest])
    found.check_format(full_check=True)
    if int(np.asarray(found.indptr)[-1]) > len(rest[0]):
        raise ValueError("indices that end too early")
    return found


def _tied(found: Any, axes: list[Any]) -> list[Any]:
    return [tuple(axes)] if hasattr(found, "coords") else axes


def _place(found: Any, fields: str, arrays: list[Any]) -> None:
    """Put the very arrays in place: scipy's constructors may have chosen other index types."""
    for field, array in zip(fields.split(), arrays):
        setattr(found, field, array)


def _inside(axes: list[Any], shape: tuple[int, ...], count: int) -> None:
    if len(axes) != len(shape):
        raise ValueError("%d indices for %d axes" % (len(axes), len(shape)))
    for axis, length in zip(axes, shape):
        if len(axis) != count or (count and (int(axis.min()) < 0 or int(axis.max()) >= length)):
            raise ValueError("an index outside of the shape")


def _lil(kind: Any, shape: tuple[int, ...], data: Any, rest: list[Any]) -> Any:
    columns, lengths = rest
    if (
        len(shape) != 2
        or len(lengths) != shape[0]
        or int(lengths.sum()) != len(data)
        or lengths.min(initial=0) < 0
    ):
        raise ValueError("rows that do not fit the shape")
    _inside([columns], shape[1:], len(data))
    found = kind(shape, dtype=data.dtype)
    start = 0
    for row, length in enumerate(lengths.tolist()):
        entries = columns[start : start + length].tolist()
        if sorted(set(entries)) != entries:
            raise ValueError("columns out of order")
        found.rows[row] = entries
        found.data[row] = data[start : start + length].tolist()
        start += length
    return found
