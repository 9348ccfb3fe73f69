"""What never runs: unknown and unsupported fields by name, invalid specs with Argo's words."""

from __future__ import annotations

import pytest

BASE = """
entrypoint: main
templates:
- name: ok
  container: {image: busybox, command: [x]}
- name: say
  inputs: {parameters: [{name: m}]}
  container: {image: busybox, command: [echo, "{{inputs.parameters.m}}"]}
"""


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("hostNetwork: true", "spec.hostNetwork"),
        ("nodeSelector: {gpu: t4}", "spec.nodeSelector"),
        ("volumeClaimTemplates: [{}]", "spec.volumeClaimTemplates"),
        ("kontainer: 1", "spec.kontainer"),
        ("retryStrategy: {affinity: {nodeAntiAffinity: {}, x: 1}}", "spec.retryStrategy.affinity"),
        ("arguments: {artifacts: [{name: a, s3: {key: k}}]}", "spec.arguments.artifacts 'a'.s3"),
        ("podGC: {strategy: OnPodSuccess, labelSelector: {matchExpressions: [1]}}", "podGC.labelSelector.matchExpressions"),
    ],
)  # fmt: skip
def test_fields_of_the_spec(play, spec, field):
    w = play(BASE + "- {name: main, container: {image: b, command: [x]}}\n" + spec).step()
    assert w.phase == "Error"
    assert f"{field} is not supported by the sandbox's engine" in w.status["message"]
    assert w.pods == {}


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ("containerSet: {containers: []}", "containerSet"),
        ("resource: {action: get}", "resource"),
        ("http: {url: x}", "http"),
        ("plugin: {p: {}}", "plugin"),
        ("data: {source: {}}", "data"),
        ("container: {image: b}, daemon: true", "daemon"),
        ("container: {image: b}, sidecars: [{name: s}]", "sidecars"),
        ("container: {image: b}, memoize: {key: k}", "memoize"),
        ("container: {image: b}, nodeSelector: {a: b}", "nodeSelector"),
        ("container: {image: b, imagex: c}", "container.imagex"),
        ("container: {image: b, livenessProbe: {exec: {}}}", "container.livenessProbe"),
        ("steps: [[{name: a, template: ok}]], timeout: 1m", "timeout"),
        ("suspend: {}, activeDeadlineSeconds: 3", "activeDeadlineSeconds"),
        ("container: {image: b}, outputs: {artifacts: [{name: a, path: /a}]}", "outputs.artifacts"),
        (
            "container: {image: b}, outputs: {parameters: [{name: p, valueFrom: {jqFilter: .}}]}",
            "valueFrom.jqFilter",
        ),
        ("dag: {tasks: [{name: a, template: ok, withitems: [1]}]}", "withitems"),
        ("steps: [[{name: a, template: ok, dependencies: [b]}]]", "dependencies"),
        ("container: {image: b}, synchronization: {mutex: {name: m}}", "synchronization.mutex"),
    ],
)
def test_fields_of_a_template(play, template, field):
    w = play(BASE + "- {name: main, " + template + "}").step()
    assert w.phase == "Error"
    assert f"{field} is not supported by the sandbox's engine" in w.status["message"]


