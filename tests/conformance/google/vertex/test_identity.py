"""The identity of a job: its tokens end, and the vendor's client gets new ones from the metadata server."""

from __future__ import annotations

import json
import time
import urllib.request

CODE = """
import os, pathlib, sys, time
import google.auth
from google.cloud import storage

credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
client = storage.Client(credentials=credentials, project=project)
blob = client.bucket(os.environ["BUCKET"]).blob("users/ada/identity")
blob.upload_from_string("one")
print(credentials.service_account_email, project, flush=True)
first = credentials.token
while not pathlib.Path("go").exists():
    time.sleep(0.05)
blob.upload_from_string("two")
print("new token", credentials.token != first, flush=True)
"""


def test_a_job_outlives_its_token(make_end):
    end = make_end()
    token = end.token()
    parent = "projects/sandbox-lab/locations/us-central1"
    container = {
        "imageUri": "python:3.11",
        "command": ["python3", "-c", CODE],
        "env": [{"name": "BUCKET", "value": "lab-ada"}],
    }
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": container}
    spec = {
        "workerPoolSpecs": [pool],
        "serviceAccount": "u-ada@sandbox-lab.iam.gserviceaccount.com",
        "scheduling": {"timeout": "36000s", "disableRetries": True},
    }

    def call(method, path, body=None, bearer=token):
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        url = f"http://127.0.0.1:{end.ports['google']}/v1/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return json.loads(answer.read())

    name = call("POST", f"{parent}/customJobs", {"displayName": "identity", "jobSpec": spec})["name"]
    folder = end.folder / "processes" / f"job-{name.rpartition('/')[2]}-workerpool0-0"

    def lines():
        log = folder / "log"
        return [line.split(" ", 3)[3] for line in log.read_text().splitlines()] if log.exists() else []

    def until(condition):
        limit = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < limit, lines()
            time.sleep(0.05)

    until(lines)
    assert lines()[0].startswith("u-ada@sandbox-lab.iam.gserviceaccount.com sandbox-lab"), lines()
    end.call(lambda: end.server.clock.advance(2 * 3600))
    (folder / "home" / "go").touch()
    bearer = end.token()
    until(lambda: call("GET", name, bearer=bearer).get("endTime"))
    assert call("GET", name, bearer=bearer)["state"] == "JOB_STATE_SUCCEEDED", lines()
    assert lines()[-1] == "new token True"
