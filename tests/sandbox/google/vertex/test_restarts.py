"""When Vertex runs replicas and jobs again: exits, machines that are lost or not there, and what forbids it."""

from __future__ import annotations

import asyncio
import json

import pytest

from argovx_lab.sandbox.faults import Fault
from argovx_lab.sandbox.google.jobs import restarts
from tests.sandbox.google.vertex.jobs import JOBS, ended, log_of, run_one, running, until

#: Says which start this is: a replica's later starts have folders of their own.
COUNT = (
    "import os, pathlib, sys, time\n"
    "n = int(pathlib.Path.home().parent.name.partition('-workerpool')[2].partition('.')[2] or 0)\n"
    "print('start', n, flush=True)\n"
)


def starts(lab):
    return len(list(lab.folder.glob("processes/job-*-workerpool0-0*")))


@pytest.mark.parametrize(
    ("code", "spec", "tally", "scope"),
    [
        (1, {}, {}, "none"),
        (137, {}, {}, "none"),
        (127, {}, {}, "none"),
        (134, {}, {}, "job"),
        (11, {}, {"job": 2}, "job"),
        (139, {}, {"job": 3}, "none"),
        (3, {}, {}, "worker"),
        (3, {}, {"workers": {"workerpool0-0": 5}}, "job"),
        (3, {}, {"workers": {"workerpool0-0": 5}, "job": 3}, "none"),
        (3, {"scheduling": {"disable_retries": True}}, {}, "none"),
        (134, {"scheduling": {"disable_retries": True}}, {}, "none"),
        (None, {}, {"job": 1}, "job"),
        (None, {}, {"job": 2}, "none"),
    ],
)
def test_what_is_run_again_after_an_exit(code, spec, tally, scope):
    assert restarts.after_exit(spec, restarts.Tally.of({"tally": tally}), "workerpool0-0", code) == scope


def test_a_lost_machine_counts_by_strategy():
    spot = {"scheduling": {"strategy": "SPOT"}}
    assert restarts.after_loss(spot, restarts.Tally(machines=5)) == "job"
    assert restarts.after_loss(spot, restarts.Tally(machines=6)) == "none"
    assert restarts.after_loss({}, restarts.Tally(machines=3)) == "none"
    together = {"scheduling": {"restart_job_on_worker_restart": True}}
    assert restarts.widened(together, "worker") == "job"
    assert restarts.widened({}, "worker") == "worker"


def test_a_worker_that_fails_is_started_again_until_it_succeeds(lab, make_job):
    job, lines = run_one(lab, make_job(COUNT + "sys.exit(0 if n == 2 else 3)"))
    assert (job["state"], starts(lab)) == ("JOB_STATE_SUCCEEDED", 3)
    assert lines == ["start 0"]
    job_id = job["name"].rpartition("/")[2]
    said = lab.rest(
        "POST",
        "/v2/entries:list",
        {
            "resourceNames": ["projects/sandbox-lab"],
            "filter": f'resource.labels.job_id="{job_id}" AND logName:"workerpool0-0"',
        },
    ).json["entries"]
    assert [entry["jsonPayload"]["message"] for entry in said] == ["start 0", "start 1", "start 2"]


def test_a_crash_runs_the_whole_job_again_three_times(lab, make_job):
    job, _ = run_one(lab, make_job(COUNT + "os.abort()"))
    assert job["state"] == "JOB_STATE_FAILED"
    assert starts(lab) == 4
    assert "non-zero status of 134" in job["error"]["message"]


def test_an_exception_is_permanent(lab, make_job):
    job, _ = run_one(lab, make_job(COUNT + "1/0"))
    assert (job["state"], starts(lab)) == ("JOB_STATE_FAILED", 1)


def test_all_replicas_start_again_where_that_is_asked_for(lab, make_job):
    code = (
        "task = __import__('json').loads(os.environ['CLUSTER_SPEC'])['task']['type']\n"
        "if task == 'workerpool1': sys.exit(0 if n else 4)\n"
        "time.sleep(0.5 if n else 600)\n"
    )
    body = make_job(COUNT + code, spec={"scheduling": {"restartJobOnWorkerRestart": True}})
    pools = body["jobSpec"]["workerPoolSpecs"]
    pools.append(dict(pools[0]))
    job, _ = run_one(lab, body)
    assert job["state"] == "JOB_STATE_SUCCEEDED", job
    folders = sorted(path.name.partition("-workerpool")[2] for path in lab.folder.glob("processes/job-*"))
    assert folders == ["0-0", "0-0.1", "1-0", "1-0.1"]


