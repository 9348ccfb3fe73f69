"""The metadata graph in the store: nodes, events, memberships and context children.

Owns keys and both directions of every edge. Nodes are dicts of the proto's JSON shape with canonical names;
a deleted node takes its edges along.
Source: https://cloud.google.com/vertex-ai/docs/ml-metadata/data-model
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.store import Store

Document = dict[str, Any]

_BASE = "projects/{project}/locations/{location}/metadataStores/{store}"
#: Separates two names in an edge's key; it cannot stand in a name.
_SEP = "|"
#: Context → members, member → contexts, parent → children; both directions of the membership.
_MEMBERS, _MEMBER_OF, _CHILDREN = "meta.members", "meta.member_of", "meta.children"
_EVENTS, _EVENTS_OF = "meta.events", "meta.events_of"


@dataclass(frozen=True)
class Kind:
    """One kind of node.

    Parameters
    ----------
    mutable : tuple of str
        Fields that an update may change.
    """

    singular: str
    plural: str
    mutable: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """The shape of a name."""
        return f"{_BASE}/{self.plural}/{{{self.singular}}}"

    @property
    def table(self) -> str:
        """Where the nodes are."""
        return f"meta.{self.plural}"

    @property
    def title(self) -> str:
        """``Context``, ``Execution``, ``Artifact``."""
        return self.singular.capitalize()


_COMMON = ("display_name", "labels", "metadata", "description")
CONTEXT = Kind("context", "contexts", _COMMON)
EXECUTION = Kind("execution", "executions", (*_COMMON, "state"))
ARTIFACT = Kind("artifact", "artifacts", (*_COMMON, "state", "uri"))
KINDS = (CONTEXT, EXECUTION, ARTIFACT)
STORE_PATTERN = _BASE
_KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/metadataStores/([^/]+)(?:/([a-zA-Z]+)/(.+))?")


def key(name: str) -> str:
    """Return the store key of a name: location, metadata store and, for a node, its id."""
    found = _KEY.fullmatch(name)
    assert found is not None, "names are parsed before they get here"
    return "/".join(part for part in (found[1], found[2], found[4]) if part)


class Graph:
    """All metadata of the project."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.db = store
        self._clock = clock
        self._last_etag = 0

    def now(self) -> str:
        """Return the present as the service writes it."""
        return rfc3339(self._clock.now(), fraction=True)

    def etag(self) -> str:
        """Return a new etag: the time in milliseconds, never the same twice."""
        self._last_etag = max(self._last_etag + 1, int(self._clock.now().timestamp() * 1000))
        return str(self._last_etag)

    def node(self, kind: Kind, name: str) -> Document | None:
        """Return a node, or ``None``."""
        return self.db.get(kind.table, key(name))

    def put(self, kind: Kind, node: Document) -> Document:
        """Write a node with a new etag and update time; return it."""
        written = {**node, "etag": self.etag(), "update_time": self.now()}
        written.setdefault("create_time", written["update_time"])
        self.db.put(kind.table, key(node["name"]), written)
        return written

    def nodes(self, kind: Kind, store: str) -> list[Document]:
        """Return every node of a metadata store, the oldest first."""
        found = [node for _, node in self.db.scan(kind.table, key(store) + "/")]
        return sorted(found, key=lambda node: node["create_time"])

    def remove(self, kind: Kind, name: str) -> None:
        """Remove a node and every edge that touches it."""
        with self.db.transaction():
            self.db.delete(kind.table, key(name))
            if kind is CONTEXT:
                self._remove_context(name)
                return
            for context in list(self.contexts_of(name)):
                self.db.delete(_MEMBERS, context + _SEP + name)
                self.db.delete(_MEMBER_OF, name + _SEP + context)
            for event in list(self.events(name)):
                self._drop_event(event)

    def _remove_context(self, name: str) -> None:
        for member in list(self.members(name)):
            self.db.delete(_MEMBERS, name + _SEP + member)
            self.db.delete(_MEMBER_OF, member + _SEP + name)
        for child in list(self.children(name)):
            self.unlink(name, child)
        for parent in (self.node(CONTEXT, name) or {}).get("parent_contexts", []):
            self.db.delete(_CHILDREN, parent + _SEP + name)

    def _far(self, table: str, name: str) -> Iterator[str]:
        prefix = name + _SEP
        for row, _ in self.db.scan(table, prefix):
            yield row[len(prefix) :]

    def members(self, context: str) -> Iterator[str]:
        """Yield the names of a context's artifacts and executions."""
        return self._far(_MEMBERS, context)

    def contexts_of(self, member: str) -> Iterator[str]:
        """Yield the contexts that a node is in."""
        return self._far(_MEMBER_OF, member)

    def join(self, context: str, member: str) -> None:
        """Put a node into a context."""
        if self.db.get(_MEMBERS, context + _SEP + member) is None:
            with self.db.transaction():
                self.db.put(_MEMBERS, context + _SEP + member, {})
                self.db.put(_MEMBER_OF, member + _SEP + context, {})

    def is_member(self, context: str, member: str) -> bool:
        """Say whether a node is in a context."""
        return self.db.get(_MEMBERS, context + _SEP + member) is not None

    def children(self, context: str) -> Iterator[str]:
        """Yield the names of a context's children."""
        return self._far(_CHILDREN, context)

    def link(self, parent: str, child: str) -> None:
        """Make a context the child of another."""
        node = self.node(CONTEXT, child) or {}
        parents = node.get("parent_contexts", [])
        if parent not in parents:
            with self.db.transaction():
                self.db.put(_CHILDREN, parent + _SEP + child, {})
                # writers hold an etag while they build their tree: a new parent leaves it as it is
                self.db.put(CONTEXT.table, key(child), {**node, "parent_contexts": [*parents, parent]})

    def unlink(self, parent: str, child: str) -> None:
        """Undo :meth:`link`."""
        node = self.node(CONTEXT, child)
        with self.db.transaction():
            self.db.delete(_CHILDREN, parent + _SEP + child)
            if node is not None:
                parents = [name for name in node.get("parent_contexts", []) if name != parent]
                self.db.put(CONTEXT.table, key(child), {**node, "parent_contexts": parents})

    def ancestors(self, context: str) -> set[str]:
        """Return every context above one."""
        found: set[str] = set()
        todo = [context]
        while todo:
            for parent in (self.node(CONTEXT, todo.pop()) or {}).get("parent_contexts", []):
                if parent not in found:
                    found.add(parent)
                    todo.append(parent)
        return found

    def events(self, name: str) -> Iterator[Document]:
        """Yield the events of an execution or artifact."""
        for _, event in self.db.scan(_EVENTS, name + _SEP):
            yield event
        for row, _ in self.db.scan(_EVENTS_OF, name + _SEP):
            artifact, _, execution = row.partition(_SEP)
            found = self.db.get(_EVENTS, execution + _SEP + artifact)
            if found is not None:
                yield found

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Connect an artifact and an execution; an existing pair stays as it is."""
        row = event["execution"] + _SEP + event["artifact"]
        if self.db.get(_EVENTS, row) is None:
            with self.db.transaction():
                self.db.put(_EVENTS, row, dict(event))
                self.db.put(_EVENTS_OF, event["artifact"] + _SEP + event["execution"], {})

    def _drop_event(self, event: Document) -> None:
        self.db.delete(_EVENTS, event["execution"] + _SEP + event["artifact"])
        self.db.delete(_EVENTS_OF, event["artifact"] + _SEP + event["execution"])
