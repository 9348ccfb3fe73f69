"""A sandbox that is killed while jobs run: what happened without it is told rightly afterwards."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from argovx_lab.sandbox import lifecycle

LINES = 50
#: Says who it is, waits to be told, says the rest, and leaves a mark of every run in its own folder.
CODE = f"""
import os, sys, time
with open("runs", "a") as file:
    file.write("x")
print("pid", os.getpid(), flush=True)
while not os.path.exists("go"):
    time.sleep(0.01)
for i in range({LINES}):
    print("line", i, flush=True)
sys.exit(CODE)
"""


def home(folder, name):
    return folder / "processes" / f"job-{name.rpartition('/')[2]}-workerpool0-0" / "home"


def log_file(folder, name):
    path = home(folder, name).parent / "log"
    return [line.split(" ", 3)[3] for line in path.read_text().splitlines()] if path.exists() else []


def pid_of(folder, name):
    """Return the pid of a job's own process on this machine, not of what watches it."""
    here = str(home(folder, name))
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            cwd = os.readlink(process / "cwd")
        except OSError:
            continue
        if cwd == here and command[1:2] == [b"-c"]:
            return int(process.name)
    raise AssertionError(f"no process works in {here}")


@pytest.mark.timeout(120)
def test_jobs_that_end_and_die_while_the_server_is_dead(folder, start, google, until):
    status = start()
    api = google(status)
    names = {
        kind: api.submit(CODE.replace("CODE", code))
        for kind, code in {"good": "0", "bad": "3", "killed": "0", "survivor": "0"}.items()
    }
    for name in names.values():
        until(lambda name=name: api.get(name)["state"] == "JOB_STATE_RUNNING", "running job")
        until(lambda name=name: log_file(folder, name), "first line")
    pids = {kind: pid_of(folder, name) for kind, name in names.items()}

    os.kill(status.pid, signal.SIGKILL)
    until(lambda: lifecycle.status(folder) is None, "death of the server")
    assert len(lifecycle.running(folder)) == 4
    for kind in ("good", "bad"):
        (home(folder, names[kind]) / "go").touch()
    os.kill(pids["killed"], signal.SIGKILL)
    until(lambda: len(lifecycle.running(folder)) == 1, "end of three jobs without a server")

    again = start()
    assert again.pid != status.pid
    api = google(again)
    ended = {}
    for kind in ("good", "bad", "killed"):
        ended[kind] = until(lambda kind=kind: (j := api.get(names[kind])).get("endTime") and j, f"{kind} end")
    assert {kind: job["state"] for kind, job in ended.items()} == {
        "good": "JOB_STATE_SUCCEEDED",
        "bad": "JOB_STATE_FAILED",
        "killed": "JOB_STATE_FAILED",
    }
    assert "error" not in ended["good"]
    for kind, code in (("bad", 3), ("killed", 137)):
        message = f"The replica workerpool0-0 exited with a non-zero status of {code}. "
        assert ended[kind]["error"]["code"] == 3
        assert ended[kind]["error"]["message"].startswith(message)
        assert names[kind].rpartition("/")[2] in ended[kind]["error"]["message"]
    assert api.get(names["survivor"])["state"] == "JOB_STATE_RUNNING"
    assert pid_of(folder, names["survivor"]) == pids["survivor"]
    (home(folder, names["survivor"]) / "go").touch()
    until(lambda: api.get(names["survivor"])["state"] == "JOB_STATE_SUCCEEDED", "end of the survivor")

    whole = [f"line {i}" for i in range(LINES)]
    for kind, name in names.items():
        assert (home(folder, name) / "runs").read_text() == "x", f"{kind} ran twice"
        lines = log_file(folder, name)
        assert lines[0].startswith("pid ")
        assert lines[1:] == ([] if kind == "killed" else whole)
        # every line is in Cloud Logging, once
        assert sorted(api.lines(name)) == sorted(lines), kind
    again_seen = {kind: api.get(name)["state"] for kind, name in names.items()}
    assert again_seen["killed"] == "JOB_STATE_FAILED"
    assert len(api.call("GET", api.jobs)["customJobs"]) == 4
