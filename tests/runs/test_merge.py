"""Executions from three ends become one run."""

import json

import pytest

from argovx_lab.model import names
from argovx_lab.model.run import Attempt, Phase, Stop
from argovx_lab.runs.argo import executions
from argovx_lab.runs.merge import About, Seen, merge
from argovx_lab.runs.stream import Stream

#: Outputs as declared: the first one was found by analysis, the second stands in the signature.
NAMED = {"ax": "auto?", "f": "auto"}

ABOUT = About("sandbox", "argovx", "ran on this machine, no T4, no charge")


def seen(workflow, **ends):
    (execution,) = executions(workflow)
    return Seen(execution, **ends)


def test_an_empty_run_is_planned():
    assert merge("r", [], ABOUT).phase is Phase.PLANNED


def test_the_newest_execution_is_the_node_and_older_ones_are_history(workflow, node):
    first_id, first = node("a", ".train", phase="Failed")
    second_id, second = node("b", ".train", phase="Running")
    run = merge(
        "r",
        [
            seen(workflow("b", nodes={second_id: second}, created="2026-11-24T09:00:00Z")),
            seen(workflow("a", nodes={first_id: first})),
        ],
        ABOUT,
    )
    (train,) = run.nodes
    assert train.argo.workflow == "b"
    assert [(past.workflow, past.phase) for past in train.history] == [("a", Phase.FAILED)]
    assert run.note == ABOUT.note
    assert run.created_at == "2026-11-24T08:00:00Z"


def test_edges_come_from_inputs(workflow):
    inputs = [
        {"name": "X", "step": "prepare", "output": "X"},
        {"name": "y", "step": "prepare", "output": "y"},
    ]
    run = merge(
        "r",
        [seen(workflow("p", "prepare")), seen(workflow("t", "train", about={"inputs": inputs}))],
        ABOUT,
    )
    (edge,) = run.edges
    assert (edge.source, edge.target, edge.names) == ("prepare", "train", ("X", "y"))


def test_a_failed_step_says_the_users_own_line(workflow, node):
    identifier, pod = node(
        "w", ".train", phase="Failed", message="main: Error (exit code 1)", outputs={"exitCode": "1"}
    )
    error = {"type": "KeyError", "message": "'label'", "place": "cell 7, line 12", "traceback": ["a", "b"]}
    run = merge(
        "r", [seen(workflow("w", nodes={identifier: pod}), stream=Stream(phase="closed", error=error))], ABOUT
    )
    (train,) = run.nodes
    assert train.phase is Phase.FAILED
    assert train.line == "KeyError: 'label' · cell 7, line 12"
    assert train.exit.traceback == ("a", "b")
    assert "retry" in train.actions
    assert "stop" not in train.actions


@pytest.mark.parametrize("code", ["130", "143"])
def test_a_cancelled_step_is_stopped_not_failed(workflow, node, code):
    identifier, pod = node("w", ".train", phase="Failed", outputs={"exitCode": code})
    run = merge("r", [seen(workflow("w", nodes={identifier: pod}))], ABOUT)
    assert run.nodes[0].phase is Phase.STOPPED


def test_a_shut_down_workflow_is_stopped(workflow, node):
    identifier, pod = node("w", ".train", phase="Failed")
    run = merge("r", [seen(workflow("w", nodes={identifier: pod}, spec={"shutdown": "Stop"}))], ABOUT)
    assert run.nodes[0].phase is Phase.STOPPED


