"""Steps, suspension, synchronization, hooks of the workflow, shutdown and deadlines."""

from __future__ import annotations

import copy

from argovx_lab.sandbox.argo.locks import Locks


def test_groups_follow_one_another(steps):
    w = steps("[[{name: a, template: ok}, {name: b, template: ok}], [{name: c, template: ok}]]").step()
    assert w.phases() == {"w": "Running", "[0]": "Running", "a": "Pending", "b": "Pending"}
    w.end("a").step()
    assert "c" not in w.nodes()
    w.end("b").step()
    assert set(w.node("b")["children"]) == {w.node("[1]")["id"]}
    w.end("c").step()
    assert (w.phase, w.status["progress"]) == ("Succeeded", "3/3")


def test_a_failed_step_fails_its_group_and_says_which(steps):
    w = steps("[[{name: a, template: ok}], [{name: b, template: ok}]]").step().end("a", 2).step()
    message = f"child '{w.node('a')['id']}' failed"
    assert (w.node("[0]")["message"], w.node("w")["message"], w.status["message"]) == (message,) * 3
    assert w.phase == "Failed"


def test_an_unresolvable_step_fails_the_template(steps):
    groups = """
    - [{name: a, template: ok}]
    - [{name: b, template: say, arguments: {parameters: [{name: m, value: "{{steps.a.outputs.result}}"}]}}]
    """
    w = steps(groups).step().end("a").step()
    message = "failed to resolve references: failed to resolve {{steps.a.outputs.result}}"
    assert (w.node("[1]")["phase"], w.node("[1]")["message"]) == ("Error", message)
    assert (w.phase, w.status["message"]) == ("Failed", message)


def test_loop_in_steps_hangs_under_the_group(steps):
    groups = """
    - [{name: l, template: say, withItems: [x, y], when: "{{item}} != y",
        arguments: {parameters: [{name: m, value: "{{item}}"}]}}]
    """
    w = steps(groups).step()
    assert w.phases() == {"w": "Running", "[0]": "Running", "l(0:x)": "Pending", "l(1:y)": "Skipped"}
    w.end("l(0:x)").step()
    assert w.phase == "Succeeded"


def test_suspend_waits_for_a_duration(steps):
    templates = "[{name: nap, suspend: {duration: 30}}]"
    w = steps("[[{name: s, template: nap}]]", templates=templates).step()
    assert w.phases()["s"] == "Running"
    assert (w.outcome.wake_at - w.now).total_seconds() == 30
    w.step(29)
    assert w.phase == "Running"
    w.step(1)
    assert w.phase == "Succeeded"


def test_suspend_hands_on_what_was_supplied(steps):
    templates = """
    - name: ask
      suspend: {}
      outputs: {parameters: [{name: answer, valueFrom: {supplied: {}}}]}
    """
    groups = """
    - [{name: s, template: ask}]
    - [{name: b, template: say, arguments: {parameters: [{name: m, value: "{{steps.s.outputs.parameters.answer}}"}]}}]
    """
    w = steps(groups, templates=templates).step()
    node = w.node("s")
    assert node["outputs"]["parameters"] == [{"name": "answer", "valueFrom": {"supplied": {}}}]
    node["outputs"]["parameters"] = [{"name": "answer", "value": "yes"}]
    node["phase"] = "Succeeded"
    w.step()
    assert w.node("b")["inputs"]["parameters"][0]["value"] == "yes"


def test_a_suspended_workflow_starts_nothing_but_sees_what_ends(dag):
    w = dag("[{name: a, template: ok}, {name: b, template: ok, depends: a}]").step()
    w.workflow["spec"]["suspend"] = True
    w.end("a").step()
    assert w.phases() == {"w": "Running", "a": "Succeeded"}
    del w.workflow["spec"]["suspend"]
    assert w.step().phases()["b"] == "Pending"


MUTEX = """
- name: crit
  container: {image: busybox, command: [x]}
  synchronization: {mutexes: [{name: m}]}
"""


def test_a_mutex_lets_one_after_another_in(dag):
    w = dag("[{name: l, template: crit, withSequence: {count: 3}}]", templates=MUTEX).step()
    waiting = w.node("l(1:1)")
    assert waiting["message"] == "Waiting for default/Mutex/m lock. Lock status: 0/1"
    assert waiting["synchronizationStatus"] == {"waiting": "default/Mutex/m"}
    holding = [{"mutex": "default/Mutex/m", "holder": "w/" + w.node("l(0:0)")["id"]}]
    assert w.status["synchronization"]["mutex"]["holding"] == holding
    assert len(w.pods) == 1
    w.end("l(0:0)").step().step()
    assert "message" not in w.node("l(1:1)")
    assert w.node("l(2:2)")["message"].startswith("Waiting for")
    w.end("l(1:1)").step().step().end("l(2:2)").step()
    assert (w.phase, w.status.get("synchronization")) == ("Succeeded", None)


def test_locks_are_known_again_from_the_status(dag):
    w = dag("[{name: l, template: crit, withSequence: {count: 2}}]", templates=MUTEX).step()
    other = dag("[{name: a, template: crit}]", templates=MUTEX, name="other", locks=Locks())
    other.locks.load([copy.deepcopy(w.workflow)])
    other.step()
    assert other.node("a")["message"].startswith("Waiting for default/Mutex/m")


