"""The codec `image`: images of Pillow, pixel by pixel with palette and ``info``.

Written as they lie in memory, not as PNG or JPEG: every mode comes back, and nothing can swell on reading.
Refuses images that are still an open file, and an ``info`` with what is no plain data.

Source: https://pillow.readthedocs.io/en/stable/handbook/concepts.html#modes
"""

from __future__ import annotations

import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, shape_text, type_name
from argovx_lab.codecs.npy import BROKEN
from argovx_lab.codecs.parts import read_parts, write_parts
from argovx_lab.codecs.tagged import pack, unpack
from argovx_lab.errors import CodecError

SCHEMA = "argovx.image/1"


class Image(Codec):
    """A Pillow image."""

    name = "image"
    about = (
        "`PIL.Image.Image` of every mode, with palette and `info`",
        "a line of JSON and the pixels",
        "images that are still a file (`.copy()` travels), `info` that is no plain data",
    )

    def accepts(self, value: Any) -> bool:
        """Accept images; `write` tells those that are open files what to do."""
        pillow = sys.modules.get("PIL.Image")
        return pillow is not None and isinstance(value, pillow.Image)

    def summary(self, value: Any) -> str:
        """Return mode and size."""
        return "image %s, %s" % (value.mode, shape_text(value.size))

    def write(self, value: Any, sink: Sink) -> None:
        """Write head and pixels, after a look at what comes back."""
        import numpy as np

        if not self.accepts(value):
            raise CodecError("it is a %s, not a Pillow image" % type_name(value))
        if type(value) is not sys.modules["PIL.Image"].Image:
            raise CodecError(
                "it is a %s, an image that is still a file" % type_name(value), hint="Pass .copy() of it."
            )
        try:
            head, data = _taken(value)
            back = _made(head, data)
            same = back == value and _palette(back) == _palette(value)
        except CodecError as error:
            raise CodecError(
                "its info cannot travel: %s" % error.message, hint="Take it out of .info."
            ) from error
        except BROKEN as error:
            raise CodecError(
                "Pillow cannot take it apart: %.160s" % error, hint="Convert it to RGB."
            ) from error
        if not same:
            raise CodecError(
                "its mode %s would come back changed" % value.mode, hint="Convert it to RGB or RGBA."
            )
        write_parts(sink, SCHEMA, head, [np.frombuffer(data, dtype=np.uint8)])

    def load(self, source: IO[bytes]) -> Any:
        """Read head and pixels."""
        need("PIL.Image")
        head, arrays = read_parts(source, SCHEMA)
        try:
            return _made(head, arrays[0].tobytes())
        except BROKEN as error:
            raise CodecError("the bytes are not an image: %.160s" % error) from error


def _taken(value: Any) -> tuple[dict[str, Any], bytes]:
    head = {"mode": value.mode, "size": list(value.size), "info": pack(value.info, "its info")}
    palette = _palette(value)
    if palette:
        head["palette"] = {"mode": palette[0], "bytes": pack(palette[1])}
    return head, value.tobytes()


def _palette(value: Any) -> Any:
    if value.mode not in ("P", "PA"):
        return None
    value.load()
    mode = "RGBA" if value.palette.mode == "RGBA" else "RGB"
    return mode, bytes(value.im.getpalette(mode, mode))


def _made(head: dict[str, Any], data: bytes) -> Any:
    from PIL import Image as Pillow

    mode, size = head["mode"], tuple(head["size"])
    if type(mode) is not str or len(size) != 2 or not all(type(n) is int and 0 <= n < 1 << 31 for n in size):
        raise ValueError("size %.60r" % (size,))
    if size[0] * size[1] > 32 * max(len(data), 1):
        raise ValueError("it says %s pixels and has %d bytes" % (shape_text(size), len(data)))
    made = Pillow.frombytes(mode, size, data) if all(size) else Pillow.new(mode, size)
    if "palette" in head:
        made.putpalette(unpack(head["palette"]["bytes"]), str(head["palette"]["mode"]))
    made.info = unpack(head["info"])
    if type(made.info) is not dict:
        raise ValueError("its info is no dict")
    return made
