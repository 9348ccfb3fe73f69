"""Contexts, executions and artifacts: create, get, list, update, delete, purge.

Owns ids, etags, masks and filters of nodes; what a schema demands is :mod:`.schemas`'.
Source: https://cloud.google.com/vertex-ai/docs/ml-metadata/system-schemas
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found
from argovx_lab.sandbox.google.filters import matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.jobs.validation import labels
from argovx_lab.sandbox.google.metadata.graph import KINDS, STORE_PATTERN, Graph, Kind, key
from argovx_lab.sandbox.google.metadata.schemas import Schemas
from argovx_lab.sandbox.google.metadata.search import FIELDS, leaf
from argovx_lab.sandbox.google.metadata.stores import Stores
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.operations import Operations
from argovx_lab.sandbox.google.paging import page

#: Most metadata of one node. Unit: bytes of JSON. Source: quotas of ML Metadata.
METADATA_MAX = 200 * 1024
DISPLAY_NAME_MAX = 128
_ID = re.compile(r"[a-z0-9-]{4,128}")
#: Names that a purge shows before it is forced. Source: PurgeArtifactsResponse.purge_sample.
PURGE_SAMPLE = 100
_AI = "google.cloud.aiplatform.v1."


class Nodes:
    """The methods of nodes, for all three kinds."""

    def __init__(
        self, graph: Graph, stores: Stores, schemas: Schemas, project: Project, operations: Operations
    ) -> None:
        self._graph = graph
        self._stores = stores
        self._schemas = schemas
        self._project = project
        self._operations = operations

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        found: dict[str, Handler] = {}
        for kind in KINDS:
            many = kind.plural.capitalize()
            for verb, work in (
                (f"Create{kind.title}", self._create),
                (f"Get{kind.title}", self._get),
                (f"List{many}", self._list),
                (f"Update{kind.title}", self._update),
                (f"Delete{kind.title}", self._delete),
                (f"Purge{many}", self._purge),
            ):
                found[f"/{_AI}MetadataService/{verb}"] = _bound(work, kind)
        return found

    def require(self, kind: Kind, name: str, verb: str, field: str = "name") -> Document:
        """Return a node that exists; NOT_FOUND in the service's words otherwise."""
        canonical = self.canonical(kind, name, field)
        node = self._graph.node(kind, canonical)
        if node is None:
            raise not_found(
                f"Resource not found.; {verb} is unable to find {kind.singular} resource "
                f"with name: {canonical}"
            )
        return node

    def canonical(self, kind: Kind, name: str, field: str = "name") -> str:
        """Return the canonical form of a node's name, after a look at its shape."""
        self._project.parse(kind.pattern, name, field)
        return self._project.canonical(name)

    async def _create(self, kind: Kind, message: Document) -> Document:
        parent = self._stores.require(message.get("parent", ""))
        node_id = message.get(f"{kind.singular}_id") or str(uuid.uuid4())
        return self._new(kind, f"{parent}/{kind.plural}/{node_id}", message.get(kind.singular) or {})

    def _new(self, kind: Kind, name: str, wanted: Document) -> Document:
        node_id = name.rpartition("/")[2]
        if not _ID.fullmatch(node_id):
            field = f"{kind.singular}_id"
            raise invalid(f"Invalid {field} '{node_id}': 4 to 128 characters of a-z, 0-9 and -.", [field])
        if self._graph.node(kind, name) is not None:
            raise GoogleError("ALREADY_EXISTS", f"{kind.title} with name {name} already exists.")
        kept = (*kind.mutable, "schema_title", "schema_version")
        node = {"name": name, **{field: wanted[field] for field in kept if wanted.get(field)}}
        self._check(kind, node)
        return self._graph.put(kind, {"metadata": {}, **node})

    def _check(self, kind: Kind, node: Mapping[str, Any]) -> None:
        store = node["name"].rpartition(f"/{kind.plural}/")[0]
        title, version = node.get("schema_title", ""), node.get("schema_version", "")
        self._schemas.check(store, title, version, node.get("metadata") or {})
        if len(node.get("display_name", "")) > DISPLAY_NAME_MAX:
            raise invalid(f"display_name has more than {DISPLAY_NAME_MAX} characters.", ["display_name"])
        if len(json.dumps(node.get("metadata", {}))) > METADATA_MAX:
            raise invalid(
                f"The metadata of a {kind.singular} is larger than {METADATA_MAX} bytes.", ["metadata"]
            )
        for field, problem in labels(node):
            raise invalid(problem, [field])

    async def _get(self, kind: Kind, message: Document) -> Document:
        return self.require(kind, message.get("name", ""), f"Get{kind.title}")

    async def _list(self, kind: Kind, message: Document) -> Document:
        parent = self._stores.require(message.get("parent", ""))
        fields = FIELDS[kind.singular]
        expression = fields.parse(message.get("filter", ""))
        decide = leaf(fields, self._graph, self._project)
        found = [node for node in self._graph.nodes(kind, parent) if matches(expression, node, decide)]
        ordered = fields.sort([*found], message.get("order_by", ""), "create_time")
        chosen, token = page(ordered, message)
        return {kind.plural: chosen, "next_page_token": token}

    async def _update(self, kind: Kind, message: Document) -> Document:
        wanted = message.get(kind.singular) or {}
        name = self.canonical(kind, wanted.get("name", ""), f"{kind.singular}.name")
        present = self._graph.node(kind, name)
        if present is None:
            if not message.get("allow_missing"):
                self.require(kind, name, f"Update{kind.title}")
            self._stores.require(name.rpartition(f"/{kind.plural}/")[0], f"{kind.singular}.name")
            return self._new(kind, name, wanted)
        self._check_etag(kind, present, wanted.get("etag", ""))
        for field in ("schema_title", "schema_version"):
            if wanted.get(field) and wanted[field] != present.get(field, ""):
                raise invalid(f"{field} cannot be changed.", [f"{kind.singular}.{field}"])
        changed = changes(kind, present, wanted, message.get("update_mask"))
        self._check(kind, changed)
        return self._graph.put(kind, changed)

    def _check_etag(self, kind: Kind, present: Document, etag: str) -> None:
        if etag and etag != present["etag"]:
            text = (
                f"Specified {kind.title} `etag`: `{etag}` does not match server `etag`: `{present['etag']}`"
            )
            raise GoogleError("ABORTED", text)

    async def _delete(self, kind: Kind, message: Document) -> Document:
        node = self.require(kind, message.get("name", ""), f"Delete{kind.title}")
        self._check_etag(kind, node, message.get("etag", ""))
        self._graph.remove(kind, node["name"])
        metadata = _AI + "DeleteOperationMetadata"
        return self._operations.start(node["name"], metadata, "google.protobuf.Empty", {})

    async def _purge(self, kind: Kind, message: Document) -> Document:
        """Delete what a filter selects; without ``force`` only tell how many, with a sample."""
        parent = self._stores.require(message.get("parent", ""))
        if not message.get("filter"):
            raise invalid("A filter is required to purge.", ["filter"])
        fields = FIELDS[kind.singular]
        expression = fields.parse(message["filter"])
        decide = leaf(fields, self._graph, self._project)
        names = [n["name"] for n in self._graph.nodes(kind, parent) if matches(expression, n, decide)]
        if message.get("force"):
            with self._graph.db.transaction():
                for name in names:
                    self._graph.remove(kind, name)
        many = kind.plural.capitalize()
        answer: Document = {"purge_count": str(len(names))}
        if not message.get("force"):
            answer |= {"purge_sample": names[:PURGE_SAMPLE]}
        metadata = f"{_AI}Purge{many}Metadata"
        return self._operations.start(parent, metadata, f"{_AI}Purge{many}Response", answer)

    def exists(self, name: str) -> bool:
        """Say whether a context of this canonical name exists."""
        shape = re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(KINDS[0].pattern)), name)
        return shape is not None and self._graph.db.get(KINDS[0].table, key(name)) is not None


