"""Long-running operations: started by one call, polled over ``/v1/…`` and ``/ui/…`` until done.

Owns their store and the poll, wait and list methods. Work that the sandbox does at once still answers
``done: false`` first, because clients must be able to stand that.
Source: https://google.aip.dev/151
"""

from __future__ import annotations

import asyncio
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.errors import invalid, not_found
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.filters import Comparison, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.paging import page
from argovx_lab.sandbox.google.store import Store

_TABLE = "operations"
_FIELDS = Fields({"name": "string", "done": "bool"})
_TYPE = "type.googleapis.com/"
#: Operations older than this many are forgotten, the oldest first.
KEPT = 2000


class Operations:
    """The operations of the project."""

    def __init__(self, store: Store, project: Project, clock: Clock) -> None:
        self._store = store
        self._project = project
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.longrunning.Operations/"
        return {
            prefix + "GetOperation": self.get,
            prefix + "WaitOperation": self.wait,
            prefix + "ListOperations": self.list,
            prefix + "CancelOperation": self.cancel,
            prefix + "DeleteOperation": self.delete,
        }

    def start(self, resource: str, metadata_type: str, response_type: str, response: Document) -> Document:
        """Record an operation on ``resource`` that has succeeded, and return it as not done yet.

        Parameters
        ----------
        resource : str
            Canonical name of what it works on; the operation lies below it.
        metadata_type, response_type : str
            Full message names of the two ``Any`` values.
        response : dict
            What it returns; for ``google.protobuf.Empty`` an empty dict.
        """
        number = self._store.next_id("operations", 1)
        now = rfc3339(self._clock.now(), fraction=True)
        generic = {"create_time": now, "update_time": now}
        key = f"{number:015d}"
        operation: Document = {
            "name": f"{resource}/operations/{number}",
            "metadata": {"@type": _TYPE + metadata_type, "generic_metadata": generic},
        }
        done = {**operation, "done": True, "response": {"@type": _TYPE + response_type, **response}}
        with self._store.transaction():
            self._store.put(_TABLE, key, done)
            if self._store.count(_TABLE) > KEPT:
                oldest = next(self._store.scan(_TABLE))[0]
                self._store.delete(_TABLE, oldest)
        return operation

    def _find(self, name: str) -> Document:
        name = self._project.canonical(name)
        self._project.check_location(name)
        tail = name.rpartition("/")[2]
        if not tail.isdigit() or "/operations/" not in name:
            raise invalid(f"Invalid operation name '{name}'.", ["name"])
        found = self._store.get(_TABLE, f"{int(tail[:15]):015d}")
        # clients may strip the resource: projects/P/locations/L/operations/N names the same operation
        if found is None or not _same(found["name"], name):
            raise not_found(f"Operation '{name}' is not found.")
        return found

    async def get(self, _: Call, message: Document) -> Document:
        """Return an operation."""
        return self._find(message.get("name", ""))

    async def wait(self, _: Call, message: Document) -> Document:
        """Return an operation; ours are done by now, so there is nothing to wait for."""
        await asyncio.sleep(0)
        return self._find(message.get("name", ""))

    async def cancel(self, _: Call, message: Document) -> Document:
        """Do nothing, as with any operation that is done; one that is not there is NOT_FOUND."""
        self._find(message.get("name", ""))
        return {}

    async def delete(self, _: Call, message: Document) -> Document:
        """Forget an operation; what it made stays."""
        found = self._find(message.get("name", ""))
        self._store.delete(_TABLE, f"{int(found['name'].rpartition('/')[2]):015d}")
        return {}

    async def list(self, _: Call, message: Document) -> Document:
        """Return the operations below a name."""
        expression = _FIELDS.parse(message.get("filter", ""))

        def leaf(part: object, document: Any) -> bool:
            return isinstance(part, Comparison) and _FIELDS.compare(part, document)

        self._project.check_location(message.get("name", ""))
        below = self._project.canonical(message.get("name", "")) + "/"
        rows: list[Any] = [doc for _, doc in self._store.scan(_TABLE) if doc["name"].startswith(below)]
        rows = [doc for doc in rows if matches(expression, doc, leaf)]
        chosen, token = page(rows[::-1], message)
        return {"operations": chosen, "next_page_token": token}


def _same(stored: str, asked: str) -> bool:
    place, number = asked.split("/operations/")
    return stored == asked or (stored.startswith(place + "/") and stored.endswith(f"/operations/{number}"))
