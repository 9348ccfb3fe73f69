"""Event files of TensorBoard, as far as scalars go: records, events, values.

Owns the two formats: TFRecord framing (length, data, checksums) and the few fields of ``Event``, ``Summary``
and ``TensorProto`` that a scalar needs. A file that is still being written ends in the middle of a record;
what is whole is read. Anything that is no scalar is passed over.
Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensor.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import google_crc32c

_MASK = 0xA282EAD8
#: TensorProto.dtype → how its content is packed. Source: tensorflow/core/framework/types.proto
_PACKED = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}


@dataclass(frozen=True)
class Scalar:
    """One value.

    Parameters
    ----------
    wall_time : float
        Unit: seconds since 1970.
    """

    tag: str
    step: int
    wall_time: float
    value: float


def scalars(data: bytes) -> Iterator[Scalar]:
    """Yield the scalars of an event file, in its order; a damaged record ends it."""
    for record in _records(data):
        try:
            yield from _event(record)
        except (ValueError, struct.error, IndexError):
            return


def _records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        end = at + 12 + length + 4
        if end > len(data):
            return
        body = data[at + 12 : at + 12 + length]
        (crc,) = struct.unpack_from("<I", data, end - 4)
        if crc != _masked(body):
            return
        yield body
        at = end


def _masked(data: bytes) -> int:
    crc = int(google_crc32c.value(data))
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, integer value and bytes of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value, b""
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, 0, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _event(data: bytes) -> Iterator[Scalar]:
    wall_time, step, summaries = 0.0, 0, []
    for number, value, raw in _fields(data):
        if number == 1:
            (wall_time,) = struct.unpack("<d", raw)
        elif number == 2:
            step = value - 2**64 if value >= 2**63 else value
        elif number == 5:
            summaries.append(raw)
    for summary in summaries:
        for number, _, raw in _fields(summary):
            found = _value(raw) if number == 1 else None
            if found is not None:
                yield Scalar(found[0], step, wall_time, found[1])


def _value(data: bytes) -> tuple[str, float] | None:
    tag, number = "", None
    for field, _, raw in _fields(data):
        if field == 1:
            tag = raw.decode()
        elif field == 2:
            (number,) = struct.unpack("<f", raw)
        elif field == 8:
            number = _tensor(raw)
    return (tag, number) if tag and number is not None else None


def _tensor(data: bytes) -> float | None:
    """Return the value of a tensor with one element, ``None`` for others."""
    kind, content = 0, b""
    for field, value, raw in _fields(data):
        if field == 1:
            kind = value
        elif field in (4, 5, 6):  # content, float_val, double_val: all packed alike
            content = raw
    form = _PACKED.get(kind)
    if form is None or len(content) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, content)[0])
