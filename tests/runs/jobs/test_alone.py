"""Custom jobs of no step: which they are, and what is said of them without a phase of Argo."""

import json

import pytest

from argovx_lab.model.run import Experiment, Phase, to_json
from argovx_lab.runs.jobs.alone import Alone, is_alone, machine_of, run_id, run_of
from argovx_lab.runs.jobs.described import described, said
from argovx_lab.runs.merge import About
from argovx_lab.runs.table import VERTEX, judge_job

NAME = "projects/7/locations/us-central1/customJobs/42"
ABOUT = About("team", "argovx", note="note", note_now="note now")


def job(state="JOB_STATE_RUNNING", **fields):
    spec = {"workerPoolSpecs": [{"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "1"}]}
    return {
        "name": NAME,
        "displayName": "train penguins",
        "state": state,
        "createTime": "2026-11-24T08:00:00Z",
        "startTime": "2026-11-24T08:01:00Z",
        "jobSpec": spec,
        **fields,
    }


STEP = {"argovx-key": "k", "argovx-wf": "uid-1", "argovx-user": "ada"}


@pytest.mark.parametrize(
    ("labels", "workflows", "expected"),
    [
        ({}, None, True),
        ({"team": "penguins"}, {"uid-1"}, True),
        (STEP, {"uid-1"}, False),
        (STEP, {"uid-2"}, True),  # its Workflow is gone
        (STEP, set(), True),
        (STEP, None, False),  # nobody knows the Workflows yet
        ({**STEP, "argovx-user": "bob"}, {"uid-2"}, False),  # of somebody else's step, whom we do not see
        ({"argovx-wf": "uid-1"}, {"uid-1"}, False),
        ({"argovx-key": "k"}, {"uid-1"}, False),
        ("no labels", set(), True),
    ],
)
def test_which_jobs_belong_to_no_step(labels, workflows, expected):
    assert is_alone(job(labels=labels), "ada", workflows) is expected


@pytest.mark.parametrize("state", VERTEX)
def test_every_state_has_its_word(state):
    node = run_of(Alone(job(state)), ABOUT).nodes[0]
    assert node.phase is judge_job(state).phase
    assert node.phase is not Phase.SUCCEEDED or state == "JOB_STATE_SUCCEEDED"
    assert ("stop" in node.actions) is not node.phase.final
    assert "retry" not in node.actions


def test_a_state_newer_than_the_table_is_shown_as_it_is():
    node = run_of(Alone(job("JOB_STATE_DREAMING_DEEPLY")), ABOUT).nodes[0]
    assert (node.phase, node.line) == (Phase.QUEUED, "dreaming deeply at Vertex")


def test_a_running_job_is_a_run_of_one_node_without_argo():
    run = run_of(Alone(job(), "https://console", None, {"loss": 0.25}), ABOUT)
    (node,) = run.nodes
    assert (run.id, run.name, run.source, run.phase) == (
        "vertex-42",
        "train penguins",
        "vertex",
        Phase.RUNNING,
    )
    assert (node.argo, node.name, node.line, node.machine) == (
        None,
        "train penguins",
        "loss 0.25",
        "n1-standard-4",
    )
    assert node.vertex.console_url == "https://console"
    assert (node.times.queued_at, node.times.running_at) == ("2026-11-24T08:00:00Z", "2026-11-24T08:01:00Z")
    assert (run.note, run.actions) == ("note now", ("open", "stop"))


def test_a_failed_job_says_what_vertex_says():
    text = "The replica workerpool0-0 exited with a non-zero status of 3."
    found = job("JOB_STATE_FAILED", endTime="2026-11-24T08:02:00Z", error={"code": 3, "message": text})
    run = run_of(Alone(found), ABOUT)
    assert (run.phase, run.nodes[0].line, run.nodes[0].exit.error) == (Phase.FAILED, text, text)
    assert run.finished_at == "2026-11-24T08:02:00Z"


def test_a_cancelled_job_names_nobody():
    node = run_of(Alone(job("JOB_STATE_CANCELLED", endTime="2026-11-24T08:02:00Z")), ABOUT).nodes[0]
    assert (node.phase, node.line, node.stop.by) == (Phase.STOPPED, "cancelled at Vertex", "")


def test_a_job_under_an_experiment_says_which():
    under = Experiment("penguins", "depth-4", "COMPLETE", {"depth": "4"})
    node = run_of(Alone(job("JOB_STATE_SUCCEEDED"), experiment=under), ABOUT).nodes[0]
    assert (node.line, node.experiment) == ("penguins · depth-4", under)


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ([], ""),
        ("pools", ""),
        (
            [{"machineSpec": {"machineType": "a2", "acceleratorType": "A100", "acceleratorCount": 2}}],
            "a2+A100*2",
        ),
        (
            [
                {"machineSpec": {"machineType": "m"}},
                {"machineSpec": {"machineType": "m"}, "replicaCount": "3"},
            ],
            "m, 3 × m",
        ),
    ],
)
def test_machines_in_words(pools, expected):
    assert machine_of({"jobSpec": {"workerPoolSpecs": pools}}) == expected


HOSTILE = [
    {"name": NAME},
    {
        "name": NAME,
        "displayName": "<script>\ud800" + "x" * 100_000,
        "labels": 7,
        "jobSpec": [],
        "error": "no",
    },
    {
        "name": NAME,
        "state": 7,
        "createTime": {},
        "jobSpec": {"workerPoolSpecs": [None, 3, {"machineSpec": 1}]},
    },
    {"name": NAME, "jobSpec": {"workerPoolSpecs": {"a": 1}, "baseOutputDirectory": "x", "scheduling": []}},
]


@pytest.mark.parametrize("found", HOSTILE)
def test_whatever_a_job_carries_it_is_text(found):
    run = run_of(Alone(found), ABOUT)
    for document in (run, said(found), described(found)):
        assert len(json.dumps(to_json(document), ensure_ascii=False).encode()) < 100_000


@pytest.mark.parametrize(
    "name", ["", None, 7, "job", NAME + "/..", NAME + "?x", f"{NAME}\n", NAME.replace("42", "")]
)
def test_a_name_that_is_none_makes_no_run(name):
    assert run_id({"name": name}) == ""


def test_values_of_variables_and_tokens_are_not_shown():
    container = {
        "imageUri": "python:3.11",
        "args": ["--token", "ya29.abcdefghijklmnop"],
        "env": [{"name": "PASSWORD", "value": "hunter2"}],
    }
    document = described(job(jobSpec={"workerPoolSpecs": [{"containerSpec": container}]}))
    assert document.arguments["image"] == "python:3.11"
    assert "PASSWORD" in document.document
    assert "hunter2" not in document.document
    assert "ya29" not in document.document


def test_what_vertex_said_is_in_order_of_time():
    found = said(job("JOB_STATE_SUCCEEDED", endTime="2026-11-24T08:02:00Z"))
    assert [(line.source, line.method) for line in found.events] == [
        ("vertex", "created"),
        ("vertex", "started"),
        ("vertex", "JOB_STATE_SUCCEEDED"),
    ]
