"""The codec `data`: what JSON lacks, told by tags; still text, still without code.

Carries containers (also tuples, sets, dicts with any plain keys, and those of `collections`), the single
values of `leaves`, `moments` and `generators`, and inside containers numpy numbers and small arrays. Chosen
by itself where `json` would not give the value back. Refuses everything else, saying where it is.
"""

from __future__ import annotations

import base64
import collections
import json
import sys
from typing import IO, Any, Callable

from argovx_lab.codecs import generators, instances, leaves, moments
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

_TAG = leaves.TAG

_NUMPY_KINDS = "biufcmMSU"
_CONTAINERS = (list, dict, tuple, set, frozenset, slice)
_COLLECTIONS = {
    kind.__name__: kind
    for kind in (collections.OrderedDict, collections.Counter, collections.defaultdict, collections.deque)
}

#: What may make the missing entries of a ``defaultdict``: name → type.
_FACTORIES: dict[str, Any] = {
    **{
        kind.__name__: kind
        for kind in (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
    },
    **_COLLECTIONS,
}


class Data(Codec):
    """Containers and values that JSON lacks."""

    name = "data"
    about = (
        (
            "what JSON lacks: tuples, sets, slices, `collections`, any plain keys, NaN, complex, `Decimal`,"
            " `Fraction`, ranges, dates, times and zones, bytes, pure paths, `pandas.Timestamp` and its kin,"
            " generators of random numbers, instances of the notebook's own dataclasses, named tuples and"
            " enumerations, numpy numbers and small arrays inside"
        ),
        "JSON with tags",
        "frames, models and arrays above 1 MB inside of containers, zones of other libraries",
    )

    def accepts(self, value: Any) -> bool:
        """Accept containers, single values and generators."""
        if type(value) in _CONTAINERS or type(value) in _COLLECTIONS.values():
            return True
        kinds = leaves.is_leaf, moments.is_moment, generators.is_generator, instances.is_instance
        return any(is_kind(value) for is_kind in kinds)

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
    if kind in _CONTAINERS or kind in _COLLECTIONS.values():
        if id(value) in above:
            raise CodecError("%s contains itself" % path, hint="Break the circle before passing it.")
        if len(above) >= DEPTH_MAX:
            raise CodecError("it is nested more than %d deep" % DEPTH_MAX, hint="Flatten it.")
        return _pack_container(value, path, (*above, id(value)))
    if value is None or kind in (bool, int, str):
        fault = inexact(value)
        if fault is not None:
            raise CodecError(path + fault.message[2:], hint=fault.hint)
        return value
    if leaves.is_leaf(value):
        return leaves.pack_leaf(value, path)
    if moments.is_moment(value):
        return moments.pack_moment(value, path, lambda part: _pack(part, path, above), _unpack)
    if generators.is_generator(value):
        return generators.pack_generator(value, path)
    if instances.is_instance(value):
        return _pack_own(value, path, above)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return _pack_numpy(numpy, value, path)
    if root_module(value) in ("pandas", "pyarrow", "sklearn"):
        raise CodecError(
            "%s is a %s inside a container" % (path, type_name(value)), hint="Make it an output of its own."
        )
    reason = explain(value)
    raise CodecError(path + reason.message[2:], hint=reason.hint)


def _pack_own(value: Any, path: str, above: tuple[int, ...]) -> Any:
    if id(value) in above:
        raise CodecError("%s contains itself" % path, hint="Break the circle before passing it.")
    if len(above) >= DEPTH_MAX:
        raise CodecError("it is nested more than %d deep" % DEPTH_MAX, hint="Flatten it.")
    return instances.pack_instance(value, path, lambda part, at: _pack(part, at, (*above, id(value))))


def _pack_container(value: Any, path: str, above: tuple[int, ...]) -> Any:
    kind = type(value)
    if kind in _COLLECTIONS.values():
        return _pack_collection(value, path, above)
    if kind is dict:
        if all(type(key) is str and key != _TAG for key in value):
            return {_pack(k, path, above): _pack(v, "%s[%.40r]" % (path, k), above) for k, v in value.items()}
        return {_TAG: "dict", "v": _pairs(value, path, above)}
    parts = (value.start, value.stop, value.step) if kind is slice else value
    items = [_pack(item, "%s[%d]" % (path, index), above) for index, item in enumerate(parts)]
    if kind is list:
        return items
    if kind in (set, frozenset):  # their order differs from process to process
        items.sort(key=lambda item: json.dumps(item, sort_keys=True))
    return {_TAG: kind.__name__, "v": items}


def _pairs(value: Any, path: str, above: tuple[int, ...]) -> list[Any]:
    return [
        [_pack(key, "a key of " + path, above), _pack(item, "%s[%.40r]" % (path, key), above)]
        for key, item in value.items()
    ]


def _pack_collection(value: Any, path: str, above: tuple[int, ...]) -> Any:
    name = type(value).__name__
    if getattr(value, "__dict__", None):
        raise CodecError(
            "%s is a %s with attributes (%s)" % (path, type_name(value), ", ".join(vars(value))),
            hint="Drop them.",
        )
    if name == "deque":
        items = [_pack(item, "%s[%d]" % (path, index), above) for index, item in enumerate(value)]
        return {_TAG: name, "v": items, "maxlen": value.maxlen}
    document = {_TAG: name, "v": _pairs(value, path, above)}
    if name != "defaultdict":
        return document
    made_by = value.default_factory
    found = [word for word, kind in _FACTORIES.items() if made_by is kind]
    if made_by is not None and not found:
        raise CodecError(
            "%s is a defaultdict whose entries %s makes"
            % (path, getattr(made_by, "__name__", type_name(made_by))),
            hint="Pass dict(…) of it, or set its .default_factory to None, int, list or dict.",
        )
    return {**document, "factory": found[0] if found else None}


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


def _unpack_pairs(pairs: Any, made: Any) -> Any:
    for key, item in pairs:
        dict.__setitem__(made, _unpack(key), _unpack(item))
    return made


def _unpack_default(pairs: Any, document: Any) -> Any:
    word = document["factory"]
    return _unpack_pairs(pairs, collections.defaultdict(None if word is None else _FACTORIES[word]))


def _unpack_deque(items: Any, document: Any) -> Any:
    longest = document["maxlen"]
    if longest is not None and len(items) > longest:
        raise ValueError("maxlen")
    return collections.deque(_unpack(items), longest)


def _unpack_slice(parts: Any, _: Any) -> slice:
    start, stop, step = _unpack(parts)
    return slice(start, stop, step)


_TAGS: dict[str, Callable[[Any, Any], Any]] = {
    **leaves.UNPACK,
    **generators.UNPACK,
    "missing": moments.unpack_missing,
    "pandas": lambda v, document: moments.unpack_moment(v, document, _unpack),
    "instance": lambda v, document: instances.unpack_instance(v, document, _unpack),
    "tuple": lambda v, _: tuple(_unpack(v)),
    "set": lambda v, _: set(_unpack(v)),
    "frozenset": lambda v, _: frozenset(_unpack(v)),
    "slice": _unpack_slice,
    "dict": lambda v, _: _unpack_pairs(v, {}),
    "OrderedDict": lambda v, _: collections.OrderedDict((_unpack(key), _unpack(item)) for key, item in v),
    "Counter": lambda v, _: _unpack_pairs(v, collections.Counter()),
    "defaultdict": _unpack_default,
    "deque": _unpack_deque,
    "numpy": _unpack_numpy,
}
