"""The reading end of the event protocol."""

import json
import time

import pytest

from argovx_lab.errors import RunError
from argovx_lab.model.events import Event
from argovx_lab.model.layout import Attempt
from argovx_lab.runs.bucket import AttemptReader
from argovx_lab.runs.curves import POINTS_MAX
from argovx_lab.runs.stream import Stream, parse, reduce


def event(method, at="2026-11-24T08:00:00Z", **params):
    return Event(method, params, at)


def test_a_whole_life():
    stream = reduce(
        Stream(),
        [
            event("opened", "t0", python="3.11.7", pid=7),
            event("phase", "t1", phase="running"),
            event("progress", done=3, total=10),
            event("metric", "t2", values={"loss": 0.5}, step=1),
            event("metric", "t3", values={"loss": 0.25}, step=2),
            event("phase", "t4", phase="uploading"),
            event("artifact", name="model", size_bytes=100, done_bytes=40),
            event("closed", "t5", outcome="succeeded", exit_code=0, error=None),
        ],
    )
    assert (stream.opened_at, stream.running_at, stream.uploading_at, stream.closed_at) == (
        "t0",
        "t1",
        "t4",
        "t5",
    )
    assert stream.phase == "closed"
    assert stream.progress == (3, 10)
    assert stream.series["loss"] == ((1, 0.5, "t2"), (2, 0.25, "t3"))
    assert stream.metrics == {"loss": 0.25}
    assert stream.uploading == ("model", 40, 100)


def test_a_curve_is_thinned_but_keeps_its_first_point():
    steps = range(POINTS_MAX + 1)
    stream = reduce(Stream(), [event("metric", values={"x": float(step)}, step=step) for step in steps])
    points = stream.series["x"]
    assert len(points) <= POINTS_MAX // 2 + 1
    assert points[0][0] == 0
    assert points[-1][0] == POINTS_MAX


def test_a_method_outside_the_set_is_refused_by_name():
    with pytest.raises(RunError, match="exploded"):
        parse(b'{"v":1,"method":"exploded","params":{}}')


def test_params_of_another_shape_count_as_absent():
    lines = [
        b'{"v":1,"method":"progress","params":{}}',
        b'{"v":1,"method":"artifact","params":{"size_bytes":"x"}}',
        b'{"v":1,"method":"phase","params":{"phase":"zzz"}}',
    ]
    stream = reduce(Stream(), parse(b"\n".join(lines)))
    assert (stream.progress, stream.uploading, stream.phase) == ((0, 0), ("", 0, 0), "")


class Parts:
    """A bucket that holds one attempt's events, part by part."""

    def __init__(self):
        self.objects = {}

    def add(self, events, life="r0.0"):
        name = f"a/{life}/events/part-{len(self.objects) + 1:05d}"
        self.objects[name] = b"\n".join(json.dumps({"v": 1, **one}).encode() for one in events)

    def list(self, bucket, prefix):
        return [Meta(name) for name in sorted(self.objects)]

    def get(self, bucket, name, *, offset=None, length=None):
        return self.objects[name]


class Meta:
    size_bytes = 0

    def __init__(self, name):
        self.name = name


class Client:
    """Keeps what it was told, as the panel does."""

    def __init__(self, reader):
        self.reader = reader
        self.series = {}
        self.next = "0"
        self.sent = 0

    def ask(self):
        page = self.reader.metrics(self.next)
        before = {} if page.whole else self.series
        self.series = {
            name: [*before.get(name, ()), *page.series.get(name, ())] for name in before | page.series
        }
        self.next = page.next
        self.sent += sum(map(len, page.series.values()))


def logged(steps, **values):
    return [
        {"method": "metric", "params": {"values": {n: f(s) for n, f in values.items()}, "step": s}}
        for s in steps
    ]


