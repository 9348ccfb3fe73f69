"""Workflows that nobody vouches for: one of them never hides the others, and everything stays JSON."""

import json

import pytest

from argovx_lab.model import names
from argovx_lab.model.events import Event
from argovx_lab.model.run import Phase, to_json
from argovx_lab.runs.argo import executions
from argovx_lab.runs.merge import About, Seen, merge
from argovx_lab.runs.stream import Stream, reduce

ABOUT = About("sandbox", "argovx")

WRONG = [None, 1, "text", [], [1], {"x": 1}, [[]], {"metadata": None}, True, float("nan")]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(
    "where", ["metadata", "spec", "status", "labels", "annotations", "nodes", "node", "outputs"]
)
def test_a_wrong_shape_anywhere_does_not_raise(workflow, node, where, wrong):
    identifier, pod = node("w", ".train", phase="Running", outputs={"exitCode": "0"})
    found = workflow("w", nodes={identifier: pod})
    if where in ("labels", "annotations"):
        found["metadata"][where] = wrong
    elif where == "nodes":
        found["status"]["nodes"] = wrong
    elif where == "node":
        found["status"]["nodes"][identifier] = wrong
    elif where == "outputs":
        pod["outputs"] = wrong
    else:
        found[where] = wrong
    run = merge("r", [Seen(execution) for execution in executions(found)], ABOUT)
    json.dumps(to_json(run), allow_nan=False)


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"train": 1}', '{"train": {"inputs": [1, {"name": 2}]}}', "[" * 100_000]
)
def test_an_annotation_that_is_not_ours(workflow, text):
    found = workflow("w")
    found["metadata"]["annotations"][names.ANNOTATION_STEPS] = text
    run = merge("r", [Seen(execution) for execution in executions(found)], ABOUT)
    assert [n.name for n in run.nodes] == ["train"]


def test_a_long_annotation_is_read_whole(workflow):
    inputs = [{"name": f"x{i}", "step": "prepare", "digest": "d" * 64} for i in range(1000)]
    (execution,) = executions(workflow("w", about={"inputs": inputs}))
    assert len(execution.about["inputs"]) == 1000


def test_no_number_that_is_no_json_reaches_a_view():
    event = Event("metric", {"values": {"loss": float("nan"), "ok": 1}, "step": 1}, "t")
    stream = reduce(Stream(), [event])
    assert stream.metrics == {"ok": 1.0}


def test_text_stays_text(workflow, node):
    hostile = "<img src=x onerror=alert(1)>"
    identifier, pod = node("w", ".train", phase="Failed", message=hostile)
    run = merge(
        "r", [Seen(execution) for execution in executions(workflow("w", nodes={identifier: pod}))], ABOUT
    )
    assert run.nodes[0].message == hostile
    assert run.nodes[0].phase is Phase.FAILED
