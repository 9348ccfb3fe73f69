"""A head of JSON and arrays behind it: what codecs of sparse matrices and images are written in.

One line of JSON, then as many ``.npy`` streams as it says. Refuses heads that are longer than `HEAD_MAX`,
another schema, and bytes after the last array.
"""

from __future__ import annotations

import json
from typing import IO, Any

from argovx_lab.codecs.base import Sink
from argovx_lab.codecs.npy import read_npy, write_npy
from argovx_lab.errors import CodecError

#: Longest head. Unit: bytes. Reason: it is held in memory at once.
HEAD_MAX = 16 << 20

_ARRAYS_MAX = 16


def write_parts(sink: Sink, schema: str, head: dict[str, Any], arrays: list[Any]) -> None:
    """Write ``head`` and ``arrays``; raises `CodecError` when one cannot be written."""
    document = {**head, "schema": schema, "arrays": len(arrays)}
    write_line(sink, document)
    for array in arrays:
        write_npy(sink, array)


def read_parts(source: IO[bytes], schema: str) -> tuple[dict[str, Any], list[Any]]:
    """Return head and arrays.

    Raises
    ------
    CodecError
        When the bytes are not of this schema.
    """
    head = read_line(source, schema)
    count = head.get("arrays")
    if type(count) is not int or not 0 <= count <= _ARRAYS_MAX:
        raise CodecError("the bytes are not %s" % schema)
    arrays = [read_npy(source, last=index == count - 1) for index in range(count)]
    return head, arrays


def write_line(sink: Sink, document: Any) -> None:
    """Write a document of JSON as one line, in the order of its keys."""
    line = json.dumps(document, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    if len(line) > HEAD_MAX:
        raise CodecError("what describes it is too long", hint="Pass a part of it.")
    sink.write(line.encode() + b"\n")


def read_line(source: IO[bytes], schema: str) -> dict[str, Any]:
    """Return a document that `write_line` wrote; raises `CodecError` for another."""
    line = source.readline(HEAD_MAX + 1)
    try:
        if not line.endswith(b"\n"):
            raise ValueError("no line")
        document = json.loads(line.decode())
        if not isinstance(document, dict) or document.get("schema") != schema:
            raise ValueError("schema")
    except (ValueError, RecursionError) as error:
        raise CodecError("the bytes are not %s" % schema) from error
    return document
