"""Turns of create calls: never more than the limit in any 60 seconds, and at once where nobody else is."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argovx_lab.errors import ArgovxError, Conflict, PermissionMissing
from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.pace import LATE_S, Pace
from argovx_lab.launcher.step import Step
from argovx_lab.model.layout import Layout

LAYOUT = Layout("bucket-a", "ada")
NOON = 1_795_000_000.0


class Bucket:
    """Write-once objects in memory."""

    def __init__(self):
        self.names = set()
        self.requests = 0

    def create(self, bucket, name, data, *, content_type):
        self.requests += 1
        if name in self.names:
            raise Conflict("there already")
        self.names.add(name)

    def list(self, bucket, prefix, *, start_offset=""):
        self.requests += 1
        for name in sorted(self.names):
            if name.startswith(prefix) and name >= start_offset:
                yield SimpleNamespace(name=name)


def most_in_a_minute(moments):
    """Return the largest number of moments in any 60 seconds."""
    ordered = sorted(moments)
    return max(
        sum(1 for later in ordered[index:] if later - first < 60) for index, first in enumerate(ordered)
    )


def test_one_launcher_does_not_wait_and_asks_once():
    bucket = Bucket()
    assert Pace(bucket, LAYOUT, 60).take("k", NOON) == 0.0
    assert bucket.requests == 1


def test_five_hundred_at_once_keep_to_the_limit():
    bucket = Bucket()
    pace = Pace(bucket, LAYOUT, 60)
    sent = [NOON + pace.take("k", NOON) for _ in range(500)]
    assert most_in_a_minute(sent) <= 60
    assert max(sent) - NOON < 500 / 45 * 60 + 30  # nothing is wasted
    assert len(bucket.names) == 500


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 400, allow_nan=False), min_size=1, max_size=150),
    st.sampled_from([12, 60, 90.5]),
)
def test_any_arrivals_keep_to_any_limit(arrivals, limit):
    pace = Pace(Bucket(), LAYOUT, limit)
    sent = [NOON + at + pace.take("k", NOON + at) for at in sorted(arrivals)]
    assert most_in_a_minute(sent) <= limit


def test_late_places_are_used_only_so_late():
    bucket = Bucket()
    pace = Pace(bucket, LAYOUT, 60)
    waits = [pace.take("k", NOON) for _ in range(40)]
    late = int(LATE_S / (60 / 45))
    assert waits.count(0.0) in (late, late + 1)


def test_launchers_in_a_race_never_share_a_place(launcher, world):
    pace = launcher.context(creates_per_minute=60).pace
    taken, problems = [], []

    def arrive():
        try:
            taken.append(round(pace.take("k", NOON), 6))
        except ArgovxError as error:
            problems.append(error)

    threads = [threading.Thread(target=arrive) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not problems
    places = [name for name in world.objects if "/turns/" in name]
    assert len(places) == len(taken) == 40


def test_waiting_is_shown_in_argo_and_forgotten_with_the_job(launcher, step, world, monkeypatch):
    context = launcher.context(creates_per_minute=60)
    shown = []
    monkeypatch.setattr(context.pace, "take", lambda key, now: 200.0)
    wait = context.interrupt.wait

    def look(seconds):
        parameters = world.task_results[launcher.node_id].get("outputs", {}).get("parameters", [])
        shown.append((seconds, {item["name"]: item["value"] for item in parameters}))
        wait(0.001)

    monkeypatch.setattr(context.interrupt, "wait", look)
    assert Step(context, parse(launcher.arguments(step))).run().code == 0
    seconds, values = shown[0]
    assert seconds == 200.0
    assert values == {
        "exit-reason": "Waiting: waiting for its turn: Vertex takes so many new jobs a minute, 3 min"
    }
    assert launcher.output("exit-reason") == "Succeeded"
    waiting = [item["params"] for item in launcher.events if item["method"] == "waiting"]
    assert waiting[0]["seconds"] == 200.0


def test_a_bucket_that_refuses_a_place_makes_no_job(launcher, step, world, monkeypatch):
    context = launcher.context()

    def refuse(key, now):
        raise PermissionMissing("no turns")

    monkeypatch.setattr(context.pace, "take", refuse)
    assert Step(context, parse(launcher.arguments(step))).run().code == 21
    assert not world.jobs


@pytest.mark.parametrize("limit", [0, 0.0])
def test_nobody_counts_when_told_so(limit):
    bucket = Bucket()
    assert Pace(bucket, LAYOUT, limit).take("k", NOON) == 0.0
    assert bucket.requests == 0
