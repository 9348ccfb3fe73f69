"""Things that tests of process groups need: a place, a way to run a shell line, the end of everything."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from argovx_lab.sandbox.processes import ProcessGroup, ProcessSpec, ProcessState
from argovx_lab.sandbox.processes.supervisor import read_stat

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def _shell(line: str, **more) -> ProcessSpec:
    return ProcessSpec(("/bin/sh", "-c", line), more.pop("env", ENV), **more)


def _run(folder: Path, spec: ProcessSpec) -> tuple[ProcessGroup, ProcessState]:
    async def both() -> tuple[ProcessGroup, ProcessState]:
        group = await ProcessGroup.start(folder, spec)
        return group, await asyncio.wait_for(group.wait(), 20)

    return asyncio.run(both())


def _until(condition: Callable[[], object], what: str, deadline_s: float = 10.0) -> object:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"no {what} within {deadline_s} s")


def _alive(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat[0] != "Z"


@pytest.fixture
def folder(tmp_path):
    """A folder for one group; whatever still runs in it at the end is killed."""
    place = tmp_path / "group"
    yield place
    if group := ProcessGroup.attach(place):
        group.kill()
        _until(lambda: group.state().ended, "end of the group")


@pytest.fixture(params=["own", "user"])
def isolated(request, monkeypatch):
    """Run with the machine's own isolation, and again as an ordinary user would get it."""
    if request.param == "user":
        from argovx_lab.sandbox.processes import probe as module

        if not module._works("user"):
            assert os.geteuid() != 0 or module.isolation() in ("mount", "none")
            pytest.skip("this machine gives no user namespaces")
        monkeypatch.setattr("argovx_lab.sandbox.processes.group.isolation", lambda: "user")
    return request.param


@pytest.fixture
def shell():
    """Build a specification that runs one shell line."""
    return _shell


@pytest.fixture
def run():
    """Run a specification to its end; returns the group and its last state."""
    return _run


@pytest.fixture
def until():
    """Wait for a condition, with a deadline."""
    return _until


@pytest.fixture
def alive():
    """Tell whether a process is there and no zombie."""
    return _alive
