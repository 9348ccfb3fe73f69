"""An exception of the user's code as data: type, message, place, and their own lines only.

Owns what a person sees of an error. Frames of the runner are taken out everywhere; frames of
libraries stay in the log and are taken out of the record.
"""

from __future__ import annotations

import errno
import os
import traceback
from typing import Any, Iterable, Mapping, Optional

from argovx_lab import errors

#: Longest message of an error. Unit: characters.
MESSAGE_MAX = 2000

#: Most lines of a traceback in the record: the first and the last of a longer one.
LINES_MAX = 40

#: What to do when memory runs out.
LARGER = "Use a larger machine, such as --on n1-highmem-8, or work on a part at a time"

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def record(error: BaseException, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return ``{type, message, place, traceback}``.

    Parameters
    ----------
    labels : mapping of str to str
        File name of the cell and of each definition → what to call it, such as ``cell 7``.
    """
    found = traceback.TracebackException.from_exception(error)
    place = _place(found, labels)
    _keep(found, lambda filename: filename in labels)
    lines = "".join(found.format()).rstrip("\n").split("\n")
    if len(lines) > LINES_MAX:
        cut = LINES_MAX // 2
        lines = [*lines[:cut], "  [%d lines left out]" % (len(lines) - 2 * cut), *lines[-cut:]]
    return plain(_name(error), _message(error), place, [line[:500] for line in lines])


def plain(kind: str, message: str, place: str = "", lines: Iterable[str] = ()) -> dict[str, Any]:
    """Return an error record that comes from no exception of the user's."""
    return {"type": kind, "message": message[:MESSAGE_MAX], "place": place, "traceback": list(lines)}


def of_disk(error: OSError, doing: str) -> dict[str, Any]:
    """Return an error record of the runner's own work on the job's disk; a full one is named.

    Parameters
    ----------
    doing : str
        What could not be done, such as ``the runner could not go on``.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return plain("DiskFull", "%s: the job's disk is full (%s)" % (doing, error.strerror))
    return plain(type(error).__name__, "%s: %s" % (doing, error))


def failure(message: Any) -> Optional[dict[str, Any]]:
    """Return the error record of a process that could write it to no file any more, or ``None``."""
    if not isinstance(message, dict) or message.get("method") != "failed":
        return None
    params = message.get("params")
    told = params.get("error") if isinstance(params, dict) else None
    if not isinstance(told, dict) or not all(
        isinstance(told.get(k), str) for k in ("type", "message", "place")
    ):
        return None
    lines = told.get("traceback")
    kept = [str(line) for line in lines[:LINES_MAX]] if isinstance(lines, list) else []
    return plain(told["type"], told["message"], told["place"], kept)


def full(error: BaseException) -> str:
    """Return the whole traceback, libraries included, without the runner's own frames."""
    found = traceback.TracebackException.from_exception(error)
    _keep(found, lambda filename: not os.path.abspath(filename).startswith(_OURS + os.sep))
    return "".join(found.format())


def _name(error: BaseException) -> str:
    """Return the type's name; with its module when it is called like one of our own errors."""
    kind = type(error)
    return "%s.%s" % (kind.__module__, kind.__name__) if hasattr(errors, kind.__name__) else kind.__name__


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, MemoryError):
            return "%s. %s" % (str(error) or "the machine ran out of memory", LARGER)
        return str(error)
    except Exception as failed:  # noqa: BLE001  (the user's own __str__ may raise anything)
        return "(its message cannot be shown: %s)" % type(failed).__name__


def _keep(found: traceback.TracebackException, wanted: Any) -> None:
    seen: set[int] = set()
    waiting: list[Optional[traceback.TracebackException]] = [found]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack = traceback.StackSummary.from_list([f for f in one.stack if wanted(f.filename)])
        waiting += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]


def _place(found: traceback.TracebackException, labels: Mapping[str, str]) -> str:
    if getattr(found, "filename", None) in labels and getattr(found, "lineno", None):
        return "%s, line %s" % (labels[str(found.filename)], found.lineno)
    for frame in reversed(found.stack):
        if frame.filename in labels:
            return "%s, line %s" % (labels[frame.filename], frame.lineno)
    return ""
