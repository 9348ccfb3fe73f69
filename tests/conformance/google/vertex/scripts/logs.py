"""A job's lines through google-cloud-logging. Creates and deletes one job of seconds on
n1-standard-4 (about 0.01 USD).

Usage: logs.py grpc|rest
"""

import os
import sys
import time

from google.cloud import aiplatform_v1 as v1
from google.cloud import logging

transport = sys.argv[1]
project = os.environ["GOOGLE_CLOUD_PROJECT"]
jobs = v1.JobServiceClient(client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"})


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


code = """
import json, sys
print("plain line")
print(json.dumps({"message": "careful", "severity": "WARNING", "n": 1}))
print("Größe: ✓", flush=True)
sys.stderr.write("trouble\\n")
sys.stdout.write("long" * 150_000 + "\\n")
"""
container = {"image_uri": "python:3.11", "command": ["python3", "-c", code]}
pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "container_spec": container}
job = jobs.create_custom_job(
    parent=f"projects/{project}/locations/us-central1",
    custom_job={
        "display_name": "logs",
        "job_spec": {"worker_pool_specs": [pool], "service_account": os.environ["LAB_SERVICE_ACCOUNT"]},
    },
)
while not jobs.get_custom_job(name=job.name).end_time:
    time.sleep(0.1)
job_id = job.name.rpartition("/")[2]

client = logging.Client(project=project, _use_grpc=transport == "grpc")
base = f'resource.type="ml_job" AND resource.labels.job_id="{job_id}"'


def read(text, **options):
    return list(client.list_entries(filter_=text, **options))


entries = read(f'{base} AND resource.labels.task_name="workerpool0-0"', order_by=logging.ASCENDING)
long = [entry for entry in entries if entry.payload["message"].startswith("long")]
say(
    "long", len(long) > 1, sum(len(e.payload["message"]) for e in long), {len(str(e)) < 262_144 for e in long}
)
entries = [entry for entry in entries if entry not in long]
for entry in sorted(entries, key=lambda e: e.payload["message"]):
    say(entry.severity, entry.payload["message"], entry.resource.labels["task_name"])
say("n", entries and [e.payload["n"] for e in entries if "n" in e.payload])
say("service", [e.payload["message"] for e in read(f'{base} AND resource.labels.task_name="service"')])
say("severe", [e.payload["message"] for e in read(f"{base} severity>=ERROR")])
say("text", [e.payload["message"] for e in read(f'{base} AND jsonPayload.message:"PLAIN"')])
say(
    "either", len(read(f'resource.type="ml_job" AND resource.labels.job_id=("{job_id}" OR "2")', page_size=2))
)
say("later", len(read(f'{base} AND timestamp>"2100-01-01"')))
newest = read(base, order_by=logging.DESCENDING, max_results=1)
say("newest", newest[0].payload["message"])
jobs.delete_custom_job(name=job.name).result(timeout=60)
say("kept after the job", len(read(base)) == len(entries) + len(long) + 5)
