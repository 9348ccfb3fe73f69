"""Reads JSON whose shape nobody vouches for: Workflows of others, annotations, objects in the bucket.

Owns two rules: what has the wrong shape counts as absent, and all text that enters can be encoded. Nothing
here raises.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

#: Longest text that a view is given in one piece. Unit: characters.
TEXT_MAX = 20_000

#: Half of a surrogate pair, alone: JSON can write it, UTF-8 cannot.
_HALF = re.compile("[\ud800-\udfff]")

#: How JSON writes either half.
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def mapping(value: Any) -> dict[str, Any]:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; anything else is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the texts of a list; anything else is left out."""
    return [text(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return ``value`` if it is a text (encodable, cut at :data:`TEXT_MAX`), else the empty text."""
    if not isinstance(value, str):
        return ""
    return encodable(value if len(value) <= TEXT_MAX else value[: TEXT_MAX - 1] + "…")


def encodable(value: str) -> str:
    """Return a text whose lone surrogates are replaced: it can be printed, sent and stored."""
    return value if value.isascii() else _HALF.sub("\ufffd", value)


def parsed(data: bytes | str | None) -> Any:
    """Return what JSON says, all its texts encodable; ``None`` for what is no JSON."""
    if data is None:
        return None
    try:
        raw = data if isinstance(data, bytes) else encodable(data).encode()
        found = json.loads(raw.decode())
        return clean(found) if halves(raw) else found
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def halves(data: bytes) -> bool:
    """Tell whether JSON may hold a lone surrogate; what holds none need not be cleaned."""
    return _ESCAPED_HALF.search(data) is not None


def clean(value: Any) -> Any:
    """Return a JSON value with all its texts encodable.

    Raises
    ------
    RecursionError
        For what is nested too deeply.
    """
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): clean(item) for key, item in value.items()}
    return value


def whole(value: Any) -> int:
    """Return ``value`` if it is a number or its decimal digits, as a whole number, else 0."""
    found = number(value)
    if found is not None:
        return int(found)
    return int(value) if digits(value) else 0


def number(value: Any) -> float | None:
    """Return a finite number, else ``None``: NaN and infinity are no JSON and break browsers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def digits(value: Any) -> bool:
    """Tell whether ``value`` is a text of ASCII digits that :func:`int` takes."""
    return isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit()
