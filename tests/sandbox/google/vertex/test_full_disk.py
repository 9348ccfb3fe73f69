"""A disk that is full under the whole Google end: what can be answered is, everything else names the disk."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.room import FULL

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
