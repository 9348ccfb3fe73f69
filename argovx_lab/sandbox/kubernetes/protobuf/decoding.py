"""From a protobuf body to the object that the same client would have sent as JSON.

Owns the envelope, bounds and what is left out; refuses kinds and fields that the tables do not have, by
name, for nothing may get lost on the way.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.protobuf import wire
from argovx_lab.sandbox.kubernetes.protobuf.messages import EVERYWHERE, KINDS, Field, messages
from argovx_lab.sandbox.kubernetes.protobuf.wire import Malformed

MEDIA: Final = "application/vnd.kubernetes.protobuf"
#: Every such body begins so.
MAGIC: Final = b"k8s\x00"
#: Most fields of one body: far beyond any object that may be kept, but soon read. Unit: fields.
FIELDS_MAX: Final = 200_000

#: Types that ``omitempty`` leaves out when they are zero.
_OMITTED: Final = ("s", "i", "b", "y")

_Raw = int | memoryview
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def decode(body: bytes) -> Object:
    """Return a body as an object.

    Raises
    ------
    ApiError
        400 for what is no such body, 415 for a kind or field that is not read: JSON says the same.
    """
    if not body.startswith(MAGIC):
        raise status.bad_request(
            "the object provided is unrecognized (must be of type protobuf): it does not begin with 6b387300"
        )
    try:
        kind, version, content = _envelope(memoryview(body)[len(MAGIC) :])
        found = _Decoder().message(kind, content, {})
    except Malformed as error:
        why = f"the object provided is unrecognized (must be of type protobuf): {error}"
        raise status.bad_request(why) from error
    return {"kind": kind, "apiVersion": version, **found}


def _envelope(data: memoryview) -> tuple[str, str, memoryview]:
    """Return kind, version and content. Source: ``runtime.Unknown`` of k8s.io/apimachinery."""
    head, content = {1: "", 2: ""}, memoryview(b"")
    for number, value in wire.fields(data):
        if isinstance(value, int):
            raise Malformed("its envelope holds a number")
        if number == 1:
            head |= {inner: _text(text) for inner, text in wire.fields(value)}
        elif number == 2:
            content = value
        elif number == 3 and value:
            raise _unread(f"content encoding {status.shown(_text(value))}")
        elif number == 4 and value and _text(value) != MEDIA:
            raise _unread(f"content type {status.shown(_text(value))}")
    version, kind = head[1], head[2]
    if kind not in EVERYWHERE and (kind not in KINDS or KINDS[kind] != version):
        raise _unread(f"{status.shown(version)} {status.shown(kind)}")
    return kind, version, content


def _unread(what: str) -> ApiError:
    text = f"the sandbox does not read {what} as {MEDIA}: send application/json"
    return ApiError(415, "UnsupportedMediaType", text)


class _Decoder:
    """Reads one body and counts its fields."""

    def __init__(self) -> None:
        self._left = FIELDS_MAX

    def message(self, name: str, data: memoryview, into: Object) -> Object:
        """Add a message's fields to an object; what is said again is merged, as the format has it."""
        known = messages()[name]
        for number, value in wire.fields(data):
            self._left -= 1
            if self._left < 0:
                raise Malformed(f"it has more than {FIELDS_MAX} fields")
            field = known.get(number)
            if field is not None:
                self._field(field, value, into)
            elif value if isinstance(value, int) else len(value):
                raise _unread(f"field {number} of {name}")
        return into

    def _field(self, field: Field, value: _Raw, into: Object) -> None:
        if field.name == "+":
            self.message(field.type, _bytes(value), into)
        elif field.mark == "*":
            into.setdefault(field.name, []).extend(self._items(field, value))
        elif field.mark == "%":
            key, content = self._entry(field, _bytes(value))
            into.setdefault(field.name, {})[key] = content
        elif field.type in messages():
            self.message(field.type, _bytes(value), into.setdefault(field.name, {}))
        else:
            plain = _plain(field.type, value)
            if plain is not None and (plain or field.mark or field.type not in _OMITTED):
                into[field.name] = plain
            else:
                into.pop(field.name, None)

    def _items(self, field: Field, value: _Raw) -> list[Any]:
        if field.type == "i" and not isinstance(value, int):
            return _packed(value)
        return [self._one(field.type, value)]

    def _one(self, kind: str, value: _Raw) -> Any:
        if kind in messages():
            return self.message(kind, _bytes(value), {})
        return _plain(kind, value)

    def _entry(self, field: Field, data: memoryview) -> tuple[str, Any]:
        key, content = "", self._one(field.type, memoryview(b""))
        for number, value in wire.fields(data):
            if number == 1:
                key = _text(value)
            elif number == 2:
                content = self._one(field.type, value)
        return key, content


def _packed(data: memoryview) -> list[int]:
    numbers, place = [], 0
    while place < len(data):
        value, place = wire.varint(data, place)
        numbers.append(wire.signed(value))
    return numbers


def _bytes(value: _Raw) -> memoryview:
    if isinstance(value, int):
        raise Malformed("a number stands where text or a message belongs")
    return value


def _text(value: _Raw) -> str:
    return bytes(_bytes(value)).decode("utf-8", "replace")


def _plain(kind: str, value: _Raw) -> Any:
    if kind in ("i", "b"):
        if not isinstance(value, int):
            raise Malformed("text stands where a number belongs")
        return bool(value) if kind == "b" else wire.signed(value)
    if kind == "s":
        return _text(value)
    data = _bytes(value)
    if kind == "y":
        return base64.b64encode(data).decode()
    return {
        "time": _time,
        "microtime": _microtime,
        "quantity": _quantity,
        "intstr": _int_or_text,
        "raw": _raw,
    }[kind](data)


def _numbered(data: memoryview) -> dict[int, _Raw]:
    return dict(wire.fields(data))


def _moment(data: memoryview) -> datetime | None:
    """Return a time; ``None`` for the zero one, which is empty."""
    if not data:
        return None
    found = _numbered(data)
    seconds, nanos = (_plain("i", found.get(number, 0)) for number in (1, 2))
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise Malformed(f"{seconds} seconds are no time") from None


def _time(data: memoryview) -> str | None:
    moment = _moment(data)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def _microtime(data: memoryview) -> str | None:
    moment = _moment(data)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


def _quantity(data: memoryview) -> str:
    return _text(_numbered(data).get(1, memoryview(b""))) or "0"


def _int_or_text(data: memoryview) -> int | str:
    found = _numbered(data)
    if _plain("i", found.get(1, 0)) == 1:
        return _text(found.get(3, memoryview(b"")))
    number = _plain("i", found.get(2, 0))
    assert isinstance(number, int)
    return number


def _raw(data: memoryview) -> Any:
    text = _text(_numbered(data).get(1, memoryview(b""))) or "null"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("it holds JSON that cannot be read") from None
