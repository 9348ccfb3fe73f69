"""The Workflow of many steps: wires, order, nesting and limits."""

import json

import pytest
from argo_crds import check

from argovx_lab.compile.again import again
from argovx_lab.compile.graph import Await, Fan, Gate, StepNode, graph
from argovx_lab.compile.manifest import Placement
from argovx_lab.errors import Conflict, SpecError
from argovx_lab.model import names
from argovx_lab.model.condition import parse
from argovx_lab.model.ours import leaves, refusal
from argovx_lab.model.run import Cell
from argovx_lab.model.step import ArtifactRef, Environment, Runner, Source, StepSpec

PLACE = Placement("train-1", "argovx", "ada", "first-ab", "n.ipynb", "policy-digest")


def node(name, *sources, **changes):
    inputs = {f"x{number}": ArtifactRef(output="x", step=source) for number, source in enumerate(sources)}
    spec = StepSpec(
        name=name,
        source=Source("d1", "gs://b/s"),
        environment=Environment("python:3.11"),
        runner=Runner("d2", "gs://b/r"),
        run_as="u-ada@p.iam.gserviceaccount.com",
        inputs=inputs,
        outputs={"x": "auto"},
    )
    return StepNode(spec, "gs://b/spec", Cell("n.ipynb", "c", 1), **changes)


def arguments(task):
    return {p["name"]: p["value"] for p in task["arguments"]["parameters"]}


def filled(text, pointer='{"uri":"gs://b/m","digest":"d"}'):
    """Put manifests in as Argo does: the text of the producer's output in the place of each tag."""
    while "{{" in text:
        head, _, rest = text.partition("{{")
        text = head + pointer + rest.partition("}}")[2]
    return json.loads(text)


def test_results_are_handed_on_by_reference():
    body = graph([node("prepare"), node("train", "prepare")], PLACE)
    check(body)
    first, second = body["spec"]["templates"][0]["dag"]["tasks"]
    assert "depends" not in first
    assert second["depends"] == "prepare.Succeeded"
    assert "{{tasks.prepare.outputs.parameters.manifest}}" in arguments(second)["inputs"]
    ref = filled(arguments(second)["inputs"])["x0"]
    assert ref["manifest"] == {"uri": "gs://b/m", "digest": "d"}
    assert (ref["step"], ref["output"]) == ("prepare", "x")
    assert refusal(body, "ada") == ""


def test_a_graph_larger_than_a_dag_nests_and_reads_across_its_parts():
    many = [
        node("first"),
        *(node(f"s{number}", "first") for number in range(449)),
        node("last", "s3", "s440"),
    ]
    body = graph(many, PLACE)
    check(body)
    main, *parts = body["spec"]["templates"]
    assert [len(part["dag"]["tasks"]) for part in parts] == [200, 200, 51]
    assert main["dag"]["tasks"][2]["depends"] == "part-0.Succeeded"
    last = parts[2]["dag"]["tasks"][-1]
    assert last["depends"] == "s440.Succeeded"
    assert "{{inputs.parameters.s3-manifest}}" in arguments(last)["inputs"]
    assert last["when"] == "{{=inputs.parameters['s3-manifest'] != ''}}"
    given = {p["name"]: p["value"] for p in main["dag"]["tasks"][2]["arguments"]["parameters"]}
    assert given["s3-manifest"] == "{{tasks.part-0.outputs.parameters.s3-manifest}}"
    assert leaves(body["spec"])[-1].path == "part-2.last"
    assert refusal(body, "ada") == ""


def test_what_is_too_large_is_refused_before_it_is_sent():
    with pytest.raises(SpecError, match=r"at most 1,048,576|Kubernetes takes"):
        graph([node(f"s{number}") for number in range(1500)], PLACE)


def test_names_that_argo_cannot_tell_apart_are_refused():
    with pytest.raises(SpecError, match="one name to Argo"):
        graph([node("a_b"), node("a-b")], PLACE)


def test_a_step_of_another_workflow_is_waited_for():
    wait = Await("prepare", "prepare-1", "u1", "prepare-1.prepare")
    body = graph([wait, node("train", "prepare")], PLACE, step="train")
    check(body)
    first, second = body["spec"]["templates"][0]["dag"]["tasks"]
    assert first["templateRef"]["template"] == "await"
    assert second["depends"] == "prepare.Succeeded"
    assert list(json.loads(body["metadata"]["annotations"][names.ANNOTATION_STEPS])) == ["train"]
    assert body["metadata"]["labels"][names.LABEL_STEP] == "train"
    assert refusal(body, "ada") == ""


