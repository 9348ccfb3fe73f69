"""Pods of Argo's controller: what their statuses, outputs and task results become."""

from __future__ import annotations

from functools import partial

import pytest

from argovx_lab.sandbox.kubernetes.interface import PODS, WORKFLOW_TASK_RESULTS
from argovx_lab.sandbox.pods.node import KILL

LABEL = "workflows.argoproj.io/report-outputs-completed"


def ended(pod, name):
    statuses = pod["status"]["containerStatuses"] + pod["status"].get("initContainerStatuses", [])
    return next(entry["state"]["terminated"] for entry in statuses if entry["name"] == name)


def parameter(name, path, **more):
    return {"name": name, "valueFrom": {"path": path, **more}}


def test_outputs_travel_through_the_task_result(play):
    async def scenario(cluster):
        outputs = [parameter("job", "/tmp/job", default=""), parameter("metrics", "/tmp/m", default="none")]
        await cluster.argo("echo j-1 > /tmp/job; printf 'why' > /dev/termination-log", outputs=outputs)
        pod = await cluster.over()
        assert pod["status"]["phase"] == "Succeeded"
        assert ended(pod, "main")["message"] == "why"
        assert [ended(pod, name)["exitCode"] for name in ("init", "wait", "main")] == [0, 0, 0]
        result = await cluster.result()
        assert result["outputs"] == {
            "parameters": [
                {"name": "job", "value": "j-1", "valueFrom": {"path": "/tmp/job", "default": ""}},
                {"name": "metrics", "value": "none", "valueFrom": {"path": "/tmp/m", "default": "none"}},
            ]
        }
        assert result["metadata"]["labels"] == {"workflows.argoproj.io/workflow": "w", LABEL: "true"}
        assert result["metadata"]["ownerReferences"][0]["kind"] == "Workflow"

    play(scenario)


def test_a_failed_attempt_reports_its_outputs_too(play):
    async def scenario(cluster):
        await cluster.argo("echo x > /tmp/x; exit 3", outputs=[parameter("x", "/tmp/x")])
        pod = await cluster.over()
        assert (pod["status"]["phase"], ended(pod, "main")["exitCode"], ended(pod, "main")["reason"]) == (
            "Failed",
            3,
            "Error",
        )
        assert (await cluster.result())["outputs"]["parameters"][0]["value"] == "x"

    play(scenario)


def test_a_missing_output_without_default_is_the_executors_failure(play):
    async def scenario(cluster):
        await cluster.argo("true", outputs=[parameter("x", "/tmp/none")])
        pod = await cluster.over()
        assert ended(pod, "main")["exitCode"] == 0
        wait = ended(pod, "wait")
        assert wait["exitCode"] == 64
        assert wait["message"] == "open /var/run/argo/outputs/parameters/tmp/none: no such file or directory"
        assert (await cluster.result())["metadata"]["labels"][LABEL] == "true"

    play(scenario)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/no/such/file"], 'exec: "/no/such/file": stat /no/such/file: no such file or directory'),
        (["no-such-command"], 'exec: "no-such-command": executable file not found in $PATH'),
    ],
)
def test_a_command_that_is_not_there_is_the_emissarys_failure(play, words, message):
    async def scenario(cluster):
        await cluster.argo(words)
        main = ended(await cluster.over(), "main")
        assert (main["exitCode"], main["message"]) == (64, f"failed to find name in PATH: {message}")

    play(scenario)


def test_the_result_is_the_end_of_stdout_without_its_last_newline(play):
    async def scenario(cluster):
        await cluster.argo("echo one; echo two; echo err >&2", result=True)
        await cluster.over()
        assert (await cluster.result())["outputs"]["result"] == "one\ntwo"

    play(scenario)


def test_without_demand_there_is_no_result(play):
    async def scenario(cluster):
        await cluster.argo("echo one")
        await cluster.over()
        assert "outputs" not in await cluster.result()

    play(scenario)


@pytest.mark.parametrize(
    ("line", "code", "phase"),
    [
        ("sleep 600", 143, "Failed"),
        ("trap 'echo late > /tmp/x; exit 3' TERM; while :; do sleep 0.05; done", 3, "Failed"),
        ("trap 'echo late > /tmp/x; exit 0' TERM; while :; do sleep 0.05; done", 0, "Succeeded"),
        ("trap '' TERM; while :; do sleep 0.05; done", 137, "Failed"),
    ],
)
def test_the_executor_ends_main_at_its_deadline(play, line, code, phase):
    async def scenario(cluster):
        await cluster.argo(
            line,
            deadline="2026-01-01T00:00:00Z",
            outputs=[parameter("x", "/tmp/x", default="none")],
            terminationGracePeriodSeconds=1,
        )
        pod = await cluster.over()
        assert (pod["status"]["phase"], ended(pod, "main")["exitCode"]) == (phase, code)
        assert (ended(pod, "wait")["exitCode"], ended(pod, "wait")["message"]) == (
            0,
            "Step exceeded its deadline",
        )
        value = (await cluster.result())["outputs"]["parameters"][0]["value"]
        assert value == ("late" if code in (0, 3) else "none")

    play(scenario)


def test_a_deadline_that_is_far_or_none_ends_nothing(play):
    async def scenario(cluster):
        for number, deadline in enumerate(("2190-01-01T00:00:00Z", "soon")):
            await cluster.argo("true", name=f"p{number}", deadline=deadline)
            pod = await cluster.over(f"p{number}")
            assert (pod["status"]["phase"], ended(pod, "wait").get("message")) == ("Succeeded", None)

    play(scenario)


