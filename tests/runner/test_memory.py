"""A cell that takes more memory than its machine has: killed by the kernel, and told as what it was."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

import pytest

from argovx_lab.runner import process

LIMIT_BYTES = 160 << 20

#: Takes memory bit by bit, and says so where it is refused.
CELL = "held = []\nwhile True:\n    held.append(bytearray(8 << 20))\n"

#: Where a group of processes can be given a limit: versions 2 and 1 of control groups.
GROUPS = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))


@contextlib.contextmanager
def limited():
    """Give what goes into the group a limit of the kernel's own; yields its list, or ``None`` without rights."""
    folder = next(filter(None, (_group(kind, limit) for kind, limit in GROUPS)), None)
    if folder is None:
        yield None
        return
    try:
        yield folder / "cgroup.procs"
    finally:
        folder.rmdir()


def _group(kind, limit):
    """Make a group with a limit; ``None`` where this version is not there or this process may not."""
    root = Path("/sys/fs/cgroup", kind)
    folder = root / f"argovx-test-{os.getpid()}"
    if not (root / "cgroup.procs").exists():
        return None
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        (folder / limit).write_text(str(LIMIT_BYTES))
    except OSError:
        folder.rmdir()
        return None
    return folder


def test_the_kernel_kills_the_cell_and_not_the_runner_which_says_what_it_was(job, tmp_path):
    job.cell = CELL
    with limited() as group:
        if group is None:  # no group can be made here: a limit of the process is met by Python itself
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (8 * LIMIT_BYTES, hard))
            try:
                assert job.run() == 1
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            assert job.error["type"] == "MemoryError"
        else:
            start = tmp_path / "python"
            start.write_text(f'#!/bin/sh\necho $$ > {group}\nexec {job.python} "$@"\n')
            start.chmod(0o755)
            job.python = str(start)
            assert job.run() == 1, job.output
            assert job.error["type"] == "OutOfMemory"
    assert "ran out of memory" in job.error["message"]
    assert "Use a larger machine, such as --on n1-highmem-8" in job.error["message"]
    assert job.closed["outcome"] == "failed"


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("0::/kubepods/pod1", "/sys/fs/cgroup/kubepods/pod1/memory.events"),
        ("4:memory:/job", "/sys/fs/cgroup/memory/job/memory.oom_control"),
        ("4:cpu,memory:/", "/sys/fs/cgroup/memory/memory.oom_control"),
    ],
)
def test_the_groups_own_count_is_found(tmp_path, monkeypatch, line, file):
    own = tmp_path / "cgroup"
    own.write_text(f"9:pids:/x\nodd\n{line}\n")
    monkeypatch.setattr(process, "_OWN_GROUP", str(own))
    assert process._own_files() == [file]
    own.unlink()
    assert process._own_files() == []


def test_the_cell_dies_before_the_runner(job):
    job.cell = "score = int(open('/proc/self/oom_score_adj').read())"
    job.outputs = {"score": "json"}
    assert job.run() == 0
    assert job.value("score") == 500
    assert int(Path("/proc/self/oom_score_adj").read_text()) < 500
