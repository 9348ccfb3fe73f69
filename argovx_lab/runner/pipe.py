"""The cell's end of the pipe to the runner: one line of JSON a message, from any thread and process.

Refuses to fail a cell because nobody listens any more.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from argovx_lab.runner.messages import now_text


class Sender:
    """Writes messages to a file descriptor.

    Parameters
    ----------
    fd : int
        The pipe; -1 where it cannot be reached, which is said once.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):  # another thread may hold the lock when the cell forks
            os.register_at_fork(after_in_child=self._unlock)

    @classmethod
    def of_process(cls, pid: int, fd: int) -> Sender:
        """Return the same pipe as seen from a process that inherited nothing (Linux)."""
        try:
            return cls(os.open("/proc/%d/fd/%d" % (pid, fd), os.O_WRONLY | getattr(os, "O_CLOEXEC", 0)))
        except OSError:
            return cls(-1)

    def __call__(self, method: str, params: dict[str, Any]) -> None:
        """Send one message."""
        if self._fd < 0:
            if self._fd == -1:
                self._fd = -2
                sys.stderr.write("argovx: metrics and progress of this process cannot be shown\n")
            return
        message = {"method": method, "params": params, "at": now_text()}
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:
                return  # the runner is ending; the cell need not notice

    def _unlock(self) -> None:
        self._lock = threading.Lock()
