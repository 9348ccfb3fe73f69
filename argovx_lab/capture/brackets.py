"""Which places of a typed line stand in no brackets and in no quotation marks."""

from __future__ import annotations

from collections.abc import Iterator


def outside(text: str, start: int = 0) -> Iterator[int]:
    """Yield each place of ``text`` from ``start`` on that no bracket and no quotation mark encloses.

    A bracket that closes what was opened before ``start`` is such a place; one that opens is one too, what
    it encloses is none.
    """
    depth, quote, at = 0, "", start
    while at < len(text):
        character = text[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            if not depth:
                yield at
            quote = character
        elif character in "([{":
            if not depth:
                yield at
            depth += 1
        elif character in ")]}" and depth:
            depth -= 1
        elif not depth:
            yield at
        at += 1
