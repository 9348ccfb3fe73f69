"""Run one command and outlive whoever asked for it: ``python -I -S supervisor.py FOLDER``.

Owns a process group from its start to the death of its last process: file system, environment, log,
state and exit code. Reads ``spec.json``; writes ``state.json`` (atomically), ``log`` (CRI format) and
``stdout.tail``. SIGTERM to the supervisor means: kill the whole group now. Refuses to be clever: it
knows nothing of pods or jobs. Standard library only, alone in its interpreter.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import sys
from typing import Any, Optional

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
#: Exit code of a command that could not be started, as shells have it.
NOT_STARTED = 127


def read_stat(pid: int) -> Optional[tuple[str, int, int, int, int]]:
    """Return state letter, parent, process group, session and start ticks of a process, if it is there."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            rest = file.read().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return rest[0], int(rest[1]), int(rest[2]), int(rest[3]), int(rest[19])


def children(pid: int) -> list[int]:
    """Return the children of a process. Source: proc_pid_task(5), CONFIG_PROC_CHILDREN."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        if os.path.isdir(f"/proc/{pid}"):  # this kernel keeps no such list
            stats = ((int(name), read_stat(int(name))) for name in os.listdir("/proc") if name.isdigit())
            found = [child for child, stat in stats if stat and stat[1] == pid]
    except (ProcessLookupError, PermissionError):
        pass
    return found


def descendants(root: int) -> list[int]:
    """Return every living process below ``root``; the subreaper keeps orphans there."""
    found, todo = [], [root]
    while todo:
        for pid in children(todo.pop()):
            stat = read_stat(pid)
            if stat and stat[0] != "Z":
                found.append(pid)
                todo.append(pid)
    return found


class Supervisor:
    """One command's life."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with open(os.path.join(folder, "spec.json")) as file:
            self.spec: dict[str, Any] = json.load(file)
        stat = read_stat(os.getpid())
        self.state: dict[str, Any] = {
            "phase": "starting",
            "supervisor": os.getpid(),
            "supervisor_ticks": stat[4] if stat else 0,
            "boot_id": _boot_id(),
        }
        self.cri, self.durable = _sibling("cri"), _sibling("durable")
        self.log = self.cri.Log(folder, self.spec["log_max_bytes"])
        self.killed = False
        self.child = 0
        self.status: Optional[int] = None

    def save(self, **change: Any) -> None:
        """Write ``state.json`` atomically, into room that was held before."""
        self.state.update(change)
        path = os.path.join(self.folder, "state.json")
        self.durable.replace(path, json.dumps(self.state).encode(), again=self.state["phase"] != "exited")

    def start(self) -> tuple[list[tuple[int, str]], str]:
        """Fork the command; return the pipes to read and why it could not be started (or nothing)."""
        pipes = [os.pipe(), os.pipe(), os.pipe()]
        self.child = os.fork()
        if self.child == 0:
            self._become([write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        stat = read_stat(self.child)
        with os.fdopen(pipes[2][0], "rb") as file:
            error = file.read().decode(errors="replace")
        if not error:
            self.save(
                phase="running", pid=self.child, ticks=stat[4] if stat else 0, started_at=self.cri.stamp()
            )
        return [(pipes[0][0], "stdout"), (pipes[1][0], "stderr")], error

    def _become(self, writes: list[int]) -> None:
        """Turn the forked child into the command; never returns."""
        try:
            os.setpgid(0, 0)
            os.umask(0o022)
            if self.spec["namespace"] != "none":
                mounts = _sibling("mounts")
                mounts.enter(self.spec["namespace"])
                mounts.build(self.folder, self.spec["mounts"], self.spec["private_tmp"])
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.state["supervisor"]:
                os._exit(NOT_STARTED)  # the supervisor died before the line above
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(writes[0], 1)
            os.dup2(writes[1], 2)
            os.chdir(self.spec["cwd"])
            self._exec()
        except BaseException as error:  # noqa: BLE001  the child must end here, whatever it was
            os.write(writes[2], str(error).encode())
        os._exit(NOT_STARTED)

    def _exec(self) -> None:
        argv, env = self.spec["argv"], self.spec["env"]
        try:
            os.execvpe(argv[0], argv, env)  # noqa: S606  no shell is the point
        except FileNotFoundError:
            where = f"stat {argv[0]}: no such file or directory"
            where = where if "/" in argv[0] else "executable file not found in $PATH"
            raise FileNotFoundError(f'exec: "{argv[0]}": {where}') from None
        except PermissionError:
            raise PermissionError(f'exec: "{argv[0]}": permission denied') from None

    def reap(self) -> None:
        """Collect every dead child; the command's own status is kept."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                self.status = status

    def pump(self, pipes: list[tuple[int, str]], wake: int) -> None:
        """Copy output until the command is gone, everything below it is killed, and the pipes are dry."""
        names = dict(pipes)
        while names or self.status is None:
            ready, _, _ = select.select([*names, wake], [], [], None if self.status is None else 0.2)
            for fd in ready:
                data = os.read(fd, 65536)
                if fd == wake:
                    continue
                if data:
                    self.log.feed(names[fd], data)
                else:
                    os.close(fd)
                    del names[fd]
            self.reap()
            if self.killed or self.status is not None:
                self.kill_all()

    def kill_all(self) -> None:
        """Kill every process below this one."""
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def finish(self, error: str) -> None:
        """Wait for the last process and write the end."""
        while True:
            self.kill_all()
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            if pid == self.child:
                self.status = status
        self.log.flush()
        code = os.waitstatus_to_exitcode(self.status or 0)
        self.state.update(
            phase="exited",
            finished_at=self.cri.stamp(),
            exit_code=NOT_STARTED if error else (128 - code if code < 0 else code),
            signal=0 if error or code >= 0 else -code,
            error=error,
        )
        self.durable.patiently(self._write_end, lambda: self.killed)

    def _write_end(self) -> None:
        try:
            with open(os.path.join(self.folder, "stdout.tail"), "wb") as file:
                file.write(self.log.tail)
        except OSError:
            if not self.killed:  # nobody reads the last words of a group that was killed
                raise
        self.save()

    def run(self, say: int) -> None:
        """Live; ``say`` hears when the command runs, or cannot."""
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        wake_read, wake_write = os.pipe()
        for fd in (wake_read, wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_term)
        pipes, error = self.start()
        os.write(say, b"+")
        os.close(say)
        self.pump(pipes, wake_read)
        self.finish(error)

    def _on_term(self, *_: object) -> None:
        self.killed = True


def _sibling(name: str) -> Any:
    """Import a file beside this one, which ``-I`` keeps off the path."""
    folder = os.path.dirname(os.path.abspath(__file__))
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def probe(folder: str) -> None:
    """Try a namespace of the mode in ``folder/mode``; whatever fails makes the exit code non-zero."""
    mounts = _sibling("mounts")
    with open(os.path.join(folder, "mode")) as file:
        mounts.enter(file.read())
    os.makedirs(os.path.join(folder, "tmp"), exist_ok=True)
    mounts.build(folder, [], True)


def main() -> int:
    """Detach, then supervise the folder named on the command line."""
    folder = os.path.abspath(sys.argv[-1])
    if sys.argv[1] == "--probe":
        probe(folder)
        return 0
    os.umask(0o077)
    os.close(os.open(os.path.join(folder, "started"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    said, say = os.pipe()
    if os.fork():
        # Whoever called waits for this process: by its end the supervisor has said who it is.
        os.close(say)
        return 0 if os.read(said, 1) else 1
    os.close(said)
    os.setsid()
    supervisor = Supervisor(folder)
    supervisor.save()
    supervisor.run(say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
