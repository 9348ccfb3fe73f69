"""What CreateCustomJob refuses, by a table; and list behaviour that needs no processes."""

from __future__ import annotations

import copy
import json

import pytest

from argovx_lab.sandbox.google.jobs import catalogue, states

PARENT = "projects/sandbox-lab/locations/us-central1"
JOBS = f"/v1/{PARENT}/customJobs"
POOL = "jobSpec.workerPoolSpecs.0."
MACHINE = POOL + "machineSpec."


def put(body, path, value):
    """Set, or with ``None`` remove, a value at a dotted path."""
    body = copy.deepcopy(body)
    *parents, last = path.split(".")
    target = body
    for part in parents:
        target = target[int(part)] if part.isdigit() else target.setdefault(part, {})
    if value is None:
        del target[last]
    else:
        target[last] = value
    return body


REFUSED = [
    ("displayName", "", "Display name is required"),
    ("displayName", "x" * 129, "at most 128 characters"),
    ("labels", {"Upper": "x"}, "Label keys"),
    ("labels", {"1st": "x"}, "Label keys"),
    ("labels", {"k" * 64: "x"}, "Label keys"),
    ("labels", {"k": "With Space"}, "Label value"),
    ("labels", {"k": "v" * 64}, "Label value"),
    ("labels", {f"k{n}": "v" for n in range(65)}, "At most 64 labels"),
    ("jobSpec.workerPoolSpecs", [], "At least one worker pool"),
    ("jobSpec.workerPoolSpecs", [{}], "the first one must not be empty"),
    (POOL + "replicaCount", 2, "must have replica count 1"),
    (POOL + "machineSpec", None, "Machine type is required"),
    (MACHINE + "machineType", "n1-standard-1", '"n1-standard-1" is not supported'),
    (MACHINE + "machineType", "n1-standard-4x", "is not supported"),
    (MACHINE + "acceleratorCount", 1, "Accelerator type is required"),
    (MACHINE + "acceleratorType", "NVIDIA_L4", "is not supported for machine type"),
    (MACHINE + "acceleratorType", "NVIDIA_TESLA_T4", "Accelerator count 0"),
    (POOL + "containerSpec", None, "A container spec or a Python package spec"),
    (POOL + "containerSpec.imageUri", "", "Image URI is required"),
    (POOL + "containerSpec.env", [{"name": "a-b", "value": ""}], "C identifier"),
    (POOL + "containerSpec.env", [{"name": "A"}, {"name": "A"}], "given twice"),
    (POOL + "containerSpec.env", [{"name": f"A{n}"} for n in range(101)], "At most 100"),
    (POOL + "diskSpec", {"bootDiskType": "floppy"}, "Boot disk type"),
    (POOL + "diskSpec", {"bootDiskSizeGb": 10}, "Boot disk size"),
    ("jobSpec.serviceAccount", "nobody", "not the email"),
    ("jobSpec.baseOutputDirectory", {"outputUriPrefix": "s3://x"}, "must start with gs://"),
    ("jobSpec.experimentRun", "projects/1/x", "An experiment is required"),
    ("jobSpec.scheduling", {"maxWaitDuration": "5s"}, "only be set with the strategy FLEX_START"),
    ("jobSpec.scheduling", {"strategy": "FLEX_START"}, "FLEX_START does not serve"),
    ("jobSpec.scheduling", {"strategy": 99}, "does not exist"),
    ("jobSpec.scheduling", {"timeout": "-1s"}, "must not be negative"),
]
UNIMPLEMENTED = [
    ("jobSpec.network", "projects/1/global/networks/x", "job_spec.network"),
    ("jobSpec.enableWebAccess", True, "job_spec.enable_web_access"),
    (POOL + "nfsMounts", [{"server": "x", "path": "/y", "mountPoint": "z"}], "nfs_mounts"),
    (MACHINE + "tpuTopology", "2x2", "tpu_topology"),
    ("encryptionSpec", {"kmsKeyName": "x"}, "encryption_spec"),
]
ACCEPTED = [
    ("labels", {"argovx-key": "ab_1", "größe": "ü", "empty": ""}),
    (MACHINE + "machineType", "g2-standard-4"),
    ("jobSpec.scheduling", {"strategy": "SPOT", "timeout": "60s", "disableRetries": True}),
    ("displayName", "größe ✓ " + "x" * 100),
]


