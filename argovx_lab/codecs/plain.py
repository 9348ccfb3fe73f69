"""Codecs of plain data: `json`, `text` and `bytes`.

`json` is exact or it refuses: tuples, keys that are no text, NaN and subclasses would come back as
something else. The message says where in the value it is and what to use; without a codec's name
such values travel by `data`.
"""

from __future__ import annotations

import json
import math
from typing import IO, Any, Optional

from argovx_lab.codecs.base import Codec, Sink, type_name
from argovx_lab.errors import CodecError

#: Deepest nesting. Reason: Python's own JSON reader recurses, and so do the people who read it.
DEPTH_MAX = 200

#: Largest whole number by bits. Reason: Python refuses to read more than 4,300 digits.
_INT_BITS_MAX = 14000


class Json(Codec):
    """Numbers, text, lists and dicts, as JSON."""

    name = "json"
    about = (
        "`None`, bool, int, float, list, dict with text keys",
        "JSON, keys in their order",
        "NaN, infinity, other keys: those travel by `data`",
    )

    def accepts(self, value: Any) -> bool:
        """Accept ``None``, bool, int, float, list and dict."""
        return value is None or type(value) in (bool, int, float, list, dict)

    def summary(self, value: Any) -> str:
        """Return the type, and the number of entries of a container."""
        return plain_summary(value)

    def write(self, value: Any, sink: Sink) -> None:
        """Write canonical JSON that keeps the order of keys."""
        fault = inexact(value)
        if fault is not None:
            raise fault
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        sink.write(text.encode())

    def load(self, source: IO[bytes]) -> Any:
        """Read JSON; refuses NaN."""
        try:
            return json.loads(source.read().decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise CodecError("the bytes are not JSON: %s" % error) from error


class Text(Codec):
    """A str, as UTF-8."""

    name = "text"
    about = (
        "`str`",
        "UTF-8",
        "lone surrogates",
    )

    def accepts(self, value: Any) -> bool:
        """Accept str itself."""
        return type(value) is str

    def summary(self, value: Any) -> str:
        """Return the number of characters."""
        return "text, %d character%s" % (len(value), "" if len(value) == 1 else "s")

    def write(self, value: Any, sink: Sink) -> None:
        """Write UTF-8; refuses lone surrogates."""
        if type(value) is not str:
            raise CodecError("it is a %s, not text" % type_name(value), hint="Convert it with str(…).")
        try:
            sink.write(value.encode())
        except UnicodeEncodeError as error:
            raise CodecError(
                "its text has half a character at position %d" % error.start,
                hint="Pass bytes, or repair it with .encode('utf-8', 'replace').decode().",
            ) from error

    def load(self, source: IO[bytes]) -> Any:
        """Read UTF-8."""
        try:
            return source.read().decode()
        except UnicodeDecodeError as error:
            raise CodecError("the bytes are not UTF-8 text") from error


class Bytes(Codec):
    """Bytes as they are; bytearray and memoryview would come back as bytes and are refused."""

    name = "bytes"
    about = (
        "`bytes`",
        "as they are",
        "`bytearray`, `memoryview`",
    )

    def accepts(self, value: Any) -> bool:
        """Accept bytes itself."""
        return type(value) is bytes

    def summary(self, value: Any) -> str:
        """Return the number of bytes."""
        return "bytes, %d long" % len(value)

    def write(self, value: Any, sink: Sink) -> None:
        """Write the bytes."""
        if type(value) is not bytes:
            raise CodecError("it is a %s, not bytes" % type_name(value), hint="Convert it with bytes(…).")
        sink.write(value)

    def load(self, source: IO[bytes]) -> Any:
        """Read the bytes."""
        return source.read()


def plain_summary(value: Any) -> str:
    """Return the type of plain data and how many entries it has."""
    if value is None:
        return "None"
    name = type(value).__name__
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        count = len(value)
        noun = ("entry" if count == 1 else "entries") if isinstance(value, dict) else "item"
        return "%s, %d %s%s" % (name, count, noun, "s" if noun == "item" and count != 1 else "")
    return name


def inexact(value: Any) -> Optional[CodecError]:
    """Return why JSON would not give ``value`` back, or ``None`` when it would."""
    stack: list[Any] = [(value, "it", 0, frozenset())]
    while stack:
        item, path, depth, above = stack.pop()
        kind = type(item)
        if kind in (list, dict):
            if id(item) in above:
                return CodecError("%s contains itself" % path, hint="Break the circle before passing it.")
            if depth >= DEPTH_MAX:
                return CodecError("it is nested more than %d deep" % DEPTH_MAX, hint="Flatten it.")
            below = above | {id(item)}
            if kind is list:
                stack += [(item[i], "%s[%d]" % (path, i), depth + 1, below) for i in range(len(item))]
                continue
            for key, entry in item.items():
                if type(key) is not str or not _is_text(key):
                    return CodecError(
                        "%s has the key %.40r, a %s" % (path, key, type_name(key)),
                        hint="JSON keys are text: use str keys, or write NAME:data.",
                    )
                stack.append((entry, "%s[%.40r]" % (path, key), depth + 1, below))
        else:
            fault = _inexact_leaf(item, path)
            if fault is not None:
                return fault
    return None


def _inexact_leaf(item: Any, path: str) -> Optional[CodecError]:
    kind = type(item)
    if item is None or kind is bool:
        return None
    if kind is str:
        if _is_text(item):
            return None
        return CodecError("%s has half a character in its text" % path, hint="Repair or drop it.")
    if kind is int:
        if item.bit_length() <= _INT_BITS_MAX:
            return None
        return CodecError("%s is a number of %d bits" % (path, item.bit_length()), hint="Pass it as text.")
    if kind is float:
        if math.isfinite(item):
            return None
        return CodecError(
            "%s is %r, which JSON does not have" % (path, item), hint="Use None, or write NAME:data."
        )
    if kind is tuple:
        return CodecError(
            "%s is a tuple, which JSON gives back as a list" % path, hint="Use list(…), or write NAME:data."
        )
    converters = {"numpy": ".item() or .tolist()", "pandas": ".to_dict() or .tolist()"}
    hint = converters.get(kind.__module__.partition(".")[0])
    return CodecError(
        "%s is a %s, which JSON does not have" % (path, type_name(item)),
        hint="Convert it with %s, or make it an output of its own." % hint
        if hint
        else "Convert it to numbers, text, lists and dicts, or make it an output of its own.",
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(word: str) -> Any:
    raise ValueError("%s is not JSON" % word)
