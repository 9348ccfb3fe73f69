"""The child process: started, read from, stopped, and how its end is worded.

Owns the pipes. Output is passed on as raw bytes in the order it came, to the runner's own stdout
and to the log; messages of the cell are lines of JSON on a pipe of their own. Refuses to wait for
grandchildren that keep a pipe open after the cell is done.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Optional, Sequence

from argovx_lab.runner.orphans import Orphans
from argovx_lab.runner.trace import LARGER, plain

#: How long pipes may stay open after the cell's process is gone. Unit: seconds.
DRAIN_S = 1.0

#: Longest message of a cell. Unit: bytes.
MESSAGE_BYTES = 256 << 10

_READ = 64 << 10

#: Signal → type and message of the end that it was.
_DEATHS: dict[int, tuple[str, str]] = {
    signal.SIGKILL: (
        "Killed",
        "the cell was killed (SIGKILL), most likely for its use of memory. " + LARGER,
    ),
    signal.SIGSEGV: (
        "SegmentationFault",
        "a library crashed in the cell's process (SIGSEGV). The log shows the line of the cell",
    ),
    signal.SIGBUS: (
        "BusError",
        "a library crashed in the cell's process (SIGBUS). Often /dev/shm or the disk is full",
    ),
    signal.SIGABRT: (
        "Aborted",
        "a library gave up in the cell's process (SIGABRT). Its own words are the last lines of the log",
    ),
    signal.SIGTERM: (
        "Terminated",
        "the cell's process was told to end (SIGTERM). Something inside the cell did so, not Vertex",
    ),
}
#: Where the kernel counts what a memory limit killed: below the container's own root, and below the group
#: that the process is in where that is not the root (versions 2 and 1 of control groups).
_OOM_FILES = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_OWN_GROUP = "/proc/self/cgroup"


class Child:
    """One run of the cell in a process of its own.

    Parameters
    ----------
    folder : str
        Holds ``task.json``; gets ``result.json`` and the encoded outputs.
    on_output, on_message : callable
        Called in this thread with raw bytes, and with each message.
    warm : sequence of str
        Codecs whose libraries it imports while it waits for `go`.
    """

    def __init__(
        self,
        folder: str,
        on_output: Callable[[bytes], None],
        on_message: Callable[[Any], object],
        warm: Sequence[str] = (),
    ) -> None:
        self._on_output = on_output
        self._on_message = on_message
        self._rest = b""
        self._kill_at: Optional[float] = None
        self._oom_before = oom_kills()
        self.left = ""
        self._orphans = Orphans()
        message_read, message_write = os.pipe()
        output_read, output_write = os.pipe()
        go_read, self._go = os.pipe()
        command = [*entry(), "--child", folder, str(message_write), str(os.getpid())]
        command += [str(go_read), ",".join(warm)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output_write,
            stderr=output_write,
            pass_fds=(message_write, go_read),
        )
        for inherited in (message_write, output_write, go_read):
            os.close(inherited)
        self._selector = selectors.DefaultSelector()
        self._selector.register(output_read, selectors.EVENT_READ, self._on_output)
        self._selector.register(message_read, selectors.EVENT_READ, self._lines)

    def go(self) -> None:
        """Let it run: ``task.json`` is there."""
        if self._go >= 0:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                os.write(self._go, b"\n")
            self._close_go()

    def drop(self) -> None:
        """End it: there is nothing to run."""
        self._close_go()
        self._process.kill()
        self._process.wait()
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()

    def _close_go(self) -> None:
        if self._go >= 0:
            os.close(self._go)
            self._go = -1

    def stop(self, grace_s: float) -> None:
        """Ask the cell to end; it is killed ``grace_s`` seconds later. Safe in a signal handler."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + grace_s
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Pass on what the process writes until it ends; returns its code, negative for a signal."""
        drain_until: Optional[float] = None
        self.go()
        while self._selector.get_map():
            for key, _ in self._selector.select(0.2):
                data = os.read(key.fd, _READ)
                if data:
                    key.data(data)
                else:
                    self._selector.unregister(key.fd)
                    os.close(key.fd)
            now = time.monotonic()
            self._orphans.reap(self._process.pid)
            if self._process.poll() is not None:
                drain_until = drain_until or now + DRAIN_S
                if now >= drain_until:
                    break
            elif self._kill_at is not None and now >= self._kill_at:
                self._process.kill()
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
        code = self._end()
        self.left = self._orphans.end()
        return code

    def _end(self) -> int:
        while True:
            try:
                return self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                if self._kill_at is not None and time.monotonic() >= self._kill_at:
                    self._process.kill()

    def death(self, code: int) -> dict[str, Any]:
        """Return the error record of a process that ended without a result."""
        if code >= 0:
            return plain(
                "ProcessExit",
                "the process of the cell ended with exit code %d before the cell was done. "
                "Look for os._exit, or a library that ends the process, in the last lines of the log" % code,
            )
        name = _signal_name(-code)
        if -code == signal.SIGKILL and oom_kills() > self._oom_before:
            return plain("OutOfMemory", "the machine ran out of memory and killed the cell. " + LARGER)
        kind, message = _DEATHS.get(-code, ("Signal", "the cell's process was ended by %s" % name))
        return plain(kind, message)

    def _lines(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MESSAGE_BYTES:
            self._rest = b""
        for line in lines:
            try:
                self._on_message(json.loads(line, parse_constant=_refuse))
            except (ValueError, RecursionError):
                continue  # a cell may write what it likes into a pipe that it finds


def entry() -> list[str]:
    """Return the command that starts this very program: the archive, or the package on the path."""
    archive = getattr(globals().get("__loader__"), "archive", "")
    return [sys.executable, archive] if archive else [sys.executable, "-m", "argovx_lab.runner"]


def oom_kills() -> int:
    """Return how often the memory limits that are known here killed a process; 0 when none is known."""
    count = 0
    for path in (*_own_files(), *_OOM_FILES):
        try:
            with open(path, encoding="ascii") as file:
                words = dict(line.split()[:2] for line in file if " " in line.strip())
                count += int(words.get("oom_kill", "0"))
        except (OSError, ValueError):
            continue
    return count


def _own_files() -> list[str]:
    """Return the files of the group that this process is in."""
    found = []
    try:
        with open(_OWN_GROUP, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, ValueError):
        return []
    for line in lines:
        number, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if "memory" in kinds.split(","):
            found.append("/sys/fs/cgroup/memory%s/memory.oom_control" % path.rstrip("/"))
        elif number == "0":
            found.append("/sys/fs/cgroup%s/memory.events" % path.rstrip("/"))
    return found


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def _refuse(word: str) -> Any:
    raise ValueError(word)
