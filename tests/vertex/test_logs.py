"""The last lines of a job in Cloud Logging."""

from __future__ import annotations

import pytest

from argovx_lab.errors import PermissionMissing, RemoteError, SpecError
from argovx_lab.vertex.logs import JobLogs

NAME = "projects/1/locations/r/customJobs/77"


@pytest.fixture
def logs(script):
    return JobLogs(script, "https://logging.googleapis.com", "p")


def test_lines_come_oldest_first_from_either_payload(logs, script):
    script.answers = [(200, {"entries": [{"textPayload": "last"}, {"jsonPayload": {"message": "first"}}]})]
    assert logs.last(NAME) == ["first", "last"]
    assert script.requests[0].body["filter"] == 'resource.type="ml_job" AND resource.labels.job_id="77"'


def test_a_job_without_lines_has_none(logs):
    assert logs.last(NAME) == []


@pytest.mark.parametrize("name", ["77", 'projects/1/locations/r/customJobs/7" OR "', ""])
def test_a_filter_cannot_be_injected(logs, script, name):
    with pytest.raises(SpecError):
        logs.last(name)
    assert not script.requests


def test_refusals_have_their_errors(logs, script):
    script.answers = [(403, {}), (200, b"<html>"), (400, {"error": {"message": "bad filter"}})]
    with pytest.raises(PermissionMissing, match=r"logging\.logEntries\.list"):
        logs.last(NAME)
    with pytest.raises(RemoteError, match="not JSON"):
        logs.last(NAME)
    with pytest.raises(RemoteError, match="bad filter"):
        logs.last(NAME)