def test_a_semaphore_takes_its_size_from_a_config_map(dag):
    templates = """
    - name: crit
      container: {image: busybox, command: [x]}
      synchronization: {semaphores: [{configMapKeyRef: {name: sem, key: gpu}}]}
    """
    w = dag("[{name: l, template: crit, withSequence: {count: 3}}]", templates=templates)
    w.configs["sem", "gpu"] = "2"
    w.step()
    assert len(w.pods) == 2
    missing = dag("[{name: a, template: crit}]", templates=templates).step()
    assert (
        "failed to initialize semaphore default/ConfigMap/sem/gpu with limit" in missing.node("a")["message"]
    )


def test_a_workflow_waits_for_its_own_lock(dag):
    extra = "synchronization: {mutexes: [{name: m}]}"
    locks = Locks()
    first = dag("[{name: a, template: ok}]", extra=extra, name="first", locks=locks).step()
    second = dag("[{name: a, template: ok}]", extra=extra, name="second", locks=locks).step()
    assert (second.phase, second.status["message"]) == (
        "Pending", "Waiting for default/Mutex/m lock. Lock status: 0/1"
    )  # fmt: skip
    first.end("a").step()
    second.step()
    assert (second.phase, second.status.get("message")) == ("Running", None)


EXIT = """
onExit: bye
"""
BYE = """
- name: bye
  container: {image: busybox, command: [echo, "{{workflow.status}}", "{{workflow.failures}}"]}
"""


def test_the_exit_handler_knows_how_it_went(dag):
    w = dag("[{name: a, template: ok}]", extra=EXIT, templates=BYE).step().end("a", 3).step()
    assert w.phase == "Running"
    pod = w.pods[w.node("w.onExit")["id"]]
    command = next(c for c in pod["spec"]["containers"] if c["name"] == "main")["command"]
    assert command[-2] == "Failed"
    assert command[-1].startswith('"[{\\"displayName\\":\\"a\\"')
    assert pod["metadata"]["labels"]["workflows.argoproj.io/on-exit"] == "true"
    w.end("w.onExit").step()
    assert (w.phase, w.status.get("message")) == ("Failed", None)


def test_a_failing_exit_handler_fails_a_workflow_that_succeeded(dag):
    w = dag("[{name: a, template: ok}]", extra=EXIT, templates=BYE).step().end("a").step()
    w.end("w.onExit", 1).step()
    assert (w.phase, w.status["message"]) == ("Failed", "main: Error (exit code 1)")


def test_stop_kills_what_runs_and_runs_the_exit_handler(dag):
    w = dag("[{name: a, template: ok}, {name: b, template: ok, depends: a}]", extra=EXIT, templates=BYE)
    w.step().run("a").step()
    w.workflow["spec"]["shutdown"] = "Stop"
    w.step()
    assert w.killed == ["w-ok-" + w.node("a")["id"].rsplit("-", 1)[1]]
    assert w.node("a")["message"] == "workflow shutdown with strategy:  Stop"
    assert w.phases()["w.onExit"] == "Pending"
    w.end("a", 143).end("w.onExit").step()
    assert (w.phase, w.status["message"]) == ("Failed", "Stopped with strategy 'Stop'")
    assert "b" not in w.nodes()


def test_terminate_runs_no_exit_handler(dag):
    w = dag("[{name: a, template: ok}]", extra=EXIT, templates=BYE).step().run("a").step()
    w.workflow["spec"]["shutdown"] = "Terminate"
    w.step()
    assert w.phase == "Running"  # the last report of the killed pod is still to come
    w.end("a", 143).step()
    assert (w.phase, w.status["message"]) == ("Failed", "Stopped with strategy 'Terminate'")
    assert set(w.nodes()) == {"w", "a"}


def test_a_workflow_past_its_deadline_ends_its_pods(dag):
    w = dag("[{name: a, template: ok}]", extra="activeDeadlineSeconds: 10").step().run("a").step(9)
    assert w.phase == "Running"
    w.step(1)
    assert w.node("a")["message"] == "Step exceeded its deadline"
    assert w.killed
    w.end("a", 143).step()
    assert w.phase == "Failed"


def test_time_to_live(dag):
    w = dag("[{name: a, template: ok}]", extra="ttlStrategy: {secondsAfterCompletion: 5}").step()
    w.end("a").step()
    assert (w.outcome.wake_at - w.now).total_seconds() == 5
    w.step(4)
    assert not w.deleted
    w.step(1)
    assert w.deleted


def test_pods_are_collected_as_asked(dag):
    tasks = "[{name: a, template: ok}, {name: b, template: ok}]"
    w = dag(tasks, extra="podGC: {strategy: OnPodSuccess}").step().end("a").end("b", 1).step()
    assert list(w.pods) == [w.node("b")["id"]]
    w = dag(tasks, extra="podGC: {strategy: OnWorkflowCompletion}").step().end("a").step()
    assert len(w.pods) == 2
    assert w.end("b").step().pods == {}


def test_a_suspended_workflow_that_is_stopped_ends(steps):
    w = steps("[[{name: a, template: ok}]]", extra="suspend: true").step()
    assert (w.phase, w.nodes()) == ("Running", {})
    w.workflow["spec"]["shutdown"] = "Stop"
    w.step()
    assert (w.phase, w.status["message"], w.pods) == ("Failed", "Stopped with strategy 'Stop'", {})
    assert w.node("a")["message"] == "workflow shutdown with strategy:  Stop"
