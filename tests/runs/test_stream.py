"""The reading end of the event protocol."""

import json

import pytest

from argovx_lab.errors import RunError
from argovx_lab.runs.stream import POINTS_MAX, Stream, parse, reduce


def event(method, at="2026-11-24T08:00:00Z", **params):
    return {"v": 1, "seq": 1, "at": at, "method": method, "params": params}


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


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"v": 1}',
        json.dumps(event("exploded")),
        json.dumps({**event("opened"), "v": 2}),
    ],
)
def test_what_is_not_understood_is_refused(line):
    with pytest.raises(RunError):
        parse([line])


def test_blank_lines_do_not_count():
    assert len(parse(["", json.dumps(event("opened")), "  "])) == 1


@pytest.mark.parametrize(
    "line", ['{"v":1,"method":["a"]}', '{"v":1,"method":"metric","params":[1]}', '{"v":1,"method":{"a":1}}']
)
def test_an_event_of_another_shape_is_a_damaged_stream(line):
    with pytest.raises(RunError):
        parse([line])


def test_params_of_another_shape_count_as_absent():
    lines = [
        '{"v":1,"method":"progress","params":{}}',
        '{"v":1,"method":"artifact","params":{"size_bytes":"x"}}',
        '{"v":1,"method":"phase","params":{"phase":"zzz"}}',
    ]
    stream = reduce(Stream(), parse(lines))
    assert (stream.progress, stream.uploading, stream.phase) == ((0, 0), ("", 0, 0), "")
