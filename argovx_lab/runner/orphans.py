"""Processes that a cell leaves behind: adopted by the runner, reaped while it runs, ended with the step.

On Linux the runner is the reaper of all that descends from it, so that a daemon cannot outlive its step where
no container does that. Elsewhere this does nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Iterable

_PR_SET_CHILD_SUBREAPER = 36

#: How long a process that is left has between SIGTERM and SIGKILL. Unit: seconds.
GRACE_S = 1.0

#: Shortest time between two looks for children that ended. Unit: seconds.
_EVERY_S = 1.0

_NAMES_MAX = 5


class Orphans:
    """Children of the runner other than the cell's process."""

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._on = sys.platform == "linux" and os.path.isdir("/proc/self/task")
        if self._on:
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def reap(self, cell: int) -> None:
        """Take note of orphans that ended; ``cell`` is not one of them."""
        now = time.monotonic()
        if not self._on or now - self._looked < _EVERY_S:
            return
        self._looked = now
        for pid in _children():
            if pid != cell:
                _gone(pid)

    def end(self) -> str:
        """End what is left and return a few words about it, empty for nothing."""
        if not self._on:
            return ""
        found = {pid: _name(pid) for pid in _children() if not _gone(pid)}
        if not found:
            return ""
        deadline = time.monotonic() + GRACE_S
        _signal(found, signal.SIGTERM)
        while not all(_gone(pid) for pid in _children()) and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(100):  # each killed process may hand down its own children
            left = [pid for pid in _children() if not _gone(pid)]
            if not left:
                break
            _signal(left, signal.SIGKILL)
            time.sleep(0.02)
        names = sorted(set(found.values()))
        more = ", …" if len(names) > _NAMES_MAX else ""
        many = "%d process%s" % (len(found), "" if len(found) == 1 else "es")
        return "%s (%s%s)" % (many, ", ".join(names[:_NAMES_MAX]), more)


def _children() -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % task, encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    except (OSError, ValueError):
        return found
    return found


def _gone(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _name(pid: int) -> str:
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in list(pids):
        try:
            os.kill(pid, number)
        except OSError:
            continue
