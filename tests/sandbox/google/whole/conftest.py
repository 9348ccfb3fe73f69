"""A whole sandbox as a process of its own, and its Google end as the owner reaches it."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argovx_lab.sandbox import lifecycle

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PYTHON = "python:3.11"


@pytest.fixture
def until():
    """Wait for a condition, with a deadline."""

    def wait(condition: Callable[[], Any], what: str, deadline_s: float = 30.0) -> Any:
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.02)
        raise AssertionError(f"no {what} within {deadline_s} s")

    return wait


class Google:
    """Google's services through nothing but HTTP, as the owner."""

    def __init__(self, status: lifecycle.Status) -> None:
        self.base = status.google_endpoint
        self.context = ssl.create_default_context(cafile=status.ca)
        self.jobs = f"/v1/projects/{status.project}/locations/{status.region}/customJobs"
        self.project = status.project
        self.account = status.run_as
        self.token = ""
        self.token = self._exchange(status)

    def _exchange(self, status: lifecycle.Status) -> str:
        kind = "urn:ietf:params:oauth:token-type:"
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": kind + "access_token",
            "subject_token_type": kind + "jwt",
            "subject_token": Path(status.owner_token).read_text().strip(),
            "audience": status.audience,
            "scope": SCOPE,
        }
        data = urllib.parse.urlencode(form).encode()
        return str(self._open("POST", "/v1/token", data, "application/x-www-form-urlencoded")["access_token"])

    def _open(self, method: str, path: str, data: bytes | None, kind: str) -> Any:
        headers = {"content-type": kind}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=20) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return json.loads(error.read())

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self._open(method, path, data, "application/json")

    def submit(self, code: str, image: str = PYTHON, command: list[str] | None = None) -> str:
        container = {"imageUri": image, "command": command or ["python3", "-c", code]}
        pool = {
            "machineSpec": {"machineType": "n1-standard-4"},
            "replicaCount": 1,
            "containerSpec": container,
        }
        spec = {"workerPoolSpecs": [pool], "serviceAccount": self.account}
        spec["scheduling"] = {"disableRetries": True}
        return str(self.call("POST", self.jobs, {"displayName": "a job", "jobSpec": spec})["name"])

    def get(self, name: str) -> Any:
        return self.call("GET", f"/v1/{name}")

    def lines(self, name: str) -> list[str]:
        """Return what the job's own processes wrote, as Cloud Logging has it."""
        job_id = name.rpartition("/")[2]
        wanted = f'resource.labels.job_id="{job_id}" AND logName:"workerpool0-0"'
        body = {"resourceNames": [f"projects/{self.project}"], "filter": wanted, "pageSize": 1000}
        found = self.call("POST", "/v2/entries:list", body)
        return [entry.get("textPayload") or entry["jsonPayload"]["message"] for entry in found["entries"]]


@pytest.fixture
def google():
    """Speak to the Google end of a sandbox as its owner."""
    return Google


@pytest.fixture
def folder(tmp_path):
    """A state folder; what runs in it ends with the test."""
    place = tmp_path / "state"
    yield place
    if place.exists():
        lifecycle.stop(place, all=True)


@pytest.fixture
def start(folder):
    """Start the sandbox of ``folder``."""
    return lambda: lifecycle.start(folder, user="ada", timeout_s=60)