@pytest.mark.parametrize(("path", "value", "text"), REFUSED)
def test_refused_as_by_google(lab, make_job, path, value, text):
    answer = lab.rest("POST", JOBS, put(make_job(), path, value))
    assert answer.status == 400
    assert answer.error["status"] == "INVALID_ARGUMENT"
    assert text in answer.error["message"]
    assert lab.rest("GET", JOBS).json == {}


@pytest.mark.parametrize(("path", "value", "name"), UNIMPLEMENTED)
def test_refused_by_name(lab, make_job, path, value, name):
    answer = lab.rest("POST", JOBS, put(make_job(), path, value))
    assert answer.status == 501
    assert name in answer.error["message"]


@pytest.mark.parametrize(("path", "value"), ACCEPTED)
def test_accepted(lab, make_job, path, value):
    answer = lab.rest("POST", JOBS, put(make_job(), path, value))
    assert answer.status == 200, answer.body


def test_accelerators_that_go_with_a_machine(lab, make_job):
    body = put(make_job(), MACHINE + "acceleratorType", "NVIDIA_TESLA_T4")
    assert lab.rest("POST", JOBS, put(body, MACHINE + "acceleratorCount", 1)).status == 200
    assert catalogue.accelerator_problem("a2-highgpu-2g", "NVIDIA_TESLA_A100", 2) == ""
    assert "exactly 2" in catalogue.accelerator_problem("a2-highgpu-2g", "NVIDIA_TESLA_A100", 1)


def test_the_service_fills_in_and_computes(lab, make_job):
    body = make_job(state="JOB_STATE_SUCCEEDED", name="projects/x/mine", endTime="2020-01-01T00:00:00Z")
    created = lab.rest("POST", JOBS, body).json
    assert created["state"] == "JOB_STATE_QUEUED"
    assert created["name"].startswith("projects/424242424242/locations/us-central1/customJobs/")
    assert len(created["name"].rpartition("/")[2]) == 19
    assert "endTime" not in created
    pool = created["jobSpec"]["workerPoolSpecs"][0]
    assert pool["diskSpec"] == {"bootDiskType": "pd-ssd", "bootDiskSizeGb": 100}


def test_an_experiment_that_is_not_there(lab, make_job):
    context = f"{PARENT}/metadataStores/default/contexts/nothing"
    answer = lab.rest("POST", JOBS, make_job(spec={"experiment": context}))
    assert answer.status == 404
    assert "job_spec.experiment" in answer.error["message"]


def test_pages_are_stable_while_jobs_are_created(lab, make_job):
    names = [lab.rest("POST", JOBS, make_job()).json["name"] for _ in range(5)]
    first = lab.rest("GET", JOBS, None, {"pageSize": 2}).json
    lab.rest("POST", JOBS, make_job())
    query = {"pageSize": 2, "pageToken": first["nextPageToken"]}
    second = lab.rest("GET", JOBS, None, query).json
    assert [j["name"] for j in first["customJobs"] + second["customJobs"]] == names[::-1][:4]


def test_regions_are_apart(lab, make_job):
    name = lab.rest("POST", JOBS, make_job()).json["name"]
    other = JOBS.replace("us-central1", "europe-west4")
    assert lab.rest("GET", other).json == {}
    assert lab.rest("GET", "/v1/" + name.replace("us-central1", "europe-west4")).status == 404
    assert lab.rest("GET", "/v1/" + name.replace("424242424242", "sandbox-lab")).json["name"] == name


def test_ids_grow(lab, make_job):
    names = [lab.rest("POST", JOBS, make_job()).json["name"] for _ in range(30)]
    assert names == sorted(names)
    assert len(set(names)) == 30


@pytest.mark.parametrize("state", [states.SUCCEEDED, states.FAILED, states.CANCELLED])
def test_an_ended_job_moves_no_more(state):
    from datetime import UTC, datetime

    for other in states.NEXT:
        with pytest.raises(ValueError, match="does not turn into"):
            states.advance({"state": state}, other, datetime.now(UTC))


def test_the_catalogue_is_dated():
    data = json.loads(catalogue.DATA.read_text())
    assert data["date"] >= "2026-01-01"
    assert data["source"].startswith("https://")
