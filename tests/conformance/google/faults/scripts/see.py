"""Does what it is told on its input, one command a line, and says what the client made of the answer.

On a real project it creates and cancels custom jobs while they are queued, and writes small objects (free).

Usage: see.py grpc|rest
"""

import os
import sys
import time

import google.auth
import google.auth.transport.requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import storage
from requests import exceptions as http

TRANSPORT = sys.argv[1]
PARENT = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/locations/us-central1"
OPTIONS = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
jobs = v1.JobServiceClient(transport=TRANSPORT, client_options=OPTIONS)
metadata = v1.MetadataServiceClient(transport=TRANSPORT, client_options=OPTIONS)
bucket = storage.Client().bucket(os.environ["LAB_BUCKET"])
STRATEGY = {"SPOT": v1.Scheduling.Strategy.SPOT, "STANDARD": v1.Scheduling.Strategy.STANDARD}


def create(name, strategy="STANDARD", disable="yes"):
    """Create a job that sleeps."""
    container = {"image_uri": "python:3.11", "command": ["sleep", "600"]}
    pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1}
    spec = {
        "worker_pool_specs": [{**pool, "container_spec": container}],
        "service_account": os.environ["SERVICE_ACCOUNT"],
        "scheduling": {"strategy": STRATEGY[strategy], "disable_retries": disable == "yes"},
    }
    return jobs.create_custom_job(
        parent=PARENT, custom_job={"display_name": name, "job_spec": spec}, timeout=20, retry=None
    ).display_name


def count(name):
    """Return how many jobs of this name the list shows."""
    asked = {"parent": PARENT, "filter": f'display_name="{name}"'}
    return len(list(jobs.list_custom_jobs(request=asked, timeout=20, retry=None)))


def state(name):
    """Return the state of a job, and its error."""
    asked = {"parent": PARENT, "filter": f'display_name="{name}"'}
    job = next(iter(jobs.list_custom_jobs(request=asked)))
    return job.state.name, job.error.code, job.error.message[:40]


def context(name):
    """Create a metadata context."""
    store = f"{PARENT}/metadataStores/default"
    return metadata.create_context(
        parent=store, context_id=name, context={}, timeout=20, retry=None
    ).name.rpartition("/")[2]


def exists(name):
    """Say whether a metadata context is there."""
    try:
        metadata.get_context(name=f"{PARENT}/metadataStores/default/contexts/{name}")
    except exceptions.NotFound:
        return False
    return True


def put(name, size):
    """Write an object."""
    bucket.blob(name).upload_from_string(b"x" * int(size), retry=None, timeout=20)
    return "written"


def get(name, retries="no"):
    """Read an object."""
    options = {} if retries == "yes" else {"retry": None}
    return len(bucket.blob(name).download_as_bytes(timeout=20, **options))


def chunks(name):
    """Read an object in four requests."""
    blob = bucket.blob(name, chunk_size=256 * 1024)
    return len(blob.download_as_bytes(timeout=20))


def token():
    """Return how long a new token lives."""
    found = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0]
    found.refresh(google.auth.transport.requests.Request())
    return found.valid


ACTIONS = {f.__name__: f for f in (create, count, state, context, exists, put, get, chunks, token)}
FAILURES = (exceptions.GoogleAPICallError, auth_exceptions.GoogleAuthError, http.RequestException, OSError)


def reason(error):
    """Return the reason and the retry delay that an error carries."""
    found = getattr(error, "reason", None) or ""
    response = getattr(error, "response", None)
    after = response.headers.get("retry-after", "") if hasattr(response, "headers") else ""
    return " ".join(filter(None, (str(found), after and f"retry-after={after}")))


for line in sys.stdin:
    name, *words = line.split()
    began = time.monotonic()
    try:
        said = f"{ACTIONS[name](*words)}"
    except FAILURES as error:
        said = f"{type(error).__name__} {reason(error)}".strip()
    spent = "slow" if time.monotonic() - began > 0.9 else "fast"
    sys.stdout.write(f"{spent} {said}\n")
    sys.stdout.flush()
