"""Cron schedules: text to the next moment.

Owns five fields (minute, hour, day of month, month, day of week) with ``*``, lists, ranges, steps and
names, and the words ``@hourly`` … ``@yearly`` and ``@every 5m``; anything else is refused.
Source: https://argo-workflows.readthedocs.io/en/latest/cron-workflows/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argovx_lab.sandbox.argo.errors import InvalidSpec

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
#: Name, least, greatest, names of the values.
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_EVERY = re.compile(r"@every ((?:\d+(?:h|m|s))+)")
#: A schedule such as 30 February has no next moment; this far is looked. Unit: days.
_HORIZON_DAYS = 366 * 8


@dataclass(frozen=True)
class Schedule:
    """When something happens, in a time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    zone: tzinfo
    every: timedelta | None = None

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment after ``moment``, in UTC; ``None`` when there is none."""
        if self.every is not None:
            return (moment + self.every).replace(microsecond=0)
        local = moment.astimezone(self.zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = local.replace(hour=0, minute=0)
        for _ in range(_HORIZON_DAYS):
            if self._on(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        found = day.replace(hour=hour, minute=minute)
                        if found >= local and _exists(found):
                            return found.astimezone(UTC)
            day = (day + timedelta(days=1)).replace(hour=0, minute=0)
        return None

    def _on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        month_day, week_day = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return month_day or week_day if self.either_day else month_day and week_day


def _exists(moment: datetime) -> bool:
    """Whether a local time is not skipped by daylight saving."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).hour == moment.hour


def parse(text: str, timezone: str = "") -> Schedule:
    """Read a schedule.

    Raises
    ------
    InvalidSpec
        When it is none; the message names the field.
    """
    zone = _zone(timezone)
    every = _EVERY.fullmatch(text.strip())
    if every:
        units = {"h": "hours", "m": "minutes", "s": "seconds"}
        parts = {units[unit]: int(count) for count, unit in re.findall(r"(\d+)([hms])", every[1])}
        empty: frozenset[int] = frozenset()
        return Schedule(empty, empty, empty, empty, empty, False, zone, timedelta(**parts))
    words = _WORDS.get(text.strip(), text).split()
    if len(words) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        raise InvalidSpec(
            f"schedule {text!r}: expected five fields ({names}), @every 1h, or {', '.join(_WORDS)}"
        )
    values = [_values(word, field, text) for word, field in zip(words, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = values
    either = words[2][0] not in "*?" and words[4][0] not in "*?"
    return Schedule(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either, zone)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidSpec(f"timezone {name!r} is not known: use a name such as Europe/Zurich") from error


def _values(word: str, field: tuple[str, int, int, list[str]], text: str) -> frozenset[int]:
    name, least, greatest, names = field
    found: set[int] = set()
    for part in word.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            low = least if span in ("*", "?") else _value(first, names, least)
            high = (
                greatest if span in ("*", "?") or (step and not last) else _value(last or first, names, least)
            )
            stride = int(step) if step else 1
        except ValueError as error:
            raise InvalidSpec(f"schedule {text!r}: {name} {part!r} is not understood") from error
        if not (least <= low <= high <= greatest and stride > 0):
            raise InvalidSpec(f"schedule {text!r}: {name} {part!r} must lie in {least}–{greatest}")
        found |= set(range(low, high + 1, stride))
    return frozenset(found)


def _value(text: str, names: list[str], least: int) -> int:
    return names.index(text) + (1 if least == 1 else 0) if text in names else int(text)
