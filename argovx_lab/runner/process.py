"""The child process: started, read from, stopped, and how its end is worded.

Owns the pipes. Output is passed on as raw bytes in the order it came, to the runner's own stdout
and to the log; messages of the cell are lines of JSON on a pipe of their own. Refuses to wait for
grandchildren that keep a pipe open after the cell is done.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Optional

from argovx_lab.runner.orphans import Orphans
from argovx_lab.runner.trace import plain

#: How long pipes may stay open after the cell's process is gone. Unit: seconds.
DRAIN_S = 1.0

#: Longest message of a cell. Unit: bytes.
MESSAGE_BYTES = 256 << 10

_READ = 64 << 10

_LARGER = "Use a larger machine, such as --on n1-highmem-8, or work on a part at a time"

#: Signal → type and message of the end that it was.
_DEATHS: dict[int, tuple[str, str]] = {
    signal.SIGKILL: (
        "Killed",
        "the cell was killed (SIGKILL), most likely for its use of memory. " + _LARGER,
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
_OOM_FILES = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


class Child:
    """One run of the cell in a process of its own.

    Parameters
    ----------
    folder : str
        Holds ``task.json``; gets ``result.json`` and the encoded outputs.
    on_output, on_message : callable
        Called in this thread with raw bytes, and with each message.
    """

    def __init__(
        self, folder: str, on_output: Callable[[bytes], None], on_message: Callable[[Any], object]
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
        command = [*entry(), "--child", folder, str(message_write), str(os.getpid())]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output_write,
            stderr=output_write,
            pass_fds=(message_write,),
        )
        os.close(message_write)
        os.close(output_write)
        self._selector = selectors.DefaultSelector()
        self._selector.register(output_read, selectors.EVENT_READ, self._on_output)
        self._selector.register(message_read, selectors.EVENT_READ, self._lines)

    def stop(self, grace_s: float) -> None:
        """Ask the cell to end; it is killed ``grace_s`` seconds later. Safe in a signal handler."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + grace_s
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Pass on what the process writes until it ends; returns its code, negative for a signal."""
        drain_until: Optional[float] = None
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
            return plain("OutOfMemory", "the machine ran out of memory and killed the cell. " + _LARGER)
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
    """Return how often this container's memory limit killed a process; 0 when that is not known."""
    for path in _OOM_FILES:
        try:
            with open(path, encoding="ascii") as file:
                for line in file:
                    key, _, value = line.partition(" ")
                    if key == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def _refuse(word: str) -> Any:
    raise ValueError(word)
