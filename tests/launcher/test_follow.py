"""Following: ends out of reach, restarts of the replica, logs in order, the table of ends."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from argovx_lab.launcher.report import with_traceback
from argovx_lab.launcher.verdict import judge, line
from argovx_lab.model.step import Machine


@pytest.mark.parametrize(
    "pattern", [r"GET /storage/.*/part-", r"GET .*/customJobs/7000", r"GET .*/manifest.json"]
)
@pytest.mark.parametrize("action", ["reset", 503, 429])
def test_busy_ends_are_tried_again(launcher, step, world, pattern, action):
    world.fault(pattern, action, times=3)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1


def test_a_bucket_that_is_away_for_long_is_waited_for(launcher, step, world):
    world.fault(r"GET /storage/.*/part-", 503, times=12)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert any(item["method"] == "warning" for item in launcher.events)


def test_a_bucket_that_is_away_at_the_end_leaves_the_job_to_the_retry(launcher, step, world):
    world.fault(r"GET /storage/.*manifest.json", 503, times=5)
    ending = launcher.run(step)
    assert (ending.code, ending.record) == (30, False)
    launcher.at(1)
    assert launcher.run(step).code == 0
    assert len(world.jobs) == 1


def test_log_lines_come_out_unaltered_and_in_order(launcher, step, world, lib, capfdbinary):
    chunks = [b"one\n", b"\xff\xfe broken \x1b[31m", b"red\n", b"last without newline"]

    def chatty(world, job):
        _, folder = lib.intent_of(world, job)
        for number, chunk in enumerate(chunks, 1):
            world.put(f"{folder}r0.0/logs/part-{number:05d}", chunk)
        lib.succeed(world, job)
        world.put(f"{folder}r0.0/logs/part-00001", chunks[0])

    world.behaviour = chatty
    assert launcher.run(step).code == 0
    assert capfdbinary.readouterr().out == b"".join(chunks)


def test_a_second_life_of_the_replica_is_followed(launcher, step, world, lib, capfdbinary):
    def twice(world, job):
        _, folder = lib.intent_of(world, job)
        lib.succeed(world, job)
        for name in [n for n in world.objects if n.startswith(f"{folder}r0.0/")]:
            item = world.objects.pop(name)
            world.put(name.replace("r0.0", "r0.1"), item["data"])
        world.put(f"{folder}r0.0/events/part-00001", lib.event(1, "opened", python="3.11", pid=1))
        world.put(f"{folder}r0.0/logs/part-00001", b"first life\n")

    world.behaviour = twice
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert capfdbinary.readouterr().out == b"first life\nhello from the cell\n"
    assert any(item["method"] == "life" for item in launcher.events)


def test_events_of_another_version_end_the_step_by_name(launcher, step, world, lib):
    def odd(world, job):
        _, folder = lib.intent_of(world, job)
        world.put(f"{folder}r0.0/events/part-00001", b'{"v":99,"method":"opened","params":{}}\n')
        job["state"] = "JOB_STATE_RUNNING"
        threading.Timer(1.0, job.update, [{"state": "JOB_STATE_SUCCEEDED"}]).start()

    world.behaviour = odd
    ending = launcher.run(step)
    assert (ending.code, "version 99" in ending.message) == (70, True)
    assert next(iter(world.jobs.values()))["state"] == "JOB_STATE_SUCCEEDED", "a healthy job was cancelled"
    assert any("only Vertex is followed now" in str(item) for item in launcher.events)


@pytest.mark.parametrize("action", [403, 302, 200])
def test_one_odd_answer_gives_no_healthy_job_up(launcher, step, world, action):
    world.fault(r"GET .*/customJobs/7000", action, times=1)
    world.fault(r"GET /storage/.*/part-", action, times=1)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    assert len(world.jobs) == 1


def test_the_worker_that_failed_is_heard_not_the_primary_that_was_stopped(launcher, world, lib):
    step = lib.spec(world, machine=replace(Machine(), replicas=3))

    def behave(world, job):
        _, folder = lib.intent_of(world, job)
        told = {"type": "Cancelled", "message": "told to stop", "place": "", "traceback": []}
        own = {"type": "KeyError", "message": "'shard'", "place": "cell 7, line 2", "traceback": ["T", "E"]}
        for stream, error in (("r0.0", told), ("r2.0", told), ("r2.1", own)):
            closed = lib.event(2, "closed", outcome="failed", exit_code=1, error=error)
            world.put(f"{folder}{stream}/events/part-00001", lib.event(1, "opened", python="3.11") + closed)
        job["state"] = "JOB_STATE_FAILED"
        text = "The replica workerpool1-1 exited with a non-zero status of 1. Termination reason: Error."
        job["error"] = {"code": 3, "message": text}

    world.behaviour = behave
    ending = launcher.run(step)
    assert (ending.code, ending.message) == (1, "KeyError: 'shard' · cell 7, line 2")
    assert launcher.termination.read_text() == "KeyError: 'shard' · cell 7, line 2\nT\nE"


def test_a_job_that_waits_for_capacity_says_so(launcher, world, lib):
    step = lib.spec(world, machine=replace(Machine(), strategy="SPOT"))

    def wait(world, job):
        job["state"] = "JOB_STATE_PENDING"

    def go_on(world):
        lib.succeed(world, next(iter(world.jobs.values())))

    world.behaviour = wait
    world.fault(r"GET .*/customJobs/7000", lambda world: None, times=2)
    world.fault(r"GET .*/customJobs/7000", go_on)
    assert launcher.run(step).code == 0, launcher.stderr.getvalue()
    waiting = [item["params"]["reason"] for item in launcher.events if item["method"] == "waiting"]
    assert waiting[0] == "waiting for capacity, 0 s"


def job(state, message="", code=3, **spec):
    return {"state": f"JOB_STATE_{state}", "error": {"code": code, "message": message}, "jobSpec": spec}


SUCCESS = {"outcome": "succeeded", "exit_code": 0, "error": None}


def failure(kind, message="boom", place="", traceback=()):
    error = {"type": kind, "message": message, "place": place, "traceback": list(traceback)}
    return {"outcome": "failed", "exit_code": 1, "error": error}


EXITED = "The replica workerpool0-0 exited with a non-zero status of %d. Termination reason: Error."

ENDS = [
    (job("SUCCEEDED"), SUCCESS, None),
    (job("SUCCEEDED"), None, 40),
    (job("FAILED", EXITED % 1), failure("KeyError", place="cell 7, line 2"), 1),
    (job("FAILED", EXITED % 1), failure("PermissionMissing"), 21),
    (job("FAILED", EXITED % 1), failure("CredentialError"), 20),
    (job("FAILED", EXITED % 1), failure("SpecError"), 10),
    (job("FAILED", EXITED % 1), failure("RemoteError"), 30),
    (job("FAILED", EXITED % 1), failure("PermissionMissing", place="cell 1, line 1"), 1),
    (job("FAILED", EXITED % 1), failure("remote_thing"), 1),
    (job("FAILED", EXITED % 143), failure("Cancelled"), 1),
    (job("FAILED", "The job timed out.", 4), failure("Cancelled"), 31),
    (job("FAILED", EXITED % 1), SUCCESS, 1),
    (job("FAILED", EXITED % 120), None, 30),
    (job("FAILED", EXITED % 121), None, 21),
    (job("FAILED", EXITED % 122), None, 10),
    (job("FAILED", EXITED % 127), None, 10),
    (job("FAILED", EXITED % 137), None, 1),
    (job("FAILED", EXITED % 139), None, 1),
    (job("FAILED", EXITED % 77), None, 1),
    (job("FAILED", "Replica workerpool0-0 ran out of memory and exited."), None, 1),
    (job("FAILED", "Resources are insufficient in region: europe-west4."), None, 30),
    (job("FAILED", "Internal error occurred for the current attempt."), None, 30),
    (job("FAILED", "no permission to pull the image", 7), None, 21),
    (job("FAILED", 'The replica workerpool0-0 failed to start: the image "x" was not found', 5), None, 10),
    (job("FAILED"), None, 30),
    (job("CANCELLED", "cancelled", 1), SUCCESS, 130),
    (job("CANCELLED", "cancelled", 1), failure("Cancelled"), 130),
    (job("CANCELLED", "", 1), None, 130),
    (job("CANCELLED", "The job has exceeded its timeout", 4), failure("Cancelled"), 31),
    (job("EXPIRED"), None, 31),
    (job("PAUSED"), None, 30),
    (job("PARTIALLY_SUCCEEDED"), None, 30),
]


@pytest.mark.parametrize(("found", "closed", "code"), ENDS)
def test_every_end_has_a_code_of_the_table(found, closed, code):
    error = judge(found, closed)
    assert (error.exit_code if error else None) == code


def test_the_users_line_is_one_line_and_short():
    text = line({"type": "ValueError", "message": "a\nb" + "x" * 5000, "place": "cell 1, line 2"})
    assert "\n" not in text
    assert len(text) < 1300
    assert text.endswith("· cell 1, line 2")


@pytest.mark.parametrize("length", [0, 1, 10, 4000, 4090, 4096, 5000])
@pytest.mark.parametrize("lines", [[], ["one"], ["é" * 300] * 40, ["x" * 9000], ["a", "", "b" * 4095]])
def test_last_words_fit_and_end_with_the_users_line(length, lines):
    text = with_traceback("m" * length, lines)
    assert text.startswith("m" * length)
    assert len(text.encode()) <= max(4096, length)
    if lines and length <= 3000:
        assert text.endswith(lines[-1][-50:])
        assert "�" not in text
