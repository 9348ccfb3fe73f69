"""Waiting for a step of another Workflow, and inputs that Argo hands on from one step to the next."""

import hashlib
import json

import pytest

from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.awaiting import Await
from argovx_lab.model import names
from argovx_lab.model.step import ArtifactRef, canonical

NODE = "wf-1.prepare"


def wait(launcher, lib):
    args = ["await", "--workflow=wf-1", f"--workflow-uid={lib.UID}", f"--node={NODE}", "--step=prepare"]
    return Await(launcher.context(await_s=0.01), parse(args)).run()


def ended(world, phase, **outputs):
    parameters = [{"name": name.replace("_", "-"), "value": value} for name, value in outputs.items()]
    node = {"name": NODE, "phase": phase, "outputs": {"parameters": parameters}}
    world.workflow["status"]["nodes"][names.node_id("wf-1", NODE)] = node


def test_what_a_finished_step_gave_is_handed_on(launcher, world, lib):
    ended(world, "Succeeded", manifest='{"uri":"gs://b/m","digest":"d"}', values='{"rows":3}')
    assert wait(launcher, lib).code == 0
    assert json.loads(launcher.output("manifest"))["digest"] == "d"
    assert launcher.output("values") == '{"rows":3}'


@pytest.mark.parametrize(
    ("phase", "reason", "said"),
    [
        ("Failed", "StepFailed: no data", "step prepare failed: StepFailed: no data"),
        ("Failed", "Stopped", "step prepare was stopped"),
        ("Omitted", "", "step prepare was omitted"),
    ],
)
def test_a_step_that_gave_nothing_is_a_failure_with_its_reason(launcher, world, lib, phase, reason, said):
    ended(world, phase, exit_reason=reason)
    ending = wait(launcher, lib)
    assert ending.code == 40
    assert said in ending.message
    assert said in launcher.output("exit-reason")


def test_a_workflow_that_is_gone_leaves_its_results_in_the_bucket(launcher, world, lib):
    folder = f"{launcher.layout.task(lib.UID, NODE)}0-abcdef01/"
    world.workflow = None
    assert "left no results" in wait(launcher, lib).message
    manifest = canonical(
        {"schema": "argovx.manifest/1", "step": "prepare", "outputs": {}, "values": {"n": 1}}
    )
    world.put(f"{folder}manifest.json", manifest)
    assert wait(launcher, lib).code == 40, "without an end it is not known to be whole"
    ending = {"schema": "argovx.exit/1", "code": 0, "reason": "Succeeded", "message": "", "at": "now"}
    world.put(f"{folder}exit.json", canonical(ending))
    assert wait(launcher, lib).code == 0
    pointer = json.loads(launcher.output("manifest"))
    assert pointer == {
        "uri": launcher.layout.uri(f"{folder}manifest.json"),
        "digest": hashlib.sha256(manifest).hexdigest(),
    }


def handed(launcher, world, lib, *, step="prepare", digest=""):
    """Put a producer's manifest there; returns a step that reads it, and the argument that Argo makes."""
    data = b"[1]"
    folder = f"{launcher.layout.task(lib.UID, NODE)}0-abcdef01/"
    world.put(f"{folder}out/x/data", data)
    made = {
        "codec": "json",
        "digest": hashlib.sha256(data).hexdigest(),
        "uri": launcher.layout.uri(f"{folder}out/x/data"),
    }
    manifest = canonical({"schema": "argovx.manifest/1", "step": step, "outputs": {"x": made}})
    world.put(f"{folder}manifest.json", manifest)
    spec = lib.spec(world, inputs={"x": ArtifactRef(step="prepare", output="x")})
    pointer = {
        "uri": launcher.layout.uri(f"{folder}manifest.json"),
        "digest": digest or hashlib.sha256(manifest).hexdigest(),
    }
    given = {"x": {**spec.to_dict()["inputs"]["x"], "manifest": pointer}}
    return spec, canonical(given).decode()


def test_an_input_is_what_the_manifest_says_that_argo_hands_on(launcher, world, lib):
    spec, inputs = handed(launcher, world, lib)
    assert launcher.run(spec, inputs=inputs).code == 0
    intent = world.document(launcher.attempt().intent)
    assert intent["inputs"]["x"]["digest"] == hashlib.sha256(b"[1]").hexdigest()


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"digest": "0" * 64}, 40, "not the one that prepare handed on"),
        ({"step": "other"}, 40, "not the one that prepare handed on"),
    ],
)
def test_a_manifest_that_is_another_is_refused(launcher, world, lib, change, code, said):
    spec, inputs = handed(launcher, world, lib, **change)
    ending = launcher.run(spec, inputs=inputs)
    assert (ending.code, len(world.jobs)) == (code, 0)
    assert said in ending.message


def test_what_is_left_out_or_changed_beside_the_manifest_is_refused(launcher, world, lib):
    spec, inputs = handed(launcher, world, lib)
    given = json.loads(inputs)
    given["x"]["output"] = "y"
    assert launcher.run(spec, inputs=json.dumps(given)).code == 10
    assert launcher.run(spec, inputs=inputs.replace('"manifest":{', '"manifest":{"more":"1",')).code == 10
    assert launcher.run(spec, inputs='{"x":{"manifest":}}').code == 10
