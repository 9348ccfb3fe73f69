"""Custom jobs through the high-level SDK. Creates and deletes four jobs of seconds on
n1-standard-4 (about 0.03 USD: each is charged for at least half a minute).

Usage: custom_jobs.py grpc|rest
"""

import os
import sys

from google.api_core import exceptions
from google.cloud import aiplatform, storage

transport = sys.argv[1]


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


bucket, account = os.environ["LAB_BUCKET"], os.environ["LAB_SERVICE_ACCOUNT"]
aiplatform.init(
    project=os.environ["GOOGLE_CLOUD_PROJECT"],
    location="us-central1",
    staging_bucket=f"gs://{bucket}",
    api_transport="rest" if transport == "rest" else None,
)

ENV = [{"name": "WHO", "value": "x"}, {"name": "BUCKET", "value": bucket}]


def make(name, code, image="python:3.11", **labels):
    container = {
        "image_uri": image,
        "command": ["python3", "-c", code],
        "env": ENV,
    }
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": container,
    }
    return aiplatform.CustomJob(
        display_name=name, worker_pool_specs=[pool], labels={"suite": transport, **labels}
    )


CODE = """
import os
assert os.environ["CLOUD_ML_JOB_ID"].isdigit()
assert os.environ["AIP_MODEL_DIR"].startswith("gs://")
assert os.environ["WHO"] == "x"
assert "GOOGLE_APPLICATION_CREDENTIALS" not in os.environ
assert not os.listdir(".")
import google.auth
from google.auth.transport.requests import AuthorizedSession, Request
credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
session = AuthorizedSession(credentials)
credentials.refresh(Request())
url = "https://storage.googleapis.com/upload/storage/v1/b/%s/o" % os.environ["BUCKET"]
name = "users/ada/" + os.environ["CLOUD_ML_JOB_ID"]
answer = session.post(url, params={"uploadType": "media", "name": name}, data=credentials.service_account_email)
assert answer.status_code == 200, answer.text
print("hello from the job")
"""

bad = make("bad", "import sys; print('before'); sys.exit(3)", kind="bad")
missing = make("missing", "pass", image="nowhere/nothing:1")
slow = make("slow", "import time; time.sleep(600)", kind="slow")
for job in (bad, missing, slow):
    job.submit(service_account=account, disable_retries=True)
slow.cancel()

good = make("good", CODE, kind="good")
good.run(service_account=account, sync=True)
say("good", good.state.name, good.error.code, good.resource_name.split("/")[1].isdigit())
for job, text in ((bad, "non-zero status of 3"), (missing, "nowhere/nothing:1"), (slow, "CANCELED")):
    try:
        job._block_until_complete()
    except RuntimeError as error:
        say(job.display_name, job.state.name, text in str(error), job.error.code)

found = aiplatform.CustomJob.list(filter=f'labels.suite="{transport}" AND labels.kind="bad"')
say("list", [job.display_name for job in found])
failed = aiplatform.CustomJob.list(filter=f'state="JOB_STATE_FAILED" AND labels.suite="{transport}"')
say("failed", sorted(job.display_name for job in failed))
try:
    aiplatform.CustomJob.list(filter='colour="red"')
except exceptions.InvalidArgument as error:
    say("filter refused over gRPC", "colour" in str(error))
except exceptions.BadRequest as error:
    say("filter refused over REST", "colour" in str(error))

name = good.resource_name
written = storage.Client().bucket(bucket).blob("users/ada/" + name.rpartition("/")[2]).download_as_text()
say("identity", written == account)
for job in (good, bad, missing, slow):
    job.delete()
try:
    aiplatform.CustomJob.get(name)
except exceptions.NotFound:
    say("deleted")
