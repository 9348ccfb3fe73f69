"""Single values of pandas as JSON with tags: times, durations, periods, intervals, and words for missing.

A value is made again before its document is handed out; one that would differ is refused. Needs pandas on
reading.
"""

from __future__ import annotations

from typing import Any, Callable

from argovx_lab.codecs.base import need, root_module, type_name
from argovx_lab.codecs.leaves import TAG
from argovx_lab.errors import CodecError

#: pandas' own words for what is missing: type → name in pandas.
_MISSING = {"NAType": "NA", "NaTType": "NaT"}

_KINDS = ("Timestamp", "Timedelta", "Period", "Interval")
_UNITS = ("s", "ms", "us", "ns")

#: Packs or unpacks what lies inside.
_Inner = Callable[[Any], Any]


def is_moment(value: Any) -> bool:
    """Tell whether a value is one of pandas' own single values."""
    return type(value).__name__ in (*_MISSING, *_KINDS) and root_module(value) == "pandas"


def pack_moment(value: Any, path: str, pack: _Inner, unpack: _Inner) -> Any:
    """Return the document of a value; raises `CodecError` when it would come back as another."""
    kind = type(value).__name__
    if kind in _MISSING:
        return {TAG: "missing", "v": _MISSING[kind]}
    document = {TAG: "pandas", "kind": kind, "v": _parts(value, kind, pack, path)}
    try:
        back = unpack(document)
    except (ValueError, TypeError, OverflowError) as error:
        raise _other(value, path) from error
    if _about(back) != _about(value) or back != value:
        raise _other(value, path)
    return document


def _other(value: Any, path: str) -> CodecError:
    return CodecError(
        "%s is a %s that would come back as another" % (path, type_name(value)),
        hint="Pass it in a Series, or as text with .isoformat().",
    )


def _parts(value: Any, kind: str, pack: _Inner, path: str) -> Any:
    if kind == "Period":
        return [int(value.ordinal), str(value.freqstr)]
    if kind == "Interval":
        return [pack(value.left), pack(value.right), str(value.closed)]
    number = int(value.asm8.view("int64"))
    unit = str(getattr(value, "unit", "ns"))
    if kind == "Timedelta":
        return [number, unit]
    return [number, unit, None if value.tz is None else _zone(value.tz, pack, path), int(value.fold)]


def _zone(zone: Any, pack: _Inner, path: str) -> Any:
    if root_module(zone) == "pytz" and getattr(zone, "zone", None):
        return {TAG: "pytz", "v": str(zone.zone)}
    try:
        return pack(zone)
    except CodecError as error:
        raise CodecError(
            "%s has the zone %.40s, which would come back as another" % (path, zone),
            hint="Convert it: .tz_convert('UTC').",
        ) from error


def unpack_moment(parts: Any, document: Any, unpack: _Inner) -> Any:
    """Return the value of a document."""
    pandas = need("pandas")
    kind = document["kind"]
    if kind == "Period":
        return pandas.Period(ordinal=parts[0], freq=str(parts[1]))
    if kind == "Interval":
        return pandas.Interval(unpack(parts[0]), unpack(parts[1]), closed=parts[2])
    number, unit = parts[:2]
    if unit not in _UNITS or type(number) is not int:
        raise ValueError(unit)
    numpy = need("numpy")
    if kind == "Timedelta":
        return pandas.Timedelta(numpy.timedelta64(number, unit))
    if kind != "Timestamp":
        raise ValueError(kind)
    made = pandas.Timestamp(numpy.datetime64(number, unit))
    if parts[2] is None:
        return made.replace(fold=parts[3]) if parts[3] else made
    return made.tz_localize("UTC").tz_convert(_made_zone(parts[2], unpack))


def _made_zone(zone: Any, unpack: _Inner) -> Any:
    if zone[TAG] == "pytz":
        library = need("pytz")
        try:
            return library.timezone(str(zone["v"]))
        except library.UnknownTimeZoneError as error:
            raise CodecError("there is no time zone %.60r here" % (zone["v"],)) from error
    return unpack(zone)


def unpack_missing(name: Any, _: Any) -> Any:
    """Return pandas' word for what is missing."""
    return getattr(need("pandas"), {"NA": "NA", "NaT": "NaT"}[name])


def _about(value: Any) -> Any:
    """Return what equality does not look at."""
    zone = getattr(value, "tz", None)
    told = [type(value), str(getattr(value, "unit", "")), str(zone), type(zone), getattr(value, "fold", 0)]
    return [*told, str(getattr(value, "freqstr", "")), str(getattr(value, "closed", ""))]
