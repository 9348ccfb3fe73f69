"""The Workflow of one step."""

import json

import pytest

from argovx_lab.compile.again import again
from argovx_lab.compile.manifest import Placement, arguments, workflow
from argovx_lab.compile.platform import (
    STEP_ARGUMENTS,
    STEP_OUTPUTS,
    Platform,
    ca_config_map,
    cluster_template,
)
from argovx_lab.compile.probe import probe
from argovx_lab.errors import PolicyDenied, SpecError
from argovx_lab.model import names
from argovx_lab.model.run import Cell, Input
from argovx_lab.model.step import ArtifactRef, Environment, Machine, Runner, Source, StepSpec

PLACE = Placement("train-1", "argovx", "ada", "first-ab", "n.ipynb", "policy-digest")
PLATFORM = Platform(
    image="launcher@sha256:0",
    sts_url="https://sts",
    aiplatform_url="https://ai",
    storage_url="https://st",
    audience="//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    project="p",
    region="us-central1",
    bucket="b",
    ca_pem="PEM",
)


def spec(**changes):
    fields = {
        "name": "train",
        "source": Source("d1", "gs://b/s"),
        "environment": Environment("python:3.11"),
        "runner": Runner("d2", "gs://b/r"),
        "run_as": "u-ada@p.iam.gserviceaccount.com",
        "inputs": {
            "X": ArtifactRef(uri="gs://b/x", digest="d3", codec="numpy", size_bytes=9, step="prepare")
        },
        "outputs": {"model": "auto"},
        "machine": Machine("n1-standard-8", "NVIDIA_TESLA_T4", 2),
    }
    return StepSpec(**{**fields, **changes})


def made(step=None):
    return workflow(
        step or spec(),
        "gs://b/spec",
        PLACE,
        cell=Cell("n.ipynb", "c7", 7),
        inputs=[Input("X", "prepare", "X")],
    )


def test_one_task_refers_to_the_platforms_template():
    body = made()["spec"]
    (task,) = body["templates"][0]["dag"]["tasks"]
    assert task["templateRef"] == {"name": "argovx-vertex-step", "template": "step", "clusterScope": True}
    assert [p["name"] for p in task["arguments"]["parameters"]] == list(STEP_ARGUMENTS)
    assert body["serviceAccountName"] == "wf-ada"
    assert body["hooks"]["exit"]["templateRef"]["template"] == "sweep"


def test_the_cell_never_travels_through_argo_but_its_machine_does():
    step = spec()
    found = arguments(step, "gs://b/spec")
    assert found["machine-type"] == "n1-standard-8"
    assert found["accelerator"] == "NVIDIA_TESLA_T4"
    assert found["accelerator-count"] == "2"
    assert found["spec-digest"] == step.digest
    assert json.loads(found["inputs"])["X"]["digest"] == "d3"


def test_the_read_path_finds_what_argo_does_not_keep():
    steps = json.loads(made()["metadata"]["annotations"][names.ANNOTATION_STEPS])
    assert steps["train"]["cell"] == {"notebook": "n.ipynb", "cell_id": "c7", "number": 7}
    assert steps["train"]["machine"] == "n1-standard-8+NVIDIA_TESLA_T4*2"
    assert steps["train"]["outputs"] == [{"name": "model", "codec": "auto"}]


def test_task_names_are_argos():
    body = made(spec(name="my_step"))
    assert body["spec"]["templates"][0]["dag"]["tasks"][0]["name"] == "my-step"
    assert json.loads(body["metadata"]["annotations"][names.ANNOTATION_STEPS])["my-step"]["name"] == "my_step"


def test_equal_plans_have_equal_digests():
    first, second = made(), made()
    key = names.ANNOTATION_PLAN
    assert first["metadata"]["annotations"][key] == second["metadata"]["annotations"][key]
    other = made(spec(timeout_s=60))
    assert other["metadata"]["annotations"][key] != first["metadata"]["annotations"][key]


def test_a_tag_in_an_argument_is_refused():
    with pytest.raises(SpecError, match="argument image"):
        made(spec(environment=Environment("{{workflow.name}}")))


def test_an_object_above_one_mebibyte_is_refused():
    inputs = {f"x{i}": ArtifactRef(uri="gs://b/" + "x" * 200, digest="d" * 64) for i in range(4000)}
    with pytest.raises(SpecError, match="can be submitted"):
        made(spec(inputs=inputs))


