"""The functions of IAM's CEL: on strings, and on the time of the request in a time zone.

Source: https://cloud.google.com/iam/docs/conditions-attribute-reference
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class Function:
    """One function: how many string arguments it takes, what it returns, and what it does."""

    least: int
    most: int
    kind: str
    work: Callable[..., Any]
    check: Callable[..., str] = lambda *_: ""


def _zoned(read: Callable[[datetime], int]) -> Function:
    def work(moment: datetime, zone: str = "") -> int:
        return read(moment.astimezone(ZoneInfo(zone) if zone else UTC))

    return Function(0, 1, "int", work, _zone_problem)


def _zone_problem(zone: str = "") -> str:
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{zone!r} is not a time zone"
    return ""


def _template_problem(template: str) -> str:
    good = len(re.findall(r"\{[a-zA-Z_]+\}", template)) == 1 and template.count("{") == 1
    return "" if good else f"{template!r} needs exactly one {{name}}"


def _extract(text: str, template: str) -> str:
    """Return what stands for the braces of a template; empty when the text does not contain it."""
    before, after = re.split(r"\{[a-zA-Z_]+\}", template)
    start = text.find(before)
    if start < 0:
        return ""
    start += len(before)
    end = text.find(after, start) if after else len(text)
    return text[start:end] if end >= 0 else ""


#: Kind of the receiver and name → function. Days of the week begin with Sunday, months and days of a month
#: and of a year with 0, except getDate, as in CEL.
FUNCTIONS: Mapping[tuple[str, str], Function] = {
    ("string", "startsWith"): Function(1, 1, "bool", str.startswith),
    ("string", "endsWith"): Function(1, 1, "bool", str.endswith),
    ("string", "extract"): Function(1, 1, "string", _extract, _template_problem),
    ("time", "getFullYear"): _zoned(lambda t: t.year),
    ("time", "getMonth"): _zoned(lambda t: t.month - 1),
    ("time", "getDate"): _zoned(lambda t: t.day),
    ("time", "getDayOfMonth"): _zoned(lambda t: t.day - 1),
    ("time", "getDayOfWeek"): _zoned(lambda t: t.isoweekday() % 7),
    ("time", "getDayOfYear"): _zoned(lambda t: t.timetuple().tm_yday - 1),
    ("time", "getHours"): _zoned(lambda t: t.hour),
    ("time", "getMinutes"): _zoned(lambda t: t.minute),
    ("time", "getSeconds"): _zoned(lambda t: t.second),
}

#: Comparisons of two times or two numbers.
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
