"""The Workflow's exit hook: cancel what a killed launcher has left running.

Owns the search by labels. Refuses to touch a job that is not of this Workflow *and* of this user.
"""

from __future__ import annotations

from argovx_lab.errors import ArgovxError
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.ending import SUCCEEDED, Ending, of_error
from argovx_lab.model.names import JOB_LABEL_USER, JOB_LABEL_WORKFLOW


def sweep(context: Context, uid: str) -> Ending:
    """Cancel all jobs of a Workflow that have not ended; the first failure decides the exit code."""
    user, problem, swept = context.settings.user, None, 0
    try:
        jobs = context.jobs.of_workflow(uid, user)
    except ArgovxError as error:
        return of_error(error)
    for job in jobs:
        labels = job.get("labels") or {}
        if labels.get(JOB_LABEL_WORKFLOW) != uid or labels.get(JOB_LABEL_USER) != user:
            continue
        try:
            context.jobs.cancel(job["name"])
        except ArgovxError as error:
            problem = problem or error
            context.events.emit("warning", text=f"{job['name']} cannot be cancelled: {error.message}")
        else:
            swept += 1
            context.events.emit("swept", job=job["name"])
    if problem is not None:
        return of_error(problem)
    return Ending(0, SUCCEEDED, f"{swept} jobs cancelled" if swept else "nothing was left")
