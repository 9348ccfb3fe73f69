"""How a step ends when something goes wrong: each end has its own type, message and place."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest


def test_an_error_names_the_cell_and_the_users_own_lines(job):
    job.definitions = [
        {"code": "\n\ndef ratio(a, b):\n    return a / b\n", "number": 3, "notebook_cell": "x"}
    ]
    job.cell = "\nimport json\nvalues = [1, 0]\nratio(*values)\n"
    assert job.run() == 1
    assert job.closed["outcome"] == "failed"
    assert job.closed["exit_code"] == 1
    error = job.error
    assert error["type"] == "ZeroDivisionError"
    assert error["message"] == "division by zero"
    assert error["place"] == "cell 3, line 4"
    text = "\n".join(error["traceback"])
    assert 'File "digits.ipynb cell 7 (train)", line 4, in <module>' in text
    assert "    ratio(*values)" in text
    assert 'File "digits.ipynb cell 3", line 4, in ratio' in text
    assert error["traceback"][-1] == "ZeroDivisionError: division by zero"
    assert "argovx_lab" not in text
    assert "argovx_lab" not in job.output
    assert not job.cloud.names(job.prefix + "manifest.json")


def test_frames_of_libraries_are_in_the_log_and_not_in_the_record(job):
    job.cell = "\nimport json\njson.loads('{')\n"
    assert job.run() == 1
    assert job.error["type"] == "JSONDecodeError"
    assert job.error["place"] == "cell 7, line 3"
    assert not any("decoder.py" in line for line in job.error["traceback"])
    assert "decoder.py" in job.output


def test_chained_errors_keep_both_parts(job):
    job.cell = "try:\n    {}['a']\nexcept KeyError as error:\n    raise RuntimeError('no a') from error\n"
    assert job.run() == 1
    text = "\n".join(job.error["traceback"])
    assert text.index("KeyError: 'a'") < text.index("direct cause") < text.index("RuntimeError: no a")
    assert job.error["place"] == "cell 7, line 4"


def test_a_long_message_and_a_deep_recursion_are_cut(job):
    job.cell = "def f(n):\n    return f(n + 1) + len('x' * 5000)\nf(0)"
    assert job.run() == 1
    assert job.error["type"] == "RecursionError"
    assert len(job.error["traceback"]) <= 41


def test_an_error_that_cannot_be_shown_is_still_an_error(job):
    job.cell = "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd()"
    assert job.run() == 1
    assert job.error["type"] == "Odd"


def test_an_error_of_the_user_is_not_taken_for_one_of_ours(job):
    job.cell = "class Unavailable(Exception): pass\nraise Unavailable('mine')"
    assert job.run() == 1
    assert job.error["type"] == "__main__.Unavailable"


def test_a_lone_surrogate_is_replaced_and_the_error_is_the_users(job):
    job.cell = "argovx.log_metrics({'\\ud800': 1.0})\nprint('x\\ud800y')\nraise ValueError('lone \\ud800')"
    assert job.run() == 1
    assert job.error["type"] == "ValueError"
    assert job.error["message"].startswith("lone ")


def test_nonsense_on_the_message_pipe_hurts_nobody(job):
    job.cell = (
        "import os, sys\n"
        "words = open('/proc/self/cmdline').read().split('\\0')\n"
        "fd = int(words[words.index('--child') + 2])\n"
        "os.write(fd, b'[' * 100_000 + b'\\n')\n"
        "os.write(fd, b'{\"method\": 7}\\n')\n"
        "argovx.log_metrics({'a': 10 ** 400, 'b': 1})\n"
    )
    assert job.run() == 0
    assert "a is inf, which is not drawn" in job.output


FULL = """
import os, sys
words = open("/proc/self/cmdline").read().split("\\0")
os.symlink("/dev/full", os.path.join(words[words.index("--child") + 1], NAME))
rows = list(range(100_000))
"""


def test_an_output_that_the_disk_does_not_hold_is_named(job):
    job.outputs = {"rows": "auto"}
    job.cell = FULL.replace("NAME", "'output-0'")
    assert job.run() == 1
    assert job.error["type"] == "OutputsMissing"
    assert "the output rows could not be written: the job's disk is full" in job.error["message"]
    assert "write it to gs:// inside the cell" in job.error["message"]


def test_a_disk_so_full_that_the_result_does_not_fit_is_said_all_the_same(job):
    job.outputs = {"rows": "auto"}
    job.cell = FULL.replace("NAME", "'result.json.part'")
    assert job.run() == 1
    assert job.error["type"] == "DiskFull"
    assert "the job's disk is full" in job.error["message"]


def test_a_disk_that_stays_full_is_said_through_the_pipe(job):
    """Nothing that the cell's process writes takes a byte, not even its last word."""
    job.outputs = {"rows": "json"}
    job.cell = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\nrows = [1]"
    assert job.run() == 1
    assert job.error["type"] == "OutputsMissing"
    assert "the output rows could not be written: the job's disk is full" in job.error["message"]


