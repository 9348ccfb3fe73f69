"""Spot, Flex-start, workers, disks and held machines: what goes together, and the words while one waits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.model.step import Machine, StepSpec
from argovx_lab.vertex.capacity import anew, waiting, with_capacity
from argovx_lab.vertex.catalog import catalog, parse_machine
from argovx_lab.vertex.custom_job import build, differences

N1, G2 = Machine("n1-standard-8"), Machine("g2-standard-8", "NVIDIA_L4", 1)


@pytest.mark.parametrize(
    ("machine", "flags", "message", "hint"),
    [
        (G2, {"spot": True, "flex_start": True}, "exclude one another", "Give one"),
        (N1, {"flex_start": True}, "machines without accelerator", "--on g2-standard-8 --flex-start"),
        (Machine("n1-standard-64"), {"flex_start": True}, "does not serve", "--on g2-standard-96"),
        (
            Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1),
            {"flex_start": True},
            "NVIDIA_TESLA_T4",
            "--on g2-standard-8",
        ),
        (N1, {"workers": 0}, "--workers 0", "--workers 1"),
        (N1, {"workers": 17}, "--workers 17", "--workers 16"),
        (N1, {"disk_gb": 99}, "--disk 99", "--disk 100;"),
        (N1, {"disk_gb": 64001}, "--disk 64001", "--disk 64000;"),
        (N1, {"persistent": "Pool"}, "'Pool'", "my-pool"),
        (N1, {"persistent": "pool-"}, "'pool-'", "my-pool"),
        (N1, {"persistent": "pool", "spot": True}, "--spot", "Leave --spot out"),
        (G2, {"persistent": "pool", "flex_start": True}, "--flex-start", "Leave --flex-start out"),
    ],
)
def test_what_vertex_would_refuse_is_refused_with_the_nearest_choice(machine, flags, message, hint):
    with pytest.raises(SpecError) as caught:
        with_capacity(machine, **flags)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, G2),
        ({"spot": True}, replace(G2, strategy="SPOT")),
        ({"flex_start": True}, replace(G2, strategy="FLEX_START")),
        ({"workers": 4, "disk_gb": 200}, replace(G2, replicas=4, disk_gb=200)),
        ({"persistent": "my-pool"}, replace(G2, persistent="my-pool")),
    ],
)
def test_what_vertex_offers_is_taken_over(flags, expected):
    assert with_capacity(G2, **flags) == expected


def test_the_nearest_choice_of_flex_start_is_itself_taken():
    for name in catalog()["built_in"]:
        machine = parse_machine(name)
        if machine.accelerator in catalog()["flex_start"]:
            assert with_capacity(machine, flex_start=True).strategy == "FLEX_START"
    with pytest.raises(SpecError) as caught:
        with_capacity(N1, flex_start=True)
    nearest = caught.value.hint.split()[2]
    assert with_capacity(parse_machine(nearest), flex_start=True)


FULL = Machine("n1-standard-8", "NVIDIA_TESLA_T4", 2, replicas=4, strategy="SPOT", disk_gb=200)


def test_the_vendors_message_takes_every_field(step, identity):
    from google.cloud.aiplatform_v1.types import CustomJob, Scheduling

    job = CustomJob.from_json(json.dumps(build(replace(step, machine=FULL), identity)))
    first, workers = job.job_spec.worker_pool_specs
    assert (first.replica_count, workers.replica_count) == (1, 3)
    assert first.machine_spec == workers.machine_spec
    assert first.container_spec == workers.container_spec
    assert (workers.disk_spec.boot_disk_type, workers.disk_spec.boot_disk_size_gb) == ("pd-ssd", 200)
    assert job.job_spec.scheduling.strategy == Scheduling.Strategy.SPOT
    assert job.job_spec.scheduling.disable_retries is False
    held = CustomJob.from_json(
        json.dumps(build(replace(step, machine=replace(N1, persistent="my-pool")), identity))
    )
    assert held.job_spec.persistent_resource_id == "my-pool"
    assert held.job_spec.scheduling.disable_retries is True


@pytest.mark.parametrize(
    "change",
    [
        {"replicas": 3},
        {"replicas": 1},
        {"strategy": "STANDARD"},
        {"disk_gb": 100},
        {"persistent": "my-pool"},
    ],
)
def test_a_job_on_other_machines_is_not_adopted(step, identity, change):
    body = build(replace(step, machine=FULL), identity)
    assert differences(body, body) == []
    other = build(replace(step, machine=replace(FULL, **change)), identity)
    assert differences(other, body)


def test_what_vertex_fills_in_does_not_make_it_another_job(step, identity):
    body = build(step, identity)
    filled = json.loads(json.dumps(body))
    filled["jobSpec"]["workerPoolSpecs"][0]["diskSpec"] = {"bootDiskType": "pd-ssd", "bootDiskSizeGb": 100}
    del filled["jobSpec"]["scheduling"]["strategy"]
    assert differences(filled, body) == []


def test_a_document_keeps_them_and_refuses_another_strategy(step):
    spec = replace(step, machine=FULL)
    assert StepSpec.decode(spec.encode()) == spec
    with pytest.raises(SpecError, match="LOW_COST"):
        StepSpec.decode(spec.encode().replace(b'"SPOT"', b'"LOW_COST"'))


def job(state, strategy="STANDARD", **spec):
    return {"state": f"JOB_STATE_{state}", "jobSpec": {"scheduling": {"strategy": strategy}, **spec}}


@pytest.mark.parametrize(
    ("found", "seconds", "words"),
    [
        (job("QUEUED"), 12.9, "waiting for capacity, 12 s"),
        (job("PENDING", "SPOT"), 7 * 60 + 59, "waiting for capacity, 7 min"),
        (job("PENDING", "FLEX_START"), 7200, "waiting for capacity, 2 h"),
        (job("PENDING"), 7500, "machines are being prepared, 2 h 5 min"),
        (job("QUEUED", persistentResourceId="my-pool"), 60, "waiting for a machine of my-pool, 1 min"),
        (job("UPDATING"), -3, "machines are being changed, 0 s"),
        (job("RUNNING", "SPOT"), 5, ""),
        (job("SUCCEEDED"), 5, ""),
        ({}, 5, ""),
    ],
)
def test_a_job_that_waits_says_for_what(found, seconds, words):
    assert waiting(found, seconds) == words


def test_a_new_life_says_why():
    assert "Spot machine was taken away" in anew(1, "SPOT")
    assert "restart 2): its machine failed" in anew(2, "STANDARD")
