"""Reads JSON whose shape nobody vouches for: Workflows of others, annotations, objects in the bucket.

Owns one rule: what has the wrong shape counts as absent. Nothing here raises.
"""

from __future__ import annotations

import math
from typing import Any

#: Longest text that a view is given in one piece. Unit: characters.
TEXT_MAX = 20_000


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
    """Return ``value`` if it is a text (cut at :data:`TEXT_MAX`), else the empty text."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= TEXT_MAX else value[: TEXT_MAX - 1] + "…"


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
