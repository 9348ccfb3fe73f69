"""Stop, eviction and the sweeper, in the real program and in this process."""

from __future__ import annotations

import json
import signal
import time

import pytest

from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.context import Interrupted
from argovx_lab.launcher.step import Step


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)


@pytest.fixture
def running(launcher, step, world, lib):
    """Return the real program with its job running."""
    world.behaviour = lib.stay
    process = launcher.start(step)
    wait_for(lambda: launcher.attempt().created in world.objects and world.count(r"GET .*/customJobs/7000"))
    yield process
    process.kill()
    process.communicate()


def test_a_stop_cancels_at_vertex_and_is_never_a_success(launcher, world, running):
    world.workflow["spec"]["shutdown"] = "Stop"
    running.send_signal(signal.SIGTERM)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 143, errors
    (job,) = world.jobs.values()
    assert job["state"] == "JOB_STATE_CANCELLED"
    record = world.document(launcher.attempt().exit)
    assert (record["code"], record["reason"]) == (143, "Stopped")
    assert "Vertex confirms" in launcher.termination.read_text()


def test_a_deleted_workflow_is_a_stop(launcher, world, running):
    attempt, world.workflow = launcher.attempt(), None
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 143
    assert next(iter(world.jobs.values()))["state"] == "JOB_STATE_CANCELLED"
    assert world.document(attempt.exit)["code"] == 143


def test_an_eviction_leaves_the_job_to_the_next_life(launcher, step, world, lib, running):
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 137
    (job,) = world.jobs.values()
    assert job["state"] == "JOB_STATE_RUNNING"
    assert launcher.attempt().exit not in world.objects
    lib.succeed(world, job)
    launcher.at(1)
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1


def test_a_workflow_that_cannot_be_read_is_taken_for_an_eviction(launcher, world, running):
    world.fault(r"GET /apis/.*/workflows/", 503, times=99)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 137
    assert next(iter(world.jobs.values()))["state"] == "JOB_STATE_RUNNING"


def test_a_job_that_ended_before_the_stop_is_still_no_success(launcher, world, running):
    def finish(world):
        next(iter(world.jobs.values()))["state"] = "JOB_STATE_SUCCEEDED"

    world.workflow["spec"]["shutdown"] = "Stop"
    world.fault(r"POST .*:cancel", finish)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 143
    assert "had ended before" in world.document(launcher.attempt().exit)["message"]


@pytest.fixture
def lost(launcher, step, world, lib, monkeypatch):
    """Return a run whose create answer is lost, and that is stopped in the pause of the first look-up."""
    world.behaviour = lib.stay
    world.fault(r"POST .*/customJobs$", "lost")
    context = launcher.context(lookup_s=0.01)
    attempt, waits = Step(context, parse(launcher.arguments(step))), []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 1:
            world.workflow["spec"]["shutdown"] = "Stop"
            raise Interrupted

    monkeypatch.setattr(context.interrupt, "wait", wait)
    return attempt.run


def plant(world):
    """Put a neighbour's job with the key of the one that is there into the list, older than it."""
    (job,) = world.jobs.values()
    planted = json.loads(json.dumps(job))
    planted |= {"name": job["name"].replace("7000", "6999"), "createTime": "2026-11-24T07:00:00Z"}
    planted["jobSpec"]["serviceAccount"] = "u-eve@demo.iam.gserviceaccount.com"
    world.jobs[planted["name"]] = planted
    return planted


def test_a_stop_finds_the_job_whose_answer_was_lost(launcher, world, lost):
    world.hide_jobs = 2
    ending = lost()
    assert (ending.code, "Vertex confirms" in ending.message) == (143, True)
    assert [job["state"] for job in world.jobs.values()] == ["JOB_STATE_CANCELLED"]


def test_a_stop_leaves_a_planted_job_with_our_key_alone(launcher, world, lost):
    world.hide_jobs = 1
    world.fault(r"GET .*/customJobs$", lambda world: None)
    world.fault(r"GET .*/customJobs$", plant)
    ending = lost()
    states = {job["name"].rpartition("/")[2]: job["state"] for job in world.jobs.values()}
    assert states == {"6999": "JOB_STATE_RUNNING", "7000": "JOB_STATE_CANCELLED"}
    assert "Vertex confirms" in ending.message


def test_a_stop_does_not_believe_a_planted_job_that_has_ended(launcher, world, lost):
    def only_planted(world):
        planted = plant(world)
        planted["state"] = "JOB_STATE_SUCCEEDED"
        world.jobs = {planted["name"]: planted}

    world.hide_jobs = 1
    world.fault(r"GET .*/customJobs$", lambda world: None)
    world.fault(r"GET .*/customJobs$", only_planted)
    ending = lost()
    assert (ending.code, ending.record) == (143, False)
    assert "whether a job exists is not known" in ending.message
    assert launcher.attempt().exit not in world.objects


