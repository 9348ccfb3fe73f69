"""Room on the disk: what says that there is none left, and the words for it.

Every part of the sandbox that writes asks here, so that a full disk has one name wherever it is met.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from argovx_lab.errors import SandboxError

#: What answers say.
FULL = "The disk under the sandbox's state folder is full; nothing was stored. Free some space, try again."
#: What a start may need: records, keys, tokens and a log. Unit: bytes.
START_ROOM = 1024 * 1024


def is_full(error: BaseException) -> bool:
    """Return whether an error of the machine says that there is no room left."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, sqlite3.Error) and "full" in str(error)


def full(folder: Path, left: int | None = None) -> SandboxError:
    """Return the error of a command that found no room below ``folder``."""
    found = "" if left is None else f" ({left // 1024} KiB left)"
    return SandboxError(
        f"the disk under {folder} is full{found}",
        hint="Free some space, or set ARGOVX_SANDBOX to a folder on another disk.",
    )


def check_room(folder: Path) -> None:
    """Refuse to start where there is no room.

    Raises
    ------
    SandboxError
        Below :data:`START_ROOM`.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    found = os.statvfs(there)
    left = found.f_bavail * found.f_frsize
    if found.f_blocks and left < START_ROOM:  # some file systems do not count
        raise full(folder, left)
