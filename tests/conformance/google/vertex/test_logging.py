"""Cloud Logging and Resource Manager, judged by the vendor's clients."""

from __future__ import annotations

import pytest

SERVICE = [
    "Vertex AI is setting up this job.",
    "Waiting for training program to start.",
    "Job is preparing.",
    "Job is running.",
    "Job completed successfully.",
]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_logs_of_a_job(end, transport):
    assert end.run("logs.py", transport) == [
        "INFO Größe: ✓ workerpool0-0",
        "WARNING careful workerpool0-0",
        "INFO plain line workerpool0-0",
        "ERROR trouble workerpool0-0",
        "n [1.0]",
        f"service {SERVICE}",
        "severe ['trouble']",
        "text ['plain line']",
        "either 9",
        "later 0",
        "newest Job completed successfully.",
        "kept after the job True",
    ]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_the_project(end, transport):
    assert end.run("project.py", transport) == [
        "projects/424242424242 sandbox-lab ACTIVE",
        "foreign denied",
        "locations True",
    ]