def test_an_output_that_nobody_named_may_be_left_out_with_its_reason(workflow, node):
    steps = {"train": {"name": "train", "outputs": [{"name": n, "codec": c} for n, c in NAMED.items()]}}
    pointer = {"parameters": [{"name": "manifest", "value": json.dumps({"uri": "u", "digest": "d"})}]}
    identifier, pod = node("w", ".train", phase="Succeeded", outputs=pointer)
    found = workflow("w", nodes={identifier: pod})
    found["metadata"]["annotations"]["argovx.dev/steps"] = json.dumps(steps)
    before = merge("r", [seen(found)], ABOUT).nodes[0].outputs
    assert {(o.name, o.codec, o.state) for o in before} == {
        ("ax", "auto", "declared"),
        ("f", "auto", "declared"),
    }
    manifest = {"outputs": {}, "left_out": {"ax": "it is a figure", "f": "it is a lambda"}}
    node_ = merge("r", [seen(found, manifest=manifest, manifest_digest="d")], ABOUT).nodes[0]
    assert {(o.name, o.summary, o.state) for o in node_.outputs} == {
        ("ax", "it is a figure", "left-out"),
        ("f", "", "declared"),
    }
    assert "ax" not in node_.line


def test_outputs_are_declared_then_ready(workflow, node):
    pointer = {
        "parameters": [{"name": "manifest", "value": json.dumps({"uri": "gs://b/m", "digest": "right"})}]
    }
    identifier, pod = node("w", ".train", phase="Succeeded", outputs=pointer)
    found = workflow("w", nodes={identifier: pod})
    declared = merge("r", [seen(found)], ABOUT).nodes[0].outputs
    assert [(output.name, output.state) for output in declared] == [("model", "declared")]
    made = {"codec": "sklearn", "summary": "SGD", "size_bytes": 9, "digest": "d", "uri": "gs://b/o"}
    manifest = {"outputs": {"model": made}}
    ready = merge("r", [seen(found, manifest=manifest, manifest_digest="right")], ABOUT).nodes[0].outputs
    assert [(output.name, output.state, output.digest) for output in ready] == [("model", "ready", "d")]
    other = merge("r", [seen(found, manifest=manifest, manifest_digest="other")], ABOUT).nodes[0].outputs
    assert [(output.name, output.state, output.digest) for output in other] == [("model", "declared", "")]


def test_inputs_are_those_that_argo_was_given(workflow):
    found = workflow("w", about={"inputs": [{"name": "X", "digest": "from the annotation"}]})
    value = json.dumps({"X": {"digest": "from the argument", "step": "prepare", "codec": "numpy"}})
    task = {"name": "train", "arguments": {"parameters": [{"name": "inputs", "value": value}]}}
    found["spec"] = {"templates": [{"name": "main", "dag": {"tasks": [task]}}]}
    (item,) = merge("r", [seen(found)], ABOUT).nodes[0].inputs
    assert (item.digest, item.step) == ("from the argument", "prepare")


def test_metrics_survive_the_stream(workflow, node):
    outputs = {"parameters": [{"name": "metrics", "value": json.dumps({"accuracy": 0.9})}]}
    identifier, pod = node("w", ".train", phase="Succeeded", outputs=outputs)
    run = merge("r", [seen(workflow("w", nodes={identifier: pod}))], ABOUT)
    assert run.nodes[0].metrics == {"accuracy": 0.9}


def test_counts_are_of_nodes(workflow, node):
    identifier, pod = node("w", ".train", phase="Succeeded")
    run = merge("r", [seen(workflow("w", nodes={identifier: pod})), seen(workflow("x", "other"))], ABOUT)
    assert run.counts == {"Succeeded": 1, "Queued": 1}
    assert run.phase is Phase.QUEUED


def test_words_that_are_newer_than_the_table_hide_no_run(workflow, node):
    for phase, state in (("Running", "JOB_STATE_UNSPECIFIED"), ("Daydreaming", "JOB_STATE_RUNNING")):
        identifier, pod = node("w", ".train", phase=phase)
        run = merge("r", [seen(workflow("w", nodes={identifier: pod}), job={"state": state})], ABOUT)
        assert run.nodes[0].phase is Phase.QUEUED


