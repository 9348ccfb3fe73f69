"""The log of a custom job, out of Cloud Logging: read while somebody reads it, and kept in bounded space.

Owns the text and how entries become lines. The oldest text is what stays: offsets never move.
"""

from __future__ import annotations

import codecs
import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from argovx_lab.runs.bucket import LOG_CHUNK, LogText
from argovx_lab.runs.shapes import mapping, text

#: How seldom Logging is asked about one job. Unit: seconds. Reason: a project has 60 reads a minute.
READ_S = 5.0

#: How much of what was read is asked for again: entries come out of order.
OVERLAP = timedelta(seconds=10)

#: Text kept of one job. Unit: bytes.
LOG_MAX = 4 * 1024 * 1024

#: Pages of one look. Unit: pages of 1000 entries.
PAGES_MAX = 5


class Entries(Protocol):
    """What is asked of Cloud Logging."""

    def of_job(self, job_id: str, since: str = "", token: str = "") -> tuple[list[dict[str, Any]], str]:
        """Return one page of entries, the oldest first, and the token of the next."""


class JobLog:
    """The log of one job.

    Parameters
    ----------
    read_s : float
        How seldom Logging is asked. Unit: seconds.
    """

    def __init__(self, job_id: str, read_s: float = READ_S) -> None:
        self._job_id = job_id
        self._read_s = read_s
        self._text = bytearray()
        self._newest: datetime | None = None
        self._taken: dict[str, datetime] = {}
        self._place = ("", "")  # since, token: where a look that was not over goes on
        self._asked = float("-inf")
        self._last = self._full = False
        self._asking = threading.Lock()

    def read(self, entries: Entries, after: int, *, ended: bool) -> LogText:
        """Return log text from byte ``after`` on, having asked for more when that is due.

        Parameters
        ----------
        ended : bool
            Whether the job has ended so long ago that no entry is on its way any more.

        Raises
        ------
        ArgovxError
            When Logging cannot be asked.
        """
        with self._asking:
            due = time.monotonic() - self._asked >= self._read_s
            if not (self._full or self._last) and (due or self._place[1]):
                self._asked = time.monotonic()
                self._ask(entries)
                self._last = ended and not self._place[1]
            return self._piece(after, done=self._full or self._last)

    def _ask(self, entries: Entries) -> None:
        since, token = self._place if self._place[1] else (self._since(), "")
        self._place = ("", "")  # where this fails, the next look begins anew
        for _ in range(PAGES_MAX):
            page, token = entries.of_job(self._job_id, since, token)
            for entry in page:
                self._take(entry)
            if not token or self._full:
                break
        self._place = (since, token)
        if self._newest is not None:
            oldest = self._newest - 2 * OVERLAP
            self._taken = {mark: at for mark, at in self._taken.items() if at >= oldest}

    def _since(self) -> str:
        """Return from when on to ask: a little before the newest entry, for they come out of order."""
        return f"{self._newest - OVERLAP:%Y-%m-%dT%H:%M:%S.%fZ}" if self._newest else ""

    def _take(self, entry: Mapping[str, Any]) -> None:
        mark, at = text(entry.get("insertId")), _moment(entry.get("timestamp"))
        if mark in self._taken or self._full:
            return
        self._newest = max(at, self._newest or at)
        self._taken[mark] = at
        line = f"{_words(entry)}\n".encode(errors="replace")
        if len(self._text) + len(line) > LOG_MAX:
            self._full = True
        else:
            self._text += line

    def _piece(self, after: int, *, done: bool) -> LogText:
        after = min(after, len(self._text))
        data = bytes(self._text[after : after + LOG_CHUNK])
        complete = done and after + len(data) >= len(self._text)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        found = decoder.decode(data, final=complete)
        cut = len(decoder.getstate()[0])
        return LogText(found, after + len(data) - cut, complete, truncated=complete and self._full)


def _words(entry: Mapping[str, Any]) -> str:
    """Return the text of an entry; a machine's name stands before it unless it is the first machine's."""
    payload = mapping(entry.get("jsonPayload"))
    said = text(payload.get("message")) or text(entry.get("textPayload"))
    if not said and payload:
        said = text(json.dumps(payload, ensure_ascii=False, default=str))
    task = text(mapping(mapping(entry.get("resource")).get("labels")).get("task_name"))
    return f"[{task}] {said}" if task not in ("", "service", "workerpool0-0") else said


def _moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return datetime.min.replace(year=1970, tzinfo=UTC)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