def test_the_script_is_staged(play):
    async def scenario(cluster):
        await cluster.argo(
            ["sh", "/argo/staging/script"], template={"script": {"source": "echo from script"}}, result=True
        )
        assert (await cluster.over())["status"]["phase"] == "Succeeded"
        assert (await cluster.result())["outputs"]["result"] == "from script"

    play(scenario)


def test_progress_is_reported_while_it_runs(play):
    async def scenario(cluster):
        line = "for i in 1 2 3; do echo $i/3 > $ARGO_PROGRESS_FILE;"
        line += "while [ ! -e /tmp/go$i ]; do sleep 0.01; done; done"
        pod = await cluster.argo(line)
        group = None
        for i in (1, 2, 3):
            await cluster.wait(partial(_progress, cluster, f"{i}/3"))
            group = group or cluster.node._lives[pod["metadata"]["uid"]].containers.find("main")
            group.host_path(f"/tmp/go{i}").touch()
        assert (await cluster.over())["status"]["phase"] == "Succeeded"

    async def _progress(cluster, text):
        items, _ = await cluster.client.list(WORKFLOW_TASK_RESULTS, "default")
        return bool(items) and items[0].get("progress") == text

    play(scenario)


@pytest.mark.parametrize("text", ["3/2", "1/0", "one/two", "", "1/2/3"])
def test_progress_that_is_none_is_passed_over(tmp_path, text):
    from argovx_lab.sandbox.pods.executor import read_progress

    (tmp_path / "progress").write_text(f"1/9\n{text}\n")
    assert read_progress(tmp_path / "progress") == ("1/9" if text == "" else "")


def test_the_engines_kill_is_term_grace_kill(play):
    async def scenario(cluster):
        await cluster.argo("trap 'echo got; exit 143' TERM; echo up; while :; do sleep 0.02; done")
        await cluster.said(b"up")
        await cluster.client.patch(PODS, "p", {"metadata": {"annotations": {KILL: "20"}}}, "default")
        pod = await cluster.over()
        assert ended(pod, "main")["exitCode"] == 143
        assert b"got" in await cluster.log()
        assert (await cluster.result())["metadata"]["labels"][LABEL] == "true"

    play(scenario)


def test_a_kill_that_is_not_heard_ends_in_sigkill(play):
    async def scenario(cluster):
        await cluster.argo("trap '' TERM; echo up; while :; do sleep 0.02; done")
        await cluster.said(b"up")
        await cluster.client.patch(PODS, "p", {"metadata": {"annotations": {KILL: "0.2"}}}, "default")
        assert ended(await cluster.over(), "main")["exitCode"] == 137

    play(scenario)


def test_sidecars_end_with_main(play):
    async def scenario(cluster):
        sidecar = {"name": "side", "image": "busybox", "command": ["sleep", "1000"]}
        await cluster.argo("true", sidecars=[sidecar])
        pod = await cluster.over()
        assert ended(pod, "main")["exitCode"] == 0
        assert ended(pod, "side")["exitCode"] in (137, 143)

    play(scenario)


def test_a_second_life_takes_the_task_result_over(play):
    async def scenario(cluster):
        await cluster.argo("true")
        await cluster.over()
        await cluster.client.delete(PODS, "p", "default")
        await cluster.gone()
        await cluster.argo("echo again > /tmp/x", outputs=[parameter("x", "/tmp/x")])
        await cluster.over()
        result = await cluster.result()
        assert result["outputs"]["parameters"][0]["value"] == "again"
        assert result["metadata"]["labels"][LABEL] == "true"

    play(scenario)


def test_artifacts_are_refused_by_name(play):
    async def scenario(cluster):
        template = {"outputs": {"artifacts": [{"name": "a", "path": "/tmp/a"}]}}
        await cluster.argo("true", template=template)
        wait = ended(await cluster.over(), "wait")
        assert wait["exitCode"] == 64
        assert "artifacts are not emulated" in wait["message"]

    play(scenario)


def test_raw_artifacts_are_files_of_main(play):
    async def scenario(cluster):
        listed = [
            {"name": "a", "path": "/tmp/in/a.txt", "raw": {"data": "one\ntwo"}},
            {"name": "tool", "path": "/opt/tool", "mode": 0o755, "raw": {"data": "#!/bin/sh\necho run $1\n"}},
            {"name": "none", "path": "/tmp/none", "optional": True},
        ]
        volumes = [
            {"name": name, "emptyDir": {}} for name in ("var-run-argo", "argo-staging", "input-artifacts")
        ]
        line = (
            "cat /tmp/in/a.txt; echo; /opt/tool x; test -e /tmp/none || echo none; echo more >> /tmp/in/a.txt"
        )
        mounts = [
            {"name": "input-artifacts", "mountPath": one["path"], "subPath": one["name"]}
            for one in listed[:2]
        ]
        await cluster.argo(
            line, template={"inputs": {"artifacts": listed}}, volumes=volumes, mounts=mounts, result=True
        )
        assert ended(await cluster.over(), "main")["exitCode"] == 0
        result = await cluster.result()
        assert result["outputs"]["result"] == "one\ntwo\nrun x\nnone"

    play(scenario)
