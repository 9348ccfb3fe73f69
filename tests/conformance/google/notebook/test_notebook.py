"""A notebook that knows nothing of us runs unmodified under ``argovx sandbox run``, and our reading side sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from argovx_lab.sandbox import lifecycle
from argovx_lab.wiring.local import sandbox_profile
from argovx_lab.wiring.profiles import current_user
from argovx_lab.wiring.services import Services

HERE = Path(__file__).parent


@pytest.mark.timeout(180)
def test_the_notebook(tmp_path):
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
        see(status)
        assert lifecycle.status(state).missing == {}
    finally:
        lifecycle.stop(state, all=True)


def see(status):
    """Look through what the panel reads with, as the notebook's principal."""
    services = Services(sandbox_profile(status))
    (job,) = services.jobs.find('labels.team="penguins"')
    assert (job["displayName"], job["state"]) == ("train penguins", "JOB_STATE_SUCCEEDED")
    job_id = job["name"].rpartition("/")[2]
    (execution,) = services.metadata.find("executions", f'metadata.job.string_value="{job_id}"')
    assert execution["state"] == "COMPLETE"
    around = services.metadata.inputs_and_outputs(execution["name"])
    assert [artifact["displayName"] for artifact in around["artifacts"]] == ["weights"]
    runs = services.metadata.find("contexts", 'schema_title="system.ExperimentRun"')
    assert sorted(run["displayName"] for run in runs) == ["depth-2", "depth-4"]


SAID = {
    "runs": "['depth-2', 'depth-4'] [0.833, 0.917]",
    "columns": "['metric.accuracy', 'param.depth', 'param.kind', 'run_name', 'run_type', 'state', "
    "'time_series_metric.accuracy']",
    "curve": "[0.75, 0.875, 0.917]",
    "job": "JOB_STATE_SUCCEEDED",
    "tensorboard": "['train']",
    "loss": "[1.0, 0.5, 0.333, 0.25, 0.2]",
    "model": "emperor",
    "lineage": "['weights']",
}
