"""The four calls of custom jobs and how Vertex' answers become our errors."""

from __future__ import annotations

import pytest

from argovx_lab.errors import (
    Conflict,
    CredentialError,
    PermissionMissing,
    RemoteError,
    SpecError,
    Unavailable,
)
from argovx_lab.vertex import states
from argovx_lab.vertex.jobs import Jobs, by_labels

NAME = "projects/1/locations/r/customJobs/7"


@pytest.fixture
def jobs(script):
    return Jobs(script, "https://r-aiplatform.googleapis.com/", "p", "r")


def error(message, status=""):
    return {"error": {"code": 400, "message": message, "status": status}}


def test_a_create_is_sent_once_with_its_own_patience(jobs, script):
    script.answers = [(200, {"name": NAME})]
    assert jobs.create({"displayName": "x"})["name"] == NAME
    (request,) = script.requests
    assert request.url == "https://r-aiplatform.googleapis.com/v1/projects/p/locations/r/customJobs"
    assert (request.repeat, request.timeout_s) == (None, 60.0)


def test_lists_are_paged_and_filtered(jobs, script):
    script.answers = [
        (200, {"customJobs": [{"name": "b", "createTime": "2"}], "nextPageToken": "n"}),
        (200, {"customJobs": [{"name": "a", "createTime": "1"}]}),
    ]
    assert [job["name"] for job in jobs.by_key("k1")] == ["a", "b"]
    assert script.requests[0].params["filter"] == 'labels.argovx-key="k1"'
    assert script.requests[1].params["pageToken"] == "n"


def test_only_jobs_that_have_not_ended_are_swept(jobs, script):
    found = [
        {"name": word, "state": f"JOB_STATE_{word}"}
        for word in ("RUNNING", "SUCCEEDED", "EXPIRED", "PENDING")
    ]
    script.answers = [(200, {"customJobs": found})]
    assert [job["name"] for job in jobs.of_workflow("uid", "ada")] == ["RUNNING", "PENDING"]
    assert script.requests[0].params["filter"] == 'labels.argovx-wf="uid" AND labels.argovx-user="ada"'


@pytest.mark.parametrize("value", ['x" OR labels.a="', "", "UPPER", "a b", "x" * 64])
def test_a_filter_cannot_be_injected(value):
    with pytest.raises(SpecError):
        by_labels({"argovx-key": value})


@pytest.mark.parametrize("name", ["7", "projects/1/locations/r/customJobs/7/x", "projects/../x", ""])
def test_a_name_must_be_a_custom_jobs(jobs, script, name):
    with pytest.raises(SpecError):
        jobs.get(name)
    assert not script.requests


def test_cancelling_what_has_ended_is_done(jobs, script):
    script.answers = [(400, error("ended", "FAILED_PRECONDITION")), (200, {"state": states.SUCCEEDED})]
    jobs.cancel(NAME)
    script.answers = [(400, error("odd", "INVALID_ARGUMENT")), (200, {"state": states.RUNNING})]
    with pytest.raises(RemoteError):
        jobs.cancel(NAME)


def test_the_console_link(jobs):
    assert jobs.console_url(NAME) == (
        "https://console.cloud.google.com/vertex-ai/locations/r/training/7/cpu?project=p"
    )
    assert jobs.console_url("javascript:alert(1)") == ""


@pytest.mark.parametrize(
    ("status", "doc", "kind", "text"),
    [
        (400, error("You do not have permission to act as service_account: u-a@p.iam.gserviceaccount.com"),
         PermissionMissing, "iam.serviceAccounts.actAs is missing on u-a@p"),
        (400, error("bad field"), RemoteError, "bad field"),
        (401, error("x"), CredentialError, "refuses"),
        (403, error("Permission 'aiplatform.customJobs.create' denied on resource"),
         PermissionMissing, "aiplatform.customJobs.create is missing"),
        (403, b"<html>", PermissionMissing, "aiplatform.customJobs.create is missing"),
        (404, error("x"), SpecError, "not there"),
        (409, error("x", "ALREADY_EXISTS"), Conflict, "409"),
        (429, error("The following quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_training_cpus"),
         RemoteError, "quota is used up: aiplatform.googleapis.com/custom_model_training_cpus"),
        (429, error("Too many requests"), Unavailable, "429"),
        (429, error("Quota exceeded for aiplatform.googleapis.com/job_lro_submission_requests"), Unavailable, "429"),
        (500, b"", Unavailable, "500"),
        (503, error("The disk is full."), Unavailable, "answered 503 for .*: The disk is full."),
        (200, b"<html>", Unavailable, "not JSON"),  # the job may exist
    ],
)  # fmt: skip
def test_each_answer_has_its_error(jobs, script, status, doc, kind, text):
    script.answers = [(status, doc)]
    with pytest.raises(kind, match=text) as caught:
        jobs.create({})
    assert type(caught.value) is kind


def test_the_missing_grant_is_a_line_to_copy(jobs, script):
    script.answers = [(400, error("cannot act as service account u-a@p.iam.gserviceaccount.com"))]
    with pytest.raises(PermissionMissing) as caught:
        jobs.create({})
    assert "--role=roles/iam.serviceAccountUser" in caught.value.hint
    assert "--project=p " in caught.value.hint


def test_a_remote_body_is_cut(jobs, script):
    script.answers = [(400, error("x" * 5000))]
    with pytest.raises(RemoteError) as caught:
        jobs.create({})
    assert len(caught.value.message) < 400


def test_all_states_of_the_vendor_are_known():
    from google.cloud.aiplatform_v1.types import JobState

    known = {
        value
        for name, value in vars(states).items()
        if name.isupper() and str(value).startswith("JOB_STATE_")
    }
    vendors = {state.name for state in JobState} - {"JOB_STATE_UNSPECIFIED"}
    assert vendors == known - {states.PREFIX}
    assert states.word("JOB_STATE_PARTIALLY_SUCCEEDED") == "partially succeeded"


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        (404, "NOT_FOUND", "The PersistentResource my-pool does not exist."),
        (400, "INVALID_ARGUMENT", 'Machine type "n1-standard-1" is not supported.'),
    ],
)
def test_a_job_that_vertex_refuses_is_the_steps_own_fault(jobs, script, status, reason, text):
    script.answers = [(status, {"error": {"code": status, "message": text, "status": reason}})]
    with pytest.raises(SpecError) as caught:
        jobs.create({})
    assert text in caught.value.message
    assert "--persistent" in caught.value.hint