def test_retry_is_the_same_code_and_inputs_under_a_new_name():
    old = made()
    old["metadata"].update(uid="u", resourceVersion="7", labels={**old["metadata"]["labels"], "x": "y"})
    old["spec"]["shutdown"] = "Stop"
    old["status"] = {"phase": "Failed"}
    old["spec"]["podSpecPatch"] = "{}"
    new = again(old, "train-2", "ada")
    assert "podSpecPatch" not in new["spec"]
    assert new["metadata"]["name"] == "train-2"
    assert "shutdown" not in new["spec"]
    assert "status" not in new
    assert "uid" not in new["metadata"]
    assert new["metadata"]["labels"] == made()["metadata"]["labels"]
    assert new["spec"]["templates"] == made()["spec"]["templates"]
    assert old["spec"]["shutdown"] == "Stop"


def test_a_foreign_workflow_is_not_retried():
    old = made()
    old["metadata"]["labels"] = {}
    with pytest.raises(PolicyDenied, match="belongs to nobody"):
        again(old, "x", "ada")


def _planted(change):
    old = made()
    change(old)
    return old


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: w["metadata"]["labels"].update({"argovx.dev/user": "mallory"}), "belongs to mallory"),
        (lambda w: w["spec"].update(serviceAccountName="wf-mallory"), "runs as wf-mallory"),
        (lambda w: w["spec"].update(templates=[]), "does something else"),
        (
            lambda w: w["spec"]["templates"].append({"name": "x", "container": {"image": "i"}}),
            "does something",
        ),
        (
            lambda w: w["spec"]["templates"][0]["dag"]["tasks"][0]["templateRef"].update(name="mine"),
            "does something else",
        ),
        (
            lambda w: w["spec"]["templates"][0]["dag"]["tasks"][0].update(
                inline={"container": {}}, templateRef=None
            ),
            "does something else",
        ),
        (lambda w: w["metadata"]["labels"].pop("argovx.dev/run"), "belongs to no run"),
    ],
)
def test_what_a_neighbour_has_planted_is_not_submitted_in_my_name(change, why):
    with pytest.raises(PolicyDenied, match=why):
        again(_planted(change), "x", "ada")


def test_a_planted_argument_with_a_tag_is_refused():
    def change(workflow):
        task = workflow["spec"]["templates"][0]["dag"]["tasks"][0]
        task["arguments"]["parameters"].append({"name": "x", "value": "{{workflow.uid}}"})

    with pytest.raises(SpecError, match="argument x"):
        again(_planted(change), "x", "ada")


def test_the_template_declares_what_the_workflow_passes():
    template = cluster_template(PLATFORM)
    step, _wait, sweep, check = template["spec"]["templates"]
    assert [p["name"] for p in step["inputs"]["parameters"]] == list(STEP_ARGUMENTS)
    assert [p["name"] for p in step["outputs"]["parameters"]] == list(STEP_OUTPUTS)
    assert sweep["name"] == "sweep"
    given = probe("argovx-doctor-1", "argovx", "ada", "u-ada@p.iam.gserviceaccount.com")
    task = given["spec"]["templates"][0]["dag"]["tasks"][0]
    assert task["templateRef"]["template"] == check["name"]
    assert [p["name"] for p in check["inputs"]["parameters"]] == [
        p["name"] for p in task["arguments"]["parameters"]
    ]
    assert given["spec"]["serviceAccountName"] == "wf-ada"
    assert "argovx.dev/run" not in given["metadata"]["labels"]


def test_the_template_carries_no_secret_and_nobodys_name():
    text = json.dumps(cluster_template(PLATFORM))
    assert "-ada" not in text
    assert "serviceAccountToken" in text
    assert step_env()["ARGOVX_TOKEN_FILE"].startswith("/var/run/argovx/")


def step_env():
    container = cluster_template(PLATFORM)["spec"]["templates"][0]["container"]
    return {item["name"]: item.get("value", "") for item in container["env"]}


def test_the_ca_travels_in_a_config_map_only_when_there_is_one():
    assert ca_config_map(PLATFORM, "argovx")["data"] == {"ca.pem": "PEM"}
    plain = Platform(**{**PLATFORM.__dict__, "ca_pem": ""})
    assert ca_config_map(plain, "argovx") is None
    assert "ARGOVX_CA_FILE" not in json.dumps(cluster_template(plain))
