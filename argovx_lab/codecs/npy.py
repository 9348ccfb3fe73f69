"""The ``.npy`` format as this package reads and writes it: never an object, never more than is there.

Owns the look at a header before anything of its size is made. Refuses headers that promise more bytes than
follow, dtypes of Python objects, and what numpy would write but not read again. Large arrays of a file on
this machine are mapped: pages come as they are used, and writing to them changes this process only.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import io
import mmap
import os
import tokenize
from typing import IO, Any, Optional

from argovx_lab.codecs.base import Sink, need, shape_text, size_text
from argovx_lab.errors import CodecError

#: Longest header. Unit: bytes. Reason: it is read as Python literals; some thousand fields fit.
HEADER_MAX = 1 << 16

#: Deepest nesting of a header's literals. Reason: Python's parser recurses.
_NESTED_MAX = 40

#: Arrays from here on are mapped when they lie in a file. Unit: bytes. Reason: below it a copy is as quick.
MAP_FROM = 1 << 20

_PIECE = 8 << 20

#: What numpy and Python raise for bytes that are no array.
BROKEN = (
    ValueError,
    OSError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RecursionError,
    tokenize.TokenError,
)


def write_npy(sink: Sink, array: Any) -> None:
    """Write a plain ndarray.

    Raises
    ------
    CodecError
        When its dtype is one that ``.npy`` does not give back.
    """
    import numpy as np

    dtype = array.dtype
    if dtype.kind == "T":
        raise CodecError(
            "it is a numpy array of text of any length (StringDType)",
            hint="Use .astype('U'), or pass a list.",
        )
    if dtype.hasobject:
        raise CodecError(
            "it is a numpy array of Python objects",
            hint="Give it a number or text dtype with .astype(…), or pass a list or a pandas frame.",
        )
    if _metadata(dtype):
        raise CodecError("its dtype carries metadata", hint="Drop it with .astype(…).")
    try:
        described = np.lib.format.dtype_to_descr(dtype)
        kept = np.lib.format.descr_to_dtype(described) == dtype and len(repr(described)) < HEADER_MAX // 2
    except (ValueError, TypeError, RecursionError) as error:
        raise CodecError("numpy cannot write it: %.160s" % error, hint="Give it a plain dtype.") from error
    if not kept:
        raise CodecError(
            "its dtype %.80s would come back as another" % (dtype,),
            hint="Give it a plain dtype with .astype(…).",
        )
    try:
        np.lib.format.write_array(sink, array, version=_version(repr(described)), allow_pickle=False)
    except ValueError as error:
        raise CodecError("numpy cannot write it: %.160s" % error, hint="Give it a plain dtype.") from error


def read_npy(source: IO[bytes], *, last: bool = True) -> Any:
    """Return the array that begins here.

    Parameters
    ----------
    last : bool
        Whether nothing may follow it.

    Raises
    ------
    CodecError
        When the bytes are not an array, or fewer or more than its header says.
    """
    numpy = need("numpy")
    try:
        dtype, shape, fortran = _header(numpy, source)
        size = dtype.itemsize
        for length in shape:
            size *= length
        start = source.tell()
        left = source.seek(0, os.SEEK_END) - start
        source.seek(start)
        if size > left or (last and size != left):
            raise ValueError(
                "it says %s of %s and so %s, and has %s"
                % (shape_text(shape), dtype, size_text(size), size_text(left))
            )
        order = "F" if fortran else "C"
        found = _mapped(numpy, source, start, size, (shape, dtype, order))
        return _copied(numpy, source, size, (shape, dtype, order)) if found is None else found
    except BROKEN as error:
        raise CodecError("the bytes are not a numpy array: %.200s" % error) from error


def _version(text: str) -> tuple[int, int]:
    """Return the oldest version of the format that holds a header with ``text``."""
    try:
        return (1, 0) if len(text.encode("latin1")) < HEADER_MAX // 4 else (2, 0)
    except UnicodeEncodeError:
        return (3, 0)


def _header(numpy: Any, source: IO[bytes]) -> tuple[Any, tuple[int, ...], bool]:
    version = numpy.lib.format.read_magic(source)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError("format version %s" % (version,))
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(_exactly(source, width), "little")
    if length > HEADER_MAX:
        raise ValueError("a header of %s" % size_text(length))
    text = _exactly(source, length).decode("utf-8" if version == (3, 0) else "latin1")
    if _nesting(text) > _NESTED_MAX:
        raise ValueError("a header nested too deep")
    head = ast.literal_eval(text.strip())
    if not isinstance(head, dict) or set(head) != {"descr", "fortran_order", "shape"}:
        raise ValueError("a header of other fields")
    shape, fortran = head["shape"], head["fortran_order"]
    if type(shape) is not tuple or not all(type(n) is int and 0 <= n < 1 << 62 for n in shape):
        raise ValueError("a shape of %.60r" % (shape,))
    if type(fortran) is not bool:
        raise ValueError("an order of %.60r" % (fortran,))
    dtype = numpy.lib.format.descr_to_dtype(head["descr"])
    if dtype.hasobject:
        raise ValueError("Python objects, which only a pickle could give back")
    return dtype, shape, fortran


def _mapped(numpy: Any, source: Any, start: int, size: int, kind: Any) -> Optional[Any]:
    """Return the array as pages of its file, or ``None`` when it is small or in no file of this machine."""
    if size < MAP_FROM or not isinstance(source, (io.BufferedReader, io.BufferedRandom)):
        return None
    try:
        pages = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):
        return None
    source.seek(start + size)
    shape, dtype, order = kind
    return numpy.ndarray(shape, dtype, buffer=pages, offset=start, order=order)


def _copied(numpy: Any, source: IO[bytes], size: int, kind: Any) -> Any:
    shape, dtype, order = kind
    array = numpy.empty(shape, dtype, order=order)
    if not size:
        return array
    flat = (array.T if order == "F" else array).reshape(-1).view(numpy.uint8)
    done = 0
    while done < size:
        piece = _exactly(source, min(_PIECE, size - done))
        flat[done : done + len(piece)] = numpy.frombuffer(piece, numpy.uint8)
        done += len(piece)
    return array


def _exactly(source: IO[bytes], count: int) -> bytes:
    data = source.read(count)
    if len(data) != count:
        raise ValueError("the bytes end too early")
    return data


def _metadata(dtype: Any) -> bool:
    if dtype.metadata:
        return True
    if dtype.subdtype is not None:
        return _metadata(dtype.subdtype[0])
    return any(_metadata(field[0]) for field in (dtype.fields or {}).values())


def _nesting(text: str) -> int:
    deepest = depth = 0
    for letter in text:
        if letter in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in ")]}":
            depth -= 1
    return deepest
