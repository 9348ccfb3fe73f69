"""DAGs: order, skipping, outputs into inputs, loops, failure, parallelism, hooks."""

from __future__ import annotations

import pytest


def test_a_task_starts_when_what_it_needs_has_succeeded(dag):
    w = dag("[{name: a, template: ok}, {name: b, template: ok, dependencies: [a]}]").step()
    assert w.phases() == {"w": "Running", "a": "Pending"}
    w.run("a").step()
    assert w.phases() == {"w": "Running", "a": "Running"}
    w.end("a").step()
    assert w.phases()["b"] == "Pending"
    w.end("b").step()
    assert (w.phase, w.status["progress"]) == ("Succeeded", "2/2")


def test_reconciling_again_changes_nothing(dag):
    w = dag("[{name: a, template: ok}]").step().step()
    before = w.workflow
    assert w.step().workflow == before
    assert w.outcome.actions == []


def test_a_node_waits_for_its_task_result(dag):
    w = dag("[{name: a, template: ok}]").step().end("a")
    w.results["w-" + w.node("a")["id"].split("-")[1]]["metadata"]["labels"].clear()
    w.step()
    assert w.phase == "Running"
    w.end("a").step()
    assert w.phase == "Succeeded"


def test_parameters_travel(dag):
    tasks = """
    - {name: a, template: make}
    - name: b
      template: say
      depends: a
      arguments: {parameters: [{name: m, value: "<{{tasks.a.outputs.parameters.v}} {{tasks.a.status}}>"}]}
    """
    w = dag(tasks).step().end("a", v="7").step()
    assert w.node("b")["inputs"]["parameters"] == [{"name": "m", "value": "<7 Succeeded>"}]
    assert w.pods[w.node("b")["id"]]["spec"]["containers"][1]["args"] == ["echo <7 Succeeded>"]


def test_a_result_is_kept_only_when_somebody_reads_it(dag):
    tasks = """
    - {name: a, template: gen}
    - {name: b, template: gen}
    - name: c
      template: say
      dependencies: [a]
      arguments: {parameters: [{name: m, value: "{{=jsonpath(tasks['a'].outputs.result, '$.x')}}"}]}
    """
    w = dag(tasks).step()
    kept = {n: _env(w, n)["ARGO_INCLUDE_SCRIPT_OUTPUT"] for n in ("a", "b")}
    assert kept == {"a": "true", "b": "false"}
    w.end("a", result='{"x": 5}').step()
    assert w.node("c")["inputs"]["parameters"][0]["value"] == "5"


def _env(w, name):
    main = next(c for c in w.pods[w.node(name)["id"]]["spec"]["containers"] if c["name"] == "main")
    return {e["name"]: e.get("value") for e in main["env"]}


def test_an_expression_may_mix_inputs_tasks_and_items(dag):
    templates = """
    - name: inner
      inputs: {parameters: [{name: n}]}
      dag:
        tasks:
        - {name: x, template: gen}
        - name: y
          template: say
          depends: x
          when: "{{=asInt(tasks.x.outputs.result) > asInt(inputs.parameters.n)}}"
          withItems: [1, 2]
          arguments: {parameters: [{name: m,
            value: "{{=asInt(tasks.x.outputs.result) + asInt(inputs.parameters.n) + asInt(item)}}"}]}
    """
    w = dag(
        "[{name: a, template: inner, arguments: {parameters: [{name: n, value: '7'}]}}]", templates=templates
    )
    w.step().end("x", result="42").step()
    values = [w.node(n)["inputs"]["parameters"][0]["value"] for n in ("y(0:1)", "y(1:2)")]
    assert values == ["50", "51"]


