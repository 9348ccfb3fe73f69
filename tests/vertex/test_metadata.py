"""Lineage: ids, order, replays, and the reading side."""

from __future__ import annotations

import pytest

from argovx_lab.errors import NotFound, RemoteError, SpecError
from argovx_lab.vertex import lineage
from argovx_lab.vertex.lineage import LineageArtifact, StepLineage
from argovx_lab.vertex.metadata import Metadata

STEP = StepLineage(
    notebook="work/Ünï digits.ipynb",
    run="run-1",
    workflow="wf-1",
    workflow_uid="0f6a2c9e-1b1f-4d1e-9c57-3a4f0c0c2d11",
    namespace="team",
    user="ada",
    step="train",
    node="wf-1.train",
    attempt_key="k" * 32,
    ordinal=0,
    job="projects/1/locations/r/customJobs/7",
    image="python:3.11",
    source_digest="a" * 64,
    state=lineage.COMPLETE,
    inputs=(LineageArtifact("X", "gs://b/x", "1" * 64, "numpy", 3),),
    outputs=(LineageArtifact("model", "gs://b/m", "2" * 64, "skops", 4),),
    metrics={"accuracy": 0.9},
)


@pytest.fixture
def metadata(script):
    return Metadata(script, "https://r-aiplatform.googleapis.com", "p", "r")


def lines(script):
    return [
        f"{request.method} {request.url.partition('metadataStores/default/')[2]}"
        for request in script.requests
    ]


def test_the_order_can_be_cut_anywhere(metadata, script):
    lineage.begin(metadata, STEP)
    lineage.finish(metadata, STEP)
    kinds = [line.partition("argovx")[0].strip("/") + line.partition(":")[2] for line in lines(script)]
    assert kinds == [
        "PATCH contexts",
        "PATCH contexts",
        "POST contextsaddContextChildren",
        "PATCH executions",
        "PATCH artifacts",
        "POST executionsaddExecutionEvents",
        "POST contextsaddContextArtifactsAndExecutions",
        "PATCH artifacts",
        "POST executionsaddExecutionEvents",
        "POST contextsaddContextArtifactsAndExecutions",
        "PATCH executions",
    ]
    states = [request.body.get("state") for request in script.requests if "/executions/argovx" in request.url]
    assert [state for state in states if state] == ["RUNNING", "COMPLETE"]
    assert all(request.repeat for request in script.requests)


def test_a_schema_is_given_and_never_changed(metadata, script):
    lineage.begin(metadata, STEP)
    for request in script.requests:
        if request.method == "PATCH":
            assert request.params["allowMissing"] == "true"
            assert "schema" not in request.params["updateMask"]
            assert request.body["schemaVersion"] == "0.0.1"


def test_a_running_state_is_not_written_over_an_end(metadata, script):
    script.answers = [(200, {}), (200, {}), (200, {}), (200, {"state": "COMPLETE"})]
    lineage.begin(metadata, StepLineage(**{**vars(STEP), "replayed": True}))
    states = [request.body.get("state") for request in script.requests if request.body]
    assert "RUNNING" not in states


def test_the_store_is_made_on_first_use(metadata, script):
    script.answers = [(404, {}), (404, {}), (200, {})]
    lineage.begin(metadata, STEP)
    assert [request.method for request in script.requests[:4]] == ["PATCH", "GET", "POST", "PATCH"]
    assert script.requests[2].params == {"metadataStoreId": "default"}


def test_ids_are_what_the_service_takes_and_tell_things_apart(metadata):
    ids = [
        lineage.experiment_id(STEP.notebook),
        lineage.workflow_id(STEP.workflow_uid),
        lineage.execution_id(STEP.attempt_key),
        *(lineage.artifact_id(item) for item in (*STEP.inputs, *STEP.outputs)),
    ]
    assert len(set(ids)) == 5
    for item in ids:
        metadata.name("contexts", item)
    assert lineage.experiment_id("a b.ipynb") != lineage.experiment_id("a-b.ipynb")
    newer = LineageArtifact("X", "gs://b/x", "1" * 64, "numpy", 9)
    assert lineage.artifact_id(newer) != lineage.artifact_id(STEP.inputs[0])


@pytest.mark.parametrize("text", ["abc", "UPPER", "a/b/c", "x" * 129, "a b c d"])
def test_an_id_that_the_service_would_refuse_is_refused(metadata, text):
    with pytest.raises(SpecError):
        metadata.name("artifacts", text)


def test_reading_what_is_not_there(metadata, script):
    script.answers = [(404, {})]
    assert metadata.get("executions", "argovx-ex-1") is None
    script.answers = [(404, {})]
    assert metadata.executions_in("argovx-wf-1") == []
    script.answers = [(404, {})]
    with pytest.raises(NotFound):
        metadata.inputs_and_outputs("argovx-ex-1")


def test_reading_a_workflow(metadata, script):
    script.answers = [
        (200, {"name": "c"}),
        (200, {"executions": [{"name": "1"}], "nextPageToken": "t"}),
        (200, {"executions": [{"name": "2"}]}),
    ]
    assert [item["name"] for item in metadata.executions_in("argovx-wf-1")] == ["1", "2"]
    assert script.requests[1].params["filter"] == f'in_context("{metadata.store}/contexts/argovx-wf-1")'


def test_the_vendors_messages_take_what_is_written(metadata, script):
    import json

    from google.cloud.aiplatform_v1 import types

    lineage.begin(metadata, STEP)
    lineage.finish(metadata, STEP)
    kinds = {"contexts": types.Context, "executions": types.Execution, "artifacts": types.Artifact}
    for request in script.requests:
        tail = request.url.partition("metadataStores/default/")[2]
        if request.method == "PATCH":
            kinds[tail.partition("/")[0]].from_json(json.dumps(request.body))
        elif tail.endswith(":addExecutionEvents"):
            types.AddExecutionEventsRequest.from_json(json.dumps(request.body))
        elif tail.endswith(":addContextArtifactsAndExecutions"):
            types.AddContextArtifactsAndExecutionsRequest.from_json(json.dumps(request.body))


def test_a_refusal_keeps_its_reason(metadata, script):
    script.answers = [(400, {"error": {"message": "too many", "status": "FAILED_PRECONDITION"}})]
    with pytest.raises(RemoteError) as caught:
        metadata.inputs_and_outputs("argovx-ex-1")
    assert caught.value.reason == "FAILED_PRECONDITION"
