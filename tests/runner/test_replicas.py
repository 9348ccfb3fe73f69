"""Several machines of one job: each writes its own stream, the primary alone writes outputs."""

from __future__ import annotations

import json

import pytest


def cluster(pool, index):
    return {"CLUSTER_SPEC": json.dumps({"task": {"type": pool, "index": index}, "cluster": {}})}


def test_a_worker_has_a_stream_of_its_own_and_writes_no_outputs(job):
    job.cell = "import os, json\nprint(json.loads(os.environ['CLUSTER_SPEC'])['task']['index'])"
    job.outputs = {"model": "auto"}
    job.environment = cluster("workerpool1", 2)
    assert job.run() == 0, job.output
    life = job.prefix + "r3.0/"
    assert [item["method"] for item in job.cloud.events(life)][-1] == "closed"
    assert job.cloud.events(life)[-1]["params"]["outcome"] == "succeeded"
    assert job.cloud.logs(life) == b"2\n"
    assert not [name for name in job.cloud.objects if "/out/" in name or name.endswith("manifest.json")]


def test_the_primary_and_a_worker_do_not_meet(job):
    job.cell, job.outputs = "model = 1", {"model": "auto"}
    job.environment = cluster("workerpool1", 0)
    assert job.run() == 0, job.output
    job.environment = cluster("workerpool0", 0)
    assert job.run() == 0, job.output
    assert job.value("model") == 1
    lives = {
        name.partition("/0-abcd1234/")[2].partition("/")[0] for name in job.cloud.objects if "/r" in name
    }
    assert {"r0.0", "r1.0"} <= lives
    assert not {"r0.1", "r1.1"} & lives


def test_a_worker_that_is_started_anew_takes_its_own_next_life(job):
    job.environment = cluster("workerpool1", 0)
    assert job.run() == 0
    assert job.run() == 0
    assert job.cloud.events(job.prefix + "r1.1/")[-1]["method"] == "closed"


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"task": {"type": "workerpool1", "index": "x"}}'])
def test_a_cluster_that_cannot_be_read_is_named(job, text):
    job.environment = {"CLUSTER_SPEC": text}
    assert job.run() == 1
    assert "CLUSTER_SPEC does not say which machine" in job.output