def test_an_omitted_producer_leaves_the_consumers_default(dag):
    templates = """
    - name: show
      inputs: {parameters: [{name: m, default: own}]}
      container: {image: busybox, command: [echo, "{{inputs.parameters.m}}"]}
    - name: bare
      outputs: {parameters: [{name: v, valueFrom: {path: /v}}]}
      container: {image: busybox, command: [x]}
    """
    tasks = """
    - {name: a, template: make, when: "false"}
    - {name: n, template: bare, when: "1 == 2"}
    - {name: b, template: show, dependencies: [a],
       arguments: {parameters: [{name: m, value: "{{tasks.a.outputs.parameters.v}}"}]}}
    - {name: c, template: show, dependencies: [n],
       arguments: {parameters: [{name: m, value: "{{tasks.n.outputs.parameters.v}}"}]}}
    """
    w = dag(tasks, templates=templates).step()
    values = {n: w.node(n)["inputs"]["parameters"][0]["value"] for n in ("b", "c")}
    assert values == {"b": "d", "c": "own"}


def test_when_false_spares_an_argument_that_cannot_be_resolved(dag):
    tasks = """
    - {name: a, template: gen, when: "false"}
    - name: b
      template: say
      dependencies: [a]
      when: "{{tasks.a.status}} == Succeeded"
      arguments: {parameters: [{name: m, value: "{{tasks.a.outputs.result}}"}]}
    """
    w = dag(tasks).step()
    assert w.node("b")["message"] == "when 'Skipped == Succeeded' evaluated false"
    assert w.phase == "Succeeded"


def test_a_loop_whose_items_cannot_be_had_is_skipped_by_when(dag):
    tasks = """
    - {name: a, template: gen, when: "false"}
    - {name: l, template: ok, dependencies: [a], withParam: "{{tasks.a.outputs.result}}",
       when: "{{tasks.a.status}} == Succeeded"}
    """
    w = dag(tasks).step()
    assert (w.phase, w.node("l")["phase"]) == ("Succeeded", "Skipped")


def test_an_unresolvable_argument_is_an_error_of_the_task(dag):
    tasks = """
    - {name: a, template: ok}
    - name: b
      template: say
      dependencies: [a]
      arguments: {parameters: [{name: m, value: "{{tasks.a.outputs.result}}"}]}
    """
    w = dag(tasks).step().end("a").step()
    assert w.node("b")["phase"] == "Error"
    assert w.node("b")["message"] == "failed to resolve {{tasks.a.outputs.result}}"
    assert w.phase == "Error"


@pytest.mark.parametrize(("fail_fast", "phase"), [("true", "Failed"), ("false", "Failed")])
def test_a_failure_fails_the_dag_when_all_that_runs_has_ended(play, fail_fast, phase):
    spec = f"""
    entrypoint: main
    templates:
    - name: ok
      container: {{image: busybox, command: ["true"]}}
    - name: main
      dag:
        failFast: {fail_fast}
        tasks: [{{name: a, template: ok}}, {{name: b, template: ok}}, {{name: c, template: ok, depends: b}}]
    """
    w = play(spec).step().end("a", 1).step()
    assert w.phase == "Running"
    w.end("b").step()
    assert w.phases()["c"] == "Pending"
    w.end("c").step()
    assert w.phase == phase


def test_nested_outputs_and_scope(dag):
    templates = """
    - name: inner
      inputs: {parameters: [{name: m}]}
      dag:
        tasks:
        - name: x
          template: make
        - {name: y, template: say, depends: x,
           arguments: {parameters: [{name: m, value: "{{inputs.parameters.m}}{{tasks.x.outputs.parameters.v}}"}]}}
      outputs:
        parameters:
        - {name: r, valueFrom: {parameter: "{{tasks.x.outputs.parameters.v}}"}}
        - {name: e, valueFrom: {expression: "tasks.x.outputs.parameters.v + '!'"}}
    """
    tasks = """
    - {name: a, template: inner, arguments: {parameters: [{name: m, value: p}]}}
    - {name: b, template: say, depends: a, arguments: {parameters: [{name: m,
       value: "{{tasks.a.outputs.parameters.r}}{{tasks.a.outputs.parameters.e}}"}]}}
    """
    w = dag(tasks, templates=templates).step().end("x", v="1").step()
    assert w.node("y")["inputs"]["parameters"][0]["value"] == "p1"
    assert w.node("y")["boundaryID"] == w.node("a")["id"]
    w.end("y").step()
    assert w.node("b")["inputs"]["parameters"][0]["value"] == "11!"
    assert w.node("b")["id"] in w.node("y")["children"]


