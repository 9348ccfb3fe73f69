"""Vertex's side: the executions that ML Metadata has of a Workflow, with what went in and out.

Reads only; every sentence of the graph that says "vertex" comes from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from argovx_lab.vertex.lineage import workflow_id


class Metadata(Protocol):
    """What is asked of ML Metadata."""

    def executions_in(self, context_id: str) -> list[dict[str, Any]]:
        """Return the executions of a context; empty when there is no such context."""

    def inputs_and_outputs(self, execution: str) -> dict[str, Any]:
        """Return ``{artifacts, executions, events}`` around an execution."""


@dataclass(frozen=True)
class VertexArtifact:
    """An artifact: metadata id, display name, digest as recorded there, URI and schema."""

    id: str
    name: str
    digest: str
    uri: str
    schema_title: str


@dataclass(frozen=True)
class VertexExecution:
    """An execution with its artifacts.

    Parameters
    ----------
    node : str
        Argo node name without retry suffix, as recorded there.
    """

    id: str
    step: str
    node: str
    ordinal: int
    workflow: str
    workflow_uid: str
    state: str
    schema_title: str
    inputs: tuple[VertexArtifact, ...]
    outputs: tuple[VertexArtifact, ...]


def read(metadata: Metadata, workflow_uids: Sequence[str]) -> list[VertexExecution]:
    """Return the executions that Vertex has of these Workflows."""
    return [
        execution_of(document, metadata.inputs_and_outputs(document["name"]))
        for uid in dict.fromkeys(workflow_uids)
        for document in metadata.executions_in(workflow_id(uid))
    ]


def execution_of(document: Mapping[str, Any], around: Mapping[str, Any]) -> VertexExecution:
    """Return an execution out of its document and what lies around it."""
    noted = document.get("metadata") or {}
    artifacts = {item["name"]: artifact_of(item) for item in around.get("artifacts") or []}
    sides: dict[str, list[VertexArtifact]] = {"INPUT": [], "OUTPUT": []}
    for event in around.get("events") or []:
        artifact = artifacts.get(event.get("artifact", ""))
        if artifact and event.get("type") in sides:
            sides[event["type"]].append(artifact)
    return VertexExecution(
        id=_last(document["name"]),
        step=str(noted.get("argovx_step") or document.get("displayName") or ""),
        node=str(noted.get("argo_node") or ""),
        ordinal=_number(noted.get("argo_ordinal")),
        workflow=str(noted.get("argo_workflow") or ""),
        workflow_uid=str(noted.get("argo_workflow_uid") or ""),
        state=str(document.get("state") or ""),
        schema_title=str(document.get("schemaTitle") or ""),
        inputs=tuple(sides["INPUT"]),
        outputs=tuple(sides["OUTPUT"]),
    )


def artifact_of(document: Mapping[str, Any]) -> VertexArtifact:
    """Return an artifact out of its document."""
    noted = document.get("metadata") or {}
    return VertexArtifact(
        id=_last(document["name"]),
        name=str(document.get("displayName") or ""),
        digest=str(noted.get("argovx_digest") or ""),
        uri=str(document.get("uri") or ""),
        schema_title=str(document.get("schemaTitle") or ""),
    )


def _number(value: Any) -> int:
    """Return a number that anybody may have edited at Vertex; anything else counts as 0."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def _last(name: str) -> str:
    return name.rpartition("/")[2]
