"""Cron schedules: the next moment, time zones, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from argovx_lab.sandbox.argo.errors import InvalidSpec
from argovx_lab.sandbox.argo.schedule import parse

START = "2026-11-24T08:30:15+00:00"  # a Tuesday


@pytest.mark.parametrize(
    ("text", "zone", "following"),
    [
        ("* * * * *", "", "2026-11-24T08:31"),
        ("*/15 * * * *", "", "2026-11-24T08:45"),
        ("30 8 * * *", "", "2026-11-25T08:30"),
        ("0 0 1 * *", "", "2026-12-01T00:00"),
        ("0 9 * * mon-fri", "", "2026-11-24T09:00"),
        ("0 9 * * sun", "", "2026-11-29T09:00"),
        ("0 9 * * 7", "", "2026-11-29T09:00"),
        ("0 0 13 * 5", "", "2026-11-27T00:00"),  # the 13th or a Friday
        ("5,10 3 * jan,mar *", "", "2027-01-01T03:05"),
        ("0 0 29 2 *", "", "2028-02-29T00:00"),
        ("0 0 31 2 *", "", None),
        ("@hourly", "", "2026-11-24T09:00"),
        ("@daily", "Europe/Zurich", "2026-11-24T23:00"),
        ("30 2 * * *", "Europe/Zurich", "2026-11-25T01:30"),
        ("10/20 * * * *", "", "2026-11-24T08:50"),
    ],
)
def test_what_comes_next(text, zone, following):
    found = parse(text, zone).after(datetime.fromisoformat(START))
    assert (found and found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")) == following


def test_an_interval():
    assert (
        parse("@every 1h30m").after(datetime.fromisoformat(START)).isoformat() == "2026-11-24T10:00:15+00:00"
    )


def test_an_hour_that_daylight_saving_skips_does_not_happen():
    found = parse("30 2 * * *", "Europe/Zurich").after(datetime(2027, 3, 28, 0, 0, tzinfo=UTC))
    assert found.isoformat() == "2027-03-29T00:30:00+00:00"


@pytest.mark.parametrize(
    "text", ["", "* * * *", "61 * * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "@often"]
)
def test_what_is_no_schedule(text):
    with pytest.raises(InvalidSpec, match="schedule"):
        parse(text)


def test_an_unknown_zone():
    with pytest.raises(InvalidSpec, match="Europe/Zurich"):
        parse("@daily", "Mars/Olympus")
