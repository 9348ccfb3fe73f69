"""What our own compiler emits is exactly what this engine runs."""

from __future__ import annotations

import json

import yaml

from argovx_lab.compile.manifest import Placement, workflow
from argovx_lab.compile.platform import STEP_ARGUMENTS, STEP_OUTPUTS, Platform, cluster_template
from argovx_lab.model.run import Cell
from argovx_lab.model.step import Environment, Runner, Source, StepSpec

PLATFORM = Platform(
    image="argovx-launcher:1",
    sts_url="https://sts",
    aiplatform_url="https://aiplatform",
    storage_url="https://storage",
    audience="//iam.googleapis.com/pool",
    project="p",
    region="r",
    bucket="b",
    ca_pem="PEM",
)


def compiled(play, **changes):
    digest = "sha256:" + "0" * 64
    source = Source(uri="gs://b/source", digest=digest, notebook="n.ipynb", cell_id="c")
    spec = StepSpec(
        name="train_it",
        source=source,
        environment=Environment(image="python:3.11", python="3.11"),
        runner=Runner(uri="gs://b/runner", digest=digest),
        run_as="u-a@p.iam.gserviceaccount.com",
        **changes,
    )
    place = Placement(workflow="w", namespace="default", user="a", run="r", notebook="n.ipynb", policy="d")
    cell = Cell(notebook="n.ipynb", cell_id="c", number=1)
    manifest = workflow(spec, "gs://b/spec", place, cell=cell, inputs=[])
    library = {("cluster", "argovx-vertex-step"): cluster_template(PLATFORM)}
    made = play(yaml.safe_dump(manifest["spec"]), library=library)
    made.workflow["metadata"].update(manifest["metadata"], uid="uid-w")
    return made


def main_of(pod):
    return next(c for c in pod["spec"]["containers"] if c["name"] == "main")


def test_a_step_becomes_one_launcher_pod(play):
    w = compiled(play).step()
    assert w.status.get("message") is None
    (pod,) = w.pods.values()
    flags = {a.split("=")[0][2:] for a in main_of(pod)["args"][1:]}
    assert flags == {*STEP_ARGUMENTS, "ordinal"}
    assert "--ordinal=0" in main_of(pod)["args"]
    assert "--accelerator=" in main_of(pod)["args"]
    token = next(v for v in pod["spec"]["volumes"] if v["name"] == "argovx-token")
    assert token["projected"]["sources"][0]["serviceAccountToken"]["audience"] == PLATFORM.audience
    assert {"name": "argovx-ca", "configMap": {"name": "argovx-ca"}} in pod["spec"]["volumes"]
    assert pod["spec"]["serviceAccountName"] == "wf-a"
    assert pod["spec"]["terminationGracePeriodSeconds"] == 60
    assert pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"] == "w.train-it(0)"


def test_a_killed_launcher_is_tried_again_and_a_users_error_is_not(play):
    w = compiled(play).step().end("train-it(0)", 137).step()
    assert w.node("train-it")["message"] == "Backoff for 1 second"
    w.step(1)
    (again,) = [p for n, p in w.pods.items() if n == w.node("train-it(1)")["id"]]
    assert "--ordinal=1" in main_of(again)["args"]
    w.end("train-it(1)", 1, message="KeyError: 'label'").step().step(2)
    assert w.node("train-it")["message"] == "retryStrategy.expression evaluated to false"
    assert w.node("train-it(1)")["message"] == "main: Error (exit code 1): KeyError: 'label'"
    assert "w.onExit" in w.nodes()


def test_a_users_error_is_tried_again_when_asked_for(play):
    w = compiled(play, retry_failures=True).step().end("train-it(0)", 1).step().step(1)
    assert "train-it(1)" in w.nodes()


def test_the_sweeper_gets_the_workflows_uid_and_the_outputs_are_all_there(play):
    w = compiled(play).step()
    values = {name: f"<{name}>" for name in STEP_OUTPUTS}
    w.end("train-it(0)", **values).step()
    outputs = {p["name"]: p["value"] for p in w.node("train-it")["outputs"]["parameters"]}
    assert outputs == values
    sweep = main_of(w.pods[w.node("w.onExit(0)")["id"]])
    assert sweep["args"] == ["sweep", "--workflow-uid=uid-w"]
    w.end("w.onExit(0)").step()
    assert w.phase == "Succeeded"
    assert set(w.status["storedTemplates"]) == {
        "cluster/argovx-vertex-step/step",
        "cluster/argovx-vertex-step/sweep",
    }
    json.dumps(w.workflow)
