"""Jobs as real processes: environment, ends, cancellation, timeouts, and a server that dies."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime
from pathlib import Path

import pytest

from argovx_lab.sandbox.google.jobs import replicas
from argovx_lab.sandbox.google.jobs.images import Fixed, Image
from argovx_lab.sandbox.processes import ProcessGroup
from tests.sandbox.google.vertex.jobs import JOBS, ONCE, log_of, run_one, running, until, until_ended


def test_the_environment_of_a_replica(lab, make_job):
    lab.server.job_environment = {"HTTPS_PROXY": "http://127.0.0.1:2", "WHO": "base"}
    code = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.listdir('.'), os.listdir('/tmp')]))"
    body = make_job(code, spec={"baseOutputDirectory": {"outputUriPrefix": "gs://lab/out/"}})
    container = body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
    container["env"] = [
        {"name": "WHO", "value": "me"},
        {"name": "GREETING", "value": "hello $(WHO) $$(WHO) $(X)"},
    ]
    os.environ["CANARY_OF_THE_SUBMITTER"] = "leaked"
    try:
        job, lines = run_one(lab, body)
    finally:
        del os.environ["CANARY_OF_THE_SUBMITTER"]
    assert job["state"] == "JOB_STATE_SUCCEEDED", lines
    env, cwd, here, tmp = json.loads(lines[-1])
    job_id = job["name"].rpartition("/")[2]
    assert env["WHO"] == "me"
    assert env["GREETING"] == "hello me $(WHO) $(X)"
    assert env["CLOUD_ML_JOB_ID"] == job_id
    assert env["AIP_MODEL_DIR"] == "gs://lab/out/model/"
    assert env["AIP_CHECKPOINT_DIR"] == "gs://lab/out/checkpoints/"
    assert env["AIP_TENSORBOARD_LOG_DIR"] == "gs://lab/out/logs/"
    assert env["HTTPS_PROXY"] == "http://127.0.0.1:2"
    host, _, secret = env["GCE_METADATA_HOST"].partition("/")
    assert host == "127.0.0.1:1"
    assert len(secret) >= 16
    spec = json.loads(env["CLUSTER_SPEC"])
    assert spec["task"] == {"type": "workerpool0", "index": 0}
    assert "TF_CONFIG" not in env
    assert not {"CANARY_OF_THE_SUBMITTER", "GOOGLE_APPLICATION_CREDENTIALS", "KUBECONFIG"} & set(env)
    assert here == []
    # only the way to its own folder, which the test keeps below /tmp, and to a Python that lies there
    python = Path(sys.prefix)
    mine = {lab.folder.parts[2], *(python.parts[2:3] if python.is_relative_to("/tmp") else ())}
    assert set(tmp) <= mine
    assert cwd == env["HOME"]


def test_times_and_states_of_a_good_job(lab, make_job):
    job, _ = run_one(lab, make_job())
    moments = [datetime.fromisoformat(job[k]) for k in ("createTime", "startTime", "endTime")]
    assert moments == sorted(moments)
    assert job["updateTime"] == job["endTime"]
    assert "error" not in job
    assert job["name"].startswith("projects/424242424242/")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("1/0", 1),
        ("import os; os.abort()", 134),
        ("import os; os.kill(os.getpid(), 9)", 137),
    ],
)
def test_exit_codes(lab, make_job, code, status):
    job, _ = run_one(lab, make_job(code, spec=ONCE))
    assert job["state"] == "JOB_STATE_FAILED"
    assert job["error"]["code"] == 3
    text = f"The replica workerpool0-0 exited with a non-zero status of {status}. Termination reason: Error."
    assert job["error"]["message"].startswith(text)


def test_a_command_that_does_not_exist(lab, make_job):
    body = make_job()
    body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["command"] = ["no-such-program"]
    job, _ = run_one(lab, body)
    assert "non-zero status of 127. Termination reason: ContainerCannotRun" in job["error"]["message"]


def test_an_unknown_image(lab, make_job):
    body = make_job()
    body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"] = "gcr.io/no/such:1"
    job, _ = run_one(lab, body)
    assert job["state"] == "JOB_STATE_FAILED"
    assert '"gcr.io/no/such:1" was not found' in job["error"]["message"]
    assert "startTime" not in job


def test_arguments_alone_follow_the_whole_entry_point(make_lab, make_job):
    """Every word of the image's entry point runs, and its own arguments give way to the container's."""
    entry = (sys.executable, "-X", "utf8", "-W", "ignore")
    lab = make_lab(images=Fixed({"python:3.11": Image(sys.executable, entry, ("-c", "print('cmd')"))}))
    body = make_job()
    container = body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
    del container["command"]
    container["env"] = [{"name": "N", "value": "41"}]
    container["args"] = ["-c", "import sys; print($(N) + 1, sys.flags.utf8_mode, sys.warnoptions)"]
    job, lines = run_one(lab, body)
    assert (job["state"], lines) == ("JOB_STATE_SUCCEEDED", ["42 1 ['ignore']"])


def test_without_command_and_arguments_the_image_runs_as_it_is(make_lab, make_job):
    image = Image(sys.executable, (sys.executable, "-I"), ("-c", "print('cmd')"))
    body = make_job()
    del body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["command"]
    job, lines = run_one(make_lab(images=Fixed({"python:3.11": image})), body)
    assert (job["state"], lines) == ("JOB_STATE_SUCCEEDED", ["cmd"])


def test_arguments_of_an_image_without_entry_point_are_the_command(lab, make_job):
    body = make_job()
    container = body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
    del container["command"]
    container["args"] = ["-c", "pass"]
    job, _ = run_one(lab, body)
    assert "status of 127. Termination reason: ContainerCannotRun" in job["error"]["message"]


def test_replicas_know_each_other_and_end_with_the_primary(lab, make_job):
    code = (
        "import json, os, sys, time\n"
        "task = json.loads(os.environ['TF_CONFIG'])['task']\n"
        "print(json.dumps(json.loads(os.environ['CLUSTER_SPEC'])['cluster']), flush=True)\n"
        "time.sleep(600 if task['type'] == 'worker' else 1)\n"
    )
    body = make_job(code)
    pools = body["jobSpec"]["workerPoolSpecs"]
    pools.append({**pools[0], "replicaCount": 2})
    job, lines = run_one(lab, body)
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    cluster = json.loads(lines[0])
    assert [len(hosts) for hosts in cluster.values()] == [1, 2]
    assert len({host for hosts in cluster.values() for host in hosts}) == 3
    assert log_of(lab, job["name"], "workerpool1-1") == lines
    for task in ("workerpool1-0", "workerpool1-1"):
        group = ProcessGroup.attach(lab.folder / "processes" / f"job-{job['name'].rpartition('/')[2]}-{task}")
        assert group.state().ended


def test_a_failing_worker_fails_the_job(lab, make_job):
    code = "import os, sys, time\nif '\"worker\"' in os.environ['TF_CONFIG'].split('task')[1]: sys.exit(5)\ntime.sleep(600)"
    body = make_job(code, spec=ONCE)
    pools = body["jobSpec"]["workerPoolSpecs"]
    pools.append(dict(pools[0]))
    job, _ = run_one(lab, body)
    assert job["error"]["message"].startswith("The replica workerpool1-0 exited with a non-zero status of 5.")


def test_the_timeout(lab, make_job):
    job, _ = run_one(lab, make_job("import time; time.sleep(600)", spec={"scheduling": {"timeout": "0.5s"}}))
    assert job["state"] == "JOB_STATE_FAILED"
    assert job["error"] == {"code": 4, "message": "The job has been running longer than its timeout of 0.5s."}


def test_cancel_lets_the_job_clean_up(lab, make_job):
    code = (
        "import signal, sys, time\n"
        "def bye(*_):\n    print('cleaned up', flush=True)\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye)\nprint('ready', flush=True)\ntime.sleep(600)\n"
    )

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, make_job(code))).json["name"]
            await until(lab, name, lambda _: "ready" in log_of(lab, name))
            assert (await lab.send("POST", f"/v1/{name}:cancel", {})).json == {}
            assert (await lab.send("GET", f"/v1/{name}")).json["state"] == "JOB_STATE_CANCELLING"
            assert (await lab.send("POST", f"/v1/{name}:cancel", {})).status == 200
            return await until_ended(lab, name)

    job = asyncio.run(work())
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_CANCELLED", 1)
    assert log_of(lab, job["name"])[-1] == "cleaned up"


def test_cancel_kills_what_does_not_listen(lab, make_job, monkeypatch):
    monkeypatch.setattr(replicas, "GRACE_S", 0.3)
    code = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\ntime.sleep(600)\n"
    )

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, make_job(code))).json["name"]
            await until(lab, name, lambda _: "ready" in log_of(lab, name))
            await lab.send("POST", f"/v1/{name}:cancel", {})
            return await until_ended(lab, name)

    job = asyncio.run(work())
    assert job["state"] == "JOB_STATE_CANCELLED"
    group = ProcessGroup.attach(
        lab.folder / "processes" / f"job-{job['name'].rpartition('/')[2]}-workerpool0-0"
    )
    assert group.state().signal == 9


def test_cancel_before_there_are_machines(make_lab, make_job):
    lab = make_lab(provisioning_s=600.0)

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, make_job("print('never')"))).json["name"]
            assert (await lab.send("DELETE", f"/v1/{name}")).status == 400
            await lab.send("POST", f"/v1/{name}:cancel", {})
            job = await until_ended(lab, name)
            assert (await lab.send("POST", f"/v1/{name}:cancel", {})).error["status"] == "FAILED_PRECONDITION"
            assert (await lab.send("DELETE", f"/v1/{name}")).status == 200
            assert (await lab.send("GET", f"/v1/{name}")).status == 404
            return job

    job = asyncio.run(work())
    assert job["state"] == "JOB_STATE_CANCELLED"
    assert "startTime" not in job
    assert not list(lab.folder.glob("processes/job-*"))


def test_a_server_that_comes_back_finds_its_jobs(make_lab, make_job):
    """What runs goes on, what ended meanwhile is judged, what was cancelled meanwhile is cancelled."""
    first = make_lab()
    endless = "import time; print('on', flush=True); time.sleep(600)"
    waits = (
        "import os, sys, time\nprint('on', flush=True)\n"
        "while not os.path.exists('gate'): time.sleep(0.02)\nsys.exit(7)"
    )

    async def begin():
        async with running(first):
            bodies = [make_job(code, spec=ONCE) for code in (waits, endless, endless)]
            answers = [await first.send("POST", JOBS, body) for body in bodies]
            names = [answer.json["name"] for answer in answers]
            for name in names:
                await until(first, name, lambda _, name=name: "on" in log_of(first, name))
            return names

    names = asyncio.run(begin())
    # nobody watches now; a cancel that was accepted just before the end must not be forgotten
    assert first.rest("POST", f"/v1/{names[1]}:cancel", {}).status == 200
    first.server.close()
    (
        first.folder / "processes" / f"job-{names[0].rpartition('/')[2]}-workerpool0-0" / "home" / "gate"
    ).touch()

    second = make_lab()

    async def go_on():
        async with running(second):
            ended = [await until_ended(second, name) for name in names[:2]]
            third = (await second.send("GET", f"/v1/{names[2]}")).json
            await second.send("POST", f"/v1/{names[2]}:cancel", {})
            await until_ended(second, names[2])
            return ended, third

    (failed, cancelled), third = asyncio.run(go_on())
    assert "non-zero status of 7" in failed["error"]["message"]
    assert cancelled["state"] == "JOB_STATE_CANCELLED"
    assert third["state"] == "JOB_STATE_RUNNING"


def test_a_job_whose_supervisor_was_killed(lab, make_job):
    async def work():
        async with running(lab):
            body = make_job("import time; print('on', flush=True); time.sleep(600)", spec=ONCE)
            name = (await lab.send("POST", JOBS, body)).json["name"]
            await until(lab, name, lambda _: "on" in log_of(lab, name))
            folder = lab.folder / "processes" / f"job-{name.rpartition('/')[2]}-workerpool0-0"
            os.kill(json.loads((folder / "state.json").read_text())["supervisor"], 9)
            return await until_ended(lab, name)

    job = asyncio.run(work())
    assert job["error"] == {"code": 13, "message": "Internal error occurred for the current attempt."}


def test_many_jobs_at_once(lab, make_job):
    async def work():
        async with running(lab):
            names = [(await lab.send("POST", JOBS, make_job(f"print({n})"))).json["name"] for n in range(20)]
            return [await until_ended(lab, name) for name in names]

    jobs = asyncio.run(work())
    assert {job["state"] for job in jobs} == {"JOB_STATE_SUCCEEDED"}
    assert [log_of(lab, job["name"]) for job in jobs] == [[str(n)] for n in range(20)]
