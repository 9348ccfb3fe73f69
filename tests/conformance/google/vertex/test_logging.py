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
        "long True 600000 {True}",
        "INFO Größe: ✓ workerpool0-0",
        "WARNING careful workerpool0-0",
        "INFO plain line workerpool0-0",
        "ERROR trouble workerpool0-0",
        "n [1.0]",
        f"service {SERVICE}",
        "severe ['trouble']",
        "text ['plain line']",
        "either 12",
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


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_entries_of_a_program_and_the_audit_log(end, transport):
    assert end.run("written.py", transport) == [
        "[('ERROR', 'StructEntry', None), ('None', 'TextEntry', None), ('WARNING', 'TextEntry', 'train')]",
        'labels.step="train" 1',
        "severity>=ERROR 1",
        "jsonPayload.loss<0.3 1",
        'jsonPayload.nested.deep="value" 1',
        'textPayload=~"^plain G.*e$" 1',
        '"größe" 1',
        "NOT severity=DEFAULT 2",
        'timestamp>="2026-01-01" 3',
        "jsonPayload.many=2 1",
        "jsonPayload.many=3 0",
        'resource.type="ml_job" 0',
        'refused colour="red"',
        "refused severity>=LOUD",
        'refused textPayload=~"("',
        "named True",
        "deleted 0",
        "not there",
        "aiplatform.googleapis.com CancelCustomJob 5",
        "owner-ada",
        "aiplatform.customJobs.cancel True",
        "audited_resource ERROR",
    ]


def test_cpu_and_memory_of_a_job(end):
    assert end.run("series.py") == [
        "tasks ['workerpool0-0', 'workerpool1-0'] cloudml_job",
        "busy True",
        "held True",
        "max True",
        "count True",
        "one series of two ['']",
        "grouped ['workerpool0-0', 'workerpool1-0']",
        "one task ['workerpool1-0']",
        "refused Field aggregation.per_series_aligner had",
        "refused Field aggregation.alignmentPeriod had an",
        "refused Field aggregation.perSeriesAligner must ",
    ]