def test_a_cancellation_at_vertex_is_exit_130(launcher, step, world):
    def cancelled(world, job):
        job["state"] = "JOB_STATE_CANCELLED"

    world.behaviour = cancelled
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (130, "StepCancelled")


def test_a_job_that_is_deleted_at_vertex_is_cancelled(launcher, step, world, lib):
    world.behaviour = lib.stay
    world.fault(r"GET .*/customJobs/7000", 404, times=99)
    ending = launcher.run(step)
    assert (ending.code, "deleted" in ending.message) == (130, True)
    del world.objects[launcher.attempt().exit]
    world.jobs.clear()
    assert launcher.run(step).code == 130
    assert not world.jobs


def test_a_workflow_that_is_stopped_already_gets_no_job(launcher, step, world):
    world.workflow["spec"]["shutdown"] = "Terminate"
    ending = launcher.run(step)
    assert ending.code == 143
    assert not world.jobs


@pytest.mark.parametrize("action", ["kill-before", "kill-after"])
def test_killed_around_the_create_call_the_retry_adopts(launcher, step, world, action):
    log = launcher.folder / "requests"
    rehearsal = launcher.start(step, ARGOVX_FAULTS_LOG=str(log))
    assert rehearsal.wait(20) == 0, rehearsal.stderr.read()
    rehearsal.communicate()
    (number,) = [
        line.split()[0]
        for line in log.read_text().splitlines()
        if "/customJobs 200" in line and "POST" in line
    ]
    world.jobs.clear()
    for name in [name for name in world.objects if "/runs/" in name]:
        del world.objects[name]
    process = launcher.start(step, ARGOVX_FAULTS=f"{action}@{number}")
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL
    assert len(world.jobs) == (0 if action == "kill-before" else 1)
    launcher.at(1)
    again = launcher.start(step)
    _, errors = again.communicate(timeout=20)
    assert again.returncode == 0, errors
    assert len(world.jobs) == 1


def test_the_sweeper_cancels_only_what_is_this_users_and_this_workflows(launcher, world):
    def job(number, state, **labels):
        name = f"projects/123456/locations/europe-west4/customJobs/{number}"
        base = {"argovx-wf": "uid-1", "argovx-user": "ada"}
        world.jobs[name] = {"name": name, "state": f"JOB_STATE_{state}", "labels": {**base, **labels}}

    job(1, "RUNNING")
    job(2, "SUCCEEDED")
    job(3, "RUNNING", **{"argovx-user": "eve"})
    job(4, "PENDING", **{"argovx-wf": "uid-2"})
    job(5, "QUEUED")
    assert launcher.sweep().code == 0
    cancelled = {
        name.rpartition("/")[2] for name, j in world.jobs.items() if j["state"].endswith("CANCELLED")
    }
    assert cancelled == {"1", "5"}


def test_no_token_in_anything_that_is_written(launcher, step, world, lib):
    world.behaviour = lib.fail
    process = launcher.start(step)
    out, errors = process.communicate(timeout=20)
    secrets = [lib.CANARY, world.subject_token, (launcher.folder / "secrets" / "token").read_text().strip()]
    texts = [out.decode(), errors.decode(), launcher.termination.read_text(), json.dumps(world.task_results)]
    texts += [path.read_text() for path in launcher.outputs.iterdir()]
    texts += [item["data"].decode("latin-1") for item in world.objects.values()]
    texts += [json.dumps(list(world.jobs.values())), json.dumps(world.nodes)]
    for secret in secrets:
        assert not [text for text in texts if secret in text]


def test_explain_prints_all_settings_and_no_secret(launcher, step):
    import os
    import subprocess
    import sys

    result = subprocess.run(
        [sys.executable, "-m", "argovx_lab.launcher", "--explain"],
        env={"PATH": os.environ["PATH"], **launcher.environment},
        capture_output=True,
        check=True,
    )
    shown = json.loads(result.stdout)
    assert shown["times"]["bucket_max_s"] == 0.05
    assert shown["user"] == "ada"


def test_a_missing_variable_is_exit_10_with_a_message(launcher, step):
    process = launcher.start(step, ARGOVX_BUCKET="")
    process.communicate(timeout=20)
    assert process.returncode == 10
    assert "ARGOVX_BUCKET is not set" in launcher.termination.read_text()


def test_a_stale_token_is_exit_20(launcher, step, lib):
    (launcher.folder / "sts-token").write_text(lib.jwt(exp=1))
    ending = launcher.run(step)
    assert (ending.code, "stale" in ending.message) == (20, True)