def test_one_step_of_many_is_retried_with_what_was_handed_to_it():
    body = graph([node("prepare"), node("train", "prepare")], PLACE)
    with pytest.raises(Conflict, match="prepare has left no results"):
        again(body, "train-2", "ada", step="train")
    made = {"name": "manifest", "value": '{"digest":"d","uri":"gs://b/m"}'}
    body["status"] = {
        "nodes": {names.node_id("train-1", "train-1.prepare"): {"outputs": {"parameters": [made]}}}
    }
    fresh = again(body, "train-2", "ada", step="train")
    check(fresh)
    (task,) = fresh["spec"]["templates"][0]["dag"]["tasks"]
    assert json.loads(arguments(task)["inputs"])["x0"]["manifest"] == {"digest": "d", "uri": "gs://b/m"}
    assert list(json.loads(fresh["metadata"]["annotations"][names.ANNOTATION_STEPS])) == ["train"]


def values(body, step, text):
    """Let a step of a Workflow have given small values."""
    task = step.replace("_", "-")
    given = [
        {"name": "manifest", "value": '{"digest":"d","uri":"gs://b/m"}'},
        {"name": "values", "value": text},
    ]
    place = f"{body['metadata']['name']}.{task}"
    node = {names.node_id(body["metadata"]["name"], place): {"outputs": {"parameters": given}}}
    return {**body, "status": {"nodes": node}}


@pytest.mark.parametrize(
    ("known", "left", "when"),
    [
        ({}, '{"x": 12}', "{{=12 > 10}}"),
        ({}, '{"x": "}} {{w"}', r'{{="\u007d\u007d \u007b\u007bw" > 10}}'),
        ({("pre-pare", "x"): 7}, "{}", "{{=7 > 10}}"),
    ],
)
def test_a_retry_keeps_its_condition_with_the_values_that_it_had_read(known, left, when):
    nodes = [node("pre-pare"), node("train", "pre-pare", when=parse("pre-pare.x > 10"), known=known)]
    body = values(graph(nodes, PLACE), "pre-pare", left)
    fresh = again(body, "train-2", "ada", step="train")
    check(fresh)
    (task,) = fresh["spec"]["templates"][0]["dag"]["tasks"]
    assert task["when"] == when
    assert again(fresh, "train-3", "ada", step="train")["spec"] == fresh["spec"]


def test_a_condition_without_its_values_is_not_retried():
    body = graph([node("a"), node("train", when=parse("a.x > 10"))], PLACE)
    with pytest.raises(Conflict, match="a has left no x"):
        again(values(body, "a", '{"y": 1}'), "train-2", "ada", step="train")


def test_a_template_that_does_something_else_makes_a_workflow_foreign():
    body = graph([node("prepare")], PLACE)
    body["spec"]["templates"].append({"name": "evil", "container": {"image": "x"}})
    assert "something else" in refusal(body, "ada")
    body = graph([node("prepare")], PLACE)
    body["spec"]["templates"][0]["dag"]["tasks"][0]["hooks"] = {"exit": {"template": "main"}}
    assert "something else" in refusal(body, "ada")


def test_a_fan_out_has_its_limit_and_hands_its_members_results_on():
    members = tuple(node(f"train-{n}", "prepare", fan="train", item=f"lr={n}") for n in range(3))
    body = graph([node("prepare"), Fan("train", members, 2), node("best", "train-0", "train-2")], PLACE)
    check(body)
    main, each = body["spec"]["templates"]
    assert each["parallelism"] == 2
    assert [task["name"] for task in each["dag"]["tasks"]] == ["train-0", "train-1", "train-2"]
    assert "{{inputs.parameters.prepare-manifest}}" in arguments(each["dag"]["tasks"][0])["inputs"]
    _, train, best = main["dag"]["tasks"]
    assert (train["depends"], best["depends"]) == ("prepare.Succeeded", "train.Succeeded")
    assert "{{tasks.train.outputs.parameters.train-2-manifest}}" in arguments(best)["inputs"]
    assert [leaf.path for leaf in leaves(body["spec"])][1] == "train.train-0"
    assert refusal(body, "ada") == ""


def test_a_condition_is_argos_when_and_a_gate_waits():
    cell = Cell("n.ipynb", "c", 2)
    nodes = [
        node("pre-pare"),
        Gate("ok", "Go on?", cell, ("pre-pare",)),
        node("train", "pre-pare", after=("ok",), when=parse("pre-pare.x > 10")),
    ]
    body = graph(nodes, PLACE)
    check(body)
    _, gate, train = body["spec"]["templates"][0]["dag"]["tasks"]
    assert (gate["template"], gate["depends"]) == ("gate", "pre-pare.Succeeded")
    assert train["depends"] == "pre-pare.Succeeded && ok.Succeeded"
    assert train["when"] == "{{=jsonpath(tasks['pre-pare'].outputs.parameters.values, '$.x') > 10}}"
    about = json.loads(body["metadata"]["annotations"][names.ANNOTATION_STEPS])
    assert (about["ok"]["kind"], about["ok"]["prompt"]) == ("approval", "Go on?")
    assert about["train"]["when"] == "pre-pare.x > 10"
    assert refusal(body, "ada") == ""
