"""Write what must not be lost although the disk may be full.

Owns the room that is held for a state that will come, and the patience of whoever has something to write.
Standard library only and free of package imports, because the supervisor loads this file alone.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

#: Held for the next state. Unit: bytes.
ROOM = 4096


def replace(path: str, data: bytes, *, again: bool) -> None:
    """Write a file atomically, into room that was held before.

    Parameters
    ----------
    again : bool
        Whether to hold room for the next time; without any on the disk, that will have to wait for some.
    """
    new = path + ".new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.truncate()
    os.replace(new, path)
    if again:
        _hold(new)


def _hold(path: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        os.posix_fallocate(fd, 0, ROOM)
    except OSError:
        pass
    finally:
        os.close(fd)


def patiently(write: Callable[[], None], asked_to_end: Callable[[], bool], pause_s: float = 1.0) -> None:
    """Write the end of something, however long the disk is full: an exit code must not be lost.

    Who is asked to end tries once more and goes all the same: a stop must work on a full disk.
    """
    while True:
        last = asked_to_end()
        try:
            write()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
        else:
            return
        if last:
            return
        time.sleep(pause_s)
