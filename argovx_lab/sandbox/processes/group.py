"""A process group that outlives the server: start it, find it again, signal it, wait for its end.

Owns the folder of the group from the outside; what happens inside is :mod:`.supervisor`'s. All state
is in the folder, so any process may attach at any time. Refuses mounts that this machine cannot give.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal as signals
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.processes import mounts as mounting
from argovx_lab.sandbox.processes.probe import SUPERVISOR, isolation
from argovx_lab.sandbox.processes.spec import ProcessSpec, document
from argovx_lab.sandbox.processes.supervisor import read_stat

log = logging.getLogger(__name__)

Phase = Literal["starting", "running", "exited", "lost"]


@dataclass(frozen=True)
class ProcessState:
    """Where a group is in its life.

    Parameters
    ----------
    phase : str
        ``lost``: the supervisor was killed; exit code and end are unknown, nothing of it runs any more.
    exit_code : int or None
        As a shell has it: 128 + signal after a signal, 127 when the command could not be started.
    error : str
        Why the command could not be started.
    """

    phase: Phase
    pid: int = 0
    started_at: str = ""
    finished_at: str = ""
    exit_code: int | None = None
    signal: int = 0
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing of the group runs any more."""
        return self.phase in ("exited", "lost")


class ProcessGroup:
    """One group, known by its folder; make one with :meth:`start` or :meth:`attach`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @classmethod
    async def start(cls, folder: Path, spec: ProcessSpec) -> ProcessGroup:
        """Start ``spec`` in ``folder``, which is made; returns when its command runs, or cannot.

        Raises
        ------
        SandboxError
            When a mount cannot be had here, the folder holds a group already, or its supervisor does
            not start.
        """
        group = cls(folder)
        plan = document(spec, isolation(), group.folder)
        group.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (group.folder / "state.json").exists():
            raise SandboxError(
                f"process folder {group.folder.name} is in use", hint="give each group a new folder"
            )
        tmp = group.folder / "tmp"
        tmp.mkdir(exist_ok=True)
        tmp.chmod(0o1777)
        _write_private(group.folder / "spec.json", json.dumps(plan))
        code = await _exit_code(_spawn(group.folder))
        if code != 0:
            said = (group.folder / "supervisor.err").read_text(errors="replace").strip().splitlines()[-1:]
            raise SandboxError(f"the supervisor of {group.folder.name} did not start: {' '.join(said)}")
        return group

    @classmethod
    def attach(cls, folder: Path) -> ProcessGroup | None:
        """Return the group that was started in ``folder``; ``None`` when there is none."""
        return cls(folder) if (folder / "state.json").exists() else None

    @property
    def log_path(self) -> Path:
        """The log, in CRI format."""
        return self.folder / "log"

    @property
    def stdout_tail(self) -> bytes:
        """The last 256 KiB of standard output, once the group has ended."""
        try:
            return (self.folder / "stdout.tail").read_bytes()
        except FileNotFoundError:
            return b""

    def state(self) -> ProcessState:
        """Return the state; a group whose supervisor is gone is killed and marked ``lost`` here."""
        data = self._read()
        if data["phase"] in ("starting", "running") and not self._supervised(data):
            data = self._read()  # it may have ended properly between the two looks
            if data["phase"] in ("starting", "running"):
                data = self._lose(data)
        names = ("phase", "pid", "started_at", "finished_at", "exit_code", "signal", "error")
        return ProcessState(**{name: data[name] for name in names if name in data})

    async def wait(self) -> ProcessState:
        """Return the final state, when nothing of the group runs any more."""
        while not (state := self.state()).ended:
            data = self._read()
            try:
                fd = os.pidfd_open(data["supervisor"])
            except (OSError, AttributeError):
                await asyncio.sleep(0.05)
                continue
            try:
                if self._supervised(data):
                    await _readable(fd)
            finally:
                os.close(fd)
        return state

    def signal(self, signum: int, *, whole_group: bool = False) -> bool:
        """Send a signal to the command, or to its whole process group; return whether it was there."""
        data = self._read()
        pid = data.get("pid", 0)
        stat = read_stat(pid) if pid and data["boot_id"] == _boot_id() else None
        if stat is None or stat[0] == "Z" or stat[4] != data["ticks"]:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(-pid if whole_group else pid, signum)
            return True
        return False

    def kill(self) -> None:
        """Kill every process of the group; :meth:`wait` tells when that is done."""
        data = self._read()
        if self._supervised(data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(data["supervisor"], signals.SIGTERM)
        else:
            self.state()

    def host_path(self, path: str) -> Path:
        """Return where the machine keeps what the group sees as ``path``, its own symbolic links followed."""
        spec = json.loads((self.folder / "spec.json").read_text())
        return Path(mounting.host_path(str(self.folder), spec, path))

    def _read(self) -> dict[str, Any]:
        try:
            data: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:  # removed by its owner, which ends a group first
            data = {"phase": "lost", "error": "its folder is gone", "supervisor": 0, "boot_id": ""}
        return data

    @staticmethod
    def _supervised(data: Mapping[str, Any]) -> bool:
        stat = read_stat(data["supervisor"])
        same = stat is not None and stat[0] != "Z" and stat[4] == data["supervisor_ticks"]
        return same and data["boot_id"] == _boot_id()

    def _lose(self, data: dict[str, Any]) -> dict[str, Any]:
        """Kill what a dead supervisor left behind and write that down.

        On a full or read-only disk it is not written: the next look finds the same.
        """
        log.warning("process group %s lost its supervisor", self.folder.name)
        if data["boot_id"] == _boot_id():
            for pid in _remains(data, str(self.folder)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signals.SIGKILL)
        data = {**data, "phase": "lost", "error": "the supervisor was killed"}
        new = self.folder / "state.json.lost"
        try:
            new.write_text(json.dumps(data))
            new.replace(self.folder / "state.json")
        except OSError as error:
            log.warning("the end of %s cannot be written: %s", self.folder.name, error.strerror)
            with contextlib.suppress(OSError):
                new.unlink()
        return data


def _spawn(folder: Path) -> int:
    """Start the supervisor's first half with nothing of ours; return its pid."""
    errors = os.open(folder / "supervisor.err", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, errors, 2),
        ]
        command = [sys.executable, "-I", "-S", str(SUPERVISOR), str(folder)]
        return os.posix_spawn(sys.executable, command, {}, file_actions=actions, setsigmask=())
    finally:
        os.close(errors)


async def _exit_code(pid: int) -> int:
    """Wait for a child of ours and collect it."""
    try:
        fd = os.pidfd_open(pid)
    except (OSError, AttributeError):
        return os.waitstatus_to_exitcode(await asyncio.to_thread(lambda: os.waitpid(pid, 0)[1]))
    try:
        await _readable(fd)
    finally:
        os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])  # noqa: ASYNC222  it has ended


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, _done, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def _remains(data: Mapping[str, Any], folder: str) -> Iterator[int]:
    """Yield the processes that a dead supervisor's group still has.

    They are in its session or process group, or see a file system that was built in its folder.
    """
    mark = os.path.basename(folder) + "/root "
    for name in os.listdir("/proc"):
        stat = read_stat(int(name)) if name.isdigit() else None
        if stat is None or stat[4] < data["supervisor_ticks"] or int(name) == os.getpid():
            continue
        ours = stat[3] == data["supervisor"] or (data.get("pid") and stat[2] == data["pid"])
        if not ours:
            with contextlib.suppress(OSError):
                first = Path("/proc", name, "mountinfo").read_text().split("\n", 1)[0]
                ours = mark in first
        if ours:
            yield int(name)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