STOPPED_BY_ADA = {
    "labels": {
        names.ARGO_ACTION: "Stop",
        names.ARGO_ACTOR: "system-serviceaccount-argovx-nb-ada",
        names.ARGO_ACTOR_NAME: "ada",
    },
    "annotations": {names.ANNOTATION_SHUTDOWN_AT: "2026-11-24T08:03:00.000Z"},
}
BY_KUBECTL = {
    "managedFields": [
        {
            "manager": "argovx-lab",
            "time": "2026-11-24T08:00:00Z",
            "fieldsV1": {"f:spec": {"f:templates": {}}},
        },
        {"manager": "kubectl", "time": "2026-11-24T08:04:00Z", "fieldsV1": {"f:spec": {"f:shutdown": {}}}},
    ]
}
OF_ANOTHER_ACTION = {"labels": {names.ARGO_ACTION: "suspend", names.ARGO_ACTOR_NAME: "bob"}}


@pytest.mark.parametrize(
    ("meta", "stop", "line"),
    [
        (STOPPED_BY_ADA, Stop("Stop", "ada", "2026-11-24T08:03:00.000Z"), "by ada"),
        (BY_KUBECTL, Stop("Stop", "kubectl", "2026-11-24T08:04:00Z"), "by kubectl"),
        (OF_ANOTHER_ACTION, Stop("Stop"), "nobody recorded who"),
        ({}, Stop("Stop"), "nobody recorded who"),
        (
            {"annotations": {names.ANNOTATION_SHUTDOWN_AT: "soon"}, "managedFields": 7},
            Stop("Stop"),
            "nobody recorded who",
        ),
    ],
    ids=["our control", "kubernetes", "another action", "nothing", "hostile"],
)
def test_who_stopped_a_step_is_what_was_recorded_and_no_more(workflow, node, meta, stop, line):
    identifier, pod = node("w", ".train", phase="Failed")
    found = workflow("w", nodes={identifier: pod}, spec={"shutdown": "Stop"})
    for key, value in meta.items():
        known = found["metadata"].get(key)
        found["metadata"][key] = {**known, **value} if isinstance(known, dict) else value
    (train,) = merge("r", [seen(found)], ABOUT).nodes
    assert (train.phase, train.stop, train.line) == (Phase.STOPPED, stop, line)


def test_a_job_that_was_cancelled_at_vertex_names_nobody(workflow, node):
    identifier, pod = node("w", ".train", phase="Failed", outputs={"exitCode": "130"})
    job = {"name": "j", "state": "JOB_STATE_CANCELLED", "endTime": "2026-11-24T08:05:00Z"}
    (train,) = merge("r", [seen(workflow("w", nodes={identifier: pod}), job=job)], ABOUT).nodes
    assert train.stop == Stop("Vertex", "", "2026-11-24T08:05:00Z")
    assert train.line == "cancelled at Vertex"


def test_the_phase_is_not_said_twice(workflow, node):
    identifier, pod = node("w", ".train", phase="Running")
    running = seen(workflow("w", nodes={identifier: pod}), stream=Stream(phase="running"))
    queued = seen(workflow("q", "other"))
    for item in merge("r", [running, queued], ABOUT).nodes:
        assert item.line == ""


def test_the_note_is_in_the_present_while_it_runs(workflow, node):
    about = About("sandbox", "argovx", "ran here", "runs here")
    identifier, pod = node("w", ".train", phase="Running")
    assert merge("r", [seen(workflow("w", nodes={identifier: pod}))], about).note == "runs here"
    identifier, pod = node("w", ".train", phase="Succeeded")
    assert merge("r", [seen(workflow("w", nodes={identifier: pod}))], about).note == "ran here"


def test_attempts_have_their_own_times_and_phases(workflow, node):
    children = [
        node(
            "w",
            ".train(0)",
            phase="Failed",
            startedAt="t0",
            finishedAt="t1",
            message="137",
            nodeFlag={"retried": True},
        ),
        node("w", ".train(1)", phase="Running", startedAt="t2", nodeFlag={"retried": True}),
    ]
    parent = node("w", ".train", type="Retry", phase="Running", children=[key for key, _ in children])
    found = workflow("w", nodes=dict([*children, parent]))
    (train,) = merge("r", [seen(found, stream=Stream(phase="running"))], ABOUT).nodes
    assert train.attempts == (
        Attempt(1, Phase.FAILED, "t0", "t1", "137"),
        Attempt(2, Phase.RUNNING, "t2"),
    )
    between = dict(
        [children[0], node("w", ".train", type="Retry", phase="Running", children=[children[0][0]])]
    )
    (train,) = merge("r", [seen(workflow("w", nodes=between))], ABOUT).nodes
    assert [attempt.phase for attempt in train.attempts] == [Phase.FAILED]
    assert train.phase is Phase.QUEUED