def test_a_loop_aggregates_in_order_those_that_succeeded(dag):
    tasks = """
    - {name: l, template: gen, withItems: [a, b, c]}
    - name: s
      template: say
      depends: l.Succeeded || l.Failed
      arguments: {parameters: [{name: m, value: "{{tasks.l.outputs.result}}"}]}
    """
    w = dag(tasks).step()
    w.end("l(2:c)", result='"z"').end("l(0:a)", result="1").end("l(1:b)", 3, result="2").step()
    assert w.node("s")["inputs"]["parameters"][0]["value"] == '[1,"z"]'


def test_parallelism_of_workflow_and_template(dag, play):
    w = dag("[{name: l, template: ok, withSequence: {count: 4}}]", extra="parallelism: 2").step()
    assert list(w.pods) == [w.node("l(0:0)")["id"], w.node("l(1:1)")["id"]]
    w.end("l(0:0)").step()
    assert "l(2:2)" in w.nodes()
    assert "l(3:3)" not in w.nodes()
    spec = """
    entrypoint: main
    templates:
    - {name: ok, container: {image: busybox, command: ["true"]}}
    - name: main
      parallelism: 1
      dag: {tasks: [{name: a, template: ok}, {name: b, template: ok}]}
    """
    w = play(spec).step()
    assert set(w.nodes()) == {"w", "a"}
    assert "b" in w.end("a").step().nodes()


def test_hooks_of_a_task_hold_its_successors(dag):
    tasks = """
    - name: a
      template: ok
      hooks:
        exit: {template: say, arguments: {parameters: [{name: m, value: "{{tasks.a.status}}"}]}}
        run: {template: ok, expression: 'tasks.a.status == "Running"'}
    - {name: b, template: ok, depends: a}
    """
    w = dag(tasks).step()
    assert set(w.nodes()) == {"w", "a"}
    w.run("a").step()
    assert w.phases()["a.hooks.run"] == "Pending"
    w.end("a").end("a.hooks.run").step()
    assert w.node("a.onExit")["inputs"]["parameters"][0]["value"] == "Succeeded"
    assert "b" not in w.nodes()
    w.end("a.onExit").step()
    assert w.phases()["b"] == "Pending"
    assert w.node("a.onExit")["nodeFlag"] == {"hooked": True}


def test_recursion_ends_with_an_error(play):
    spec = """
    entrypoint: main
    templates:
    - name: main
      dag: {tasks: [{name: a, template: main}]}
    """
    w = play(spec)
    for _ in range(3):
        w.step()
    assert w.phase == "Error"
    deepest = max(w.nodes().values(), key=lambda n: len(n["name"]))
    assert "Maximum recursion depth exceeded" in deepest["message"]


def test_global_outputs(steps):
    templates = """
    - name: g
      outputs: {parameters: [{name: v, globalName: gv, valueFrom: {path: /v}}]}
      container: {image: busybox, command: [x]}
    """
    groups = """
    - [{name: a, template: g}]
    - [{name: b, template: say, arguments: {parameters: [{name: m, value: "{{workflow.outputs.parameters.gv}}"}]}}]
    """
    w = steps(groups, templates=templates).step()
    parameter = {"name": "v", "value": "g1", "globalName": "gv", "valueFrom": {"path": "/v"}}
    w.end("a")
    w.results[w.node("a")["id"]]["outputs"] = {"parameters": [parameter]}
    w.step()
    assert w.status["outputs"] == {"parameters": [{"name": "gv", "value": "g1"}]}
    assert w.node("b")["inputs"]["parameters"][0]["value"] == "g1"
