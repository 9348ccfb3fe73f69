"""JobService through the generated client. Creates three jobs on n1-standard-4 and cancels
them while they are queued (free).

Usage: job_service.py grpc|rest
"""

# ruff: noqa: PT017, PT018
import os
import sys

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

transport = sys.argv[1]
account, project = os.environ["LAB_SERVICE_ACCOUNT"], os.environ["GOOGLE_CLOUD_PROJECT"]
options = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
client = v1.JobServiceClient(transport=transport, client_options=options)
parent = f"projects/{project}/locations/us-central1"


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


def job(name, **changes):
    container = {"image_uri": "python:3.11", "command": ["python3", "-c", "import time; time.sleep(600)"]}
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": container,
    }
    spec = {"worker_pool_specs": [pool], "service_account": account}
    return {"display_name": name, "job_spec": spec, "labels": {"suite": f"gapic-{transport}"}, **changes}


try:
    client.get_custom_job(name=f"{parent}/customJobs/1")
except exceptions.NotFound:
    say("not found")

try:
    client.list_custom_jobs(parent=f"projects/{project}/locations/mars")
except (exceptions.InvalidArgument, exceptions.BadRequest):
    say("malformed name refused")

try:
    client.list_custom_jobs(parent=f"projects/{project}/locations/europe-west4")
except (exceptions.InvalidArgument, exceptions.BadRequest) as error:
    assert "doesn't match the endpoint" in error.message and "us-central1" in error.message, error
    say("another region's endpoint refused")

broken = job("")
broken["job_spec"]["worker_pool_specs"][0]["machine_spec"]["machine_type"] = "n1-standard-1"
broken["job_spec"]["worker_pool_specs"][0]["container_spec"]["env"] = [{"name": "not-c", "value": "x"}]
try:
    client.create_custom_job(parent=parent, custom_job=broken)
except (exceptions.InvalidArgument, exceptions.BadRequest) as error:
    assert "display_name" in error.message and "n1-standard-1" in error.message and "not-c" in error.message
    assert "machine_spec.machine_type" in str(error.details), error.details
    say("display_name, machine type and env refused at once")

try:
    spec = {**job("x")["job_spec"], "enable_web_access": True}
    client.create_custom_job(parent=parent, custom_job=job("x", job_spec=spec))
except exceptions.MethodNotImplemented as error:
    assert "enable_web_access" in error.message
    say("not supported here")

try:
    spec = {**job("x")["job_spec"], "service_account": f"other@{project}.iam.gserviceaccount.com"}
    client.create_custom_job(parent=parent, custom_job=job("x", job_spec=spec))
except (exceptions.InvalidArgument, exceptions.BadRequest) as error:
    assert "You do not have permission to act as service_account" in error.message
    say("acting as somebody else refused")

made = [client.create_custom_job(parent=parent, custom_job=job(f"job {n}")) for n in range(3)]
query = {"parent": parent, "filter": f'labels.suite="gapic-{transport}" AND NOT state="JOB_STATE_CANCELLED"'}
pages = list(client.list_custom_jobs(request={**query, "page_size": 2}).pages)
names = [j.name for page in pages for j in page.custom_jobs]
if names == [j.name for j in reversed(made)]:
    say("pages", "+".join(str(len(page.custom_jobs)) for page in pages) + ", newest first")

masked = next(
    iter(client.list_custom_jobs(request={**query, "read_mask": {"paths": ["name", "display_name"]}}))
)
say("masked", sorted(v1.CustomJob.to_dict(masked, including_default_value_fields=False)))

try:
    token = pages[0].next_page_token
    client.list_custom_jobs(request={"parent": parent, "filter": 'display_name="z"', "page_token": token})
except (exceptions.InvalidArgument, exceptions.BadRequest):
    say("foreign page token refused")

try:
    v1.ModelServiceClient(transport=transport, client_options=options).list_models(parent=parent)
except exceptions.MethodNotImplemented as error:
    say(
        "unimplemented",
        next(word for word in error.message.split() if word.startswith("google.")).rstrip("."),
    )

for j in made:
    client.cancel_custom_job(name=j.name)
final = (v1.JobState.JOB_STATE_CANCELLED,)
while any(client.get_custom_job(name=j.name).state not in final for j in made):
    pass
say("cancelled")
try:
    client.cancel_custom_job(name=made[0].name)
except (exceptions.FailedPrecondition, exceptions.BadRequest):
    say("cancel again refused")
