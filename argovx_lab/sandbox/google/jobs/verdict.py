"""What an ending means for a job: success, or the error that Vertex AI would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.google.jobs import restarts, states
from argovx_lab.sandbox.google.jobs.replicas import Ending


def judged(job: Mapping[str, Any], ending: Ending, project: str) -> states.Document | None:
    """Return the error of a job whose start ended so, ``None`` for a success."""
    if ending.kind == "succeeded":
        return None
    if ending.kind == "timeout":
        return states.timed_out(states.timeout_s(job))
    if ending.kind == "preempted":
        region = job["name"].split("/")[3]
        lost = states.machine_lost(ending.task)
        return states.out_of_stock(region) if restarts.spot(job["job_spec"]) else lost
    if ending.exit_code is None:
        return states.lost()
    logs = (
        f"https://console.cloud.google.com/logs/viewer?project={project}"
        f"&resource=ml_job%2Fjob_id%2F{job['name'].rpartition('/')[2]}"
    )
    return states.exited(ending.task, ending.exit_code, started=ending.started, logs=logs)
