"""Regular expressions that others write: a match that would take for ever is refused.

The real ends use RE2, which takes linear time; Python's engine can take exponential time on ``(a+)+$``, and
one process serves everybody here.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Longest time that one match may take; a sound pattern takes microseconds. Unit: seconds of CPU.
MATCH_S = 0.5


def search(pattern: str | re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the first match of a pattern, ``None`` without one.

    Raises
    ------
    re.error
        When the pattern cannot be read, or takes longer than :data:`MATCH_S` on this text.

    Notes
    -----
    The limit holds in the main thread, where the sandbox's server does all of this.
    Source: https://docs.python.org/3/library/signal.html#signals-and-threads
    """
    with _limited(str(getattr(pattern, "pattern", pattern))):
        return re.search(pattern, text)


@contextmanager
def _limited(pattern: str) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise re.error(f"takes more than {MATCH_S} s on this text: repetitions within repetitions", pattern)

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, MATCH_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
