"""The truth table: Argo's node phase, Vertex's job state and the runner's word → what people read.

Owns the meaning of every combination that can occur. First matching row wins; ``*`` matches
anything. A combination without a row is a bug, and the tests walk all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from argovx_lab.model.run import Phase

ARGO = ("", "Pending", "Running", "Succeeded", "Failed", "Error", "Skipped", "Omitted")
VERTEX = (
    "",
    "JOB_STATE_QUEUED",
    "JOB_STATE_PENDING",
    "JOB_STATE_RUNNING",
    "JOB_STATE_SUCCEEDED",
    "JOB_STATE_FAILED",
    "JOB_STATE_CANCELLING",
    "JOB_STATE_CANCELLED",
    "JOB_STATE_PAUSED",
    "JOB_STATE_EXPIRED",
    "JOB_STATE_UPDATING",
    "JOB_STATE_PARTIALLY_SUCCEEDED",
)
STREAM = ("", "inputs", "running", "uploading", "closed")


@dataclass(frozen=True)
class Verdict:
    """A display phase and the words for its second line; empty words mean the phase's usual line."""

    phase: Phase
    words: str = ""


_ROWS: tuple[tuple[str, str, str, Verdict], ...] = (
    # Argo's final word wins: it has seen exit code and outputs
    ("Succeeded", "*", "*", Verdict(Phase.SUCCEEDED)),
    ("Failed", "*", "*", Verdict(Phase.FAILED)),
    ("Error", "*", "*", Verdict(Phase.FAILED)),
    ("Skipped", "*", "*", Verdict(Phase.SKIPPED)),
    ("Omitted", "*", "*", Verdict(Phase.SKIPPED)),
    # the pod waits, or Argo has not looked at the Workflow yet; a job that exists is one to adopt
    ("", "*", "*", Verdict(Phase.QUEUED)),
    ("Pending", "", "*", Verdict(Phase.QUEUED)),
    ("Pending", "*", "*", Verdict(Phase.QUEUED, "launcher starts again")),
    # the launcher runs
    ("Running", "", "", Verdict(Phase.QUEUED, "launcher starts")),
    ("Running", "JOB_STATE_QUEUED", "*", Verdict(Phase.PROVISIONING, "queued at Vertex")),
    ("Running", "JOB_STATE_CANCELLING", "*", Verdict(Phase.RUNNING, "being cancelled")),
    ("Running", "JOB_STATE_CANCELLED", "*", Verdict(Phase.RUNNING, "cancelled at Vertex")),
    ("Running", "JOB_STATE_FAILED", "*", Verdict(Phase.RUNNING, "failed at Vertex")),
    ("Running", "JOB_STATE_EXPIRED", "*", Verdict(Phase.RUNNING, "expired at Vertex")),
    ("Running", "JOB_STATE_PAUSED", "*", Verdict(Phase.RUNNING, "paused at Vertex")),
    ("Running", "JOB_STATE_PARTIALLY_SUCCEEDED", "*", Verdict(Phase.RUNNING, "partly succeeded at Vertex")),
    ("Running", "JOB_STATE_SUCCEEDED", "*", Verdict(Phase.UPLOADING, "checking outputs")),
    # the runner is quicker than Vertex's list
    ("Running", "*", "uploading", Verdict(Phase.UPLOADING)),
    ("Running", "*", "closed", Verdict(Phase.UPLOADING, "checking outputs")),
    ("Running", "*", "running", Verdict(Phase.RUNNING)),
    ("Running", "*", "inputs", Verdict(Phase.RUNNING, "reading inputs")),
    ("Running", "JOB_STATE_PENDING", "", Verdict(Phase.PROVISIONING)),
    ("Running", "JOB_STATE_RUNNING", "", Verdict(Phase.RUNNING, "starting the runner")),
    ("Running", "JOB_STATE_UPDATING", "", Verdict(Phase.RUNNING, "being updated")),
)


def judge(argo: str, vertex: str, stream: str) -> Verdict:
    """Return the verdict for one combination.

    Raises
    ------
    KeyError
        When a value is none of ``ARGO``, ``VERTEX`` or ``STREAM``.
    """
    for row_argo, row_vertex, row_stream, verdict in _ROWS:
        if row_argo == argo and row_vertex in ("*", vertex) and row_stream in ("*", stream):
            return verdict
    raise KeyError((argo, vertex, stream))


#: What a job's state means where it belongs to no step: Vertex' word is all there is.
_ALONE: dict[str, Verdict] = {
    "": Verdict(Phase.QUEUED),
    "JOB_STATE_QUEUED": Verdict(Phase.QUEUED, "queued at Vertex"),
    "JOB_STATE_PENDING": Verdict(Phase.PROVISIONING),
    "JOB_STATE_RUNNING": Verdict(Phase.RUNNING),
    "JOB_STATE_SUCCEEDED": Verdict(Phase.SUCCEEDED),
    "JOB_STATE_FAILED": Verdict(Phase.FAILED),
    "JOB_STATE_CANCELLING": Verdict(Phase.RUNNING, "being cancelled"),
    "JOB_STATE_CANCELLED": Verdict(Phase.STOPPED),
    "JOB_STATE_PAUSED": Verdict(Phase.STOPPED, "paused at Vertex"),
    "JOB_STATE_EXPIRED": Verdict(Phase.FAILED, "expired at Vertex"),
    "JOB_STATE_UPDATING": Verdict(Phase.RUNNING, "being updated"),
    "JOB_STATE_PARTIALLY_SUCCEEDED": Verdict(Phase.FAILED, "partly succeeded at Vertex"),
}


def judge_job(state: str) -> Verdict:
    """Return the verdict for a custom job of no step; a state newer than the table is shown as it is."""
    newer = state.removeprefix("JOB_STATE_").replace("_", " ").lower()
    return _ALONE.get(state) or Verdict(Phase.QUEUED, f"{newer[:60]} at Vertex")
