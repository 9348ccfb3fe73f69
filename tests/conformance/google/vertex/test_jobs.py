"""Custom jobs, judged by the vendor's clients over both transports."""

from __future__ import annotations

import pytest

DENIED = (
    "Permission 'aiplatform.customJobs.create' denied on resource "
    "'//aiplatform.googleapis.com/projects/sandbox-lab/locations/us-central1' (or it may not exist)."
)


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_high_level_custom_jobs(end, transport):
    over = "gRPC" if transport == "grpc" else "REST"
    assert end.run("custom_jobs.py", transport) == [
        "good JOB_STATE_SUCCEEDED 0 True",
        "bad JOB_STATE_FAILED True 3",
        "missing JOB_STATE_FAILED True 5",
        "slow JOB_STATE_CANCELLED True 1",
        "list ['bad']",
        "failed ['bad', 'missing']",
        f"filter refused over {over} True",
        "identity True",
        "deleted",
    ]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_gapic_jobs(end, transport):
    assert end.run("job_service.py", transport) == [
        "not found",
        "malformed name refused",
        "another region's endpoint refused",
        "display_name, machine type and env refused at once",
        "not supported here",
        "acting as somebody else refused",
        "pages 2+1, newest first",
        "masked ['display_name', 'name']",
        "foreign page token refused",
        "unimplemented google.cloud.aiplatform.v1.ModelService.ListModels",
        "cancelled",
        "cancel again refused",
    ]
    assert end.call(end.server.missing)["google.cloud.aiplatform.v1.ModelService.ListModels"] >= 1


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_reader_may_not_create(end, transport):
    said = end.run("denied.py", transport, account="nb-ada")
    assert said == [
        "list allowed",
        f"create denied: {DENIED}",
        "reason IAM_PERMISSION_DENIED aiplatform.customJobs.create",
        "foreign project denied",
        "bad token unauthenticated",
    ]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_job_in_an_experiment_run(end, transport):
    assert end.run("run_in_job.py", transport) == [
        f"job JOB_STATE_SUCCEEDED in-job-{transport}-r1",
        "run COMPLETE",
        f"get in a run in-job-{transport}",
    ]
