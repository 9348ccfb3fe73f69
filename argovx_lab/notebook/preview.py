"""A look at a result without bringing it here: its first bytes at most, never more than a bounded read.

Owns what is shown. Refuses to decode what may run code: of a pickle or a function only the summary is shown.
What a codec of the user's own wrote is read by that codec, when it is registered here.
"""

from __future__ import annotations

from typing import Any

#: Most that a look reads. Unit: bytes.
READ_MAX = 256 << 10

#: Longest text that is shown. Unit: characters.
SHOWN_MAX = 2000

#: Codecs whose first bytes can be read as they are.
_TEXTS = ("text", "json", "data", "function")

#: Codecs that are decoded for a look: those that hold plain data.
_OPEN = (
    *("bytes", "text", "json", "data", "numpy", "numpy-scalar"),
    *("pandas", "pandas-index", "arrow", "sparse", "image"),
)


class Preview:
    """What a look at a result shows."""

    def __init__(self, head: str, body: str) -> None:
        self._head = head
        self._body = body

    def __repr__(self) -> str:
        return f"{self._head}\n{self._body}" if self._body else self._head


def preview(head: str, codec: str, data: bytes, size_bytes: int, name: str) -> Preview:
    """Return the look at a value.

    Parameters
    ----------
    data : bytes
        The first bytes of the value, all of them where there are no more than :data:`READ_MAX`.
    """
    from argovx_lab import codecs

    whole = len(data) == size_bytes
    if whole and (codec in _OPEN or "@" in codec):
        return Preview(head, _short(repr(_first(codecs.decode(data, codec, name=name)))))
    if codec in _TEXTS:
        return Preview(head, _short(data.decode("utf-8", "replace")))
    return Preview(head, f"{name}.get() brings it here; its first bytes alone show nothing")


def _first(value: Any) -> Any:
    """Return the first rows of what has rows."""
    head = getattr(value, "head", None)
    return head() if callable(head) else value


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
