"""LoggingServiceV2: entries listed over all sources, written, and logs named and deleted.

Owns requests, order and pages. Tailing, views and buckets are refused by name.
Source: https://cloud.google.com/logging/docs/reference/v2/rest
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

from argovx_lab.sandbox.google.errors import GoogleError, invalid
from argovx_lab.sandbox.google.filters import Expression, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.logs.audit import AuditLogs
from argovx_lab.sandbox.google.logs.jobs import JobLogs
from argovx_lab.sandbox.google.logs.language import leaf, parse
from argovx_lab.sandbox.google.logs.written import Written
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.paging import page

_ORDERS = ("", "timestamp asc", "timestamp", "timestamp desc")
#: Most entries of one write. Source: https://cloud.google.com/logging/quotas
WRITE_MAX = 1000


class Logging:
    """The methods of Logging."""

    def __init__(self, jobs: JobLogs, audit: AuditLogs, written: Written, project: Project) -> None:
        self._jobs = jobs
        self._audit = audit
        self._written = written
        self._project = project

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.logging.v2.LoggingServiceV2/"
        return {
            prefix + "ListLogEntries": self.list,
            prefix + "WriteLogEntries": self.write,
            prefix + "ListLogs": self.logs,
            prefix + "DeleteLog": self.delete,
        }

    async def list(self, call: Call, message: Document) -> Document:
        """Return the matching entries."""
        for name in message.get("resource_names", []):
            if not re.fullmatch(r"projects/[^/]+", name):
                raise invalid(
                    f"The sandbox reads logs of projects only, not of '{name}'.", ["resource_names"]
                )
        if not message.get("resource_names"):
            raise invalid("resource_names must name at least one project.", ["resource_names"])
        order = " ".join(message.get("order_by", "").split())
        if order not in _ORDERS:
            raise invalid(
                f"Invalid order_by '{order}'; use 'timestamp asc' or 'timestamp desc'.", ["order_by"]
            )
        expression = parse(message.get("filter", ""))
        read, written = self._jobs.gather(expression), list(self._written.entries())
        audited = await self._audited(call, expression)

        def search() -> list[Document]:
            every = chain(read(), written, audited)
            found = [entry for entry in every if matches(expression, entry, leaf)]
            newest_first = order.endswith("desc")
            return sorted(found, key=lambda e: (e["timestamp"], e["insert_id"]), reverse=newest_first)

        # the logs may be long; nothing else waits for them
        found = await asyncio.to_thread(search)
        # pages know items by their name; an entry's is its insert id
        named = [{**entry, "name": entry["insert_id"]} for entry in found]
        chosen, token = page(named, message, default=50)
        entries = [{k: v for k, v in entry.items() if k != "name"} for entry in chosen]
        return {"entries": entries, "next_page_token": token}

    async def _audited(self, call: Call, expression: Expression | None) -> Sequence[dict[str, Any]]:
        if not self._audit.wanted(expression):
            return []
        try:
            call.check("logging.privateLogEntries.list", f"projects/{self._project.id}")
            private = True
        except GoogleError:  # Logging leaves out what a caller may not see
            private = False
        # the file may be long; nothing else waits for it
        return await asyncio.to_thread(lambda: list(self._audit.entries(expression, private=private)))

    async def write(self, call: Call, message: Document) -> Document:
        """Keep entries; all or none, unless ``partial_success`` is asked for."""
        entries = message.get("entries", [])
        if not 0 < len(entries) <= WRITE_MAX:
            raise invalid(f"A write has 1 to {WRITE_MAX} entries, not {len(entries)}.", ["entries"])
        kept: list[dict[str, Any]] = []
        problems: list[GoogleError] = []
        for index in range(len(entries)):
            try:
                kept.append(self._written.filled(message, index))
            except GoogleError as error:
                problems.append(error)
        for project in {entry["log_name"].partition("/logs/")[0] for entry in kept}:
            call.check("logging.logEntries.create", project)
        if problems and not (message.get("partial_success") and kept):
            raise problems[0]
        if not message.get("dry_run"):
            self._written.keep(kept)
        if problems:
            raise problems[0]
        return {}

    async def logs(self, _: Call, message: Document) -> Document:
        """Return the names of the logs that have entries."""
        if not re.fullmatch(r"projects/[^/]+", message.get("parent", "")):
            raise invalid("The sandbox lists logs of projects only.", ["parent"])
        names = sorted(self._jobs.names() | self._audit.names() | self._written.names())
        chosen, token = page([{"name": name} for name in names], message, default=50)
        return {"log_names": [item["name"] for item in chosen], "next_page_token": token}

    async def delete(self, _: Call, message: Document) -> Document:
        """Remove the written entries of a log."""
        name = self._written.name(message.get("log_name", ""))
        if "cloudaudit.googleapis.com" in name:
            raise invalid("Audit logs cannot be deleted.", ["log_name"])
        self._written.delete(name)
        return {}
