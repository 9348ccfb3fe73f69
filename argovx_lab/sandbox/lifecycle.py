"""Start, find and stop the sandbox from outside: what the wiring and ``argovx sandbox`` use.

Owns the spawning of the server and the count of what runs without it. One server per state folder;
whoever needs it next starts it again when it died.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import argovx_lab
from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.environment import environment
from argovx_lab.sandbox.processes import ProcessGroup
from argovx_lab.sandbox.room import check_room
from argovx_lab.sandbox.state import StateDir, Status

__all__ = ["Status", "Stopped", "environment", "running", "start", "status", "stop"]

#: How often a starting or stopping server is looked at. Unit: seconds.
_LOOK_EVERY_S = 0.02
#: Time for a server to close its connections before it is killed. Unit: seconds.
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Stopped:
    """What a stop did.

    Parameters
    ----------
    was_running : bool
        Whether there was a server to stop.
    still_running : int
        Process groups of pods and jobs that go on; the next start finds them again.
    ended : int
        Process groups that were killed.
    """

    was_running: bool
    still_running: int
    ended: int


def status(state_dir: Path) -> Status | None:
    """Return the running sandbox of a state folder; ``None`` when none runs.

    Raises
    ------
    SandboxError
        When a server runs whose discovery file cannot be read.
    """
    state = StateDir(state_dir)
    holder = state.holder()
    found = state.read_status() if holder and not _dying(holder) else None
    return found if found is not None and found.pid == holder else None


def _dying(pid: int) -> bool:
    """Tell whether a process has been killed: until its last thread is gone it still holds the lock."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


def start(state_dir: Path, *, user: str, timeout_s: float = 60.0) -> Status:
    """Return the running sandbox of a state folder, started now when none runs.

    Parameters
    ----------
    user : str
        Slug of the person.
    timeout_s : float
        Longest wait for it to be ready, in seconds.

    Raises
    ------
    SandboxError
        When it cannot start, with its own reason; or when the folder belongs to another user.
    """
    if sys.platform != "linux":
        raise SandboxError(
            f"the sandbox runs on Linux, this is {sys.platform}",
            hint="use a Linux machine, a container, or a profile of a real deployment",
        )
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := status(state_dir):
            if found.version != argovx_lab.__version__:
                stop(state_dir)  # of an older installation; what runs under it goes on
                continue
            if found.user != user:
                raise SandboxError(
                    f"the sandbox in {found.state_dir} belongs to user {found.user!r}, not {user!r}",
                    hint="give each user a state folder: ARGOVX_SANDBOX",
                )
            return found
        if not StateDir(state_dir).holder():
            check_room(StateDir(state_dir).root)
            _spawn(state_dir, user, end - time.monotonic())
        else:
            time.sleep(_LOOK_EVERY_S)  # somebody else is starting it
    raise SandboxError(
        f"the sandbox was not ready within {timeout_s:.0f} s", hint=f"see {StateDir(state_dir).log}"
    )


def _spawn(state_dir: Path, user: str, timeout_s: float) -> None:
    """Run a detaching server; a reason it gives becomes an error, unless another one was faster."""
    state = StateDir(state_dir)
    code = Path(argovx_lab.__file__).resolve().parents[1]
    words = ["-m", "argovx_lab.sandbox.server", "--detach", "--state", str(state.root), "--user", user]
    env = {"PATH": os.defpath, "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    env |= {name: os.environ[name] for name in ("ARGOVX_LOG_LEVEL",) if name in os.environ}
    if os.environ.get("ARGO_CRDS"):  # it names a folder from here, not from where the server runs
        env["ARGO_CRDS"] = str(Path(os.environ["ARGO_CRDS"]).expanduser().absolute())
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=code,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=max(1.0, timeout_s),
            check=False,
            text=True,
        )
    except subprocess.TimeoutExpired:
        return
    if done.returncode != 0 and not state.holder():
        message, _, hint = done.stderr.strip().partition("\n")
        raise SandboxError(
            message or "the sandbox's server ended at its start",
            hint=hint.splitlines()[-1] if hint else f"see {state.errors}",
        )


def stop(state_dir: Path, *, all: bool = False) -> Stopped:  # noqa: A002  the flag's own word
    """Stop the server; with ``all`` also what runs without it.

    Raises
    ------
    SandboxError
        When the server cannot be ended.
    """
    state = StateDir(state_dir)
    holder = state.holder()
    if holder:
        _end(state, holder)
    groups = running(state_dir)
    if all:
        for group in groups:
            group.kill()
        _await_end(groups)
        return Stopped(bool(holder), 0, len(groups))
    return Stopped(bool(holder), len(groups), 0)


def running(state_dir: Path) -> list[ProcessGroup]:
    """Return the process groups of pods and jobs that run, whether or not a server does."""
    found = (ProcessGroup.attach(path.parent) for path in StateDir(state_dir).root.rglob("state.json"))
    return [group for group in found if group and not group.state().ended]


def _end(state: StateDir, pid: int) -> None:
    for number, patience in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if state.holder() != pid:
                return
            time.sleep(_LOOK_EVERY_S)
    raise SandboxError(f"the sandbox's server (pid {pid}) does not end", hint=f"see {state.log}")


def _await_end(groups: list[ProcessGroup]) -> None:
    end = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < end and not all(group.state().ended for group in groups):
        time.sleep(_LOOK_EVERY_S)
