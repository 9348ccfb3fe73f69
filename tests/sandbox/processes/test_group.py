"""A process group: how it starts, ends, is found again, and what is left when its supervisor is killed."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.processes import ProcessGroup, ProcessSpec
from argovx_lab.sandbox.processes.durable import patiently

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("line", "code", "signum"), [("true", 0, 0), ("exit 3", 3, 0), ("kill -9 $$", 137, 9)]
)
def test_the_exit_code_is_the_shells(folder, line, code, signum, run, shell):
    _, state = run(folder, shell(line))
    assert (state.phase, state.exit_code, state.signal, state.error) == ("exited", code, signum, "")
    assert state.started_at < state.finished_at
    assert state.finished_at.endswith("Z")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("no-such-command",), 'exec: "no-such-command": executable file not found in $PATH'),
        (("/no/such/file",), 'exec: "/no/such/file": stat /no/such/file: no such file or directory'),
        (("/etc/passwd",), 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_a_command_that_cannot_start_is_127_and_says_why(folder, argv, said, run):
    _, state = run(folder, ProcessSpec(argv, ENV))
    assert (state.phase, state.exit_code, state.error) == ("exited", 127, said)


def test_a_missing_working_folder_is_said(folder, run, shell):
    _, state = run(folder, shell("true", cwd="/no/such/folder"))
    assert state.exit_code == 127
    assert "/no/such/folder" in state.error


def test_the_environment_is_exactly_the_given_one(folder, monkeypatch, run):
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    group, _ = run(folder, ProcessSpec(("/usr/bin/env",), {"ONLY": "this", **ENV}))
    assert sorted(group.stdout_tail.decode().split()) == sorted(["ONLY=this", f"PATH={ENV['PATH']}"])


def test_the_specification_is_readable_by_its_owner_only(folder, run, shell):
    run(folder, shell("true", env={**ENV, "TOKEN": "secret"}))
    assert stat.S_IMODE((folder / "spec.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_signal_reaches_the_command_itself(folder, shell, until):
    async def script():
        group = await ProcessGroup.start(
            folder, shell("trap 'echo got; exit 7' TERM; echo up; while :; do sleep 0.02; done")
        )
        await asyncio.to_thread(until, lambda: b"up" in group.log_path.read_bytes(), "first line")
        assert group.signal(signal.SIGTERM)
        state = await asyncio.wait_for(group.wait(), 10)
        return group, state

    group, state = asyncio.run(script())
    assert state.exit_code == 7
    assert group.stdout_tail == b"up\ngot\n"
    assert not group.signal(signal.SIGTERM), "there is nobody left to signal"


def test_kill_ends_every_process_even_one_in_its_own_session(folder, shell, until, alive):
    line = "setsid sh -c 'trap \"\" TERM; echo $$; sleep 1000' & trap '' TERM; echo $$; wait; sleep 1000"

    async def script():
        group = await ProcessGroup.start(folder, shell(line))
        await asyncio.to_thread(until, lambda: group.log_path.read_bytes().count(b"\n") == 2, "two pids")
        pids = [int(entry.split()[-1]) for entry in group.log_path.read_text().splitlines()]
        assert all(map(alive, pids))
        group.kill()
        return await asyncio.wait_for(group.wait(), 10), pids

    state, pids = asyncio.run(script())
    assert (state.phase, state.exit_code, state.signal) == ("exited", 137, 9)
    assert not any(map(alive, pids))


def test_what_the_command_leaves_behind_ends_with_it(folder, run, shell, alive):
    group, state = run(folder, shell("setsid sleep 1000 & echo $!"))
    assert state.exit_code == 0
    assert not alive(int(group.stdout_tail))


def test_it_outlives_its_starter_killed_and_is_found_again(folder, until):
    program = textwrap.dedent("""
        import asyncio, os, signal, sys
        from pathlib import Path
        from argovx_lab.sandbox.processes import ProcessGroup, ProcessSpec
        line = "echo up; while [ ! -e /tmp/go ]; do /bin/sleep 0.02; done; echo done; exit 5"
        async def main():
            await ProcessGroup.start(Path(sys.argv[1]), ProcessSpec(("/bin/sh", "-c", line), {}))
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert done.returncode == -signal.SIGKILL
    group = ProcessGroup.attach(folder)
    assert group is not None
    until(lambda: group.state().phase == "running", "running group")
    group.host_path("/tmp/go").touch()
    state = asyncio.run(asyncio.wait_for(group.wait(), 10))
    assert state.exit_code == 5
    assert group.stdout_tail == b"up\ndone\n"


