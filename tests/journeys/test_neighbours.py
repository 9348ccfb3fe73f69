"""Somebody else who may create Workflows in the namespace: their claims change nothing of mine."""

import hashlib
import json
import threading
from pathlib import Path

import pytest
from support import until

from argovx_lab.cluster.client import Cluster
from argovx_lab.model import names
from argovx_lab.wiring.local import sandbox_status


@pytest.fixture
def plant(sandbox):
    """Posts a Workflow that mimics an ended step of a run, results included."""
    status = sandbox_status()
    owner = Cluster(Path(status.kubeconfig), status.owner_context, sandbox.profile.namespace)

    def post(name, run, step, output, *, user="mallory"):
        node = names.node_id(name, f"{name}.{step}")
        manifest = {"uri": "gs://mallory-bucket/manifest.json", "digest": hashlib.sha256(b"x").hexdigest()}
        parameters = [{"name": "manifest", "value": json.dumps(manifest)}]
        about = {step: {"name": step, "outputs": [{"name": output, "codec": "json"}]}}
        labels = {names.LABEL_USER: user, names.LABEL_RUN: run, names.LABEL_STEP: step}
        owner.post_workflow(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "metadata": {
                    "name": name,
                    "namespace": owner.namespace,
                    "labels": {**labels, "workflows.argoproj.io/completed": "true"},
                    "annotations": {names.ANNOTATION_STEPS: json.dumps(about)},
                },
                "spec": {
                    "entrypoint": "main",
                    "serviceAccountName": names.workflow_account(sandbox.profile.user),
                    "templates": [{"name": "main", "container": {"image": "i", "command": ["true"]}}],
                },
                "status": {
                    "phase": "Succeeded",
                    "startedAt": "2026-11-24T12:00:00Z",
                    "finishedAt": "2026-11-24T12:00:01Z",
                    "nodes": {
                        node: {
                            "id": node,
                            "name": f"{name}.{step}",
                            "displayName": step,
                            "type": "Pod",
                            "phase": "Succeeded",
                            "outputs": {"parameters": parameters},
                        }
                    },
                },
            }
        )

    return post


def run_of(kernel):
    return kernel.good("%argovx status").split()[1]


@pytest.mark.parametrize("user", ["mallory", "ada"])
def test_a_planted_result_is_never_mine(kernel, sandbox, plant, user):
    kernel.good(f"%%vertex_step prepare() -> data\nbeside = '{user}'\ndata = [1, 2, 3]")
    plant(f"planted-{user}-{run_of(kernel)[-4:]}", run_of(kernel), "prepare", "data", user=user)
    kernel.restart()
    kernel.good("%load_ext argovx_lab")
    status = kernel.good("%argovx status")
    assert status.count("✓ prepare") == 1
    assert kernel.good("data.get()") == "[1, 2, 3]"
    kernel.good("%%vertex_step uses(data) -> n\nn = len(data)")
    assert kernel.good("n.get()") == "3"


def test_a_waiting_cell_follows_its_own_workflow(kernel, sandbox, plant):
    kernel.good("%%vertex_step begins() -> x\nx = 1")
    run = run_of(kernel)

    def disturb():
        until(lambda: _running(sandbox, "waits"), 40, "the step under the cell")
        plant(f"newer-{run[-4:]}", run, "waits", "w")

    thread = threading.Thread(target=disturb)
    thread.start()
    kernel.good("%%vertex_step waits() -> w\nimport time\ntime.sleep(4)\nw = 9")
    thread.join(60)
    assert kernel.good("w.get()") == "9"


def test_two_kernels_that_run_one_step_both_get_their_own(kernel, sandbox, tmp_path, monkeypatch):
    from support import Kernel

    other = Kernel(tmp_path, monkeypatch, f"{tmp_path.name}.ipynb")
    try:
        other.good("%load_ext argovx_lab")
        code = "%%vertex_step shared() -> s\nimport time\ntime.sleep(3)\ns = {}"
        other.client.kc.execute(code.format(2))
        kernel.good(code.format(1))
        assert kernel.good("s.get()") == "1"
        assert other.good("s.get()") == "2"
    finally:
        other.close()


def _running(sandbox, step):
    return any(
        step in job["displayName"] and job["state"] == "JOB_STATE_RUNNING" for job in sandbox.jobs.find()
    )
