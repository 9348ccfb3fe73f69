"""JobService, PersistentResourceService, Operations and Locations, outcome by outcome.

On a real project it creates and deletes three custom jobs of seconds and one persistent resource with one
n1-standard-4 (about 0.05 USD; machines are held for some minutes).

Usage: jobs.py grpc|rest
"""

import os
import time

import rows
from google.cloud import aiplatform_v1 as v1
from rows import PARENT, TRANSPORT, rpc

ACCOUNT = os.environ["SERVICE_ACCOUNT"]
jobs = rows.client(v1.JobServiceClient)
held = rows.client(v1.PersistentResourceServiceClient)
MACHINE = {"machine_type": "n1-standard-4"}


def job(name, code, **spec):
    """Return a custom job that runs Python code."""
    container = {"image_uri": "python:3.11", "command": ["python3", "-c", code]}
    pool = {"machine_spec": MACHINE, "replica_count": 1, "container_spec": container}
    return {
        "display_name": name,
        "labels": {"suite": f"matrix-{TRANSPORT}"},
        "job_spec": {"worker_pool_specs": [pool], "service_account": ACCOUNT, **spec},
    }


SLEEP = "import time; time.sleep(600)"
create = {"parent": PARENT, "custom_job": job("first", SLEEP)}
first = rpc(
    jobs,
    "JobService.CreateCustomJob",
    create,
    wrong={"custom_job": {"display_name": ""}},
    missing={"custom_job": {"job_spec": {"persistent_resource_id": "not-there"}}},
)
second = jobs.create_custom_job(request={"parent": PARENT, "custom_job": job("second", "print('hello')")})
NONE = f"{PARENT}/customJobs/1"
name = {"name": first.name.replace(first.name.split("/")[1], rows.PROJECT)}
rpc(jobs, "JobService.GetCustomJob", name, missing={"name": NONE})
rpc(
    jobs,
    "JobService.ListCustomJobs",
    {"parent": PARENT, "filter": f'labels.suite="matrix-{TRANSPORT}"'},
    wrong={"filter": 'colour="red"'},
    page="custom_jobs",
)
rpc(jobs, "JobService.CancelCustomJob", name, missing={"name": NONE})
while not jobs.get_custom_job(request=name).end_time or not jobs.get_custom_job(name=second.name).end_time:
    time.sleep(0.1)
rows.try_call("JobService.CancelCustomJob", "precondition", jobs.cancel_custom_job, name)
rpc(jobs, "JobService.DeleteCustomJob", name, missing={"name": NONE})
jobs.delete_custom_job(name=second.name).result(timeout=60)

pool = {"machine_spec": MACHINE, "replica_count": 1}
resource_id = f"matrix-{TRANSPORT}"
rpc(
    held,
    "PersistentResourceService.CreatePersistentResource",
    {
        "parent": PARENT,
        "persistent_resource": {"resource_pools": [pool]},
        "persistent_resource_id": resource_id,
    },
    wrong={"persistent_resource_id": "Not_Valid"},
    conflict=True,
)
other = {
    "parent": PARENT,
    "persistent_resource": {"resource_pools": [pool]},
    "persistent_resource_id": resource_id + "-2",
}
held.create_persistent_resource(request=other).result(timeout=600)
name, NONE = {"name": f"{PARENT}/persistentResources/{resource_id}"}, f"{PARENT}/persistentResources/none"
rpc(held, "PersistentResourceService.GetPersistentResource", name, missing={"name": NONE})
rpc(
    held,
    "PersistentResourceService.ListPersistentResources",
    {"parent": PARENT},
    page="persistent_resources",
)
fits = job("held", "print('at once')", persistent_resource_id=resource_id)
third = jobs.create_custom_job(request={"parent": PARENT, "custom_job": fits})
while not jobs.get_custom_job(name=third.name).end_time:
    time.sleep(0.1)
jobs.delete_custom_job(name=third.name).result(timeout=60)
rpc(held, "PersistentResourceService.RebootPersistentResource", name, missing={"name": NONE})
wider = {**name, "resource_pools": [{**pool, "id": "pool0", "replica_count": 2}]}
rpc(
    held,
    "PersistentResourceService.UpdatePersistentResource",
    {"persistent_resource": wider, "update_mask": {"paths": ["resource_pools"]}},
    wrong={"update_mask": {"paths": ["state"]}},
    missing={"persistent_resource": {"name": NONE}},
)
started = held.delete_persistent_resource(name=f"{name['name']}-2")
done = started.result(timeout=600)
operation = {"name": started.operation.name.replace(started.operation.name.split("/")[1], rows.PROJECT)}
place, _, number = operation["name"].rpartition("/operations/")
NOTHING = {"name": f"{place}/operations/999999999"}
rpc(jobs, "Operations.GetOperation", operation, missing=NOTHING)
rpc(jobs, "Operations.WaitOperation", operation, missing=NOTHING)
rpc(jobs, "Operations.ListOperations", {"name": place}, wrong={"filter": 'colour="red"'})
rpc(jobs, "Operations.CancelOperation", operation, missing=NOTHING)
rpc(jobs, "Operations.DeleteOperation", operation, missing=NOTHING)
rpc(held, "PersistentResourceService.DeletePersistentResource", name, missing={"name": NONE})

rpc(jobs, "Locations.GetLocation", {"name": PARENT})
rpc(jobs, "Locations.ListLocations", {"name": f"projects/{rows.PROJECT}"}, wrong={"filter": 'colour="red"'})
