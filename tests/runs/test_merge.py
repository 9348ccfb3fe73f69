"""Executions from three ends become one run."""

import json

import pytest

from argovx_lab.model.run import Phase
from argovx_lab.runs.argo import executions
from argovx_lab.runs.merge import About, Seen, merge
from argovx_lab.runs.stream import Stream

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
