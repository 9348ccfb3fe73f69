"""Raw artifacts: where their content comes from, what the pod gets, and what is refused."""

from __future__ import annotations

import json

import pytest

HEAD = "entrypoint: main\n"
LEAF = """
templates:
- name: main
  inputs: {parameters: [{name: p, value: v}], artifacts: [%s]}
  container: {image: b, command: [x, "{{inputs.artifacts.a.path}}"]}
"""


def pod_of(w, name=""):
    """Return the only pod, or that of a node with a display name."""
    pods = [
        pod for pod in w.pods.values() if not name or f".{name}" in json.dumps(pod["metadata"]["annotations"])
    ]
    assert len(pods) == 1
    return pods[0]


def containers(pod):
    return {c["name"]: c for c in (*pod["spec"]["initContainers"], *pod["spec"]["containers"])}


def template_of(pod):
    env = {e["name"]: e.get("value") for e in containers(pod)["init"]["env"]}
    return json.loads(env["ARGO_TEMPLATE"])


def test_a_templates_own_content(play):
    w = play(
        HEAD + LEAF % '{name: a, path: /tmp/a, mode: 493, raw: {data: "p is {{inputs.parameters.p}}"}}'
    ).step()
    found = containers(pod_of(w))
    expected = [{"name": "a", "path": "/tmp/a", "mode": 493, "raw": {"data": "p is v"}}]
    assert template_of(pod_of(w))["inputs"]["artifacts"] == expected
    assert {"name": "input-artifacts", "emptyDir": {}} in pod_of(w)["spec"]["volumes"]
    mount = {"name": "input-artifacts", "mountPath": "/tmp/a", "subPath": "a"}
    assert mount in found["main"]["volumeMounts"]
    assert {"name": "input-artifacts", "mountPath": "/argo/inputs/artifacts"} in found["init"]["volumeMounts"]
    assert found["main"]["command"][-1] == "/tmp/a"
    (node,) = w.status["nodes"].values()
    assert node["inputs"]["artifacts"][0]["name"] == "a"
    assert node["inputs"]["parameters"] == [{"name": "p", "value": "v"}]


def test_content_of_the_workflows_arguments(play):
    given = "arguments: {artifacts: [{name: a, raw: {data: text}}]}\n"
    w = play(HEAD + given + LEAF % "{name: a, path: /tmp/a, mode: 420}").step()
    assert template_of(pod_of(w))["inputs"]["artifacts"] == [
        {"name": "a", "raw": {"data": "text"}, "path": "/tmp/a", "mode": 420}
    ]


def test_a_templates_own_content_wins(play):
    given = "arguments: {artifacts: [{name: a, raw: {data: theirs}}]}\n"
    w = play(HEAD + given + LEAF % "{name: a, path: /tmp/a, raw: {data: own}}").step()
    assert template_of(pod_of(w))["inputs"]["artifacts"][0]["raw"] == {"data": "own"}


def test_an_optional_one_may_be_left_out(play):
    w = play(HEAD + LEAF % "{name: a, path: /tmp/a, optional: true}").step()
    pod = pod_of(w)
    assert "input-artifacts" not in json.dumps(pod["spec"]["volumes"])
    assert all(m["name"] != "input-artifacts" for m in containers(pod)["main"]["volumeMounts"])


NESTED = """
arguments: {artifacts: [{name: a, raw: {data: "from above"}}]}
templates:
- name: main
  inputs: {artifacts: [{name: a}]}
  %s
- name: leaf
  inputs: {artifacts: [{name: b, path: /tmp/b}]}
  container: {image: b, command: [x]}
"""
CALL = "{name: s, template: leaf, arguments: {artifacts: [{name: b, %s}]}}"


@pytest.mark.parametrize("frame", ["dag: {tasks: [%s]}", "steps: [[%s]]"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('from: "{{inputs.artifacts.a}}"', "from above"),
        ("raw: {data: here}", "here"),
        ('raw: {data: "{{workflow.name}}"}', "w"),
    ],
)
def test_tasks_and_steps_hand_content_on(play, frame, content, text):
    w = play(HEAD + NESTED % (frame % (CALL % content))).step()
    assert template_of(pod_of(w))["inputs"]["artifacts"] == [
        {"name": "b", "raw": {"data": text}, "path": "/tmp/b"}
    ]


@pytest.mark.parametrize(
    ("artifact", "message"),
    [
        ("{name: a, path: /tmp/a}", "inputs.artifacts.a was not supplied"),
        ("{name: a, raw: {data: x}}", "templates.main.inputs.artifacts.a.path not specified"),
        ("{name: a, path: a, raw: {data: x}}", "path 'a' must be an absolute path"),
        ("{name: a, path: /a, s3: {key: k}}", "'a'.s3 is not supported by the sandbox's engine: only raw"),
        ("{name: a, path: /a, gcs: {key: k}}", "'a'.gcs is not supported"),
        ("{name: a, path: /a, raw: {data: x}, subPath: y}", "'a'.subPath is not supported"),
        ("{name: a, path: /a, raw: {data: x}, archive: {zip: {}}}", "'a'.archive is not supported"),
        ("{name: a, path: /a, fromExpression: x}", "'a'.fromExpression is not supported"),
        ("{name: a, path: /a, raw: {}}", "raw.data must be a text"),
        ("{name: ../a, path: /a, raw: {data: x}}", "name must consist of alpha-numeric characters"),
    ],
)
def test_what_is_refused(play, artifact, message):
    w = play(HEAD + LEAF % artifact).step()
    said = json.dumps(
        [w.status.get("message"), *(n.get("message") for n in w.status.get("nodes", {}).values())]
    )
    assert message in said
    assert w.phase in ("Error", "Failed")
    assert w.pods == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('from: "{{inputs.artifacts.q}}"', "failed to resolve {{inputs.artifacts.q}}"),
        ('from: "{{tasks.s.outputs.artifacts.q}}"', "'b'.from is not supported by the sandbox's engine"),
        ("optional: true", "from, artifact location, or key is required"),
    ],
)
def test_what_a_call_cannot_hand_on(play, content, message):
    w = play(HEAD + NESTED % ("dag: {tasks: [%s]}" % (CALL % content))).step()
    assert message in w.status["message"]
    assert w.pods == {}


def test_a_path_in_a_volume_is_refused(play):
    text = """
volumes: [{name: v, emptyDir: {}}]
templates:
- name: main
  inputs: {artifacts: [{name: a, path: /v/a, raw: {data: x}}]}
  container: {image: b, command: [x], volumeMounts: [{name: v, mountPath: /v}]}
"""
    w = play(HEAD + text).step()
    assert any("lies in a volume" in n.get("message", "") for n in w.status["nodes"].values())
    assert w.pods == {}
