"""Single values of the standard library as JSON with tags: numbers, times, zones, ranges, pure paths.

Owns one small document for each kind. Refuses zones that are not Python's own, and texts that UTF-8 does not
hold. Reading makes nothing but values of these kinds.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import fractions
import math
import pathlib
import struct
from typing import Any, Callable

from argovx_lab.codecs.plain import inexact
from argovx_lab.errors import CodecError

TAG = "$"

#: Types of values that are written here.
LEAVES = (
    float,
    complex,
    bytes,
    range,
    type(...),
    decimal.Decimal,
    fractions.Fraction,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    dt.timezone,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)

_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_PATHS = {"posix": pathlib.PurePosixPath, "windows": pathlib.PureWindowsPath}

_MICROSECOND = dt.timedelta(microseconds=1)


def is_leaf(value: Any) -> bool:
    """Tell whether a value is of a kind that is written here."""
    return type(value) in LEAVES or is_zone(value)


def is_zone(value: Any) -> bool:
    """Tell whether a value is a ``zoneinfo.ZoneInfo``."""
    return type(value).__module__.partition(".")[0] == "zoneinfo" and type(value).__name__ == "ZoneInfo"


def pack_leaf(value: Any, path: str) -> Any:
    """Return the document of a leaf.

    Raises
    ------
    CodecError
        When it is of a zone, or holds a text or number, that would not come back.
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else {TAG: "float", "v": _not_finite(value)}
    if kind is bytes:
        return {TAG: "bytes", "v": base64.b64encode(value).decode()}
    if kind is complex:
        return {TAG: "complex", "v": [repr(value.real), repr(value.imag)]}
    if kind is decimal.Decimal:
        return {TAG: "decimal", "v": str(value)}
    if kind is fractions.Fraction:
        return {TAG: "fraction", "v": _sure([value.numerator, value.denominator], path)}
    if kind is range:
        return {TAG: "range", "v": _sure([value.start, value.stop, value.step], path)}
    if kind is type(...):
        return {TAG: "ellipsis", "v": None}
    if kind in _PATHS.values():
        style = "posix" if kind is pathlib.PurePosixPath else "windows"
        return {TAG: "path", "v": [style, _sure(str(value), path)]}
    return _pack_time(value, path)


def _sure(value: Any, path: str) -> Any:
    fault = inexact(value)
    if fault is not None:
        raise CodecError(path + fault.message[2:], hint=fault.hint)
    return value


def _not_finite(value: float) -> str:
    """Return the word for it, or its bits when it is another NaN than Python's own."""
    bits = struct.pack(">d", value)
    plain = not math.isnan(value) or bits == struct.pack(">d", math.nan)
    return repr(value) if plain else bits.hex()


def _pack_time(value: Any, path: str) -> Any:
    kind = type(value)
    if kind is dt.timedelta:
        return {TAG: "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if kind is dt.date:
        return {TAG: "date", "v": [value.year, value.month, value.day]}
    if kind is dt.timezone or is_zone(value):
        return _pack_zone(value, path)
    day = [value.year, value.month, value.day] if kind is dt.datetime else []
    parts = [*day, value.hour, value.minute, value.second, value.microsecond]
    zone = None if value.tzinfo is None else _pack_zone(value.tzinfo, path)
    utc = zone is not None and zone["v"] == [0, None]
    document = {TAG: kind.__name__, "v": parts, "utc": utc, "fold": value.fold}
    return document if zone is None or utc else {**document, "zone": zone}


def _pack_zone(zone: Any, path: str) -> Any:
    if type(zone) is dt.timezone:
        offset, name = zone.utcoffset(None), zone.tzname(None)
        given = None if name == dt.timezone(offset).tzname(None) else _sure(name, path)
        return {TAG: "timezone", "v": [offset // _MICROSECOND, given]}
    if is_zone(zone) and zone.key:
        return {TAG: "zone", "v": zone.key}
    raise CodecError(
        "%s has the zone %.40s of %s, which would come back as another"
        % (path, zone, type(zone).__module__.partition(".")[0]),
        hint="Convert it with .astimezone(zoneinfo.ZoneInfo(…)) or to datetime.timezone.utc.",
    )


def _unpack_float(text: Any, _: Any) -> float:
    if text in _FLOATS:
        return _FLOATS[text]
    bits = bytes.fromhex(text)
    found: float = struct.unpack(">d", bits)[0] if len(bits) == 8 else 0.0
    if not math.isnan(found):
        raise ValueError(text)
    return found


def _unpack_zone(key: Any, _: Any) -> Any:
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(key)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CodecError(
            "there is no time zone %.60r here" % (key,), hint="Install tzdata, or pass times in UTC."
        ) from error


def _unpack_timezone(parts: Any, _: Any) -> dt.timezone:
    offset, name = parts
    given = () if name is None else (name,)
    return dt.timezone(offset * _MICROSECOND, *given)


def _unpack_datetime(parts: Any, item: Any) -> dt.datetime:
    return dt.datetime(*parts[:7]).replace(tzinfo=_zone(item), fold=item["fold"])


def _unpack_time(parts: Any, item: Any) -> dt.time:
    return dt.time(*parts[:4]).replace(tzinfo=_zone(item), fold=item["fold"])


def _zone(item: Any) -> Any:
    if "zone" not in item:
        return dt.timezone.utc if item["utc"] else None
    return _ZONES[item["zone"][TAG]](item["zone"]["v"], item["zone"])


def _whole(numbers: Any, count: int) -> list[int]:
    if len(numbers) != count or any(type(number) is not int for number in numbers):
        raise ValueError(numbers)
    return list(numbers)


_ZONES: dict[str, Callable[[Any, Any], Any]] = {"timezone": _unpack_timezone, "zone": _unpack_zone}

#: Tag → what makes the value of its document.
UNPACK: dict[str, Callable[[Any, Any], Any]] = {
    "float": _unpack_float,
    "bytes": lambda v, _: base64.b64decode(v, validate=True),
    "complex": lambda v, _: complex(float(v[0]), float(v[1])),
    "decimal": lambda v, _: decimal.Decimal(v),
    "fraction": lambda v, _: fractions.Fraction(*_whole(v, 2)),
    "range": lambda v, _: range(*_whole(v, 3)),
    "ellipsis": lambda _, __: ...,
    "path": lambda v, _: _PATHS[v[0]](v[1]),
    "timedelta": lambda v, _: dt.timedelta(*v),
    "date": lambda v, _: dt.date(*v),
    "datetime": _unpack_datetime,
    "time": _unpack_time,
    **_ZONES,
}
