"""Running jobs in a test: start the runner for a while, wait for states, read logs."""

from __future__ import annotations

import asyncio
import contextlib
import time

PARENT = "projects/sandbox-lab/locations/us-central1"
JOBS = f"/v1/{PARENT}/customJobs"
ONCE = {"scheduling": {"disableRetries": True}}
TERMINAL = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")


@contextlib.asynccontextmanager
async def running(lab):
    """Run the jobs of a Google end for a while."""
    task = asyncio.create_task(lab.server.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(lab, name, condition, deadline_s=30.0):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        job = (await lab.send("GET", f"/v1/{name}")).json
        if condition(job):
            return job
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {job}")


async def until_ended(lab, name):
    return await until(lab, name, lambda job: job["state"] in TERMINAL)


def run_one(lab, body):
    """Run one job to its end; return it and its log."""

    async def work():
        async with running(lab):
            name = (await lab.send("POST", JOBS, body)).json["name"]
            return await until_ended(lab, name)

    job = asyncio.run(work())
    return job, log_of(lab, job["name"])


def log_of(lab, name, task="workerpool0-0"):
    path = lab.folder / "processes" / f"job-{name.rpartition('/')[2]}-{task}" / "log"
    return [line.split(" ", 3)[3] for line in path.read_text().splitlines()] if path.exists() else []


def ended(job):
    return job["state"] in TERMINAL
