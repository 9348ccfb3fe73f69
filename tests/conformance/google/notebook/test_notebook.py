"""A notebook that knows nothing of us runs unmodified under ``argovx sandbox run``, and our panel's data has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from argovx_lab.sandbox import lifecycle
from argovx_lab.server.hub import Hub
from argovx_lab.wiring.profiles import current_user

HERE = Path(__file__).parent


@pytest.mark.timeout(180)
def test_the_notebook(tmp_path, monkeypatch):
    state = tmp_path / "state"
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(tmp_path),
        "USER": os.environ.get("USER", ""),
        "ARGOVX_SANDBOX": str(state),
    }
    status = lifecycle.start(state, user=current_user(), timeout_s=60)
    try:
        env |= {"STAGING": f"gs://{status.bucket}/users/{status.user}/lab", "SERVICE_ACCOUNT": status.run_as}
        command = [
            "argovx",
            "sandbox",
            "run",
            "--",
            sys.executable,
            "-W",
            "ignore",
            str(HERE / "notebook.py"),
        ]
        command.append("--keep")
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=170, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
        said = [line for line in done.stdout.splitlines() if line.split(" ", 1)[0] in SAID]
        assert said == [f"{word} {text}" for word, text in SAID.items()]
        monkeypatch.setenv("ARGOVX_SANDBOX", str(state))
        monkeypatch.delenv("ARGOVX_PROFILE", raising=False)
        see()
        assert lifecycle.status(state).missing == {}
    finally:
        lifecycle.stop(state, all=True)


def see():
    """Look at what the server answers the panel, as the notebook's principal."""
    hub = Hub(root_dir=".")
    try:
        bare, under = shown(hub, "train penguins"), shown(hub, "train penguins under depth-4")
        for run, metrics in ((bare, {"loss": 0.2}), (under, {"accuracy": 0.917})):
            (node,) = hub.run(run["id"]).nodes
            assert (run["source"], run["phase"], node.argo) == ("vertex", "Succeeded", None)
            assert (node.vertex.state, node.machine) == ("JOB_STATE_SUCCEEDED", "n1-standard-4")
            assert {name: round(value, 3) for name, value in node.metrics.items()} == metrics
            assert f"loss {metrics.get('loss', 0.5)}\n" in hub.path.follower.logs(run["id"], "job", 0).text
        assert curve(hub, bare) == {"loss": [1.0, 0.5, 0.333, 0.25, 0.2]}
        assert curve(hub, under) == {"accuracy": [0.75, 0.875, 0.917]}
        experiment = hub.run(under["id"]).nodes[0].experiment
        assert (experiment.name, experiment.run, experiment.state) == ("penguins", "depth-4", "COMPLETE")
        assert experiment.params == {"depth": "4", "kind": "tree"}
        lineage = hub.lineage(bare["id"], "")
        names = {node["id"]: node["name"] for node in lineage["nodes"]}
        assert [(names[edge["source"]], names[edge["target"]]) for edge in lineage["edges"]] == [
            ("train penguins", "weights")
        ]
    finally:
        hub.path.stop()


def shown(hub, name):
    (run,) = [run for run in hub.overview()["runs"] if run["name"] == name]
    return run


def curve(hub, run):
    series = hub.path.follower.metrics(run["id"], "job", "0").series
    return {name: [round(value, 3) for _, value, _ in points] for name, points in series.items()}


SAID = {
    "runs": "['depth-2', 'depth-4'] [0.833, 0.917]",
    "columns": "['metric.accuracy', 'param.depth', 'param.kind', 'run_name', 'run_type', 'state', "
    "'time_series_metric.accuracy']",
    "curve": "[0.75, 0.875, 0.917]",
    "job": "JOB_STATE_SUCCEEDED",
    "tensorboard": "['train']",
    "loss": "[1.0, 0.5, 0.333, 0.25, 0.2]",
    "model": "emperor",
    "under": "penguins-depth-4 JOB_STATE_SUCCEEDED",
    "lineage": "['weights']",
}