def test_preemption_of_a_spot_job_and_its_next_machine(lab, make_job):
    body = make_job(COUNT + "time.sleep(0 if n else 600)", spec={"scheduling": {"strategy": "SPOT"}})
    states = []

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, body)).json["name"]
            await until(lab, name, lambda _: "start 0" in log_of(lab, name))
            lab.server.faults.add(Fault("preemption", rpc="a job"))
            await until(lab, name, lambda job: states.append(job["state"]) or ended(job))
            return (await lab.send("GET", f"/v1/{name}")).json

    job = asyncio.run(work())
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert "JOB_STATE_PENDING" in states
    assert starts(lab) == 2


@pytest.mark.parametrize(("strategy", "code"), [("SPOT", 8), ("STANDARD", 13)])
def test_a_lost_machine_ends_a_job_without_retries(lab, make_job, strategy, code):
    scheduling = {"strategy": strategy, "disableRetries": True}
    body = make_job(COUNT + "time.sleep(600)", spec={"scheduling": scheduling})

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, body)).json["name"]
            await until(lab, name, lambda _: "start 0" in log_of(lab, name))
            lab.server.faults.add(Fault("preemption"))
            return await until(lab, name, ended)

    job = asyncio.run(work())
    assert (job["state"], job["error"]["code"], starts(lab)) == ("JOB_STATE_FAILED", code, 1)


@pytest.mark.parametrize(("count", "state"), [(3, "JOB_STATE_SUCCEEDED"), (4, "JOB_STATE_FAILED")])
def test_stock_outs_are_tried_again_three_times(lab, make_job, count, state):
    lab.server.faults.add(Fault("stockout", count=count))
    job, _ = run_one(lab, make_job("pass"))
    assert job["state"] == state
    if state == "JOB_STATE_FAILED":
        assert job["error"]["message"].startswith("Resources are insufficient in region: us-central1.")
        assert "startTime" not in job


def test_a_killed_server_does_not_start_a_replica_twice(make_lab, make_job):
    """The next start is recorded before its process: whoever comes back starts it once."""
    first = make_lab()
    body = make_job(COUNT + "time.sleep(600) if n == 1 else sys.exit(5)")

    async def begin():
        async with running(first):
            name = (await first.send("POST", JOBS, body)).json["name"]
            return (await until(first, name, lambda _: starts(first) == 2))["name"]

    name = asyncio.run(begin())
    first.server.close()
    second = make_lab()

    async def go_on():
        async with running(second):
            await second.send("POST", f"/v1/{name}:cancel", {})
            return await until(second, name, ended)

    assert asyncio.run(go_on())["state"] == "JOB_STATE_CANCELLED"
    assert starts(second) == 2


def test_the_clock_can_be_moved_over_a_timeout_and_a_provisioning(make_lab, make_job):
    lab = make_lab(provisioning_s=3600.0)
    body = make_job(
        "import time; print('on', flush=True); time.sleep(600)", spec={"scheduling": {"timeout": "7200s"}}
    )

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, body)).json["name"]
            await until(lab, name, lambda job: job["state"] == "JOB_STATE_QUEUED")
            lab.server.clock.advance(3601)
            await until(lab, name, lambda job: job["state"] == "JOB_STATE_RUNNING")
            lab.server.clock.advance(7201)
            return await until(lab, name, ended)

    job = asyncio.run(work())
    assert job["error"]["message"] == "The job has been running longer than its timeout of 7200s."


def test_replicas_of_two_pools_know_one_another_and_work_together(lab, make_job):
    """A primary sums up what two workers send it, at the addresses of CLUSTER_SPEC."""
    code = (
        "import json, os, socket, time\n"
        "spec = json.loads(os.environ['CLUSTER_SPEC']); task = spec['task']\n"
        "host, port = spec['cluster']['workerpool0'][0].split(':')\n"
        "if task['type'] == 'workerpool0':\n"
        "    server = socket.create_server((host, int(port)))\n"
        "    print('sum', sum(int(server.accept()[0].recv(9)) for _ in range(2)), flush=True)\n"
        "else:\n"
        "    end = time.time() + 20\n"
        "    while True:\n"
        "        try:\n"
        "            socket.create_connection((host, int(port))).sendall(str(10 + task['index']).encode()); break\n"
        "        except OSError:\n"
        "            assert time.time() < end; time.sleep(0.05)\n"
    )
    body = make_job(code)
    pools = body["jobSpec"]["workerPoolSpecs"]
    pools.append({**pools[0], "replicaCount": 2})
    job, lines = run_one(lab, body)
    assert (job["state"], lines) == ("JOB_STATE_SUCCEEDED", ["sum 21"])
    assert json.dumps(job["jobSpec"]["workerPoolSpecs"][1]["replicaCount"]) == '"2"'
