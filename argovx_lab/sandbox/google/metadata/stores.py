"""Metadata stores: one per name and region; most projects have ``default`` only.

Refuses encryption and Dataplex settings by name, and the deletion of a store that has nodes unless forced.
"""

from __future__ import annotations

import re

from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found, unimplemented
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.metadata.graph import KINDS, STORE_PATTERN, Graph, key
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.operations import Operations
from argovx_lab.sandbox.google.paging import page

_TABLE = "meta.stores"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{3,127}")
_AI = "google.cloud.aiplatform.v1."


class Stores:
    """The methods of metadata stores."""

    def __init__(self, graph: Graph, project: Project, operations: Operations) -> None:
        self._graph = graph
        self._project = project
        self._operations = operations

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = f"/{_AI}MetadataService/"
        return {
            prefix + "CreateMetadataStore": self.create,
            prefix + "GetMetadataStore": self.get,
            prefix + "ListMetadataStores": self.list,
            prefix + "DeleteMetadataStore": self.delete,
        }

    def require(self, name: str, field: str = "parent") -> str:
        """Return the canonical name of a store that exists.

        Raises
        ------
        GoogleError
            NOT_FOUND, or INVALID_ARGUMENT for a name of another shape.
        """
        self._project.parse(STORE_PATTERN, name, field)
        canonical = self._project.canonical(name)
        if self._graph.db.get(_TABLE, key(canonical)) is None:
            raise not_found(f"The metadata store '{canonical}' is not found.")
        return canonical

    async def create(self, _: Call, message: Document) -> Document:
        """Create a store; the answer is an operation."""
        location = self._project.location(message.get("parent", ""))
        wanted = message.get("metadata_store") or {}
        for field in ("encryption_spec", "dataplex_config"):
            if wanted.get(field):
                raise unimplemented(f"'metadata_store.{field}'")
        store_id = message.get("metadata_store_id") or "default"
        if not _ID.fullmatch(store_id):
            raise invalid(
                f"Invalid metadata_store_id '{store_id}': 4 to 128 of a-z, 0-9 and -.", ["metadata_store_id"]
            )
        name = f"projects/{self._project.number}/locations/{location}/metadataStores/{store_id}"
        if self._graph.db.get(_TABLE, key(name)) is not None:
            raise GoogleError("ALREADY_EXISTS", f"The metadata store '{name}' already exists.")
        now = self._graph.now()
        store = {"name": name, "create_time": now, "update_time": now}
        if text := wanted.get("description"):
            store["description"] = text
        self._graph.db.put(_TABLE, key(name), store)
        metadata = _AI + "CreateMetadataStoreOperationMetadata"
        return self._operations.start(name, metadata, _AI + "MetadataStore", store)

    async def get(self, _: Call, message: Document) -> Document:
        """Return a store."""
        name = self.require(message.get("name", ""), "name")
        return self._graph.db.get(_TABLE, key(name)) or {}

    async def list(self, _: Call, message: Document) -> Document:
        """Return the stores of a region."""
        location = self._project.location(message.get("parent", ""))
        found = [store for _, store in self._graph.db.scan(_TABLE, f"{location}/")]
        chosen, token = page(found, message)
        return {"metadata_stores": chosen, "next_page_token": token}

    async def delete(self, _: Call, message: Document) -> Document:
        """Delete a store; with ``force`` everything in it, too."""
        name = self.require(message.get("name", ""), "name")
        nodes = [(kind, node["name"]) for kind in KINDS for node in self._graph.nodes(kind, name)]
        if nodes and not message.get("force"):
            text = (
                f"The metadata store '{name}' has {len(nodes)} resources; set force to delete them as well."
            )
            raise GoogleError("FAILED_PRECONDITION", text)
        with self._graph.db.transaction():
            for kind, node in nodes:
                self._graph.remove(kind, node)
            self._graph.db.delete(_TABLE, key(name))
        metadata = _AI + "DeleteMetadataStoreOperationMetadata"
        return self._operations.start(name, metadata, "google.protobuf.Empty", {})
