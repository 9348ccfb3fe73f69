"""Protocol Buffers' wire format: from bytes to numbered fields.

Owns varints, lengths and their bounds; refuses groups, which no published kind uses.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Malformed(ValueError):
    """Bytes that are no message; the text says why."""


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and content of each field: a number, or the bytes of text, messages and fixed numbers.

    Raises
    ------
    Malformed
        At the first field that is cut off or that has an unknown type.
    """
    place = 0
    while place < len(data):
        tag, place = varint(data, place)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise Malformed(f"field number {number} is out of range")
        if kind == VARINT:
            value, place = varint(data, place)
            yield number, value
            continue
        if kind == BYTES:
            length, place = varint(data, place)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise Malformed(f"field {number} has the unknown wire type {kind}")
        if length > len(data) - place:
            raise Malformed(f"field {number} is cut off")
        yield number, data[place : place + length]
        place += length


def varint(data: memoryview, place: int) -> tuple[int, int]:
    """Return the number at ``place``, from 0 to 2**64 - 1, and the place after it."""
    value = 0
    for index in range(10):
        if place >= len(data):
            raise Malformed("a number is cut off")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & (1 << 64) - 1, place
    raise Malformed("a number is longer than ten bytes")


def signed(value: int) -> int:
    """Return a number as its 64 bits stand for it in two's complement."""
    return value - (1 << 64) if value >> 63 else value
