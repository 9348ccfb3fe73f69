"""When Vertex AI runs a failed replica or a whole job again, as a function from data to data.

Owns the counts. ``disable_retries`` means none of it; without it user code may run several times.
Source: https://cloud.google.com/vertex-ai/docs/training/troubleshooting,
https://cloud.google.com/vertex-ai/docs/training/understanding-training-service
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

#: Ends by SIGABRT and SIGSEGV, as signal numbers or as a shell has them.
CRASHES: Final = frozenset({6, 134, 11, 139})
#: Ends that running again cannot mend: an uncaught Python exception, a command that cannot be run, and a
#: process that was killed, which is what running out of memory looks like.
PERMANENT: Final = frozenset({1, 126, 127, 137})
#: How often the whole job is run again, one worker within it, and a Spot job after it lost its machine.
JOB_RESTARTS: Final = 3
WORKER_RESTARTS: Final = 5
SPOT_RESTARTS: Final = 6
#: An internal error: three attempts in all.
INTERNAL_RESTARTS: Final = 2

Scope = Literal["worker", "job", "none"]


@dataclass(frozen=True)
class Tally:
    """How often a job and its workers were run again so far.

    Parameters
    ----------
    job : int
        Restarts of the whole job because of its replicas.
    machines : int
        Restarts because machines were lost or could not be had.
    workers : mapping
        Task name → restarts since the whole job was last started.
    """

    job: int = 0
    machines: int = 0
    workers: Mapping[str, int] | None = None

    @classmethod
    def of(cls, run: Mapping[str, Any]) -> Tally:
        """Read the tally that :meth:`record` wrote."""
        found = run.get("tally") or {}
        return cls(found.get("job", 0), found.get("machines", 0), found.get("workers") or {})

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"job": self.job, "machines": self.machines, "workers": dict(self.workers or {})}

    def again(self, scope: Scope, task: str, *, machines: bool = False) -> Tally:
        """Return the tally after one more restart."""
        if scope == "worker":
            known = self.workers or {}
            return Tally(self.job, self.machines, {**known, task: known.get(task, 0) + 1})
        return Tally(self.job + (not machines), self.machines + machines, {})


def allowed(spec: Mapping[str, Any]) -> bool:
    """Say whether a job may be run again at all."""
    return not (spec.get("scheduling") or {}).get("disable_retries")


def spot(spec: Mapping[str, Any]) -> bool:
    """Say whether a job runs on machines that may be taken away."""
    return (spec.get("scheduling") or {}).get("strategy") in ("SPOT", "LOW_COST")


def after_exit(spec: Mapping[str, Any], tally: Tally, task: str, exit_code: int | None) -> Scope:
    """Say what is run again after a replica ended badly.

    Parameters
    ----------
    exit_code : int, optional
        ``None`` when the replica's supervision was lost: an internal error.
    """
    if not allowed(spec) or exit_code in PERMANENT:
        return "none"
    if exit_code is None:
        return "job" if tally.job < INTERNAL_RESTARTS else "none"
    if exit_code in CRASHES:
        return "job" if tally.job < JOB_RESTARTS else "none"
    if (tally.workers or {}).get(task, 0) < WORKER_RESTARTS:
        return "worker"
    return "job" if tally.job < JOB_RESTARTS else "none"


def after_loss(spec: Mapping[str, Any], tally: Tally) -> Scope:
    """Say what is run again after a machine was lost, or when none could be had."""
    most = SPOT_RESTARTS if spot(spec) else JOB_RESTARTS
    return "job" if allowed(spec) and tally.machines < most else "none"


def widened(spec: Mapping[str, Any], scope: Scope) -> Scope:
    """Return ``job`` for a worker's restart where the spec asks that all restart together."""
    together = (spec.get("scheduling") or {}).get("restart_job_on_worker_restart")
    return "job" if scope == "worker" and together else scope