def test_a_client_that_keeps_asking_has_the_curve_to_its_end():
    bucket = Parts()
    reader = AttemptReader(bucket, Attempt("b", "a/"))
    client = Client(reader)
    for first in range(0, 100_000, 2500):
        bucket.add(logged(range(first, first + 2500), loss=float))
        reader.poll()
        client.ask()
        assert client.series["loss"][-1][0] == first + 2499
    assert client.series == {"loss": list(reader.stream.series["loss"])}
    assert len(client.series["loss"]) <= POINTS_MAX
    assert client.sent < 400_000
    client.ask()
    assert client.series["loss"][-1] == (99_999, 99_999.0, "")


def test_metrics_of_different_paces_arrive_once():
    bucket = Parts()
    reader = AttemptReader(bucket, Attempt("b", "a/"))
    client = Client(reader)
    for first in range(0, 100, 10):
        bucket.add([*logged(range(first, first + 10), loss=float), *logged([first], accuracy=float)])
        reader.poll()
        client.ask()
    assert [point[0] for point in client.series["loss"]] == list(range(100))
    assert [point[0] for point in client.series["accuracy"]] == list(range(0, 100, 10))
    assert client.sent == 110


def test_another_life_of_the_runner_begins_another_curve():
    bucket = Parts()
    reader = AttemptReader(bucket, Attempt("b", "a/"))
    client = Client(reader)
    bucket.add(logged(range(10), loss=float, old=float))
    reader.poll()
    client.ask()
    bucket.add(logged(range(20), loss=float), "r0.1")
    reader.poll()
    client.ask()
    assert list(client.series) == ["loss"]
    assert [point[0] for point in client.series["loss"]] == list(range(20))


def test_what_no_page_named_is_answered_with_everything():
    bucket = Parts()
    reader = AttemptReader(bucket, Attempt("b", "a/"))
    bucket.add(logged(range(3), loss=float))
    reader.poll()
    here = reader.metrics("0").next
    for after in ("0", "2", f"{here}9", "ffffffffffff.1", "."):
        page = reader.metrics(after)
        assert page.whole
        assert len(page.series["loss"]) == 3
        assert page.next == here
    page = reader.metrics(here)
    assert (page.whole, page.series) == (False, {"loss": ()})


def test_a_hundred_thousand_points_are_taken_in_a_moment():
    said = [event("metric", values={"loss": float(step)}, step=step) for step in range(100_000)]
    before = time.thread_time()
    stream = reduce(Stream(), said)
    assert time.thread_time() - before < 1.5
    assert stream.series["loss"][-1][0] == 99_999
    assert [(line.method, line.count) for line in stream.said] == [("metric", 100_000)]


def test_lines_are_the_same_however_events_are_gathered_into_parts():
    said = [
        event("opened", "1", python="3.11"),
        event("metric", "2", values={"a": 1}),
        event("progress", "3", done=1, total=2),
        event("metric", "4", values={"a": 2}),
        event("artifact", "5", name="x", done_bytes=1, size_bytes=2),
        event("artifact", "6", name="y", done_bytes=1, size_bytes=2),
        event("artifact", "7", name="x", done_bytes=2, size_bytes=2),
        event("phase", "8", phase="running"),
        event("metric", "9", values={"a": 3}),
    ]
    one_by_one = Stream()
    for one in said:
        one_by_one = reduce(one_by_one, [one])
    assert reduce(Stream(), said) == one_by_one
    assert [(line.method, line.at, line.count) for line in one_by_one.said] == [
        ("opened", "1", 1),
        ("progress", "3", 1),
        ("metric", "4", 2),
        ("artifact", "6", 1),
        ("artifact", "7", 2),
        ("phase", "8", 1),
        ("metric", "9", 1),
    ]


def test_text_of_a_runner_can_be_encoded():
    lines = (
        b'{"v":1,"method":"metric","at":"\\ud800","params":{"values":{"a\\udc00":1}}}\n'
        b'{"v":1,"method":"closed","params":{"outcome":"failed","error":{"message":"\\ud83d\\ude00 \\uD800"}}}'
    )
    stream = reduce(Stream(), parse(lines))
    assert stream.metrics == {"a\ufffd": 1.0}
    assert stream.error == {"message": "\U0001f600 \ufffd"}
    repr(stream).encode()
