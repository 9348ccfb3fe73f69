"""The codec `pickle`: only when the user names it, because reading it runs whatever it says.

The payload starts with one line that names the Python minor that wrote it; another minor refuses.
"""

from __future__ import annotations

import pickle
import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, type_name
from argovx_lab.errors import CodecError

_HEAD = b"argovx-pickle/1 "


class Pickle(Codec):
    """Anything that Python pickles, on the user's own word."""

    name = "pickle"
    automatic = False
    about = (
        "anything, by name only (`NAME:pickle`): **reading it runs what it says**",
        "pickle, with the Python minor",
        "another Python minor",
    )

    def accepts(self, value: Any) -> bool:
        """Return ``False``: never chosen by type."""
        del value
        return False

    def summary(self, value: Any) -> str:
        """Return the type and that it is a pickle."""
        return "pickled %s" % type_name(value)

    def write(self, value: Any, sink: Sink) -> None:
        """Write the head line and a pickle of protocol 5."""
        sink.write(_HEAD + _minor().encode() + b"\n")
        try:
            pickle.Pickler(sink, protocol=5).dump(value)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError, ValueError) as error:
            raise CodecError(
                "it is a %s that pickle cannot write: %.120s" % (type_name(value), error),
                hint="Pass what it is made from, and build it inside the cell.",
            ) from error

    def load(self, source: IO[bytes]) -> Any:
        """Read a pickle that the same Python minor wrote; this runs what it says."""
        head = source.readline(64)
        if not head.startswith(_HEAD):
            raise CodecError("the bytes are not a pickle of argovx-lab")
        wrote = head[len(_HEAD) :].decode("ascii", "replace").strip()
        if wrote != _minor():
            raise CodecError(
                "it was pickled by Python %s, this is %s" % (wrote, _minor()),
                hint="Use an image with Python %s, or a codec other than pickle." % wrote,
            )
        try:
            return pickle.load(source)  # noqa: S301  (the user asked for it by name)
        except (
            pickle.UnpicklingError,
            AttributeError,
            ImportError,
            EOFError,
            TypeError,
            ValueError,
            IndexError,
            KeyError,
        ) as error:
            raise CodecError(
                "its pickle cannot be read here: %.160s" % error,
                hint="The packages that it needs must be there, in the same versions.",
            ) from error


def _minor() -> str:
    return "%d.%d" % sys.version_info[:2]
