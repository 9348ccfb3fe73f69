"""What was said of a step: the runner's lines, and all speakers in the order of time."""

import dataclasses

from argovx_lab.model.events import Event
from argovx_lab.runs.argo import executions
from argovx_lab.runs.said import SAID_MAX, note
from argovx_lab.runs.told import Told, events


def said(*lines):
    found = ()
    for method, at, params in lines:
        found = note(found, Event(method, params, at))
    return found


def at(second):
    return f"2026-11-24T08:00:{second:02d}.500Z"


def test_numbers_are_gathered_between_the_turns_of_a_life():
    lines = [("opened", at(1), {"python": "3.11.7", "pid": 71}), ("phase", at(2), {"phase": "running"})]
    for step in range(1, 21):
        lines.append(("metric", at(3), {"values": {"loss": 1 / step}, "step": step}))
        lines.append(("progress", at(3), {"done": step, "total": 20}))
    lines += [
        ("phase", at(4), {"phase": "uploading"}),
        ("artifact", at(5), {"name": "X", "size_bytes": 2000, "done_bytes": 1000}),
        ("artifact", at(5), {"name": "y", "size_bytes": 12, "done_bytes": 12}),
        ("artifact", at(6), {"name": "X", "size_bytes": 2000, "done_bytes": 2000}),
        ("closed", at(7), {"outcome": "succeeded", "exit_code": 0, "error": None}),
    ]
    assert [(line.method, line.text, line.count) for line in said(*lines)] == [
        ("opened", "Python 3.11.7 · process 71", 1),
        ("phase", "running", 1),
        ("metric", "loss 0.05 · step 20", 20),
        ("progress", "20 of 20", 20),
        ("phase", "uploading", 1),
        ("artifact", "y · 12 B", 1),
        ("artifact", "X · 2 KB", 2),
        ("closed", "succeeded", 1),
    ]


def test_a_failure_names_the_users_line():
    error = {"type": "KeyError", "message": "'label'", "place": "cell 7, line 12", "traceback": []}
    (line,) = said(("closed", at(1), {"outcome": "failed", "exit_code": 1, "error": error}))
    assert line.text == "failed · KeyError: 'label' · cell 7, line 12"


def test_params_of_another_shape_are_no_words():
    hostile = [
        (method, "", {"values": 7, "name": [], "error": "x"}) for method in ("metric", "artifact", "closed")
    ]
    assert [line.text for line in said(*hostile)] == ["", "0 B", ""]


def test_a_runner_that_turns_for_ever_keeps_its_beginning_and_its_last_word():
    lines = [("phase", at(1), {"phase": f"p{i}"}) for i in range(SAID_MAX * 2)]
    found = said(*lines)
    assert len(found) == SAID_MAX
    assert (found[0].text, found[-1].text) == ("p0", f"p{SAID_MAX * 2 - 1}")


def execution_of(workflow, node, **more):
    children = [
        node(
            "w",
            ".train(0)",
            phase="Failed",
            startedAt=at(1),
            finishedAt=at(9),
            message="137",
            nodeFlag={"retried": True},
        ),
        node("w", ".train(1)", phase="Running", startedAt=at(10), nodeFlag={"retried": True}),
    ]
    parent = node("w", ".train", type="Retry", phase="Running", children=[key for key, _ in children])
    (execution,) = executions(workflow("w", nodes=dict([*children, parent]), **more))
    return execution


def test_all_speakers_in_the_order_of_time(workflow, node):
    execution = execution_of(workflow, node)
    told = Told(
        1,
        said(("opened", at(5), {}), ("closed", at(7), {"outcome": "failed"})),
        {
            "intent": {"created_at": at(2), "prefix": "gs://b/a/"},
            "created": {"created_at": at(3), "job": "projects/1/locations/x/customJobs/7"},
            "exit": {"at": at(8), "code": 30, "reason": "Unavailable", "message": "no capacity"},
        },
        "gs://b/a/",
    )
    job = {"name": "projects/1/locations/x/customJobs/8", "createTime": at(11), "state": "JOB_STATE_PENDING"}
    assert [(line.source, line.method, line.attempt) for line in events(execution, job, [told])] == [
        ("argo", "created", 0),
        ("argo", "started", 0),
        ("argo", "started", 1),
        ("launcher", "claimed", 1),
        ("launcher", "created", 1),
        ("runner", "opened", 1),
        ("runner", "closed", 1),
        ("launcher", "ended", 1),
        ("argo", "Failed", 1),
        ("argo", "started", 2),
        ("vertex", "created", 2),
    ]
    by = {(line.source, line.method): line.text for line in events(execution, job, [told])}
    assert by["launcher", "ended"] == "exit code 30 · Unavailable · no capacity"
    assert by["launcher", "created"] == "custom job 7"
    assert by["argo", "created"] == "Workflow w · submitted by ada"


def test_an_adopted_runner_is_heard_once_and_to_its_end(workflow, node):
    execution = execution_of(workflow, node)
    first = Told(1, said(("opened", at(5), {})), {}, "gs://b/a/")
    second = Told(2, said(("opened", at(5), {}), ("closed", at(20), {})), {}, "gs://b/a/")
    runner = [line for line in events(execution, {}, [second, first]) if line.source == "runner"]
    assert [(line.method, line.attempt) for line in runner] == [("opened", 1), ("closed", 1)]


def test_a_stop_has_a_line_only_with_a_time(workflow, node):
    execution = execution_of(workflow, node, spec={"shutdown": "Stop"})
    assert not [line for line in events(execution, {}, []) if line.method == "shutdown"]
    asked = dataclasses.replace(execution.asked, by="ada", at=at(12))
    (line,) = [
        line
        for line in events(dataclasses.replace(execution, asked=asked), {}, [])
        if line.method == "shutdown"
    ]
    assert line.text == "Stop · by ada"
