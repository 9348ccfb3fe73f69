"""What somebody who may only read is told. Creates nothing.

Usage: denied.py grpc|rest
"""

import os
import sys

from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.cloud import aiplatform_v1 as v1
from google.oauth2.credentials import Credentials

transport = sys.argv[1]
project = os.environ["GOOGLE_CLOUD_PROJECT"]
options = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
client = v1.JobServiceClient(transport=transport, client_options=options)
parent = f"projects/{project}/locations/us-central1"


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


client.list_custom_jobs(parent=parent)
say("list allowed")
container = {"image_uri": "python:3.11", "command": ["true"]}
pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "container_spec": container}
try:
    client.create_custom_job(
        parent=parent, custom_job={"display_name": "x", "job_spec": {"worker_pool_specs": [pool]}}
    )
except exceptions.Forbidden as error:
    say("create denied:", error.message[error.message.index("Permission ") :])
    say("reason", error.reason, error.metadata["permission"])
try:
    client.list_custom_jobs(parent="projects/somebody-else/locations/us-central1")
except exceptions.Forbidden:
    say("foreign project denied")
try:
    stranger = v1.JobServiceClient(
        transport=transport, client_options=options, credentials=Credentials("ya29.no")
    )
    stranger.list_custom_jobs(parent=parent)
except (exceptions.Unauthenticated, RefreshError):
    say("bad token unauthenticated")
