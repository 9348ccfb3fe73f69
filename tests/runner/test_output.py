"""Output of every kind: from C and from children, without sense, without end; memory stays bounded."""

from __future__ import annotations

import re
import time

from argovx_lab.runner import parts
from argovx_lab.runner.tee import Tee

#: Highest resident memory of the runner that any flood may cause. Unit: KiB.
PEAK_KIB = 100 << 10

#: Ends a cell with the runner's own peak as its output.
PEAK = """
sys.stdout.flush()
with open("/proc/%d/status" % os.getppid()) as file:
    peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
"""


def logs(job):
    return job.cloud.logs(job.prefix + "r0.0/")


def test_children_and_c_libraries_are_heard(job):
    job.cell = """
import ctypes, os, subprocess, sys
print("from Python", flush=True)
libc = ctypes.CDLL(None)
libc.puts(b"from C")
libc.fflush(None)
subprocess.run(["sh", "-c", "echo from a shell; echo and its errors >&2"], check=True)
os.system("echo from os.system")
os.write(2, b"from a descriptor\\n");
"""
    assert job.run() == 0, job.output
    assert logs(job).splitlines() == [
        b"from Python",
        b"from C",
        b"from a shell",
        b"and its errors",
        b"from os.system",
        b"from a descriptor",
    ]


def test_bytes_that_are_no_text_arrive_as_they_are(job):
    job.cell = r"""
import os, sys
os.write(1, b"\xff\xfe\x00half \xc3")
print("\udcff", flush=True)
sys.stdout.buffer.write(b"\x80\n");
"""
    assert job.run() == 0, job.output
    assert logs(job) == b"\xff\xfe\x00half \xc3\\udcff\n\x80\n"


def test_a_line_of_100_mb_takes_no_memory_for_it(job):
    job.cell = "import os, sys\npiece = b'x' * 1000000\nfor _ in range(100): os.write(1, piece)\n" + PEAK
    job.outputs = {"peak": "json"}
    assert job.run() == 0, job.output[-500:]
    assert job.value("peak") < PEAK_KIB
    written = logs(job)
    kept = written.count(b"x")
    assert kept == 100_000_000 or b"bytes of output were left out" in written


def test_a_million_lines_arrive(job):
    job.cell = (
        "import os, sys\nfor block in range(1000):\n"
        "    sys.stdout.write(''.join('%d line\\n' % (1000 * block + i) for i in range(1000)))\n" + PEAK
    )
    job.outputs = {"peak": "json"}
    began = time.monotonic()
    assert job.run() == 0, job.output[-500:]
    assert time.monotonic() - began < 60, "a million lines a minute"
    assert job.value("peak") < PEAK_KIB
    assert logs(job) == b"".join(b"%d line\n" % i for i in range(1_000_000))


def test_a_bucket_that_is_slow_bounds_memory_and_the_loss_is_said(job, tmp_path):
    gate = tmp_path / "gate"
    job.environment = {"GATE": str(gate)}

    def slow(method, path):
        while "logs%2Fpart" in path and not gate.exists():
            time.sleep(0.01)

    job.cloud.fault = slow
    job.cell = (
        "import os, sys\npiece = b'x' * 1000000\nfor _ in range(60): os.write(1, piece)\n"
        "open(os.environ['GATE'], 'w').close()\nprint()\n" + PEAK + "print('end')\n"
    )
    job.outputs = {"peak": "json"}
    assert job.run() == 0, job.output[-500:]
    assert job.value("peak") < PEAK_KIB
    written = logs(job)
    lost = [int(n) for n in re.findall(rb"argovx: (\d+) bytes of output were left out", written)]
    assert 1 <= len(lost) < 10, "one note for a gap"
    assert 60_000_000 <= written.count(b"x") + sum(lost) < 60_000_100


def test_a_reader_of_stdout_that_is_stuck_holds_nobody_up(job):
    """The pipe of this test is read only after the step has ended."""
    job.cell = "import os\npiece = b'x' * 1000000\nfor _ in range(12): os.write(1, piece)\na = 1"
    job.outputs = {"a": "json"}
    process = job.start()
    closed = job.prefix + "r0.0/events/"
    job.wait_for(lambda: any(b'"closed"' in job.cloud.get(name) for name in job.cloud.names(closed)))
    assert job.value("a") == 1
    assert len(logs(job)) >= 12_000_000
    assert process.poll() is not None or job.finish() == 0


def test_what_a_stuck_reader_missed_is_said():
    import os

    read, write = os.pipe()
    tee = Tee(write)
    for _ in range(12):
        tee.add(b"x" * (1 << 20))
    collected = b""
    while collected.count(b"x") < (8 << 20) - (1 << 20):
        collected += os.read(read, 1 << 20)
    tee.add(b"again")
    tee._closing = True
    while not collected.endswith(b"again"):
        collected += os.read(read, 1 << 20)
    tee.close(10)
    os.close(write)
    os.close(read)
    assert b"bytes were left out here; the log in the bucket has them]" in collected


def test_output_is_written_two_seconds_after_it_came_at_the_latest():
    class Bucket:
        def __init__(self):
            self.at = []

        def create(self, uri, data):
            self.at.append(time.monotonic())

    bucket = Bucket()
    stream = parts.Parts(bucket, "gs://b/logs/part-")
    stream._written = 1000  # a long step: its parts are the rarest
    began = time.monotonic()
    stream.add(b"a line")
    deadline = began + 30
    while not bucket.at:
        assert time.monotonic() < deadline, "it waits for more"
        time.sleep(0.01)
    assert max(age for _, age in parts.AGES_S) <= 2.0
    stream.close()
