"""Sparse matrices of every format, entry by entry; indices from a bucket are looked at before scipy uses them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argovx_lab import codecs
from argovx_lab.codecs.base import Sink
from argovx_lab.codecs.parts import write_parts
from argovx_lab.codecs.sparse import SCHEMA
from argovx_lab.errors import CodecError

FORMATS = ("csr", "csc", "bsr", "coo", "lil", "dok", "dia")
FIELDS = ("data", "indices", "indptr", "offsets", "row", "col")


def parts(value):
    if value.format == "dok":
        return list(value.keys()), [value[key] for key in value.keys()]  # noqa: SIM118  (a matrix is no dict)
    if value.format == "lil":
        return [list(row) for row in value.rows], [list(map(float, row)) for row in value.data]
    return {f: (a.dtype, a.shape, a.tobytes()) for f in FIELDS if (a := getattr(value, f, None)) is not None}


@settings(max_examples=80, deadline=None)
@given(
    dense=hnp.arrays(
        st.sampled_from(["f4", "f8", "i4", "u1", "?"]),
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
        elements=st.sampled_from([0, 0, 0, 1]),
    ),
    form=st.sampled_from(FORMATS),
    kind=st.sampled_from(["matrix", "array"]),
)
def test_every_format_comes_back_by_its_own_arrays(dense, form, kind):
    value = getattr(sp, f"{form}_{kind}")(dense)
    encoded = codecs.encode(value)
    found = codecs.decode(encoded.read(), "sparse")
    assert type(found) is type(value)
    assert (found.shape, found.dtype) == (value.shape, value.dtype)
    assert parts(found) == parts(value)
    assert codecs.encode(found).digest == encoded.digest
    assert np.array_equal(found.toarray(), dense)


def test_order_doubles_zeros_and_wide_indices_are_kept():
    odd = sp.csr_matrix((2, 4))
    odd.indptr = np.array([0, 3, 3], dtype="i8")
    odd.indices = np.array([2, 0, 2], dtype="i8")
    odd.data = np.array([0.0, -0.0, 1.5])
    assert parts(codecs.decode(codecs.encode(odd).read(), "sparse")) == parts(odd)
    doubled = sp.coo_array((np.array([1, 2]), (np.array([0, 0]), np.array([1, 1]))), shape=(1, 2))
    assert parts(codecs.decode(codecs.encode(doubled).read(), "sparse")) == parts(doubled)
    cube = sp.coo_array(np.arange(8).reshape(2, 2, 2))
    assert np.array_equal(codecs.decode(codecs.encode(cube).read(), "sparse").toarray(), cube.toarray())


def written(kind, shape, *arrays) -> bytes:
    sink = Sink(1 << 20)
    write_parts(sink, SCHEMA, {"kind": kind, "shape": shape}, list(arrays))
    return sink.finish()


def ints(*values):
    return np.array(values, dtype="i8")


HOSTILE = {
    "column outside": written("csr_matrix", [1, 2], np.ones(1), ints(99), ints(0, 1)),
    "negative column": written("csc_array", [1, 2], np.ones(1), ints(-1), ints(0, 1, 1)),
    "pointer outside": written("csr_matrix", [1, 2], np.ones(1), ints(0), ints(0, 10**9)),
    "pointers falling": written("csr_matrix", [2, 2], np.ones(1), ints(0), ints(0, 5, 1)),
    "block outside": written("bsr_matrix", [2, 2], np.ones((1, 2, 2)), ints(7), ints(0, 1)),
    "row outside": written("coo_matrix", [1, 2], np.ones(1), ints(5), ints(0)),
    "axis too many": written("coo_matrix", [1, 2], np.ones(1), ints(0), ints(0), ints(0)),
    "key outside": written("dok_matrix", [1, 2], np.ones(1), ints(0), ints(2)),
    "lil outside": written("lil_matrix", [1, 2], np.ones(1), ints(2), ints(1)),
    "lil lengths": written("lil_matrix", [1, 2], np.ones(1), ints(0), ints(5)),
    "lil many rows": written("lil_matrix", [10**12, 2], np.ones(0), ints(), ints()),
    "offsets": written("dia_matrix", [2, 2], np.ones((1, 2)), ints(0, 1)),
    "fractions": written("csr_matrix", [1, 2], np.ones(1), np.ones(1), ints(0, 1)),
    "shape": written("csr_matrix", [1, -2], np.ones(1), ints(0), ints(0, 1)),
    "texts as shape": written("csr_matrix", ["a", 2], np.ones(1), ints(0), ints(0, 1)),
    "too few arrays": written("csr_matrix", [1, 2], np.ones(1)),
    "no array": written("csr_matrix", [1, 2]),
    "other kind": written("spmatrix", [1, 2], np.ones(1)),
    "function": written("load_npz", [1, 2], np.ones(1)),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_indices_that_lie_never_reach_compiled_code(name):
    with pytest.raises(CodecError, match="X cannot be read: "):
        codecs.decode(HOSTILE[name], "sparse", name="X")


def test_subclasses_and_dense_arrays_are_refused():
    class Mine(sp.csr_matrix):
        pass

    with pytest.raises(CodecError, match="not scipy's own"):
        codecs.encode(Mine((1, 1)))
    with pytest.raises(CodecError, match="not a sparse matrix"):
        codecs.encode(np.eye(2), "sparse")
