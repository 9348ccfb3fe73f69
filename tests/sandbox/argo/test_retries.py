"""Retries: when there is another attempt, what it knows of the last, back-off."""

from __future__ import annotations

import pytest


def retried(play, strategy: str):
    return play(f"""
    entrypoint: main
    templates:
    - name: main
      container: {{image: busybox, command: [x], args: ["{{{{retries}}}}"]}}
      retryStrategy: {strategy}
    """)


def test_retries_until_one_succeeds(play):
    w = retried(play, "{limit: 2}").step()
    assert w.phases() == {"w": "Running", "w(0)": "Pending"}
    w.end("w(0)", 1).step()
    main = next(c for c in w.pods[w.node("w(1)")["id"]]["spec"]["containers"] if c["name"] == "main")
    assert main["args"] == ["1"]
    w.end("w(1)").step()
    assert (w.phase, w.node("w")["outputs"]["exitCode"]) == ("Succeeded", "0")


def test_expressions_wait_for_the_attempt_they_speak_of(play):
    spec = """
    entrypoint: main
    templates:
    - name: main
      retryStrategy: {limit: 1}
      container: {image: busybox, command: [x, "{{=asInt(retries) * 10}}"]}
    """
    w = play(spec).step().end("w(0)", 7).step()
    mains = [
        c["command"][-1] for p in w.pods.values() for c in p["spec"]["containers"] if c["name"] == "main"
    ]
    assert mains == ["0", "10"]


def test_an_attempt_knows_the_one_before(play):
    spec = """
    entrypoint: main
    templates:
    - name: main
      retryStrategy: {limit: 1}
      container: {image: busybox, command: [x, "{{lastRetry.exitCode}} {{lastRetry.status}} {{lastRetry.message}}"]}
    """
    w = play(spec).step().end("w(0)", 7).step()
    main = next(c for c in w.pods[w.node("w(1)")["id"]]["spec"]["containers"] if c["name"] == "main")
    assert main["command"][-1] == "7 Failed main: Error (exit code 7)"


@pytest.mark.parametrize(
    ("strategy", "code", "again", "message"),
    [
        ("{limit: 0}", 1, False, "No more retries left"),
        ("{limit: '1', retryPolicy: OnError}", 1, False, "main: Error (exit code 1)"),
        ("{retryPolicy: OnTransientError}", 1, False, "main: Error (exit code 1)"),
        ("{expression: 'asInt(lastRetry.exitCode) == 30'}", 30, True, None),
        (
            "{expression: 'asInt(lastRetry.exitCode) == 30'}",
            1,
            False,
            "retryStrategy.expression evaluated to false",
        ),
        ("{}", 1, True, None),
    ],
)
def test_when_to_try_again(play, strategy, code, again, message):
    w = retried(play, strategy).step().end("w(0)", code).step()
    assert ("w(1)" in w.nodes()) is again
    assert w.node("w").get("message") == message


def test_back_off_grows_and_is_capped(play):
    w = (
        retried(play, "{limit: 5, backoff: {duration: 10s, factor: 2, cap: 15s}}")
        .step()
        .end("w(0)", 1)
        .step()
    )
    assert w.node("w")["message"] == "Backoff for 10 seconds"
    assert (w.outcome.wake_at - w.now).total_seconds() == 10
    w.step(10)
    assert "message" not in w.node("w")
    w.end("w(1)", 1).step()
    assert w.node("w")["message"] == "Backoff for 15 seconds"


def test_back_off_stops_at_its_longest(play):
    strategy = "{limit: 5, backoff: {duration: 10s, factor: 2, maxDuration: 25s}}"
    w = retried(play, strategy).step().end("w(0)", 1).step().step(10).end("w(1)", 1).step()
    assert w.node("w")["message"] == "Backoff would exceed max duration limit"
    assert w.phase == "Failed"


def deadline(w, name):
    wait = next(c for c in w.pods[w.node(name)["id"]]["spec"]["containers"] if c["name"] == "wait")
    return next(e["value"] for e in wait["env"] if e["name"] == "ARGO_DEADLINE")


def test_later_attempts_end_with_the_longest_back_off(play):
    strategy = "{limit: 5, backoff: {duration: 1s, maxDuration: 25s}}"
    w = retried(play, strategy).step().end("w(0)", 1).step().step(1)
    assert deadline(w, "w(0)") == "0001-01-01T00:00:00Z"  # the first attempt may take as long as it likes
    assert deadline(w, "w(1)") == "2026-11-24T08:00:25Z"
    w.run("w(1)").step(25).end("w(1)", 143).step()
    assert (w.phase, w.node("w")["message"]) == ("Failed", "Max duration limit exceeded")


def test_what_runs_last_may_succeed_after_the_longest_back_off(play):
    strategy = "{limit: 5, backoff: {duration: 1s, maxDuration: 25s}}"
    w = retried(play, strategy).step().end("w(0)", 1).step().step(1).step(30).end("w(1)").step()
    assert (w.phase, w.node("w").get("message")) == ("Succeeded", None)


def test_the_deadline_of_the_workflow_is_the_executors_too(play):
    spec = """
    entrypoint: main
    activeDeadlineSeconds: 20
    onExit: bye
    templates:
    - name: main
      retryStrategy: {limit: 5, backoff: {duration: 1s, maxDuration: %ss}}
      container: {image: busybox, command: [x]}
    - name: bye
      container: {image: busybox, command: [x]}
    """
    for longest, expected in ((25, "2026-11-24T08:00:20Z"), (15, "2026-11-24T08:00:15Z")):
        w = play(spec % longest).step().end("w(0)", 1).step().step(1)
        assert deadline(w, "w(0)") == "2026-11-24T08:00:20Z"
        assert deadline(w, "w(1)") == expected
        w.end("w(1)").step()
        assert deadline(w, "w.onExit") == "0001-01-01T00:00:00Z"


def test_the_tasks_of_a_retried_dag_have_no_deadline(play):
    spec = """
    entrypoint: main
    templates:
    - name: main
      retryStrategy: {limit: 5, backoff: {duration: 1s, maxDuration: 25s}}
      dag: {tasks: [{name: a, template: a}]}
    - name: a
      container: {image: busybox, command: [x]}
    """
    w = play(spec).step().end("a", 1).step().step(1).step()
    assert w.node("a")["boundaryID"] == w.node("w(1)")["id"]
    assert deadline(w, "a") == "0001-01-01T00:00:00Z"


def test_without_a_limit_nothing_waits(play):
    w = retried(play, "{backoff: {duration: 10s}}").step().end("w(0)", 1).step()
    assert w.phases()["w(1)"] == "Pending"
    assert "message" not in w.node("w")


def test_a_back_off_needs_a_duration(play):
    w = retried(play, "{limit: 2, backoff: {factor: 2}}").step().end("w(0)", 1).step()
    assert (w.phase, w.node("w")["message"]) == ("Error", "no base duration specified for retryStrategy")


def test_a_deleted_pod_of_a_retried_node_is_an_error(play):
    w = retried(play, "{limit: 1, retryPolicy: Always}").step().run("w(0)").step()
    w.pods.clear()
    w.step()
    assert w.node("w(0)")["message"] == "pod deleted"
    assert w.phases()["w(1)"] == "Pending"


@pytest.mark.parametrize(
    "strategy", ["{limit: many}", "{retryPolicy: Sometimes}", "{expression: 'nothing ('}"]
)
def test_a_bad_strategy_is_an_error(play, strategy):
    w = retried(play, strategy).step().end("w(0)", 1).step()
    assert w.phase == "Error"
