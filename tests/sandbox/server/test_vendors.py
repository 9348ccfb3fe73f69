"""The vendors' own clients reach the sandbox through nothing but the environment."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from argovx_lab.sandbox import lifecycle

BASE = {"PATH": os.defpath, "HOME": "/nonexistent"}


@pytest.fixture
def script(folder, start):
    """Run a program as ``argovx sandbox run`` would."""
    status = start()

    def run(text: str) -> str:
        command = [sys.executable, "-c", textwrap.dedent(text)]
        env = {**BASE, **lifecycle.environment(status)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_kubernetes_watch(script):
    out = script("""
        from kubernetes import client, config, watch
        config.load_kube_config()
        api = client.CoreV1Api()
        container = {"name": "c", "image": "busybox", "command": ["echo", "hello"]}
        spec = {"restartPolicy": "Never", "containers": [container]}
        api.create_namespaced_pod("argovx", {"metadata": {"name": "p"}, "spec": spec})
        for event in watch.Watch().stream(api.list_namespaced_pod, "argovx", timeout_seconds=30):
            if event["object"].status.phase == "Succeeded":
                break
        print(api.read_namespaced_pod_log("p", "argovx"))
    """)
    assert out == "hello\n\n"


def test_storage_and_a_custom_job_with_sync(script):
    out = script("""
        import os
        from google.api_core.exceptions import PreconditionFailed
        from google.cloud import aiplatform, storage
        bucket = storage.Client().bucket("argovx-sandbox-alice")
        bucket.blob("users/alice/x").upload_from_string(b"x", if_generation_match=0)
        try:
            bucket.blob("users/alice/x").upload_from_string(b"y", if_generation_match=0)
        except PreconditionFailed:
            print("kept", bucket.blob("users/alice/x").download_as_bytes())
        aiplatform.init(location="us-central1", staging_bucket="gs://argovx-sandbox-alice")
        container = {"image_uri": "python:3.11", "command": ["python3", "-c", "print(1)"]}
        pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "container_spec": container}
        job = aiplatform.CustomJob(display_name="j", worker_pool_specs=[pool])
        job.run(service_account="u-alice@argovx-sandbox.iam.gserviceaccount.com", sync=True)
        print(job.state.name)
    """)
    lines = out.splitlines()
    assert (lines[0], lines[-1]) == ("kept b'x'", "JOB_STATE_SUCCEEDED")


def test_nothing_else_leaves_this_machine(script):
    out = script("""
        import urllib.request
        try:
            urllib.request.urlopen("https://example.com/")
        except OSError as error:
            print(error)
    """)
    assert "403" in out
