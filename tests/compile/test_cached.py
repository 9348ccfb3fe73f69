"""The Workflow of a step whose results are there."""

import json

from argovx_lab.compile import cached
from argovx_lab.model import names
from argovx_lab.model.ours import refusal, tasks
from argovx_lab.runs.argo import executions
from argovx_lab.runs.cached import NEVER


def manifest(**task):
    steps = {"train": {"name": "train", "outputs": [{"name": "x", "codec": "auto"}]}}
    reference = {"name": names.STEP_TEMPLATE, "template": "step", "clusterScope": True}
    return {
        "metadata": {
            "name": "train-1",
            "uid": "u1",
            "labels": {names.LABEL_USER: "ada", names.LABEL_RUN: "r1"},
            "annotations": {names.ANNOTATION_STEPS: json.dumps(steps)},
        },
        "spec": {
            "serviceAccountName": "wf-ada",
            "hooks": {"exit": {}},
            "templates": [
                {"name": "main", "dag": {"tasks": [{"name": "train", "templateRef": reference, **task}]}}
            ],
        },
    }


HIT = {
    "run": "r0",
    "workflow": "train-0",
    "at": "2026-11-24T09:00:00Z",
    "manifest": {"uri": "gs://b/users/ada/runs/u0/train/manifest.json", "digest": "a" * 64},
    "outputs": [
        {"name": "x", "codec": "json", "summary": "list", "size_bytes": 3, "digest": "b" * 64, "uri": "u"}
    ],
}


def test_a_keyed_workflow_runs_as_before_and_can_be_found():
    made = cached.keyed(manifest(), "train", "k" * 60, {"code": "c"})
    assert made["metadata"]["labels"][names.LABEL_CACHE] == "k" * 60
    assert made["spec"] == manifest()["spec"]
    (execution,) = executions(made)
    assert execution.about["parts"] == {"code": "c"}
    assert not execution.cached
    assert names.LABEL_CACHE not in cached.keyed(manifest(), "train", "", {})["metadata"]["labels"]


def test_an_answered_workflow_runs_nothing_is_ours_and_says_where_its_results_come_from():
    made = cached.answered(cached.keyed(manifest(), "train", "k" * 60, {}), "train", HIT)
    (task,) = tasks(made["spec"])
    assert task["when"] == cached.NEVER == NEVER
    assert "hooks" not in made["spec"]
    assert refusal(made, "ada") == ""
    assert names.LABEL_CACHE not in made["metadata"]["labels"], "what answers is the step that ran"
    (execution,) = executions(made)
    assert execution.cached
    assert execution.good
    assert execution.about["cached"] == HIT


def test_who_runs_is_not_cached_whatever_is_written():
    made = cached.answered(manifest(), "train", HIT)
    next(tasks(made["spec"])).pop("when")
    (execution,) = executions(made)
    assert not execution.cached
    assert "cached" not in execution.about


def test_a_retry_says_nothing_of_cached_results():
    notes = cached.answered(manifest(), "train", HIT)["metadata"]["annotations"]
    plain = cached.without_answer(notes)
    assert "cached" not in json.loads(plain[names.ANNOTATION_STEPS])["train"]
    assert cached.without_answer({names.ANNOTATION_STEPS: "{"}) == {names.ANNOTATION_STEPS: "{"}


def test_only_one_plain_task_can_be_answered():
    assert cached.simple(manifest())
    assert not cached.simple(manifest(when="1 > 2"))
    assert not cached.simple(manifest(withParam="[]"))
