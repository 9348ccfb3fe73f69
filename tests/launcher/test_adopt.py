"""At most one job for an attempt, whatever dies when; planted jobs and claims are refused."""

from __future__ import annotations

import json
import re

import pytest

from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.context import Interrupted
from argovx_lab.launcher.step import Step
from argovx_lab.model import names
from argovx_lab.model.step import ArtifactRef


def live(world):
    return [job for job in world.jobs.values() if job["state"] != "JOB_STATE_CANCELLED"]


@pytest.mark.parametrize("action", ["lost", "reset", 500, 503, 504])
def test_a_create_call_whose_fate_is_unknown_is_looked_up(launcher, step, world, action):
    world.fault(r"POST .*/customJobs$", action)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1
    assert world.count(r"GET .*/customJobs$") >= 1


def test_a_list_that_hides_the_job_leads_to_two_of_which_one_is_cancelled(launcher, step, world):
    world.fault(r"POST .*/customJobs$", "lost")
    world.hide_jobs = 5
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    created = world.document(launcher.attempt().created)["job"]
    assert launcher.output("vertex-job") == created
    running = [job["name"] for job in live(world) if job["state"] != "JOB_STATE_SUCCEEDED"]
    assert running == []


def test_two_running_doubles_are_reduced_to_the_recorded_one(launcher, step, world, lib):
    world.behaviour = lib.stay

    def finish(world):
        for job in live(world):
            if job["name"].endswith(recorded()):
                lib.succeed(world, job)

    def recorded():
        name = launcher.attempt().created
        return world.document(name)["job"].rpartition("/")[2] if name in world.objects else "none"

    world.fault(r"POST .*/customJobs$", "lost")
    world.hide_jobs = 5
    world.fault(r"GET .*/customJobs/700", finish, times=99)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    states = sorted(job["state"] for job in world.jobs.values())
    assert states == ["JOB_STATE_CANCELLED", "JOB_STATE_SUCCEEDED"]


def test_being_too_fast_is_waited_for(launcher, step, world):
    world.fault(r"POST .*/customJobs$", 429, times=2)
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1
    assert [item["method"] for item in launcher.events].count("waiting") == 2


def test_a_quota_that_is_used_up_ends_as_the_platforms_fault(launcher, step, world, lib):
    text = (
        "The following quota metrics exceed quota limits: "
        "aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus"
    )
    world.fault(r"POST .*/customJobs$", lib.Answer(429, text, "RESOURCE_EXHAUSTED"), times=9)
    ending = launcher.run(step)
    assert ending.code == 30
    assert "custom_model_training_nvidia_t4_gpus" in ending.message
    assert world.count(r"POST .*/customJobs$") == 1
    assert world.document(launcher.attempt().exit)["code"] == 30


def test_a_missing_act_as_is_exit_21_with_the_grant(launcher, step, world, lib):
    text = "You do not have permission to act as service_account: u-ada@demo.iam.gserviceaccount.com"
    world.fault(r"POST .*/customJobs$", lib.Answer(400, text, "INVALID_ARGUMENT"))
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (21, "PermissionMissing")
    assert "gcloud iam service-accounts add-iam-policy-binding u-ada@demo" in ending.message


def test_an_unknown_fate_leaves_no_end_so_that_the_retry_adopts(launcher, step, world):
    world.fault(r"POST .*/customJobs$", "lost")
    world.fault(r"GET .*/customJobs$", 503, times=99)
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (30, False)
    assert launcher.attempt().exit not in world.objects
    world.faults.clear()
    launcher.at(1)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1
    assert world.document(launcher.attempt(1).intent)["prefix"] == launcher.attempt(0).uri


@pytest.mark.parametrize("status", [400, 403, 409, 429])
def test_a_refusal_after_a_lost_answer_and_a_stale_list_finds_the_job_after_all(
    launcher, step, world, lib, status
):
    quota = "quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_training_cpus"
    world.fault(r"POST .*/customJobs$", "lost")
    world.fault(r"POST .*/customJobs$", lib.Answer(status, quota if status == 429 else "no"), times=9)
    world.hide_jobs = 4
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1
    assert world.document(launcher.attempt().exit)["code"] == 0


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_refusal_while_a_job_may_exist_is_never_final(launcher, step, world, status):
    world.fault(r"POST .*/customJobs$", "lost")
    world.fault(r"POST .*/customJobs$", status, times=9)
    world.hide_jobs = 99
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (30, False)
    assert "whether an earlier create call made a job is not known" in ending.message
    assert launcher.attempt().exit not in world.objects
    world.hide_jobs = 0
    launcher.at(1)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1


