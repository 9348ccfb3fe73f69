"""The clients against the sandbox's Vertex: what a notebook may and may not do, and each body that is sent."""

from __future__ import annotations

import pytest

from argovx_lab.errors import NotFound, PermissionMissing
from argovx_lab.model.names import run_as
from argovx_lab.vertex.custom_job import build


def test_reading_jobs_and_lineage(sandbox):
    assert sandbox.jobs.by_key("0" * 32) == []
    with pytest.raises(NotFound):
        sandbox.jobs.get(
            f"projects/{sandbox.profile.project}/locations/{sandbox.profile.region}/customJobs/1"
        )
    assert sandbox.metadata.get("executions", "argovx-ex-nothing") is None
    assert sandbox.metadata.executions_in("argovx-wf-nothing") == []


def test_a_notebook_makes_no_jobs_itself(sandbox, step, identity):
    body = build(step, identity)
    body["jobSpec"]["serviceAccount"] = run_as("ada", sandbox.profile.project)
    with pytest.raises(
        PermissionMissing, match=r"aiplatform\.customJobs\.create|iam\.serviceAccounts\.actAs"
    ):
        sandbox.jobs.create(body)


def test_a_notebook_writes_no_lineage(sandbox):
    with pytest.raises(PermissionMissing, match=r"aiplatform\."):
        sandbox.metadata.upsert("artifacts", "argovx-ar-test", {"displayName": "x"})
