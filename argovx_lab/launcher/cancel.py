"""``SIGTERM``: a stop or an eviction, as the Workflow says; never guessed.

Owns the decision and the cancellation. A stop cancels the job and waits for Vertex' word; an eviction leaves
it to be adopted by the next life. A cancelled step is never a success.
"""

from __future__ import annotations

from argovx_lab.errors import ArgovxError
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.ending import EVICTED, LOST, STOPPED, Ending
from argovx_lab.launcher.launch import Launch
from argovx_lab.launcher.place import is_stopped
from argovx_lab.vertex.states import CANCELLED, is_terminal, word


def stopped(context: Context) -> bool:
    """Tell whether the Workflow is being stopped or gone; ``False`` when it cannot be read."""
    try:
        workflow = context.kubernetes.workflow(context.settings.workflow)
    except ArgovxError as error:
        context.events.emit("warning", text=f"the Workflow cannot be read: {error.message}")
        return False
    return workflow is None or is_stopped(workflow)


def interrupted(context: Context, job: str, launch: Launch | None) -> Ending:
    """Act on ``SIGTERM``.

    Parameters
    ----------
    job : str
        Resource name of the job, or empty when none is known.
    launch : Launch or None
        The attempt that was claimed; it finds a job whose answer was lost, under the checks of adoption.
    """
    if not stopped(context):
        context.events.emit("stopping", meaning="eviction", job=job)
        return Ending(LOST, EVICTED, "the pod was evicted; the job goes on and is adopted", record=False)
    context.events.emit("stopping", meaning="stop", job=job)
    if job:
        return stop_job(context, job)
    if launch is None:  # an earlier life may have made a job; the exit hook cancels what it finds
        return Ending(143, STOPPED, "stopped before this launcher had claimed its attempt", record=False)
    if not launch.doubtful:
        return Ending(143, STOPPED, "stopped before the job was created")
    return _stop_unknown(context, launch)


def _stop_unknown(context: Context, launch: Launch) -> Ending:
    """Stop a job that may exist: what is not found is no proof that there is none, so nothing is recorded."""
    unknown = Ending(143, STOPPED, "stopped; whether a job exists is not known", record=False)
    try:
        found = launch.find()
        if found is None:
            return unknown
        launch.cancel_others(found["name"])
    except ArgovxError as error:
        context.events.emit("warning", text=f"jobs cannot be looked up: {error.message}")
        return unknown
    return stop_job(context, str(found["name"]))


def stop_job(context: Context, job: str) -> Ending:
    """Cancel a job and wait for Vertex' word, as long as the settings allow."""
    times = context.settings.times
    try:
        context.jobs.cancel(job)
        limit, state = context.interrupt.deadline(times.cancel_s), ""
        while not is_terminal(state) and not limit.passed:
            if state:
                context.interrupt.wait(times.cancel_poll_s)
            state = str(context.jobs.get(job).get("state", "")) or "JOB_STATE_UNSPECIFIED"
    except ArgovxError as error:
        context.events.emit("warning", text=f"the job cannot be cancelled: {error.message}")
        return Ending(143, STOPPED, f"stopped; the job could not be cancelled: {error.message}", record=False)
    context.events.emit("cancelled", job=job, state=state, confirmed=is_terminal(state))
    if state == CANCELLED:
        return Ending(143, STOPPED, "stopped; Vertex confirms that the job is cancelled", state=state)
    if is_terminal(state):
        return Ending(143, STOPPED, f"stopped; the job had ended before ({word(state)})", state=state)
    return Ending(
        143, STOPPED, f"stopped; Vertex has not confirmed within {times.cancel_s:.0f} s", state=state
    )