def test_the_users_own_full_disk_is_their_error(job):
    job.cell = "with open('/dev/full', 'w') as file:\n    file.write('x')"
    assert job.run() == 1
    assert job.error["type"] == "OSError"
    assert "No space left on device" in job.error["message"]
    assert job.error["place"]


ENDINGS = {
    "exit 3": ("import sys\nsys.exit(3)", "SystemExit", "the cell called sys.exit(3)"),
    "exit text": ("raise SystemExit('enough')", "SystemExit", "the cell called sys.exit: enough"),
    "_exit": ("import os\nos._exit(7)", "ProcessExit", "exit code 7 before the cell was done"),
    "_exit 0": ("import os\nos._exit(0)", "ProcessExit", "exit code 0 before the cell was done"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "SegmentationFault", "SIGSEGV"),
    "abort": ("import os\nos.abort()", "Aborted", "SIGABRT"),
    "kill": ("import os\nos.kill(os.getpid(), 9)", "Killed", "SIGKILL"),
    "user signal": ("import os\nos.kill(os.getpid(), 10)", "Signal", "SIGUSR1"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
    "memory": ("raise MemoryError('big')", "MemoryError", "big"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_end_has_its_own_type(job, name):
    job.cell, kind, message = ENDINGS[name]
    assert job.run() == 1, job.output
    assert job.error["type"] == kind
    assert message in job.error["message"]
    assert job.closed["outcome"] == "failed"


def test_exit_zero_ends_the_cell_and_its_outputs_count(job):
    job.cell = "import sys\na = 5\nsys.exit()\na = 6"
    job.outputs = {"a": "json"}
    assert job.run() == 0, job.output
    assert job.value("a") == 5


def test_an_output_that_was_never_assigned_is_named(job):
    job.cell = "if False:\n    report = 1\nother = 2\n"
    job.outputs = {"other": "json", "report": "json"}
    assert job.run() == 1
    assert job.error["type"] == "OutputsMissing"
    assert "the cell never assigned report" in job.error["message"]


def test_an_output_that_cannot_travel_is_named_with_the_reason(job):
    job.cell = "import threading\nguard = threading.Lock()\n"
    job.outputs = {"guard": "auto"}
    assert job.run() == 1
    assert job.error["type"] == "CodecError"
    assert job.error["message"].startswith("guard cannot travel: it is a lock.")


def test_a_package_that_the_image_lacks_is_named(job):
    import numpy as np

    job.inputs = {"X": np.zeros(3)}
    job.cell = "x = X"
    assert job.run() == 1
    assert job.error["type"] == "CodecError"
    assert "the input X cannot be read: numpy is not installed" in job.error["message"]


def test_pickle_of_another_python_is_refused_before_the_cell_runs(job):
    job.inputs = {"a": ({1, 2}, "pickle")}
    job.minor = "3.8"
    job.cell = "print('ran')"
    assert job.run() == 1
    assert job.error["type"] == "SpecError"
    assert "Python 3.8" in job.error["message"]
    assert "ran\n" not in job.output


def test_pickle_on_the_users_word_travels(job):
    job.inputs = {"a": ({1, 2}, "pickle")}
    job.cell = "b = a | {3}"
    job.outputs = {"b": "pickle"}
    assert job.run() == 0, job.output
    assert job.value("b") == {1, 2, 3}


def test_a_teardown_crash_after_the_cell_was_done_loses_nothing(job):
    job.cell = "import atexit, os\na = 1\natexit.register(os._exit, 9)\n"
    job.outputs = {"a": "json"}
    assert job.run() == 0, job.output
    assert "its results count" in job.output


def test_a_daemon_that_keeps_the_pipe_open_ends_with_the_step(job, tmp_path):
    pidfile = tmp_path / "pid"
    job.environment = {"PIDFILE": str(pidfile)}
    job.cell = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
open(os.environ["PIDFILE"], "w").write(str(child.pid))
a = 1
"""
    job.outputs = {"a": "json"}
    assert job.run() == 0, job.output
    assert job.value("a") == 1
    assert "argovx: 1 process (python) that the cell left behind: ended with the step" in job.output
    assert not Path(f"/proc/{pidfile.read_text()}").exists()


def test_a_double_fork_that_ignores_sigterm_ends_too(job, tmp_path):
    pidfile = tmp_path / "pid"
    job.environment = {"PIDFILE": str(pidfile)}
    job.cell = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(os.environ["PIDFILE"], "w") as file:
            file.write(str(os.getpid()))
        time.sleep(120)
    os._exit(0)
while not os.path.exists(os.environ["PIDFILE"]) or not open(os.environ["PIDFILE"]).read():
    time.sleep(0.01)
"""
    assert job.run() == 0, job.output
    assert "that the cell left behind: ended with the step" in job.output
    assert not Path(f"/proc/{pidfile.read_text()}").exists()


DELETED = """
import os, shutil
shutil.rmtree(os.path.dirname(argovx.checkpoint_dir))
rows = [1, 2]
"""


def test_a_cell_that_deletes_the_runners_folder_keeps_its_results(job):
    job.cell = DELETED
    job.outputs = {"rows": "json"}
    assert job.run() == 0, job.output
    assert job.value("rows") == [1, 2]
    assert "the cell deleted the runner's folder; its results are kept all the same" in job.output


def test_a_cell_that_deletes_the_runners_folder_and_fails_says_why(job):
    job.cell = DELETED + "raise KeyError('label')\n"
    assert job.run() == 1
    assert job.error["type"] == "KeyError"


def test_a_cell_that_deletes_its_working_folder_ends_well(job, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    job.environment = {"GONE": str(gone)}
    job.cell = "import os, shutil\nos.chdir(os.environ['GONE'])\nshutil.rmtree(os.environ['GONE'])\na = 3"
    job.outputs = {"a": "json"}
    assert job.run() == 0, job.output
    assert job.value("a") == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stop_reaches_the_cell_and_closes_the_record(job, number, code):
    job.cell = """
import atexit, signal, sys, time
signal.signal(signal.SIGTERM, lambda *a: sys.exit("saved"))
print("ready", flush=True)
time.sleep(60)
"""
    process = job.start()
    job.wait_for(lambda: b"ready" in job.cloud.logs(job.prefix + "r0.0/"))
    process.send_signal(number)
    assert job.finish() == code
    assert "saved" in job.output
    assert job.error["type"] == "Cancelled"
    assert job.closed["exit_code"] == code


def test_a_cell_that_ignores_the_stop_is_killed_after_the_grace(job):
    job.cell = (
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"
    )
    job.arguments = ["--grace-s", "0.5"]
    process = job.start()
    job.wait_for(lambda: b"ready" in job.cloud.logs(job.prefix + "r0.0/"))
    process.terminate()
    assert job.finish(20) == 143
    assert job.error["type"] == "Cancelled"


def test_a_cell_that_ends_well_after_a_stop_is_not_a_success(job):
    job.cell = """
import signal, time
stop = []
signal.signal(15, lambda *a: stop.append(1))
print("ready", flush=True)
while not stop: time.sleep(0.01)
a = 1
"""
    job.outputs = {"a": "json"}
    process = job.start()
    job.wait_for(lambda: b"ready" in job.cloud.logs(job.prefix + "r0.0/"))
    process.terminate()
    assert job.finish() == 143
    assert not job.cloud.names(job.prefix + "manifest.json")


def test_the_cell_dies_with_the_runner(job, tmp_path):
    import os
    import time

    pidfile = tmp_path / "pid"
    job.environment = {"PIDFILE": str(pidfile)}
    job.cell = """
import os, time
open(os.environ["PIDFILE"] + ".part", "w").write(str(os.getpid()))
os.rename(os.environ["PIDFILE"] + ".part", os.environ["PIDFILE"])
time.sleep(60)
"""
    process = job.start()
    job.wait_for(pidfile.exists)
    process.kill()
    process.communicate(timeout=10)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pidfile.read_text()}/fd/0"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_inputs_are_newer_than_what_a_block_of_definitions_assigns(job):
    job.inputs = {"a": 7}
    job.definitions = [
        {"code": "if True:\n    a = 5\n    def f(): return a\n", "number": 1, "notebook_cell": ""}
    ]
    job.cell = "b = f()"
    job.outputs = {"b": "json"}
    assert job.run() == 0, job.output
    assert job.value("b") == 7


def test_a_semicolon_hides_the_last_value_and_none_is_not_shown(job):
    for cell, shown in (("41 + 1; # quiet", ""), ("41 + 1  # ;", "42\n"), ("None", ""), ("'a;'", "'a;'\n")):
        job.cell = cell
        job.prefix = f"gs://lab/users/ada/runs/uid-1/train/{abs(hash(cell))}/"
        assert job.run() == 0, job.output
        assert job.output == shown


def test_functions_and_classes_of_a_cell_are_outputs_by_source(job):
    job.cell = "def f(v):\n    return v + 1\n\nclass Box:\n    def get(self): return 3\n"
    job.outputs = {"f": "auto", "Box": "function"}
    assert job.run() == 0, job.output
    assert job.value("f")(1) == 2
    assert job.value("Box")().get() == 3


def test_wrong_metrics_fail_where_they_are_logged(job):
    job.cell = "\nargovx.log_metrics({'a': 'high'})"
    assert job.run() == 1
    assert job.error["type"] == "TypeError"
    assert job.error["place"] == "cell 7, line 2"
    assert "a is a str, not a number" in job.error["message"]
    assert "facade" not in "".join(job.error["traceback"])


@pytest.mark.parametrize(("kills", "kind"), [(1, "OutOfMemory"), (0, "Killed")])
def test_the_memory_limits_own_kill_is_told_from_others(monkeypatch, tmp_path, kills, kind):
    from argovx_lab.runner import process

    events = tmp_path / "memory.events"
    events.write_text("low 0\nhigh 0\noom 3\noom_kill 2\n")
    monkeypatch.setattr(process, "_OOM_FILES", (str(tmp_path / "none"), str(events)))
    child = object.__new__(process.Child)
    child._oom_before = process.oom_kills()
    events.write_text(f"low 0\nhigh 0\noom 3\noom_kill {2 + kills}\n")
    told = child.death(-signal.SIGKILL)
    assert told["type"] == kind
    assert "Use a larger machine, such as --on n1-highmem-8" in told["message"]


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTERM]
)
def test_every_death_says_what_to_do(monkeypatch, number):
    from argovx_lab.runner import process

    child = object.__new__(process.Child)
    child._oom_before = process.oom_kills()
    what, _, hint = child.death(-number)["message"].partition(". ")
    assert what
    assert hint
