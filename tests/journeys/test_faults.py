"""Refusals of the remote ends and Ctrl-C, seen from the cell: one line, nothing submitted, nothing lost."""

import os
import signal
import threading

import pytest
from support import until
from test_crashes import arm

UPLOAD = {"service": "google", "method": "POST", "path": "/upload/"}
CREATE = {"service": "kubernetes", "method": "POST", "path": "/workflows$"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ({**UPLOAD, "status": 403}, "storage.objects.create is missing", "argovx doctor"),
        ({**UPLOAD, "status": 507}, "storage answered 507", "free some space"),
        ({**CREATE, "status": 403}, "Workflow refused-", "argovx doctor"),
        ({**CREATE, "status": 500}, "HTTP 500", "try again"),
    ],
)
def test_what_refuses_is_one_line_and_a_hint_and_nothing_runs(patient_kernel, sandbox, fault, message, hint):
    kernel = patient_kernel
    kernel.good("kept = 'mine'")
    before = len(sandbox.cluster.list_workflows()[0])
    arm(os.environ["ARGOVX_SANDBOX"], {"kind": "status", **fault})
    text = kernel.bad(f"%%vertex_step refused() -> kept\nkept = '{message} {fault['path']}'")
    assert message in text
    assert hint in text
    assert "Traceback" not in text
    assert kernel.good("kept") == "'mine'"
    assert len(sandbox.cluster.list_workflows()[0]) == before


@pytest.mark.long
def test_a_busy_kubernetes_api_is_waited_for_and_the_cell_says_so(patient_kernel, sandbox):
    kernel = patient_kernel
    before = len(sandbox.cluster.list_workflows()[0])
    arm(os.environ["ARGOVX_SANDBOX"], {"kind": "status", **CREATE, "status": 429})
    text = kernel.good("%%vertex_step busy_api() -> late\nlate = 4")
    assert "busy_api is not submitted yet: Workflow busy-api-" in text
    assert "HTTP 429; trying again in" in text
    assert kernel.good("late.get()") == "4"
    assert len(sandbox.cluster.list_workflows()[0]) == before + 1


def test_ctrl_c_detaches_and_the_step_goes_on(kernel, sandbox):
    pid = kernel.client.km.provisioner.process.pid

    def interrupt():
        until(lambda: _running(sandbox), 30, "the step under the cell")
        os.kill(pid, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    text = kernel.good("%%vertex_step patience() -> late\nimport time\ntime.sleep(4)\nlate = 3")
    thread.join(40)
    assert "patience goes on without this cell" in text
    assert "from step patience" in until(
        lambda: text if "from step" in (text := kernel.good("late")) else "", 40, "the result"
    )
    assert kernel.good("late.get()") == "3"


def test_ctrl_c_before_the_step_is_submitted_is_one_line_and_nothing_runs(kernel, sandbox):
    kernel.good("kept = 'mine'")
    arm(os.environ["ARGOVX_SANDBOX"], {**UPLOAD, "kind": "latency", "seconds": 4})
    timer = threading.Timer(1.5, os.kill, (kernel.client.km.provisioner.process.pid, signal.SIGINT))
    timer.start()
    text = kernel.bad("%%vertex_step hasty() -> kept\nkept = 'an upload that takes long'")
    assert "hasty was interrupted before it was submitted" in text
    assert "Traceback" not in text
    assert kernel.good("kept") == "'mine'"
    assert not [w for w in sandbox.cluster.list_workflows()[0] if "hasty" in w["metadata"]["name"]]


def test_ctrl_c_while_the_answer_to_the_create_call_is_out_detaches(kernel, sandbox):
    arm(os.environ["ARGOVX_SANDBOX"], {**CREATE, "kind": "late", "seconds": 8})
    pid = kernel.client.km.provisioner.process.pid

    def interrupt():
        until(lambda: [w for w in sandbox.cluster.list_workflows()[0] if "let-go" in w["metadata"]["name"]])
        os.kill(pid, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    text = kernel.good("%%vertex_step let_go() -> late\nlate = 5")
    thread.join(40)
    assert "let_go goes on without this cell" in text
    until(lambda: "get() brings" in (now := kernel.good("late")) and "not there" not in now, 40)
    assert kernel.good("late.get()") == "5"


def test_a_step_that_is_stopped_twice_is_stopped(kernel):
    kernel.good("%%vertex_step halted() -> x --no-wait\nimport time\ntime.sleep(60)\nx = 1")
    until(lambda: "halted" in kernel.good("%argovx status"), 20)
    kernel.good("%argovx stop halted")
    kernel.run("%argovx stop halted")
    until(lambda: "Stopped" in kernel.good("%argovx status"), 40)
    assert "halted has ended: stopped" in kernel.bad("%argovx stop halted")


def _running(sandbox):
    for job in sandbox.jobs.find():
        if "patience" in job["displayName"] and job["state"] == "JOB_STATE_RUNNING":
            return True
    return False
