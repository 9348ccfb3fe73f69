"""A sandbox as a process of its own, and small things to talk to it."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argovx_lab.sandbox import lifecycle


@pytest.fixture
def until():
    """Wait for a condition, with a deadline."""

    def wait(condition: Callable[[], Any], what: str, deadline_s: float = 20.0) -> Any:
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.02)
        raise AssertionError(f"no {what} within {deadline_s} s")

    return wait


class Kube:
    """The API server through nothing but HTTP, as the owner."""

    def __init__(self, status: lifecycle.Status) -> None:
        document = json.loads(Path(status.kubeconfig).read_text())
        self.token = document["users"][0]["user"]["token"]
        self.base = status.kubernetes_endpoint
        self.context = ssl.create_default_context(cafile=status.ca)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        if method == "PATCH":
            headers["content-type"] = "application/merge-patch+json"
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=self.context, timeout=20) as answer:
            return json.loads(answer.read())

    def pods(self, name: str = "") -> Any:
        return self.call("GET", "/api/v1/namespaces/argovx/pods" + (f"/{name}" if name else ""))

    def run(self, name: str, line: str) -> Any:
        container = {"name": "c", "image": "busybox", "command": ["sh", "-c", line]}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"restartPolicy": "Never", "containers": [container]},
        }
        return self.call("POST", "/api/v1/namespaces/argovx/pods", pod)

    def phase(self, name: str) -> str:
        return str((self.pods(name).get("status") or {}).get("phase", ""))


@pytest.fixture
def kube():
    """Speak to the API server of a sandbox as its owner."""
    return Kube


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
    return lambda: lifecycle.start(folder, user="alice", timeout_s=60)
