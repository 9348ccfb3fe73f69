"""The names under ``argovx`` inside a cell: ``log_metrics`` and ``progress``.

Owns their checks. Needs no installed package: in a job the messages go through a pipe to the
runner, in a notebook to whatever `Facade` is given. Refuses by name what is not built yet.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any, Callable, Mapping, Optional

#: At most one progress message per this time, except the first and the last. Unit: seconds.
PROGRESS_EVERY_S = 0.2

_NOT_BUILT = {
    "checkpoint_dir": "Write what must survive as an output of the cell.",
    "context": "The step's inputs are the names that the cell reads.",
}

#: Receives method and params of one message.
Send = Callable[[str, "dict[str, Any]"], None]


class Facade:
    """What a cell calls to be seen while it runs.

    Parameters
    ----------
    send : callable
        Takes ``("metric", {"values", "step"})`` and ``("progress", {"done", "total"})``.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._progress_at = 0.0
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return "<argovx: log_metrics({name: number}, step=None), progress(done, total)>"

    def __getattr__(self, name: str) -> Any:
        if name in _NOT_BUILT:
            raise AttributeError("argovx.%s is not built yet. %s" % (name, _NOT_BUILT[name]))
        raise AttributeError("argovx has no %r; it has log_metrics and progress" % name)

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
    if type(value) in (int, float):
        return value
    if isinstance(value, (str, bytes, bool)) or not hasattr(value, "__float__"):
        raise TypeError("argovx.log_metrics: %s is a %s, not a number" % (name, type(value).__name__))
    return float(value)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__index__"):
        raise TypeError("argovx: %s is %.40r, not a whole number" % (name, value))
    return int(value.__index__())
