"""Log entries that programs write, kept in the store.

Owns their defaults and limits: what a writer leaves out is filled in as Logging does.
Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/write
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.errors import GoogleError, invalid
from argovx_lab.sandbox.google.fields import moment
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.store import Store

_TABLE: Final = "log_entries"
#: Entries that are kept; the oldest go. Logging keeps them for 30 days.
KEPT: Final = 20_000
_DAYS: Final = timedelta(days=30)
_AHEAD: Final = timedelta(hours=24)
#: Source: https://cloud.google.com/logging/quotas. Unit: bytes.
ENTRY_MAX: Final = 256 * 1024
_NAME: Final = re.compile(r"projects/([^/]+)/logs/([A-Za-z0-9_.%-]{1,511})")
_PAYLOADS: Final = ("text_payload", "json_payload", "proto_payload")


class Written:
    """All written entries."""

    def __init__(self, store: Store, project: Project, clock: Clock) -> None:
        self._store = store
        self._project = project
        self._clock = clock

    def names(self) -> set[str]:
        """Return the names of the logs."""
        return {entry["log_name"] for _, entry in self._store.scan(_TABLE)}

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield every entry, the oldest first."""
        for _, entry in self._store.scan(_TABLE):
            yield entry

    def name(self, text: str, field: str = "log_name") -> str:
        """Return a log's name with the project's id; one of another shape is INVALID_ARGUMENT."""
        found = _NAME.fullmatch(text)
        if found is None:
            raise invalid(f"The log name '{text[:200]}' is not projects/PROJECT/logs/LOG.", [field])
        return self._project.readable(text)

    def filled(self, message: Mapping[str, Any], index: int) -> dict[str, Any]:
        """Return one entry of a request with what the request and the service add."""
        entry = dict(message["entries"][index])
        field = f"entries[{index}]"
        name = self.name(entry.get("log_name") or message.get("log_name", ""), f"{field}.log_name")
        resource = entry.get("resource") or message.get("resource")
        if not (resource or {}).get("type"):
            raise invalid("A monitored resource is required for each log entry.", [f"{field}.resource"])
        if not any(payload in entry for payload in _PAYLOADS):
            raise invalid("A log entry needs a payload.", [f"{field}.text_payload"])
        now = self._clock.now()
        stamp = rfc3339(now, fraction=True)
        at = moment(entry.get("timestamp") or stamp)
        if not now - _DAYS <= at <= now + _AHEAD:
            text = f"The timestamp {entry['timestamp']} is more than 30 days ago or 24 hours ahead."
            raise invalid(text, [f"{field}.timestamp"])
        if len(str(entry)) > ENTRY_MAX:
            raise invalid(f"Log entry with size of more than {ENTRY_MAX} bytes.", [field])
        labels = {**(message.get("labels") or {}), **(entry.get("labels") or {})}
        return {
            **entry,
            "log_name": name,
            "resource": resource,
            "timestamp": rfc3339(at, fraction=True),
            "receive_timestamp": stamp,
            "severity": entry.get("severity") or "DEFAULT",
            "insert_id": entry.get("insert_id") or uuid.uuid4().hex[:20],
            **({"labels": labels} if labels else {}),
        }

    def keep(self, entries: list[dict[str, Any]]) -> None:
        """Write entries; one with the same time and insert id as another of its log replaces it."""
        with self._store.transaction():
            for entry in entries:
                key = f"{entry['timestamp']}|{entry['log_name']}|{entry['insert_id']}"
                self._store.put(_TABLE, key, entry)
            over = self._store.count(_TABLE) - KEPT
            if over > 0:
                for key, _ in list(self._store.scan(_TABLE))[:over]:
                    self._store.delete(_TABLE, key)

    def delete(self, name: str) -> None:
        """Remove a log's entries."""
        found = [key for key, entry in self._store.scan(_TABLE) if entry["log_name"] == name]
        if not found:
            raise GoogleError("NOT_FOUND", f"Log {name} does not exist.")
        with self._store.transaction():
            for key in found:
                self._store.delete(_TABLE, key)
