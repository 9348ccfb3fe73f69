"""Persistent resources, Python packages, quotas and TensorBoard on a job: what fits and what is refused."""

from __future__ import annotations

import asyncio
import struct

import google_crc32c
import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox import settings
from argovx_lab.sandbox.google.quotas import DEFAULTS
from argovx_lab.sandbox.google.tensorboard.events import scalars
from tests.sandbox.google.vertex.jobs import JOBS, PARENT, ended, run_one, running, until

HELD = f"/v1/{PARENT}/persistentResources"
MACHINE = {"machineType": "n1-standard-4"}


def hold(lab, count=1, machine=MACHINE, name="held"):
    pool = {"machineSpec": machine, "replicaCount": count}
    answer = lab.rest("POST", HELD, {"resourcePools": [pool]}, {"persistentResourceId": name})
    assert answer.status == 200, answer.body


def test_jobs_take_turns_on_held_machines(make_lab, make_job):
    """Held machines need no provisioning; what does not fit now waits until it does."""
    lab = make_lab(provisioning_s=600.0)
    hold(lab)
    gate = "import os, time\nwhile not os.path.exists('gate'): time.sleep(0.02)"

    async def work():
        async with running(lab):
            body = make_job(gate, spec={"persistentResourceId": "held"})
            names = [(await lab.send("POST", JOBS, body)).json["name"] for _ in range(2)]
            await until(lab, names[0], lambda job: job["state"] == "JOB_STATE_RUNNING")
            waits = (await lab.send("GET", f"/v1/{names[1]}")).json
            shown = (await lab.send("GET", f"{HELD}/held")).json
            busy = await lab.send("DELETE", f"{HELD}/held")
            for name in names:
                await until(lab, name, lambda job: job["state"] == "JOB_STATE_RUNNING")
                job_id = name.rpartition("/")[2]
                (lab.folder / "processes" / f"job-{job_id}-workerpool0-0" / "home" / "gate").touch()
                await until(lab, name, ended)
            return waits, shown, busy

    waits, shown, busy = asyncio.run(work())
    assert waits["state"] == "JOB_STATE_QUEUED"
    assert shown["resourcePools"][0]["usedReplicaCount"] == "1"
    assert busy.error["status"] == "FAILED_PRECONDITION"
    assert lab.rest("DELETE", f"{HELD}/held").status == 200


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"persistentResourceId": "none"}, "NOT_FOUND"),
        ({"persistentResourceId": "held", "scheduling": {"strategy": "SPOT"}}, "INVALID_ARGUMENT"),
        ({"persistentResourceId": "small"}, "INVALID_ARGUMENT"),
    ],
)
def test_a_job_that_does_not_fit_is_refused(lab, make_job, spec, status):
    hold(lab)
    hold(lab, machine={"machineType": "n1-standard-8"}, name="small")
    assert lab.rest("POST", JOBS, make_job("pass", spec=spec)).error["status"] == status


PACKAGE = {
    "executorImageUri": "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
    "packageUris": ["gs://lab-ada/p.tar.gz"],
    "pythonModule": "trainer.task",
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"executorImageUri": "python:3.11"}, "executor_image_uri"),
        ({"packageUris": []}, "package_uris"),
        ({"packageUris": ["/local/p.tar.gz"]}, "package_uris"),
        ({"pythonModule": ""}, "python_module"),
        ({"env": [{"name": "not-c", "value": ""}]}, "env[0].name"),
    ],
)
def test_packages_that_a_real_project_refuses(lab, make_job, changes, field):
    body = make_job()
    pool = body["jobSpec"]["workerPoolSpecs"][0]
    del pool["containerSpec"]
    pool["pythonPackageSpec"] = {**PACKAGE, **changes}
    error = lab.rest("POST", JOBS, body).error
    assert error["status"] == "INVALID_ARGUMENT"
    assert field in error["message"]


def test_a_tensorboard_needs_an_account_a_folder_and_to_be_there(lab, make_job):
    board = f"{PARENT}/tensorboards/1"
    error = lab.rest("POST", JOBS, make_job(spec={"tensorboard": board, "serviceAccount": ""})).error
    assert "service_account" in error["message"]
    assert "base_output_directory" in error["message"]
    out = {"baseOutputDirectory": {"outputUriPrefix": "gs://lab-ada/out"}}
    error = lab.rest("POST", JOBS, make_job(spec={"tensorboard": board, **out})).error
    assert (error["status"], board.replace("sandbox-lab", "sandbox-lab") in error["message"]) == (
        "NOT_FOUND",
        True,
    )


def test_a_package_that_cannot_be_read_ends_the_job(make_lab, make_job):
    lab = make_lab()
    body = make_job(spec={"scheduling": {"disableRetries": True}})
    pool = body["jobSpec"]["workerPoolSpecs"][0]
    image = pool.pop("containerSpec")["imageUri"]
    lab.settings.images = type(
        "Any", (), {"find": staticmethod(lambda _, f=lab.settings.images: f.find(image))}
    )
    pool["pythonPackageSpec"] = PACKAGE
    job, lines = run_one(lab, body)
    # the metadata server of this test is nowhere: no identity, no package
    assert job["state"] == "JOB_STATE_FAILED"
    assert "Connection refused" in "\n".join(lines)


def record(body):
    def checksum(data):
        crc = google_crc32c.value(data)
        return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)

    head = struct.pack("<Q", len(body))
    return head + checksum(head) + body + checksum(body)


#: Event(wall_time=1.5, step=3, summary=[Value(tag="a", tensor=DT_FLOAT 0.5)]), as TensorFlow 2 writes it.
TENSOR = b"\x08\x01\x12\x00" + b"\x22\x04" + struct.pack("<f", 0.5)
VALUE = b"\x0a\x01a" + b"\x42" + bytes([len(TENSOR)]) + TENSOR
SUMMARY = b"\x0a" + bytes([len(VALUE)]) + VALUE
EVENT = b"\x09" + struct.pack("<d", 1.5) + b"\x10\x03" + b"\x2a" + bytes([len(SUMMARY)]) + SUMMARY


def test_event_files_whole_cut_and_damaged():
    (found,) = scalars(record(EVENT))
    assert (found.tag, found.step, found.wall_time, found.value) == ("a", 3, 1.5, 0.5)
    whole = record(EVENT) * 3
    assert len(list(scalars(whole[:-1]))) == 2, "a file that is still being written"
    damaged = bytearray(whole)
    damaged[len(record(EVENT)) + 20] ^= 1
    assert len(list(scalars(bytes(damaged)))) == 1, "a damaged record ends it"
    for garbage in (
        b"",
        b"x" * 50,
        record(b"\x2a\xff"),
        record(b"\x0f"),
        struct.pack("<Q", 2**63) + b"x" * 20,
    ):
        assert list(scalars(garbage)) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", {}), ("quotas = true", DEFAULTS), ("quotas = false", {}), ("[quotas]\ncrud = 5", {"crud": 5})],
)
def test_quotas_in_the_settings(tmp_path, text, wanted):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    assert settings.load(path).quotas == wanted


@pytest.mark.parametrize(
    "text", ["quotas = 3", "[quotas]\nspeed = 1", "[quotas]\ncrud = -1", "[quotas]\ncrud = true"]
)
def test_quotas_that_are_none(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(SandboxError, match="quotas"):
        settings.load(path)