def changes(kind: Kind, present: Document, wanted: Document, mask: list[str] | None) -> Document:
    """Return ``present`` with what an update asks for.

    Notes
    -----
    Without a mask every field that is set replaces the old one; with a mask a field that is not set is
    cleared. ``metadata.key`` and ``labels.key`` reach one entry. Source: https://google.aip.dev/134
    """
    if not mask:
        return {**present, **{field: wanted[field] for field in kind.mutable if wanted.get(field)}}
    changed = dict(present)
    for path in kind.mutable if "*" in mask else mask:
        head, _, entry = path.partition(".")
        if head not in kind.mutable or (entry and head not in ("metadata", "labels")):
            raise invalid(f"Invalid field mask: '{path}' is no field that can be changed.", ["update_mask"])
        if not entry:
            changed[head] = wanted.get(head)
        else:
            changed[head] = dict(changed.get(head) or {})
            value = (wanted.get(head) or {}).get(entry)
            changed[head].pop(entry, None) if value is None else changed[head].update({entry: value})
    return {field: value for field, value in changed.items() if value is not None}


def _bound(work: Callable[[Kind, Document], Awaitable[Document]], kind: Kind) -> Handler:
    async def handler(_: Call, message: Document) -> Document:
        return await work(kind, message)

    return handler


__all__ = ["DISPLAY_NAME_MAX", "METADATA_MAX", "STORE_PATTERN", "Nodes", "changes"]
