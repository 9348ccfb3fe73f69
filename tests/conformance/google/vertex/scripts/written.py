"""Log entries of a program, and the audit log of what it did, through google-cloud-logging.

On a real project it writes three entries and deletes their log (free).

Usage: written.py grpc|rest
"""

import os
import sys
import time
import uuid

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import logging

transport = sys.argv[1]
project = os.environ["GOOGLE_CLOUD_PROJECT"]
client = logging.Client(project=project, _use_grpc=transport == "grpc")
name = f"written-{uuid.uuid4().hex[:8]}"
logger = client.logger(name)


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


def read(text, **options):
    return list(client.list_entries(filter_=text, **options))


def until(text, count):
    """Logging may take some seconds to show what was written."""
    end = time.monotonic() + 60
    while len(found := read(text)) < count and time.monotonic() < end:
        time.sleep(0.2)
    return found


logger.log_text("plain Größe", severity="WARNING", labels={"step": "train"})
logger.log_struct(
    {"message": "with numbers", "loss": 0.25, "nested": {"deep": "value"}, "many": [1, 2]}, severity="ERROR"
)
logger.log_text("quiet")
# the client adds an entry about itself to the first write
mine = f'logName="projects/{project}/logs/{name}" AND NOT jsonPayload."logging.googleapis.com/diagnostic":*'
found = until(mine, 3)
say(sorted((str(e.severity), type(e).__name__, (e.labels or {}).get("step")) for e in found))
for text in (
    'labels.step="train"',
    "severity>=ERROR",
    "jsonPayload.loss<0.3",
    'jsonPayload.nested.deep="value"',
    'textPayload=~"^plain G.*e$"',
    '"größe"',
    "NOT severity=DEFAULT",
    'timestamp>="2026-01-01"',
    "jsonPayload.many=2",
    "jsonPayload.many=3",
    'resource.type="ml_job"',
):
    say(text, len(read(f"{mine} {text}")))
for text in ('colour="red"', "severity>=LOUD", 'textPayload=~"("'):
    try:
        read(f"{mine} {text}")
    except (exceptions.InvalidArgument, exceptions.BadRequest):
        say("refused", text)
say("named", f"projects/{project}/logs/{name}" in [str(e.log_name) for e in found])
logger.delete()
say("deleted", len(read(mine)))

jobs = v1.JobServiceClient(
    transport=transport, client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"}
)
missing = str(uuid.uuid4().int)[:12]
try:
    jobs.cancel_custom_job(name=f"projects/{project}/locations/us-central1/customJobs/{missing}")
except exceptions.NotFound:
    say("not there")
audit = f'logName="projects/{project}/logs/cloudaudit.googleapis.com%2Factivity"'
(entry,) = until(f'{audit} protoPayload.resourceName:"{missing}"', 1)
payload = entry.to_api_repr()["protoPayload"]
say(payload["serviceName"], payload["methodName"].rpartition(".")[2], payload["status"]["code"])
say(payload["authenticationInfo"]["principalSubject"].rpartition(":")[2])
say(payload["authorizationInfo"][0]["permission"], payload["authorizationInfo"][0]["granted"])
say(entry.resource.type, entry.severity)