@pytest.mark.parametrize(
    "line", ["sleep 1000 & echo $!; echo $$; wait", "setsid sleep 1000 & echo $!; echo $$; wait"]
)
def test_a_killed_supervisor_is_noticed_and_its_children_are_killed(folder, line, shell, until, alive):
    async def script():
        group = await ProcessGroup.start(folder, shell(line))
        await asyncio.to_thread(until, lambda: group.log_path.read_bytes().count(b"\n") == 2, "two pids")
        pids = [int(entry.split()[-1]) for entry in group.log_path.read_text().splitlines()]
        os.kill(json.loads((folder / "state.json").read_text())["supervisor"], signal.SIGKILL)
        return await asyncio.wait_for(group.wait(), 10), pids

    state, pids = asyncio.run(script())
    assert (state.phase, state.exit_code) == ("lost", None)
    until(lambda: not any(map(alive, pids)), "end of the children")


def test_a_folder_is_used_once(folder, run, shell):
    run(folder, shell("true"))
    with pytest.raises(SandboxError, match="in use"):
        run(folder, shell("true"))


def test_nothing_to_attach_to_is_none(tmp_path):
    assert ProcessGroup.attach(tmp_path / "nothing") is None


def test_a_group_whose_folder_was_removed_is_lost(folder, run, shell):
    group, _ = run(folder, shell("true"))
    shutil.rmtree(folder)
    assert group.state().phase == "lost"
    assert not group.signal(signal.SIGTERM)
    group.kill()


def test_the_end_is_written_once_the_disk_has_room_again():
    tries = []

    def write():
        tries.append(1)
        if len(tries) < 3:
            raise OSError(errno.ENOSPC, "full")

    patiently(write, lambda: False, pause_s=0.001)
    assert len(tries) == 3
    with pytest.raises(OSError, match="gone"):
        patiently(lambda: (_ for _ in ()).throw(OSError(errno.ENOENT, "gone")), lambda: False)


def test_who_is_asked_to_end_waits_for_no_room():
    tries = []

    def write():
        tries.append(1)
        raise OSError(errno.ENOSPC, "full")

    patiently(write, lambda: len(tries) >= 2, pause_s=0.001)
    assert len(tries) == 3


@pytest.fixture
def full(disk, shell, until):
    """A group that runs on a full disk, and that disk."""
    group = asyncio.run(ProcessGroup.start(disk.place / "group", shell("echo said; sleep 1000")))
    until(group.log_path.read_bytes, "line")
    disk.fill()
    yield group, disk
    group.kill()


def test_on_a_full_disk_a_group_is_killed_and_its_end_is_known(full, until, alive):
    group, _ = full
    supervisor = json.loads((group.folder / "state.json").read_text())["supervisor"]
    group.kill()
    state = until(lambda: (state := group.state()).ended and state, "end")
    assert (state.phase, state.exit_code) == ("exited", 137)
    until(lambda: not alive(supervisor), "end of the supervisor")


def test_on_a_full_disk_a_group_without_its_supervisor_is_lost(full, until, alive):
    group, disk = full
    data = json.loads((group.folder / "state.json").read_text())
    os.kill(data["supervisor"], signal.SIGKILL)
    until(lambda: not alive(data["supervisor"]), "end of the supervisor")
    for _ in range(2):  # nothing could be written, so it is found again
        assert group.state().phase == "lost"
    until(lambda: not alive(data["pid"]), "end of the command")
    disk.make_room()
    assert group.state().phase == "lost"
    assert json.loads((group.folder / "state.json").read_text())["phase"] == "lost"


def test_an_empty_command_is_refused(folder, run):
    with pytest.raises(SandboxError, match="needs a command"):
        run(folder, ProcessSpec(()))
