"""The lineage of a custom job that no step started: what ML Metadata has of it, pieced together.

Vertex writes nothing of its own accord for a bare job: people record executions and artifacts with the SDK.
Taken are executions that name the job in their metadata (these are the job), those of its experiment run, and
artifacts that lie in the job's output folder. Reads only, and no more than the newest records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from argovx_lab.errors import NotFound
from argovx_lab.lineage.vertex import VertexArtifact, VertexExecution, artifact_of, execution_of
from argovx_lab.model.lineage import Lineage, LineageEdge, LineageNode
from argovx_lab.model.run import Node
from argovx_lab.vertex.experiments import named

Document = dict[str, Any]

#: Records since the job's creation that are looked through. Unit: records of each kind.
LOOKED_MAX = 200

#: Executions that are shown.
SHOWN_MAX = 50


class Metadata(Protocol):
    """What is asked of ML Metadata."""

    def executions_in(self, context_id: str) -> list[Document]:
        """Return the executions of a context; empty when there is no such context."""

    def inputs_and_outputs(self, execution: str) -> Document:
        """Return ``{artifacts, executions, events}`` around an execution."""

    def around_artifact(self, artifact: str) -> Document:
        """Return ``{artifacts, executions, events}`` next to an artifact."""

    def find(self, kind: str, filter_text: str = "", *, order_by: str = "") -> Iterator[Document]:
        """Yield nodes of a kind that fit a filter."""


def of_job(metadata: Metadata, job: Mapping[str, Any], node: Node) -> Lineage:
    """Return what is recorded of a job.

    Parameters
    ----------
    job : dict
        The CustomJob as Vertex shows it.
    node : Node
        The node of the job's run.
    """
    number = str(job.get("name", "")).rpartition("/")[2]
    since = f'create_time>="{job.get("createTime", "")}"'
    folder = node.attempt_uri.rstrip("/") + "/" if node.attempt_uri else ""
    found: dict[str, Document] = {}
    recent = _newest(metadata, "executions", since)
    own = {document["name"] for document in recent if _names(document, number)}
    run = named(job)[1]
    under_run = metadata.executions_in(run)[:SHOWN_MAX] if run else []
    for document in (*(item for item in recent if item["name"] in own), *under_run):
        found[document["name"]] = document
    artifacts = _newest(metadata, "artifacts", since)
    within = [item for item in artifacts if folder and str(item.get("uri") or "").startswith(folder)]
    for item in within[:SHOWN_MAX]:
        for document in metadata.around_artifact(item["name"]).get("executions") or []:
            found.setdefault(document["name"], document)
    graph = _Graph(node)
    for name, document in islice(found.items(), SHOWN_MAX):
        execution = execution_of(document, metadata.inputs_and_outputs(name))
        graph.execution(execution, graph.job if name in own else f"execution:{execution.id}")
    for item in within:
        graph.within(artifact_of(item))
    return Lineage(tuple(graph.nodes.values()), tuple(graph.edges.values()))


def _newest(metadata: Metadata, kind: str, since: str) -> list[Document]:
    """Return the newest records; none where the project has no metadata store yet."""
    try:
        return list(islice(metadata.find(kind, since, order_by="create_time desc"), LOOKED_MAX))
    except NotFound:
        return []


def _names(document: Document, number: str) -> bool:
    """Tell whether an execution's metadata names the job: its number, or its resource name."""
    noted = document.get("metadata") or {}
    values = [value for value in noted.values() if isinstance(value, str)]
    return bool(number) and any(v == number or v.endswith(f"/customJobs/{number}") for v in values)


class _Graph:
    """Nodes and edges around one job."""

    def __init__(self, node: Node) -> None:
        name = node.vertex.job.rpartition("/")[2] if node.vertex else node.id
        self.job = f"execution:{name}"
        self.step = node.id
        self.edges: dict[tuple[str, str], LineageEdge] = {}
        state = node.vertex.state if node.vertex else ""
        job = LineageNode(self.job, "execution", node.name, ("vertex",), step=node.id, state=state)
        self.nodes = {self.job: job}

    def execution(self, execution: VertexExecution, here: str) -> None:
        """Add an execution and what went in and out; the job's own records are the job."""
        if here != self.job:
            name = execution.step or execution.id
            title = execution.schema_title
            self.nodes[here] = LineageNode(
                here, "execution", name, ("vertex",), state=execution.state, schema_title=title
            )
        for item in execution.inputs:
            source = self.artifact(item)
            self.edges[source, here] = LineageEdge(source, here, "input", item.name)
        for item in execution.outputs:
            target = self.artifact(item, self.step if here == self.job else "")
            self.edges[here, target] = LineageEdge(here, target, "output", item.name)

    def within(self, item: VertexArtifact) -> None:
        """Add what lies in the job's folder: its output, unless somebody else says that they wrote it."""
        target = self.artifact(item, self.step)
        if not any(edge.target == target and edge.kind == "output" for edge in self.edges.values()):
            self.edges[self.job, target] = LineageEdge(self.job, target, "output", item.name)

    def artifact(self, item: VertexArtifact, step: str = "") -> str:
        """Add an artifact, made by ``step`` where that is known, and return its id."""
        here = f"artifact:{item.digest or item.id}"
        known = self.nodes.get(here)
        self.nodes[here] = LineageNode(
            here,
            "artifact",
            item.name,
            ("vertex",),
            digest=item.digest,
            uri=item.uri,
            step=step or (known.step if known else ""),
            schema_title=item.schema_title,
        )
        return here
