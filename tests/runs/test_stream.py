"""The reading end of the event protocol."""

import pytest

from argovx_lab.errors import RunError
from argovx_lab.model.events import Event
from argovx_lab.runs.stream import POINTS_MAX, Stream, parse, reduce


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
    stream = Stream()
    for step in range(POINTS_MAX + 1):
        stream = reduce(stream, [event("metric", values={"x": float(step)}, step=step)])
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
