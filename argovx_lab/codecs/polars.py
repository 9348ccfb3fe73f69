"""The codec `polars`: frames and series as Arrow's file format, written and read by polars itself.

Refuses columns of Python objects, lazy frames, and whatever would come back with another schema.

Source: https://docs.pola.rs/api/python/stable/reference/io.html#feather-ipc
"""

from __future__ import annotations

import io
import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, shape_text, type_name
from argovx_lab.codecs.parts import read_line, write_line
from argovx_lab.codecs.tagged import BROKEN
from argovx_lab.errors import CodecError

SCHEMA = "argovx.polars/1"


class Polars(Codec):
    """A polars DataFrame or Series."""

    name = "polars"
    about = (
        "`polars.DataFrame`, `polars.Series`",
        "a line of JSON and Arrow's file format without compression",
        "columns of objects, lazy frames (`.collect()` travels)",
    )

    def accepts(self, value: Any) -> bool:
        """Accept DataFrame and Series."""
        polars = sys.modules.get("polars")
        return polars is not None and type(value) in (polars.DataFrame, polars.Series)

    def summary(self, value: Any) -> str:
        """Return the shape."""
        return "polars %s, %s" % (type(value).__name__, shape_text(value.shape))

    def write(self, value: Any, sink: Sink) -> None:
        """Write head and frame, after a look at what comes back."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not a polars frame or series" % type_name(value))
        series = type(value).__name__ == "Series"
        frame = value.to_frame() if series else value
        out = io.BytesIO()
        try:
            frame.write_ipc(out, compression="uncompressed")
            back = _read(out.getvalue())
            same = back.schema == frame.schema and back.equals(frame, null_equal=True)
        except BaseException as error:
            raise _told(error, "polars cannot write it") from error
        if not same:
            raise CodecError("polars would give back another frame", hint="Cast its columns to plain types.")
        write_line(sink, {"schema": SCHEMA, "series": series, "size": len(out.getbuffer())})
        sink.write(out.getbuffer())

    def load(self, source: IO[bytes]) -> Any:
        """Read head and frame."""
        need("polars")
        head = read_line(source, SCHEMA)
        data = source.read()
        if head.get("size") != len(data) or type(head.get("series")) is not bool:
            raise CodecError("the bytes are not %s" % SCHEMA)
        try:
            frame = _read(data)
            return frame.to_series(0) if head["series"] else frame
        except BaseException as error:
            raise _told(error, "the bytes are not a polars frame") from error


def _read(data: bytes) -> Any:
    return need("polars").read_ipc(io.BytesIO(data))


def _told(error: BaseException, what: str) -> BaseException:
    """Return what to raise: polars' panics are no `Exception`, and Ctrl-C is not one of them."""
    known = isinstance(error, BROKEN) or type(error).__module__.startswith(("polars", "pyo3"))
    if not known:
        return error
    return CodecError(
        "%s: %.160s" % (what, " ".join(str(error).split())), hint="Use the polars that wrote it."
    )