def test_a_refusal_is_final_when_no_call_was_lost(launcher, step, world):
    world.fault(r"POST .*/customJobs$", 403)
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (21, True)
    assert world.count(r"GET .*/customJobs$") == 0


def test_a_refused_look_up_while_a_job_may_exist_is_never_final(launcher, step, world):
    world.fault(r"POST .*/customJobs$", "lost")
    world.fault(r"GET .*/customJobs$", 403, times=9)
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (21, False)
    assert launcher.attempt().exit not in world.objects


@pytest.mark.parametrize("record", ["intent", "created"])
def test_an_unreadable_record_of_a_running_attempt_is_never_final(launcher, step, world, lib, record):
    assert launcher.run(step).code == 0
    attempt = launcher.attempt()
    del world.objects[attempt.exit]
    kept = world.objects[getattr(attempt, record)]
    world.put(getattr(attempt, record), b"<html>")
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (30, False)
    world.objects[getattr(attempt, record)] = kept
    launcher.at(1)
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1


@pytest.mark.parametrize("body", [b"<html>", b"{}"])
def test_a_create_call_with_an_unreadable_answer_is_looked_up(launcher, step, world, monkeypatch, body):
    answer = world.answer

    def garbled(method, path, *rest):
        result = answer(method, path, *rest)
        return body if (method, path.rpartition("/")[2]) == ("POST", "customJobs") else result

    monkeypatch.setattr(world, "answer", garbled)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1


def test_look_ups_have_growing_pauses(launcher, step, world, monkeypatch):
    world.fault(r"POST .*/customJobs$", "lost")
    world.hide_jobs = 2
    context, waits = launcher.context(lookup_s=5.0), []
    monkeypatch.setattr(context.interrupt, "wait", waits.append)
    assert Step(context, parse(launcher.arguments(step))).run().code == 0
    assert waits[:2] == [5.0, 10.0]


def test_a_life_that_dies_before_it_cancels_a_double_leaves_that_to_the_next(launcher, step, world, lib):
    assert launcher.run(step).code == 0
    (job,) = world.jobs.values()
    double = {**json.loads(json.dumps(job)), "name": job["name"] + "1", "state": "JOB_STATE_RUNNING"}
    world.jobs[double["name"]] = double
    del world.objects[launcher.attempt().exit]
    assert launcher.run(step).code == 0
    assert double["state"] == "JOB_STATE_CANCELLED"


def test_a_second_life_adopts_through_the_label(launcher, step, world):
    assert launcher.run(step).code == 0
    for record in (launcher.attempt().exit, launcher.attempt().created):
        del world.objects[record]
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1


def test_a_second_life_adopts_although_an_input_is_gone_by_now(launcher, world, lib):
    uri = launcher.layout.uri(launcher.layout.object("c" * 64))
    world.put(launcher.layout.object("c" * 64), b"1", "c" * 64)
    step = lib.spec(world, inputs={"a": ArtifactRef(uri=uri, digest="c" * 64, codec="json")})
    assert launcher.run(step).code == 0
    for name in (launcher.layout.object("c" * 64), launcher.attempt().exit):
        del world.objects[name]
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1


def test_a_failure_that_argo_repeats_by_mistake_stands(launcher, step, world, lib):
    """The launcher was killed between its exit record and its exit, so Argo saw 137."""
    world.behaviour = lib.fail
    assert launcher.run(step).code == 1
    launcher.at(1)
    assert launcher.run(step).code == 1
    assert len(world.jobs) == 1


def test_a_retry_after_an_end_makes_a_new_job(launcher, world, lib):
    step = lib.spec(world, retry_failures=True)
    world.behaviour = lib.fail
    assert launcher.run(step).code == 1
    launcher.at(1)
    world.behaviour = lib.succeed
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 2
    assert {job["labels"]["argovx-key"] for job in world.jobs.values()} == {
        world.document(launcher.attempt(n).intent)["attempt_key"] for n in (0, 1)
    }


