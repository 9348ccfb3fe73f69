"""The codec `data`: what JSON lacks, told by tags; still text, still without code.

Carries containers (also tuples, sets and dicts with any plain keys), NaN and infinity, complex and
decimal numbers, bytes, dates and times, and inside containers numpy numbers and small arrays. Chosen
by itself where `json` would not give the value back. Refuses everything else, saying where it is.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import math
import sys
from typing import IO, Any, Callable

from argovx_lab.codecs.base import Codec, Sink, need, root_module, size_text, type_name
from argovx_lab.codecs.plain import DEPTH_MAX, inexact, plain_summary
from argovx_lab.codecs.refusals import explain
from argovx_lab.errors import CodecError

SCHEMA = "argovx.data/1"

#: Largest array inside a container. Unit: bytes. Reason: as text it takes a third more.
ARRAY_MAX = 1 << 20

#: What reading tags raises when they are not ours.
BROKEN = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
    ArithmeticError,
)

_TAG = "$"
#: pandas' own words for what is missing: type → name in pandas.
_MISSING = {"NAType": "NA", "NaTType": "NaT"}

_NUMPY_KINDS = "biufcmMSU"
_CONTAINERS = (list, dict, tuple, set, frozenset)
_LEAVES = (
    float,
    complex,
    decimal.Decimal,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
)


class Data(Codec):
    """Containers and values that JSON lacks."""

    name = "data"
    about = (
        (
            "what JSON lacks: tuples, sets, any plain keys, NaN, complex, `Decimal`, dates and times, bytes,"
            " numpy numbers and small arrays inside"
        ),
        "JSON with tags",
        "frames, models and arrays above 1 MB inside of containers, zones other than UTC",
    )

    def accepts(self, value: Any) -> bool:
        """Accept containers, dates, times, complex and decimal numbers."""
        return type(value) in _CONTAINERS + _LEAVES

    def summary(self, value: Any) -> str:
        """Return the type, and the number of entries of a container."""
        return plain_summary(value)

    def write(self, value: Any, sink: Sink) -> None:
        """Write tagged JSON."""
        document = {"schema": SCHEMA, "value": _pack(value, "it", ())}
        sink.write(json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode())

    def load(self, source: IO[bytes]) -> Any:
        """Read tagged JSON; unknown tags are refused."""
        try:
            document = json.loads(source.read().decode())
            if document["schema"] != SCHEMA:
                raise ValueError("schema")
            return _unpack(document["value"])
        except BROKEN as error:
            raise CodecError("the bytes are not %s" % SCHEMA) from error


def pack(value: Any, path: str = "it") -> Any:
    """Return ``value`` as JSON data with tags.

    Raises
    ------
    CodecError
        When it holds what has no tag; the message says where, beginning with ``path``.
    """
    return _pack(value, path, ())


def unpack(value: Any) -> Any:
    """Return what `pack` was given.

    Raises
    ------
    CodecError
        For tags that are not ours.
    """
    try:
        return _unpack(value)
    except BROKEN as error:
        raise CodecError("the bytes are not %s" % SCHEMA) from error


def _pack(value: Any, path: str, above: tuple[int, ...]) -> Any:
    kind = type(value)
    if kind in _CONTAINERS:
        if id(value) in above:
            raise CodecError("%s contains itself" % path, hint="Break the circle before passing it.")
        if len(above) >= DEPTH_MAX:
            raise CodecError("it is nested more than %d deep" % DEPTH_MAX, hint="Flatten it.")
        return _pack_container(value, path, (*above, id(value)))
    if kind is float and not math.isfinite(value):
        return {_TAG: "float", "v": repr(value)}
    if value is None or kind in (bool, int, float, str):
        fault = inexact(value)
        if fault is not None:
            raise CodecError(path + fault.message[2:], hint=fault.hint)
        return value
    packed = _pack_leaf(value)
    if packed is not None:
        return packed
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return _pack_numpy(numpy, value, path)
    if root_module(value) in ("pandas", "pyarrow", "sklearn"):
        raise CodecError(
            "%s is a %s inside a container" % (path, type_name(value)), hint="Make it an output of its own."
        )
    reason = explain(value)
    raise CodecError(path + reason.message[2:], hint=reason.hint)


def _pack_container(value: Any, path: str, above: tuple[int, ...]) -> Any:
    kind = type(value)
    if kind is dict:
        if all(type(key) is str and key != _TAG for key in value):
            return {_pack(k, path, above): _pack(v, "%s[%.40r]" % (path, k), above) for k, v in value.items()}
        pairs = [
            [_pack(key, "a key of " + path, above), _pack(item, "%s[%.40r]" % (path, key), above)]
            for key, item in value.items()
        ]
        return {_TAG: "dict", "v": pairs}
    items = [_pack(item, "%s[%d]" % (path, index), above) for index, item in enumerate(value)]
    if kind is list:
        return items
    if kind is not tuple:  # the order of a set differs from process to process
        items.sort(key=lambda item: json.dumps(item, sort_keys=True))
    return {_TAG: kind.__name__, "v": items}


def _pack_leaf(value: Any) -> Any:
    kind = type(value)
    if kind is bytes:
        return {_TAG: "bytes", "v": base64.b64encode(value).decode()}
    if kind.__name__ in _MISSING and root_module(value) == "pandas":
        return {_TAG: "missing", "v": _MISSING[kind.__name__]}
    if kind is complex:
        return {_TAG: "complex", "v": [repr(value.real), repr(value.imag)]}
    if kind is decimal.Decimal:
        return {_TAG: "decimal", "v": str(value)}
    if kind is dt.timedelta:
        return {_TAG: "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if kind is dt.date:
        return {_TAG: "date", "v": [value.year, value.month, value.day]}
    if kind not in (dt.datetime, dt.time):
        return None
    if value.tzinfo is not None and value.tzinfo != dt.timezone.utc:
        raise CodecError(
            "it holds a time of the zone %.40s, which would come back as an offset" % value.tzinfo,
            hint="Convert it with .astimezone(datetime.timezone.utc), or pass a pandas series.",
        )
    day = [value.year, value.month, value.day] if kind is dt.datetime else []
    parts = [*day, value.hour, value.minute, value.second, value.microsecond]
    return {_TAG: kind.__name__, "v": parts, "utc": value.tzinfo is not None, "fold": value.fold}


def _pack_numpy(numpy: Any, value: Any, path: str) -> Any:
    array = numpy.asarray(value)
    plain = type(value) is numpy.ndarray or array.dtype.type is type(value)
    if not plain or array.dtype.kind not in _NUMPY_KINDS:
        raise CodecError(
            "%s is a %s of %s" % (path, type_name(value), array.dtype), hint="Give it a plain dtype."
        )
    if array.nbytes > ARRAY_MAX:
        raise CodecError(
            "%s is an array of %s inside a container" % (path, size_text(array.nbytes)),
            hint="Make it an output of its own.",
        )
    text = base64.b64encode(array.tobytes()).decode()
    shape = list(array.shape) if type(value) is numpy.ndarray else None
    return {_TAG: "numpy", "v": [array.dtype.str, shape, text]}


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: _unpack(item) for key, item in value.items()}
    return _TAGS[value[_TAG]](value["v"], value)


def _unpack_numpy(parts: Any, _: Any) -> Any:
    numpy = need("numpy")
    dtype, shape, text = parts
    if numpy.dtype(str(dtype)).kind not in _NUMPY_KINDS:
        raise ValueError(dtype)
    array = numpy.frombuffer(base64.b64decode(text, validate=True), dtype=str(dtype))
    return array[0] if shape is None else array.reshape(shape).copy()


def _zone(value: Any) -> Any:
    return dt.timezone.utc if value["utc"] else None


_TAGS: dict[str, Callable[[Any, Any], Any]] = {
    "float": lambda v, _: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[v],
    "tuple": lambda v, _: tuple(_unpack(v)),
    "set": lambda v, _: set(_unpack(v)),
    "frozenset": lambda v, _: frozenset(_unpack(v)),
    "dict": lambda v, _: {_unpack(key): _unpack(item) for key, item in v},
    "bytes": lambda v, _: base64.b64decode(v, validate=True),
    "complex": lambda v, _: complex(float(v[0]), float(v[1])),
    "decimal": lambda v, _: decimal.Decimal(v),
    "timedelta": lambda v, _: dt.timedelta(*v),
    "date": lambda v, _: dt.date(*v),
    "datetime": lambda v, item: dt.datetime(*v[:7]).replace(tzinfo=_zone(item), fold=item["fold"]),
    "time": lambda v, item: dt.time(*v[:4]).replace(tzinfo=_zone(item), fold=item["fold"]),
    "missing": lambda v, _: getattr(need("pandas"), {"NA": "NA", "NaT": "NaT"}[v]),
    "numpy": _unpack_numpy,
}
