"""A step, and a session that records requests and answers what a test tells it to."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from argovx_lab.model.step import Environment, Machine, Runner, Source, StepSpec
from argovx_lab.vertex.custom_job import JobIdentity


class Script:
    """Answers in turn; a callable answer gets ``(method, url, body)``."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.requests: list[SimpleNamespace] = []

    def request(self, method: str, url: str, *, params: Any = None, data: Any = None, **options: Any) -> Any:
        body = json.loads(data) if data else None
        self.requests.append(
            SimpleNamespace(method=method, url=url, params=params or {}, body=body, **options)
        )
        answer = self.answers.pop(0) if self.answers else (200, {})
        if isinstance(answer, Exception):
            raise answer
        status, doc = answer
        content = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
        return SimpleNamespace(status_code=status, content=content, headers={})


@pytest.fixture
def script():
    """Return the scripted session."""
    return Script()


@pytest.fixture
def step():
    """Return a step with a GPU."""
    return StepSpec(
        name="train",
        source=Source(digest="a" * 64, uri="gs://b/s"),
        environment=Environment(image="python:3.11"),
        runner=Runner(digest="b" * 64, uri="gs://b/users/ada/objects/sha256/bb/b"),
        run_as="u-ada@p.iam.gserviceaccount.com",
        outputs={"model": "auto"},
        machine=Machine("n1-standard-8", "NVIDIA_TESLA_T4", 2),
        timeout_s=3600,
    )


@pytest.fixture
def identity():
    """Return what ties a job to an attempt."""
    return JobIdentity(
        key="k" * 32,
        workflow_uid="0f6a2c9e-1b1f-4d1e-9c57-3a4f0c0c2d11",
        task="wf-1.train",
        user="ada",
        intent_uri="gs://b/users/ada/runs/u/t/0-k/intent.json",
        intent_digest="c" * 64,
        prefix="gs://b/users/ada/runs/u/t/0-k/",
    )