def test_a_chain_of_killed_attempts_adopts_the_first_job(launcher, step, world, lib):
    world.behaviour = lib.stay

    for ordinal in (0, 1):
        launcher.at(ordinal)
        context = launcher.context()
        context.interrupt.wait = _raise
        attempt = Step(context, parse(launcher.arguments(step)))
        with pytest.raises(Died):
            attempt.run()
    (job,) = world.jobs.values()
    launcher.at(2)
    lib.succeed(world, job)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1
    assert world.document(launcher.attempt(2).intent)["prefix"] == launcher.attempt(0).uri
    assert world.document(launcher.attempt(2).exit)["code"] == 0


class Died(BaseException):
    """Stands for SIGKILL."""


def _raise(seconds):
    raise Died


def test_argos_own_retry_starts_afresh(launcher, step, world, lib):
    world.behaviour = lib.fail
    assert launcher.run(step).code == 1
    world.workflow = lib.workflow(0, "2026-11-24T09:00:00Z")
    world.behaviour = lib.succeed
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 2


def test_a_planted_job_with_our_key_is_passed_over(launcher, step, world, lib):
    assert launcher.run(step).code == 0
    (job,) = world.jobs.values()
    planted = json.loads(json.dumps(job))
    planted["name"] = job["name"].replace("7000", "6999")
    planted["createTime"] = "2026-11-24T07:00:00Z"
    planted["jobSpec"]["serviceAccount"] = "u-eve@demo.iam.gserviceaccount.com"
    planted["state"] = "JOB_STATE_RUNNING"
    world.jobs = {planted["name"]: planted}
    world.objects = {
        name: item for name, item in world.objects.items() if not name.endswith(("exit.json", "created.json"))
    }
    world.behaviour = lib.stay

    def finish(world):
        for found in world.jobs.values():
            if found is not planted:
                found["state"] = "JOB_STATE_SUCCEEDED"

    world.fault(r"GET .*/customJobs/7001", finish, times=9)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert launcher.output("vertex-job").endswith("/7001")


def test_a_planted_record_is_refused_and_its_job_left_alone(launcher, step, world, lib):
    assert launcher.run(step).code == 0
    (job,) = world.jobs.values()
    job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"] = "evil:latest"
    job["state"] = "JOB_STATE_RUNNING"
    del world.objects[launcher.attempt().exit]
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (11, "PolicyDenied")
    assert job["state"] == "JOB_STATE_RUNNING"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attempt_key", "0" * 32),
        ("user", "eve"),
        ("prefix", "gs://bucket-a/users/eve/runs/x/"),
        ("runner", {"uri": "gs://bucket-a/users/eve/r", "digest": "d" * 64}),
        ("spec", {"uri": "gs://bucket-a/x", "digest": "d" * 64}),
        ("outputs", {}),
        ("ordinal", 7),
    ],
)
def test_a_planted_claim_is_refused(launcher, step, world, field, value):
    assert launcher.run(step).code == 0
    attempt = launcher.attempt()
    planted = {**world.document(attempt.intent), field: value}
    world.put(attempt.intent, json.dumps(planted).encode())
    for record in (attempt.exit, attempt.created):
        del world.objects[record]
    world.jobs.clear()
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (11, "PolicyDenied"), ending
    assert not world.jobs


def test_a_claim_of_an_attempt_that_is_not_yet_is_refused(launcher, step, world):
    """Consistent in itself, with the key and the folder of attempt 3: nobody can have written it honestly."""
    assert launcher.run(step).code == 0
    attempt, future = launcher.attempt(), launcher.attempt(3)
    key = names.attempt_key("uid-1", "wf-1.train", 3, world.workflow["status"]["startedAt"])
    planted = {**world.document(attempt.intent), "ordinal": 3, "attempt_key": key, "prefix": future.uri}
    world.put(attempt.intent, json.dumps(planted).encode())
    for record in (attempt.exit, attempt.created):
        del world.objects[record]
    world.jobs.clear()
    ending = launcher.run(step)
    assert (ending.code, ending.reason) == (11, "PolicyDenied"), ending
    assert not world.jobs


def test_a_bucket_that_refuses_the_record_does_not_leave_a_job_behind(launcher, step, world, lib):
    world.behaviour = lib.stay

    def refuse(world):
        world.faults.insert(0, [re.compile(r"POST /upload/"), 403, 1])

    world.fault(r"POST .*/customJobs$", refuse)
    ending = launcher.run(step)
    assert ending.code == 21
    (job,) = world.jobs.values()
    assert job["state"] == "JOB_STATE_CANCELLED"


def test_the_interruption_is_no_error():
    assert not issubclass(Interrupted, Exception)
