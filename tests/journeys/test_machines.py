"""Spot, several machines, stock-outs, disks and held machines: from the flag to what the user reads."""

import json
import os
from pathlib import Path

import pytest
from support import until

SPOTTY = """%%vertex_step spotty() -> seen --spot --no-wait
import os, time
path = os.path.join(argovx.checkpoint_dir, "epoch")
start = int(open(path).read()) if os.path.exists(path) else 0
print("begins at", start, flush=True)
for epoch in range(start, 30):
    with open(path + ".new", "w") as file:
        file.write(str(epoch))
    os.replace(path + ".new", path)
    time.sleep(0.3)
seen = start
"""


def arm(*faults):
    """Hand faults to the running sandbox."""
    path = Path(os.environ["ARGOVX_SANDBOX"]) / "faults.json"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(faults, file)


def jobs(sandbox, step):
    return [job for job in sandbox.jobs.find() if job["displayName"].startswith(f"{step} ")]


@pytest.mark.long
def test_a_spot_step_goes_on_from_its_checkpoint_on_another_machine(kernel, sandbox):
    kernel.good(SPOTTY)
    until(lambda: "begins at 0" in kernel.good("%argovx logs spotty"), 60, "the first life")
    arm({"kind": "preemption", "service": "aiplatform", "rpc": "spotty"})
    until(lambda: kernel.good("%argovx logs spotty").count("begins at") > 1, 90, "the second")
    until(lambda: "Succeeded" in kernel.good("%argovx status"), 90, "the end")
    (job,) = jobs(sandbox, "spotty")
    assert job["jobSpec"]["scheduling"]["strategy"] == "SPOT"
    assert int(kernel.good("seen.get()")) > 0


def test_each_of_three_machines_runs_the_cell_and_the_first_ones_values_count(kernel, sandbox):
    cell = """%%vertex_step trio() -> role --workers 3 --disk 200
import json, os
task = json.loads(os.environ["CLUSTER_SPEC"])["task"]
role = "%s %d" % (task["type"], task["index"])
"""
    kernel.good(cell)
    assert kernel.good("role.get()") == "'workerpool0 0'"
    (job,) = jobs(sandbox, "trio")
    first, workers = job["jobSpec"]["workerPoolSpecs"]
    assert (first["replicaCount"], workers["replicaCount"]) == ("1", "2")
    assert workers["diskSpec"]["bootDiskSizeGb"] == 200


@pytest.mark.long
def test_a_worker_that_fails_is_named_with_its_own_line(kernel):
    cell = """%%vertex_step duo() -> x --workers 2
import json, os, time
if json.loads(os.environ["CLUSTER_SPEC"])["task"]["type"] == "workerpool1":
    raise KeyError("shard")
time.sleep(60)
x = 1
"""
    assert "KeyError: 'shard'" in kernel.bad(cell)


@pytest.mark.long
def test_a_stock_out_is_the_platforms_and_argo_repeats_it(kernel, sandbox):
    arm({"kind": "stockout", "service": "aiplatform", "rpc": "scarce"})
    kernel.good("%%vertex_step scarce() -> x --retries 1\nx = 1")
    states = sorted(job["state"] for job in jobs(sandbox, "scarce"))
    assert states == ["JOB_STATE_FAILED", "JOB_STATE_SUCCEEDED"]


def test_what_vertex_does_not_offer_is_refused_with_the_nearest_before_anything_runs(kernel, sandbox):
    text = kernel.bad("%%vertex_step flexible() -> x --flex-start\nx = 1")
    assert "--flex-start does not serve machines without accelerator" in text
    assert "--on g2-standard-4 --flex-start" in text
    assert "Write --disk 100" in kernel.bad("%%vertex_step small() -> x --disk 10\nx = 1")
    assert not jobs(sandbox, "flexible")


def test_a_persistent_resource_that_is_not_there_is_named(kernel):
    assert "my-pool" in kernel.bad("%%vertex_step held() -> x --persistent my-pool\nx = 1")
