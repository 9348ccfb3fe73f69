"""The names under ``argovx`` inside a cell: ``log_metrics``, ``progress``, ``checkpoint_dir``, ``context``.

Owns their checks. Needs no installed package: the messages go to whatever `Facade` is given, in a job
through a pipe to the runner. Refuses unknown names by saying which there are.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional

#: At most one progress message per this time, except the first and the last. Unit: seconds.
PROGRESS_EVERY_S = 0.2

#: Whole numbers from here on cannot be drawn.
_HUGE = 1 << 1023

#: Receives method and params of one message.
Send = Callable[[str, "dict[str, Any]"], None]


@dataclass(frozen=True)
class Context:
    """What a cell may know of the run it is part of; names and numbers, nothing secret.

    Parameters
    ----------
    step, notebook, cell : str
        The step's name, its notebook's file name, and what its cell is called, such as ``cell 7``.
    workflow, workflow_uid, task, namespace, user : str
        As Argo knows it.
    attempt : int
        0, then 1 … for each retry by Argo.
    restart : int
        0, then 1 … for each time Vertex started the same job's machine anew.
    replica : int
        0 on the primary, 1 … on the workers.
    job : str
        The custom job's number at Vertex; empty where it is not known.
    python, version : str
        Of this interpreter, and of argovx-lab.
    """

    step: str
    notebook: str
    cell: str
    workflow: str
    workflow_uid: str
    task: str
    namespace: str
    user: str
    attempt: int
    restart: int
    replica: int
    job: str
    python: str
    version: str


class Facade:
    """What a cell calls to be seen while it runs.

    Parameters
    ----------
    send : callable
        Takes ``("metric", {"values", "step"})`` and ``("progress", {"done", "total"})``.
    checkpoint_dir : str
        A folder whose files are there again when the step is restarted or retried. Files that are written
        under another name and then renamed are never seen half done.
    context : Context
        Which run this is.
    """

    def __init__(self, send: Send, checkpoint_dir: str, context: Context) -> None:
        self._send = send
        self.checkpoint_dir = checkpoint_dir
        self.context = context
        self._progress_at = 0.0
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return (
            "<argovx: log_metrics({name: number}, step=None), progress(done, total), checkpoint_dir, context>"
        )

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            "argovx has no %r; it has log_metrics, progress, checkpoint_dir and context" % name
        )

    def log_metrics(self, values: Mapping[str, Any], step: Optional[int] = None) -> None:
        """Show numbers as live curves and keep the last of each with the step.

        Parameters
        ----------
        values : mapping of str to number
            Names and numbers; numpy numbers are taken too. NaN and infinity are not drawn, which is
            said once on stderr.
        step : int, optional
            Place on the curve, such as the epoch.

        Raises
        ------
        TypeError
            When a name is no text or a value is no number.
        """
        if not isinstance(values, Mapping):
            raise TypeError("argovx.log_metrics takes a dict of numbers, not %s" % type(values).__name__)
        if step is not None:
            step = _whole(step, "step")
        numbers: dict[str, Any] = {}
        for name, value in values.items():
            if not isinstance(name, str) or not name:
                raise TypeError("argovx.log_metrics: %.40r cannot name a metric" % (name,))
            number = _number(name, value)
            if math.isfinite(number):
                numbers[name] = number
            elif name not in self._warned:
                self._warned.add(name)
                sys.stderr.write("argovx: %s is %r, which is not drawn\n" % (name, number))
        if numbers:
            self._send("metric", {"values": numbers, "step": step})

    def progress(self, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` parts are done.

        Raises
        ------
        TypeError, ValueError
            When they are no whole numbers with 0 ≤ done ≤ total.
        """
        done, total = _whole(done, "done"), _whole(total, "total")
        if not 0 <= done <= total:
            raise ValueError("argovx.progress: %d of %d is not between 0 and all" % (done, total))
        now = time.monotonic()
        if 0 < done < total and now - self._progress_at < PROGRESS_EVERY_S:
            return
        self._progress_at = now
        self._send("progress", {"done": done, "total": total})


def _number(name: str, value: Any) -> Any:
    if type(value) is float or (type(value) is int and abs(value) < _HUGE):
        return value
    if type(value) is int:  # no float holds it
        return math.copysign(math.inf, value > 0 or -1)
    if isinstance(value, (str, bytes, bool)) or not hasattr(value, "__float__"):
        raise TypeError("argovx.log_metrics: %s is a %s, not a number" % (name, type(value).__name__))
    return float(value)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__index__"):
        raise TypeError("argovx: %s is %.40r, not a whole number" % (name, value))
    return int(value.__index__())
