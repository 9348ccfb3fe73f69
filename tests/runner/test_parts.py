"""Streams of parts: what happens when the bucket's answers are lost, and when the thread that writes dies."""

import threading

import pytest

from argovx_lab.errors import Conflict, InternalError, Unavailable
from argovx_lab.runner.parts import Parts


class Bucket:
    """Write-once objects; stores the first one without saying so."""

    def __init__(self):
        self.objects = {}
        self.lose = 1

    def create(self, uri, data):
        if self.objects.get(uri, data) != data:
            raise Conflict(f"{uri} is taken")
        self.objects[uri] = data
        if self.lose:
            self.lose -= 1
            raise Unavailable("no answer")


def test_a_part_whose_answer_was_lost_does_not_block_those_after_it():
    bucket = Bucket()
    parts = Parts(bucket, "gs://b/logs/part-")
    parts.add(b"one", now=True)
    while parts.error is None:
        parts._thread.join(0.01)
    parts.add(b"two", now=True)
    parts.close(10)
    assert bucket.objects == {"gs://b/logs/part-00001": b"one", "gs://b/logs/part-00002": b"two"}


def test_a_name_that_stays_taken_is_an_error_and_no_endless_loop():
    class Taken(Bucket):
        def create(self, uri, data):
            raise Conflict(f"{uri} is taken")

    parts = Parts(Taken(), "gs://b/logs/part-")
    parts.add(b"one", now=True)
    assert not parts.close(10)
    assert isinstance(parts.error, Unavailable)


@pytest.fixture
def died(monkeypatch):
    """Collect what threads die of, instead of pytest's warning."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    return seen


def test_a_thread_that_dies_is_seen_and_takes_nothing_more(died):
    class Broken(Bucket):
        def create(self, uri, data):
            raise ZeroDivisionError

    parts = Parts(Broken(), "gs://b/logs/part-")
    parts.add(b"one", now=True)
    parts._thread.join(10)
    assert died == [ZeroDivisionError]
    assert not parts.add(b"two", now=True)
    assert parts.take_left_out() == 3
    assert not parts.close(10)
    assert isinstance(parts.error, InternalError)
    assert "gs://b/logs/part- died of ZeroDivisionError" in parts.error.message
