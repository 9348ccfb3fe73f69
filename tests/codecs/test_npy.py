"""Arrays of numpy: structured, mapped when they are large, and nothing that the bytes do not hold."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argovx_lab import codecs
from argovx_lab.codecs.npy import MAP_FROM
from argovx_lab.errors import CodecError

FIELDS = st.lists(st.text("abcüλ_", min_size=1, max_size=4), min_size=1, max_size=4, unique=True)
PLAIN = (
    hnp.integer_dtypes() | hnp.floating_dtypes() | hnp.boolean_dtypes() | hnp.unicode_string_dtypes(max_len=4)
)


def structured(names):
    part = st.tuples(PLAIN, st.sampled_from([(), (2,), (1, 3)]))
    aligned = st.booleans()
    return st.tuples(st.lists(part, min_size=len(names), max_size=len(names)), aligned).map(
        lambda found: np.dtype(
            [(n, dtype, shape) for n, (dtype, shape) in zip(names, found[0], strict=True)], align=found[1]
        )
    )


@settings(max_examples=80, deadline=None)
@given(data=st.data(), dtype=FIELDS.flatmap(structured), order=st.sampled_from("CF"))
def test_structured_arrays_come_back_bit_by_bit(data, dtype, order):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    noise = data.draw(st.binary(min_size=size, max_size=size))
    value = np.ndarray(shape, dtype, buffer=bytearray(noise), order=order).copy(order="K")
    found = codecs.decode(codecs.encode(value).read(), "numpy")
    assert (found.dtype, found.shape) == (value.dtype, value.shape)
    for name in dtype.names:
        assert found[name].tobytes() == value[name].tobytes()


def test_a_large_array_of_a_file_is_mapped_and_can_be_written_to(tmp_path):
    value = np.arange(MAP_FROM, dtype="f4").reshape(1024, -1, order="F")
    path = tmp_path / "a"
    with open(path, "wb", buffering=0) as file:
        codecs.encode(value, file=file)
    before = path.read_bytes()
    tracemalloc.start()
    with open(path, "rb") as file:
        found = codecs.decode(file, "numpy")
    assert tracemalloc.get_traced_memory()[1] < MAP_FROM // 4
    tracemalloc.stop()
    path.unlink()
    assert type(found) is np.ndarray
    assert found.flags.writeable
    assert found.flags.f_contiguous
    assert np.array_equal(found, value)
    found[0, 0] = 7
    assert found[0, 0] == 7
    assert before[-4:] == value[-1, -1].tobytes()


def npy(header: str, tail: bytes = b"", version: int = 1) -> bytes:
    text = header.encode("latin1")
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + len(text).to_bytes(2 if version == 1 else 4, "little")
        + text
        + tail
    )


def described(descr="'<f8'", shape="(2,)", fortran="False"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


HOSTILE = {
    "more than is there": npy(described(shape="(1000000000000,)"), bytes(16)),
    "less than is there": npy(described(), bytes(24)),
    "product beyond 64 bits": npy(described(shape="(4611686018427387903, 4611686018427387903)"), bytes(16)),
    "negative": npy(described(shape="(-2,)"), bytes(16)),
    "true as a length": npy(described(shape="(True,)"), bytes(8)),
    "objects": npy(described("'|O'"), bytes(16)),
    "objects in a field": npy(described("[('a', '|O')]"), bytes(16)),
    "wide dtype": npy(described("'|V2000000000'"), bytes(16)),
    "code": npy("__import__('os').system('true')", bytes(16)),
    "deep": npy("(" * 300 + ")" * 300, b""),
    "long header": npy(" " * 70000, b"", 2),
    "other version": npy(described(), bytes(16), 9),
    "list": npy("[1]", b""),
    "field missing": npy("{'descr': '<f8', 'shape': (2,)}", bytes(16)),
    "order": npy(described(fortran="1"), bytes(16)),
    "cut header": b"\x93NUMPY\x01\x00\xff",
    "nothing": b"",
}


@pytest.mark.parametrize("codec", ["numpy", "numpy-scalar"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_header_that_lies_costs_nothing(name, codec):
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="X cannot be read: the bytes are not a numpy array"):
            codecs.decode(HOSTILE[name], codec, name="X")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_header_that_numpy_wrote_is_read_and_one_of_many_fields_too():
    out = io.BytesIO()
    value = np.zeros(3, dtype=[(f"field{n}", "<f8") for n in range(900)])
    np.save(out, value)
    assert codecs.decode(out.getvalue(), "numpy").dtype == value.dtype
    assert codecs.decode(codecs.encode(value).read(), "numpy").dtype == value.dtype


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.zeros(1, dtype=[(f"f{n}", "<f8") for n in range(4000)]), "come back as another"),
        (np.zeros(1, dtype=np.dtype("f8", metadata={"a": 1})), "carries metadata"),
        (np.zeros(1, dtype=[("a", np.dtype("f8", metadata={"a": 1}))]), "carries metadata"),
        (np.rec.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]), "not a plain numpy array"),
        (
            np.zeros(1, dtype={"names": ["a", "b"], "formats": ["<i4", "<i4"], "offsets": [0, 2]}),
            "numpy cannot write",
        ),
    ],
    ids=["fields", "metadata", "inner metadata", "records", "overlap"],
)
def test_a_dtype_that_would_change_is_refused(value, reason):
    with pytest.raises(CodecError, match=reason):
        codecs.encode(value)


def test_text_of_any_length_is_refused_where_numpy_has_it():
    value = np.array(["a"], dtype=np.dtypes.StringDType())
    with pytest.raises(CodecError, match="StringDType") as caught:
        codecs.encode(value)
    assert "astype('U')" in caught.value.hint
