"""A disk that is full under the whole Google end: what can be answered is, everything else names the disk."""

from __future__ import annotations

import asyncio

import pytest

from argovx_lab.sandbox.room import FULL

ENDED = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")
JOBS = "/v1/projects/sandbox-lab/locations/us-central1/customJobs"


@pytest.fixture
def crowded(disk, lab):
    """A Google end on a disk without room, and the token of its owner."""
    made = type(lab)(disk.place)
    token = made.token()
    disk.fill()
    yield made, token
    made.server.close()


def test_reads_are_answered_and_writes_name_the_disk_over_both_transports(crowded, disk, make_job, caplog):
    lab, token = crowded
    assert lab.rest("GET", JOBS, token=token).json == {}
    assert "the audit line of google.cloud.aiplatform.v1.JobService.ListCustomJobs is lost" in caplog.text
    refused = lab.rest("POST", JOBS, make_job(), token=token)
    assert (refused.status, refused.error["status"], refused.error["message"]) == (503, "UNAVAILABLE", FULL)
    # what is asked for in vain is counted, which takes a record
    path = "/google.cloud.aiplatform.v1.ModelService/ListModels"
    named = {"content-type": "application/grpc", "te": "trailers"}
    trailers = lab.rest("POST", path, bytes(5), token=token, headers=named).trailers
    assert (trailers["grpc-status"], trailers["grpc-message"]) == ("14", FULL)
    disk.make_room()
    assert lab.rest("POST", JOBS, make_job(), token=token).status == 200


def test_a_job_that_meets_a_full_disk_goes_on_when_there_is_room(disk, lab, make_job, monkeypatch):
    monkeypatch.setattr("argovx_lab.sandbox.google.jobs.runner._DISK_S", 0.02)
    made = type(lab)(disk.place, provisioning_s=0.2)
    token = made.token()

    async def story():
        sent = await made.send("POST", JOBS, make_job(), token=token)
        name = sent.json["name"]
        disk.fill()
        running = asyncio.create_task(made.server.run())
        await asyncio.wait_for(refused.wait(), 10)
        assert await state(name) in ("JOB_STATE_QUEUED", "JOB_STATE_PENDING")
        disk.make_room()
        for _ in range(1000):
            if (found := await state(name)) in ENDED:
                break
            await asyncio.sleep(0.02)
        running.cancel()
        return found

    async def state(name):
        return (await made.send("GET", f"/v1/{name}", token=token)).json["state"]

    refused = asyncio.Event()
    monkeypatch.setattr(
        "argovx_lab.sandbox.google.jobs.runner.log.warning",
        lambda text, *_: refused.set() if "disk" in text else None,
    )
    try:
        assert asyncio.run(story()) == "JOB_STATE_SUCCEEDED"
    finally:
        made.server.close()
