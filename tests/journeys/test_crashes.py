"""What dies in the middle is found again: one custom job per step, whatever was killed."""

import json
import os
import signal
import threading
from pathlib import Path

from support import until

CELL = "%%vertex_step {name}() -> x --no-wait\nimport time\nfor i in range({seconds} * 10):\n    time.sleep(0.1)\nx = {seconds}"


def launchers(step):
    """Return the pids of running launchers of a step."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        workflow = f"ARGO_WORKFLOW_NAME={step}-".encode()
        if b"argovx_lab.launcher" in command and b"run" in command and workflow in environment:
            found.append(int(folder.name))
    return found


def jobs(sandbox, step):
    uid = (workflow(sandbox, step) or {"metadata": {"uid": "none"}})["metadata"]["uid"]
    return [job for job in sandbox.jobs.find() if (job.get("labels") or {}).get("argovx-wf") == uid]


def workflow(sandbox, step):
    found = sandbox.cluster.list_workflows(f"argovx.dev/step={step}")[0]
    return found[-1] if found else None


def phase(sandbox, step):
    return ((workflow(sandbox, step) or {}).get("status") or {}).get("phase")


def arm(state_dir, *faults):
    """Hand faults to the running sandbox."""
    path = Path(state_dir) / "faults.json"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(faults, file)


def kill_launcher(step):
    pids = until(lambda: launchers(step), 30, "a launcher")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not set(pids) & set(launchers(step)), 10, "the launcher's death")


def test_a_launcher_killed_between_create_and_answer_and_again_while_it_follows(kernel, sandbox):
    state_dir = os.environ["ARGOVX_SANDBOX"]
    arm(
        state_dir,
        {"kind": "late", "service": "google", "method": "POST", "path": "/customJobs$", "seconds": 60},
    )
    kernel.good(CELL.format(name="survivor", seconds=8))
    until(lambda: jobs(sandbox, "survivor"), 30, "the job that was created without an answer")
    kill_launcher("survivor")

    until(lambda: _attempts(sandbox, "survivor") >= 2, 30, "Argo's second attempt")
    until(lambda: _created(sandbox, "survivor"), 30, "the adoption")
    kill_launcher("survivor")

    until(lambda: phase(sandbox, "survivor") in ("Succeeded", "Failed", "Error"), 60, "the end")
    assert phase(sandbox, "survivor") == "Succeeded"
    assert [job["state"] for job in jobs(sandbox, "survivor")] == ["JOB_STATE_SUCCEEDED"]
    assert _attempts(sandbox, "survivor") == 3
    assert kernel.good("x.get()") == "8"


def test_the_sandbox_killed_while_a_step_runs_goes_on_with_it(kernel, sandbox):
    kernel.good(CELL.format(name="goes-on", seconds=5))
    until(lambda: [j for j in jobs(sandbox, "goes-on") if j["state"] == "JOB_STATE_RUNNING"], 30, "the job")
    status = json.loads((Path(os.environ["ARGOVX_SANDBOX"]) / "sandbox.json").read_text())
    os.kill(status["pid"], signal.SIGKILL)

    from argovx_lab.wiring.local import start_sandbox

    until(lambda: start_sandbox().pid != status["pid"], 30, "a new server")
    until(lambda: phase(sandbox, "goes-on") in ("Succeeded", "Failed", "Error"), 60, "the end")
    assert phase(sandbox, "goes-on") == "Succeeded"
    assert len(jobs(sandbox, "goes-on")) == 1
    assert kernel.good("x.get()") == "5"


def test_a_waiting_cell_outlives_the_sandbox_and_starts_it_again(kernel, sandbox):
    started = threading.Thread(target=_kill_once_running, args=(sandbox, "outlives"))
    started.start()
    kernel.good(CELL.format(name="outlives", seconds=5).replace(" --no-wait", ""))
    started.join()
    assert kernel.good("x.get()") == "5"
    assert len(jobs(sandbox, "outlives")) == 1


def test_the_next_cell_starts_a_sandbox_that_died(kernel, sandbox):
    kernel.good("%%vertex_step before() -> x\nx = 1")
    _kill_sandbox()
    kernel.good("%%vertex_step after(x) -> y\ny = x + 1")
    assert kernel.good("y.get()") == "2"


def test_a_lost_answer_to_the_create_is_no_second_workflow(kernel, sandbox):
    kernel.good("%argovx status")
    arm(
        os.environ["ARGOVX_SANDBOX"],
        {"kind": "lost", "service": "kubernetes", "method": "POST", "path": "/workflows$"},
    )
    kernel.good("%%vertex_step once_only() -> x\nx = 1")
    assert len(sandbox.cluster.list_workflows("argovx.dev/step=once_only")[0]) == 1


def _kill_sandbox():
    path = Path(os.environ["ARGOVX_SANDBOX"]) / "sandbox.json"
    pid = json.loads(path.read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: _dead(pid), 10, "the server's death")


def _dead(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _kill_once_running(sandbox, step):
    until(lambda: [j for j in jobs(sandbox, step) if j["state"] == "JOB_STATE_RUNNING"], 30, "the job")
    _kill_sandbox()


def test_the_kernel_killed_while_a_step_runs_finds_its_result(kernel, sandbox):
    kernel.good(CELL.format(name="alone", seconds=3))
    kernel.restart()
    until(lambda: phase(sandbox, "alone") == "Succeeded", 60, "the end")
    kernel.good("%load_ext argovx_lab")
    kernel.good("%%vertex_step reader(x) -> y\ny = x + 1")
    assert kernel.good("y.get()") == "4"


def _nodes(sandbox, step):
    return ((workflow(sandbox, step) or {}).get("status") or {}).get("nodes") or {}


def _attempts(sandbox, step):
    nodes = _nodes(sandbox, step).values()
    return sum(bool((n.get("nodeFlag") or {}).get("retried")) and ".onExit" not in n["name"] for n in nodes)


def _created(sandbox, step):
    uid = (workflow(sandbox, step) or {"metadata": {"uid": ""}})["metadata"]["uid"]
    prefix = f"{sandbox.profile.layout.root}runs/{uid}/"
    names = [meta.name for meta in sandbox.objects.list(sandbox.profile.bucket, prefix)] if uid else []
    return [name for name in names if name.endswith("created.json")]