def test_fields_of_a_library_template_are_looked_at_too(play):
    library = {("cluster", "lib"): {"spec": {"templates": [{"name": "t", "http": {"url": "x"}}]}}}
    reference = "{name: lib, template: t, clusterScope: true}"
    w = play(
        BASE + f"- {{name: main, steps: [[{{name: a, templateRef: {reference}}}]]}}", library=library
    ).step()
    assert w.status["message"].startswith("template 't'.http is not supported")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("dag: {tasks: [{name: a, template: ok, dependencies: [z]}]}", "templates.main sorting failed: invalid dependency z"),
        ("dag: {tasks: [{name: a, template: ok, depends: a}]}", "templates.main sorting failed: graph with cycle"),
        ("dag: {tasks: [{name: a, template: say}]}", "templates.main.tasks.a templates.say inputs.parameters.m was not supplied"),
        ("dag: {target: z, tasks: [{name: a, template: ok}]}", "templates.main.targets: target 'z' is not defined"),
        ("dag: {tasks: [{name: a, template: ok, when: '{{item.k}} == 1'}]}", "templates.main.tasks.a failed to resolve {{item.k}}"),
        ("dag: {tasks: [{name: a, template: ok, depends: b.Done}, {name: b, template: ok}]}", "templates.main.tasks.a task result 'Done' for task 'b' is invalid"),
        ("steps: [[{name: a, template: ok}, {name: a, template: ok}]]", "templates.main.steps[0].name 'a' is not unique"),
        ("steps: [[{name: a, template: none}]]", "templates.main.steps[0].a template name 'none' undefined"),
        ("steps: [[{name: a, template: ok}, {name: b, template: ok, when: '{{steps.a.status}} == x'}]]", "templates.main.steps failed to resolve {{steps.a.status}}"),
        ("container: {image: b, command: ['{{workflow.parameters.q}}']}", "templates.main: failed to resolve {{workflow.parameters.q}}"),
        ("container: {image: b, command: ['{{workflow.failures}}']}", "templates.main: failed to resolve {{workflow.failures}}"),
        ("container: {image: b, command: ['{{inputs.parameters.q}}']}", "templates.main: failed to resolve {{inputs.parameters.q}}"),
        ("container: {command: [x]}", "templates.main.container.image may not be empty"),
        ("inputs: {}", "templates.main template type unspecified. choose one of: container, containerSet, steps, script"),
    ],
)  # fmt: skip
def test_invalid_specs(play, template, message):
    w = play(BASE + "- {name: main, " + template + "}").step()
    assert w.phase == "Failed"
    assert w.status["message"].startswith("invalid spec: " + message)
    assert w.workflow["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"
    assert w.status["conditions"] == [{"type": "Completed", "status": "True"}]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("entrypoint: none\ntemplates: []", "template name 'none' undefined"),
        ("templates: []", "spec.entrypoint is required"),
        (BASE + "- {name: ok, container: {image: b}}", "spec.templates[2].name 'ok' is not unique"),
        (
            BASE + "arguments: {parameters: [{name: p}]}",
            "spec.arguments.p.value or spec.arguments.p.valueFrom is required",
        ),
        (
            BASE + "- {name: main, container: {image: b}}\nhooks: {x: {template: ok}}",
            "hooks.x Expression required",
        ),
        (BASE + "- {name: main, container: {image: b}}\nonExit: gone", "template name 'gone' undefined"),
    ],
)
def test_invalid_workflows(play, spec, message):
    w = play(spec).step()
    assert (w.phase, w.status["message"]) == ("Failed", f"invalid spec: {message}")


def test_a_template_of_a_whole_spec_that_is_not_there(play):
    w = play("workflowTemplateRef: {name: gone}").step()
    assert (w.phase, w.status["message"]) == ("Error", 'workflowtemplates.argoproj.io "gone" not found')


def test_other_languages_tags_are_left_alone(play):
    w = play(BASE + "- {name: main, container: {image: b, command: ['{{ .Values | x }}']}}").step()
    (pod,) = w.pods.values()
    main = next(c for c in pod["spec"]["containers"] if c["name"] == "main")
    assert main["command"][-1] == "{{ .Values | x }}"


def test_a_workflow_template_as_the_whole_spec(play):
    library = {
        ("namespaced", "lib"): {
            "spec": {
                "entrypoint": "t",
                "serviceAccountName": "wf",
                "arguments": {"parameters": [{"name": "p", "value": "1"}, {"name": "q", "value": "2"}]},
                "templates": [
                    {"name": "t", "container": {"image": "b", "command": ["{{workflow.parameters.p}}{{workflow.parameters.q}}"]}}
                ],
            }
        }
    }  # fmt: skip
    spec = "workflowTemplateRef: {name: lib}\narguments: {parameters: [{name: q, value: '3'}]}"
    w = play(spec, library=library).step()
    pod = w.pods["w"]
    assert next(c for c in pod["spec"]["containers"] if c["name"] == "main")["command"][-1] == "13"
    assert pod["spec"]["serviceAccountName"] == "wf"
    assert w.workflow["metadata"]["labels"]["workflows.argoproj.io/workflow-template"] == "lib"
    w.library.clear()
    assert w.end("w").step().phase == "Succeeded"