@pytest.mark.parametrize(
    ("spec", "state", "line"),
    [
        ({"scheduling": {"strategy": "SPOT"}}, "PENDING", "waiting for capacity"),
        ({"scheduling": {"strategy": "FLEX_START"}}, "QUEUED", "waiting for capacity"),
        ({"persistentResourceId": "my-pool"}, "QUEUED", "waiting for a machine of my-pool"),
        ({"scheduling": {"strategy": "STANDARD"}}, "QUEUED", "queued at Vertex"),
        ({"scheduling": "no object"}, "PENDING", "starting"),
    ],
)
def test_a_job_that_waits_for_scarce_machines_says_so(workflow, node, spec, state, line):
    identifier, pod = node("w", ".train", phase="Running")
    job = {"name": "j", "state": f"JOB_STATE_{state}", "jobSpec": spec}
    (train,) = merge("r", [seen(workflow("w", nodes={identifier: pod}), job=job)], ABOUT).nodes
    assert (train.phase, train.line.partition(" n1")[0]) == (Phase.PROVISIONING, line)


@pytest.mark.parametrize(
    ("strategy", "state", "kind", "phase", "words"),
    [
        ("SPOT", "PENDING", "Cancelled", Phase.PROVISIONING, "waiting for capacity"),
        ("SPOT", "RUNNING", "Cancelled", Phase.PROVISIONING, "its Spot machine was taken away"),
        ("SPOT", "CANCELLING", "Cancelled", Phase.RUNNING, "being cancelled"),
        ("SPOT", "RUNNING", "KeyError", Phase.UPLOADING, "checking outputs"),
        ("STANDARD", "RUNNING", "Cancelled", Phase.UPLOADING, "checking outputs"),
    ],
)
def test_a_spot_step_between_two_machines_waits(workflow, node, strategy, state, kind, phase, words):
    identifier, pod = node("w", ".train", phase="Running")
    job = {"name": "j", "state": f"JOB_STATE_{state}", "jobSpec": {"scheduling": {"strategy": strategy}}}
    stream = Stream(phase="closed", outcome="failed", error={"type": kind, "message": "m"})
    found = workflow("w", nodes={identifier: pod})
    (train,) = merge("r", [seen(found, job=job, stream=stream)], ABOUT).nodes
    assert (train.phase, train.line.startswith(words)) == (phase, True), train.line


def test_a_launcher_that_waits_says_for_what_until_there_is_a_job(workflow, node):
    outputs = {"parameters": [{"name": "exit-reason", "value": "Waiting: its turn, 3 min"}]}
    identifier, pod = node("w", ".train", phase="Running", outputs=outputs)
    (train,) = merge("r", [seen(workflow("w", nodes={identifier: pod}))], ABOUT).nodes
    assert (train.phase, train.line) == (Phase.QUEUED, "its turn, 3 min")
    job = {"name": "j", "state": "JOB_STATE_RUNNING"}
    (train,) = merge("r", [seen(workflow("w", nodes={identifier: pod}), job=job)], ABOUT).nodes
    assert train.line != "its turn, 3 min"


def test_the_launchers_last_words_are_one_line_here(workflow, node):
    identifier, pod = node("w", ".train", phase="Failed", message="KeyError: 'x'\nTraceback\n  …")
    (train,) = merge("r", [seen(workflow("w", nodes={identifier: pod}))], ABOUT).nodes
    assert train.line == "KeyError: 'x'"
