"""Numbered requests and the faults of the crash tests. Without a plan it only counts.

Owns the plan's grammar: ``ACTION@NUMBER`` joined by commas, such as ``kill-after@7``. Off unless
``ARGOVX_FAULTS`` is set, which the platform's template never does.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import threading
from urllib.parse import urlsplit

from argovx_lab.errors import SpecError, Unavailable
from argovx_lab.identity.http import NO_ANSWER

ACTIONS = ("kill-before", "kill-after", "lost", "reset", "429", "500", "503", "hang")

_ENTRY = re.compile(r"([a-z0-9-]+)@([0-9]+)\Z")


class Faults:
    """Counts requests and file writes; does what the plan says at a number.

    Parameters
    ----------
    plan : str
        ``ACTION@NUMBER,…``; empty for none.
    log : str
        File that gets one line per step (number, method, path, status); empty for none.
    hang_s : float
        How long a hanging request hangs before it counts as lost.

    Raises
    ------
    SpecError
        When the plan cannot be read.
    """

    def __init__(self, plan: str = "", log: str = "", hang_s: float = 30.0) -> None:
        self._plan: dict[int, str] = {}
        self._log = log
        self._hang_s = hang_s
        self._count = 0
        self._lock = threading.Lock()
        for entry in filter(None, plan.split(",")):
            match = _ENTRY.match(entry.strip())
            if match is None or match.group(1) not in ACTIONS:
                raise SpecError(f"{entry!r} is not a fault", hint=f"Write ACTION@NUMBER, one of {ACTIONS}.")
            self._plan[int(match.group(2))] = match.group(1)

    @property
    def count(self) -> int:
        """How many requests and writes there were."""
        return self._count

    def before(self, method: str, url: str) -> None:
        """Count a request; kill, reset or answer it when the plan says so."""
        with self._lock:
            self._count += 1
            number = self._count
        action = self._plan.get(number, "")
        if action == "kill-before":
            self._note(number, method, url, "killed before")
            self._kill()
        if action == "hang":
            threading.Event().wait(self._hang_s)
        if action in ("reset", "hang"):
            raise Unavailable("the connection broke (planned)", reason=NO_ANSWER)
        if action.isdigit():
            raise Unavailable(f"answered {action} (planned)", status=int(action))

    def after(self, method: str, url: str, status: int) -> None:
        """Note an answer; kill or lose it when the plan says so."""
        number = self._count
        self._note(number, method, url, str(status))
        action = self._plan.get(number, "")
        if action == "kill-after":
            self._kill()
        if action == "lost":
            raise Unavailable("the answer was lost (planned)", reason=NO_ANSWER)

    def write(self, path: str) -> None:
        """Count a file write, which can be killed like a request; every other fault is a full disk.

        Raises
        ------
        OSError
            When the plan says so.
        """
        try:
            self.before("WRITE", path)
            self.after("WRITE", path, 0)
        except Unavailable as error:
            raise OSError(errno.ENOSPC, "planned: no space left on device") from error

    @staticmethod
    def _kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, number: int, method: str, url: str, what: str) -> None:
        if self._log:
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(f"{number} {method} {urlsplit(url).path} {what}\n")
