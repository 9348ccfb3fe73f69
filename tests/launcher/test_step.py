"""The way of one attempt: happy, failed, refused, verified."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from argovx_lab.model.step import ArtifactRef


def test_a_step_succeeds_with_all_its_outputs_and_records(launcher, step, world, capfdbinary):
    ending = launcher.run(step)
    assert (ending.code, ending.text) == (0, "Succeeded"), launcher.stderr.getvalue()
    attempt = launcher.attempt()
    (job,) = world.jobs.values()
    assert launcher.output("vertex-job") == job["name"]
    assert "/training/7000/" in launcher.output("console-url")
    manifest = json.loads(launcher.output("manifest"))
    assert manifest["uri"] == f"gs://bucket-a/{attempt.manifest}"
    assert json.loads(launcher.output("metrics")) == {"accuracy": 0.97}
    assert json.loads(launcher.output("values")) == {"model": {"x": 1}}
    assert launcher.output("exit-reason") == "Succeeded"
    assert (launcher.folder / "progress").read_text() == "3/4\n"
    assert world.document(attempt.exit)["code"] == 0
    assert world.document(attempt.created)["job"] == job["name"]
    assert capfdbinary.readouterr().out == b"hello from the cell\n"


def test_the_job_is_shown_in_argo_while_it_runs(launcher, step, world, lib):
    seen = []

    def behaviour(world, job):
        lib.succeed(world, job)
        job["state"] = "JOB_STATE_RUNNING"

    def look(world):
        seen.append(world.task_results[launcher.node_id]["outputs"]["parameters"])
        next(iter(world.jobs.values()))["state"] = "JOB_STATE_SUCCEEDED"

    world.behaviour = behaviour
    world.fault(r"GET /v1/projects/\d+/locations/[^/]+/customJobs/7000", look)
    assert launcher.run(step).code == 0
    assert {item["name"] for item in seen[0]} == {"vertex-job", "console-url"}


def test_the_users_error_is_the_termination_message(launcher, step, world, lib):
    world.behaviour = lib.fail
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (1, "StepFailed")
    assert launcher.termination.read_text() == "KeyError: 'label' · cell 7, line 12\nTraceback …"
    record = world.document(launcher.attempt().exit)
    assert (record["code"], record["message"]) == (1, "KeyError: 'label' · cell 7, line 12")


def test_any_argument_that_differs_from_the_step_is_refused(launcher, step, world):
    different = {
        "spec_digest": "0" * 64,
        "inputs": '{"a":{}}',
        "kind": "local",
        "image": "evil:latest",
        "machine_type": "a2-highgpu-8g",
        "accelerator": "NVIDIA_TESLA_V100",
        "accelerator_count": "4",
        "replicas": "2",
        "strategy": "SPOT",
        "disk_gb": "500",
        "persistent_resource": "pool",
        "timeout": "1",
        "retries": "9",
        "retry_failures": "true",
        "run_as": "u-eve@demo.iam.gserviceaccount.com",
    }
    for name, value in different.items():
        ending = launcher.run(step, **{name: value})
        assert ending.code == 10, (name, ending)
        del world.objects[launcher.attempt().exit]
    assert not world.jobs


def test_another_users_account_is_denied_by_policy(launcher, world, lib):
    step = lib.spec(world)
    eve = step.__class__(**{**vars(step), "run_as": "u-eve@demo.iam.gserviceaccount.com"})
    world.put(launcher.layout.object(eve.digest), eve.encode())
    ending = launcher.run(eve)
    assert (ending.code, ending.reason) == (11, "PolicyDenied")
    assert "u-eve" in launcher.termination.read_text()
    assert not world.jobs


def test_a_step_document_of_another_user_is_refused(launcher, step, world):
    ending = launcher.run(step, spec="gs://bucket-a/users/eve/objects/sha256/aa/aa")
    assert ending.code == 10
    assert "outside of gs://bucket-a/users/ada/" in ending.message


def test_a_workflow_of_another_user_is_denied(launcher, step, world):
    world.workflow["metadata"]["labels"]["argovx.dev/user"] = "eve"
    assert launcher.run(step).code == 11


def test_outputs_that_are_not_what_the_manifest_says_fail_the_step(launcher, step, world, lib):
    def tampered(world, job):
        lib.succeed(world, job)
        _, folder = lib.intent_of(world, job)
        world.put(f"{folder}out/model/data", b"something else")

    world.behaviour = tampered
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (40, "OutputsMissing")


@pytest.mark.parametrize(
    ("declared", "left_out", "code"),
    [
        ("auto?", {"ax": "it is a figure"}, 0),
        ("auto?", {}, 40),
        ("auto?", None, 40),
        ("auto", {"ax": "it is a figure"}, 40),
    ],
)
def test_only_an_output_that_nobody_named_may_be_left_out_with_a_reason(
    launcher, world, lib, declared, left_out, code
):
    def without(world, job):
        lib.succeed(world, job)
        _, folder = lib.intent_of(world, job)
        document = world.document(f"{folder}manifest.json")
        del document["outputs"]["ax"]
        document["left_out"] = left_out
        world.put(f"{folder}manifest.json", json.dumps(document).encode())

    step = replace(lib.spec(world), outputs={"model": "auto?", "ax": declared})
    world.put(launcher.layout.object(step.digest), step.encode())
    world.behaviour = without
    assert launcher.run(step).code == code


def test_a_manifest_of_another_attempt_is_refused(launcher, step, world, lib):
    def foreign(world, job):
        lib.succeed(world, job)
        _, folder = lib.intent_of(world, job)
        document = world.document(f"{folder}manifest.json")
        document["attempt_key"] = "f" * 32
        world.put(f"{folder}manifest.json", json.dumps(document).encode())

    world.behaviour = foreign
    ending = launcher.run(step)
    assert (ending.code, "attempt_key" in ending.message) == (40, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda out: out.update(uri=out["uri"].replace("bucket-a", "bucket-b")), "outside of its folder"),
        (lambda out: out.update(codec="pickle"), "written as 'pickle'"),
    ],
)
def test_outputs_in_another_bucket_or_as_a_pickle_that_nobody_asked_for(
    launcher, step, world, lib, change, words
):
    def tampered(world, job):
        lib.succeed(world, job)
        _, folder = lib.intent_of(world, job)
        document = world.document(f"{folder}manifest.json")
        change(document["outputs"]["model"])
        world.put(f"{folder}manifest.json", json.dumps(document).encode())

    world.behaviour = tampered
    ending = launcher.run(step)
    assert (ending.code, words in ending.message) == (40, True), ending


@pytest.mark.parametrize("field", ["digest", "codec"])
def test_an_input_is_what_it_was_when_it_was_submitted(launcher, world, lib, field):
    assert launcher.run(lib.spec(world)).code == 0
    manifest = json.loads(launcher.output("manifest"))["uri"]
    world.workflow["metadata"]["uid"] = "uid-2"
    ref = ArtifactRef(manifest=manifest, output="model", step="train", **{field: "d" * 64})
    ending = launcher.run(lib.spec(world, inputs={"m": ref}))
    assert (ending.code, f"another {field}" in ending.message) == (40, True), ending


def test_a_job_that_ends_without_a_word_has_no_outputs(launcher, step, world):
    def silent(world, job):
        job["state"] = "JOB_STATE_SUCCEEDED"

    world.behaviour = silent
    assert launcher.run(step).code == 40


def test_inputs_are_resolved_through_the_producers_manifest(launcher, world, lib):
    producer = lib.spec(world)
    assert launcher.run(producer).code == 0
    manifest = json.loads(launcher.output("manifest"))["uri"]
    world.workflow["metadata"]["uid"] = "uid-2"
    consumer = lib.spec(world, inputs={"m": ArtifactRef(manifest=manifest, output="model", step="train")})
    assert launcher.run(consumer).code == 0, launcher.stderr.getvalue()
    intents = [world.document(name) for name in world.objects if name.endswith("intent.json")]
    (used,) = [item["inputs"]["m"] for item in intents if item["inputs"]]
    produced = world.document(manifest.partition("bucket-a/")[2])["outputs"]["model"]
    assert used["digest"] == produced["digest"]
    assert str(used["generation"]) == produced["generation"]
    assert used["codec"] == "json"


def test_inputs_outside_of_the_users_folder_are_refused(launcher, world, lib):
    for uri in (
        "gs://bucket-a/users/eve/x",
        "gs://other-bucket/users/ada/x",
        "gs://bucket-a/users/ada/../eve/x",
    ):
        step = lib.spec(world, inputs={"a": ArtifactRef(uri=uri, digest="b" * 64, codec="json")})
        ending = launcher.run(step)
        assert (ending.code, "input a" in ending.message) == (10, True), ending
        del world.objects[launcher.attempt().exit]


def test_an_input_that_is_gone_is_named(launcher, world, lib):
    uri = launcher.layout.uri(launcher.layout.object("c" * 64))
    step = lib.spec(world, inputs={"frame": ArtifactRef(uri=uri, digest="c" * 64, codec="pandas")})
    ending = launcher.run(step)
    assert (ending.code, "input frame" in ending.message) == (40, True)


def test_lineage_is_written_from_the_launcher(launcher, step, world):
    assert launcher.run(step).code == 0
    executions = [doc for name, doc in world.nodes.items() if "/executions/" in name]
    assert [doc["state"] for doc in executions] == ["COMPLETE"]
    assert executions[0]["metadata"]["argo_node"] == "wf-1.train"
    verbs = [verb for _, verb, _ in world.memberships]
    assert verbs == [
        "addContextChildren",
        "addContextArtifactsAndExecutions",
        "addExecutionEvents",
        "addContextArtifactsAndExecutions",
    ]
    (event,) = world.memberships[2][2]["events"]
    assert event["type"] == "OUTPUT"


def test_a_failing_lineage_never_fails_the_step(launcher, step, world, lib):
    world.fault(r"PATCH .*/artifacts/", lib.Answer(400, "too many", "FAILED_PRECONDITION"), times=9)
    ending = launcher.run(step)
    assert ending.code == 0
    assert launcher.output("exit-reason").startswith("Succeeded: Lineage is incomplete")


def test_a_second_life_after_the_end_repeats_the_end(launcher, step, world):
    assert launcher.run(step).code == 0
    first = {name: launcher.output(name) for name in ("vertex-job", "manifest", "metrics", "values")}
    for path in launcher.outputs.iterdir():
        path.unlink()
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1
    assert first == {name: launcher.output(name) for name in first}


def test_it_waits_until_the_workflow_has_started(launcher, step, world, lib):
    world.workflow = lib.workflow(started_at=None)

    def start(world):
        world.workflow = lib.workflow()

    world.fault(r"GET /apis/.*/workflows/", lambda world: None, times=3)
    world.fault(r"GET /apis/.*/workflows/", start)
    assert launcher.run(step).code == 0
    assert world.count(r"GET /apis/.*/workflows/") >= 4


def test_a_full_disk_leaves_the_job_to_the_retry(launcher, step, world):
    launcher.outputs.write_text("a file where the folder should be")
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (30, False)
    assert "cannot be written" in ending.message
    launcher.outputs.unlink()
    launcher.at(1)
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1


def test_a_disk_that_stays_full_ends_with_its_reason_in_argo(launcher, step, world):
    launcher.outputs.write_text("a file where the folder should be")
    assert launcher.run(step).code == 30
    (shown,) = [result["outputs"]["parameters"] for result in world.task_results.values()]
    (reason,) = [item["value"] for item in shown if item["name"] == "exit-reason"]
    assert reason.startswith("Unavailable: output ")
    assert "The node's disk may be full" in reason


def test_without_a_task_result_the_step_goes_on(launcher, step, world):
    world.task_results.clear()
    assert launcher.run(step).code == 0
    assert any("no task result" in str(item) for item in launcher.events)
