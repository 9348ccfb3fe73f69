"""Vertex ML Metadata: the nodes and edges of lineage, over REST.

Owns the calls. Every write is an upsert or skips what is there, so that any sequence of them can be replayed.
Refuses ids that the service would refuse.

Notes
-----
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from argovx_lab.errors import NotFound, SpecError
from argovx_lab.vertex.session import Rest, Session

Document = dict[str, Any]

_ID = re.compile(r"[a-z0-9-]{4,128}\Z")
_PAGE = 100

#: Lineage must never hold up a step for long. Unit: seconds.
_TIMEOUT_S = 10.0

#: Schema version that is always given explicitly. Source: the service's own schemas.
SCHEMA_VERSION = "0.0.1"


class Metadata:
    """The metadata store ``default`` of one project and region.

    Parameters
    ----------
    session : Session
        Adds the credentials.
    base_url : str
        Such as ``https://europe-west4-aiplatform.googleapis.com``.
    """

    def __init__(self, session: Session, base_url: str, project: str, region: str) -> None:
        self._rest = Rest(session, base_url, timeout_s=_TIMEOUT_S)
        self._location = f"projects/{project}/locations/{region}"
        self.store = f"{self._location}/metadataStores/default"

    def ensure_store(self) -> None:
        """Create the store when the project has none yet; what creates it runs in the background.

        Raises
        ------
        PermissionMissing
            When it is absent and may not be created.
        """
        try:
            self._rest.call("GET", self.store, permission="aiplatform.metadataStores.get")
        except NotFound:
            self._rest.call(
                "POST",
                f"{self._location}/metadataStores",
                permission="aiplatform.metadataStores.create",
                params={"metadataStoreId": "default"},
                body={},
            )

    def name(self, kind: str, node_id: str) -> str:
        """Return the resource name of a node; ``kind`` is ``artifacts``, ``executions`` or ``contexts``.

        Raises
        ------
        SpecError
            When the id is not 4 to 128 characters of ``a-z0-9-``.
        """
        if not _ID.match(node_id):
            raise SpecError(f"{node_id!r} is not a metadata id")
        return f"{self.store}/{kind}/{node_id}"

    def upsert(self, kind: str, node_id: str, fields: Mapping[str, Any]) -> Document:
        """Create a node or overwrite the given fields of it, and return it; its schema cannot be changed."""
        return self._rest.call(
            "PATCH",
            self.name(kind, node_id),
            permission=f"aiplatform.{kind}.update",
            params={"allowMissing": "true", "updateMask": ",".join(_changeable(fields))},
            body=fields,
            repeat=True,
        )

    def get(self, kind: str, node_id: str) -> Document | None:
        """Return a node, or ``None`` when it is not there."""
        try:
            return self._rest.call("GET", self.name(kind, node_id), permission=f"aiplatform.{kind}.get")
        except NotFound:
            return None

    def add_events(self, execution_id: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Join artifacts to an execution; pairs that are there are skipped by the service."""
        events = [{"artifact": self.name("artifacts", item), "type": "INPUT"} for item in inputs]
        events += [{"artifact": self.name("artifacts", item), "type": "OUTPUT"} for item in outputs]
        self._rest.call(
            "POST",
            f"{self.name('executions', execution_id)}:addExecutionEvents",
            permission="aiplatform.executions.addExecutionEvents",
            body={"events": events},
            repeat=True,
        )

    def add_members(self, context_id: str, artifacts: Sequence[str], executions: Sequence[str]) -> None:
        """Put artifacts and executions into a context."""
        self._rest.call(
            "POST",
            f"{self.name('contexts', context_id)}:addContextArtifactsAndExecutions",
            permission="aiplatform.contexts.addContextArtifactsAndExecutions",
            body={
                "artifacts": [self.name("artifacts", item) for item in artifacts],
                "executions": [self.name("executions", item) for item in executions],
            },
            repeat=True,
        )

    def add_child(self, parent_id: str, child_id: str) -> None:
        """Put a context below another."""
        self._rest.call(
            "POST",
            f"{self.name('contexts', parent_id)}:addContextChildren",
            permission="aiplatform.contexts.addContextChildren",
            body={"childContexts": [self.name("contexts", child_id)]},
            repeat=True,
        )

    def inputs_and_outputs(self, execution: str) -> Document:
        """Return ``{artifacts, executions, events}`` around an execution (id or resource name).

        Raises
        ------
        NotFound
            When the execution is not there.
        """
        name = execution if "/" in execution else self.name("executions", execution)
        return self._rest.call(
            "GET",
            f"{quote(name, safe='/')}:queryExecutionInputsAndOutputs",
            permission="aiplatform.executions.queryExecutionInputsAndOutputs",
        )

    def around_artifact(self, artifact: str) -> Document:
        """Return ``{artifacts, executions, events}`` next to an artifact (id or resource name).

        Raises
        ------
        NotFound
            When the artifact is not there.
        """
        name = artifact if "/" in artifact else self.name("artifacts", artifact)
        return self._rest.call(
            "GET",
            f"{quote(name, safe='/')}:queryArtifactLineageSubgraph",
            permission="aiplatform.artifacts.queryArtifactLineageSubgraph",
            params={"maxHops": 1},
        )

    def find(self, kind: str, filter_text: str = "", *, order_by: str = "") -> Iterator[Document]:
        """Yield nodes of a kind that fit a filter, all of them without one."""
        params: dict[str, Any] = {"pageSize": _PAGE}
        if filter_text:
            params["filter"] = filter_text
        if order_by:
            params["orderBy"] = order_by
        while True:
            page = self._rest.call(
                "GET", f"{self.store}/{kind}", permission=f"aiplatform.{kind}.list", params=params
            )
            yield from page.get(kind, [])
            if not page.get("nextPageToken"):
                return
            params["pageToken"] = page["nextPageToken"]

    def executions_in(self, context_id: str) -> list[Document]:
        """Return the executions of a context; an empty list when it is not there."""
        if self.get("contexts", context_id) is None:
            return []
        return list(self.find("executions", f'in_context("{self.name("contexts", context_id)}")'))


def _changeable(fields: Mapping[str, Any]) -> list[str]:
    return [name for name in fields if not name.startswith("schema")]
