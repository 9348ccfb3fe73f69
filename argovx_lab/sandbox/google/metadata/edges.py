"""Edges: events, memberships and context children; and the queries that walk them.

Owns the idempotence of the three Add calls, the limits on context trees and on the size of an answer.
Source: https://cloud.google.com/vertex-ai/docs/ml-metadata/tracking
"""

from __future__ import annotations

from collections.abc import Iterable

from argovx_lab.sandbox.google.errors import GoogleError, invalid
from argovx_lab.sandbox.google.filters import matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.metadata.graph import ARTIFACT, CONTEXT, EXECUTION, Graph
from argovx_lab.sandbox.google.metadata.nodes import Nodes
from argovx_lab.sandbox.google.metadata.search import FIELDS, leaf
from argovx_lab.sandbox.google.names import Project

#: Most parents of a context.
PARENTS_MAX = 10
#: Most artifacts, executions or events in one lineage answer.
SUBGRAPH_MAX = 1000
_TYPES = ("INPUT", "OUTPUT")


class Edges:
    """The methods of edges and lineage."""

    def __init__(self, graph: Graph, nodes: Nodes, project: Project) -> None:
        self._graph = graph
        self._nodes = nodes
        self._project = project

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.cloud.aiplatform.v1.MetadataService/"
        return {
            prefix + "AddContextArtifactsAndExecutions": self.add_members,
            prefix + "AddContextChildren": self.add_children,
            prefix + "RemoveContextChildren": self.remove_children,
            prefix + "AddExecutionEvents": self.add_events,
            prefix + "QueryExecutionInputsAndOutputs": self.query_execution,
            prefix + "QueryContextLineageSubgraph": self.query_context,
            prefix + "QueryArtifactLineageSubgraph": self.query_artifact,
        }

    async def add_members(self, _: Call, message: Document) -> Document:
        """Put artifacts and executions into a context; existing memberships are skipped."""
        verb = "AddContextArtifactsAndExecutions"
        context = self._nodes.require(CONTEXT, message.get("context", ""), verb, "context")["name"]
        found = [
            self._nodes.require(ARTIFACT, n, verb, "artifacts")["name"] for n in message.get("artifacts", [])
        ]
        found += [
            self._nodes.require(EXECUTION, n, verb, "executions")["name"]
            for n in message.get("executions", [])
        ]
        with self._graph.db.transaction():
            for member in found:
                self._graph.join(context, member)
        return {}

    async def add_children(self, _: Call, message: Document) -> Document:
        """Make contexts the children of one; existing pairs are skipped."""
        verb = "AddContextChildren"
        parent = self._nodes.require(CONTEXT, message.get("context", ""), verb, "context")["name"]
        wanted = message.get("child_contexts", [])
        children = [self._nodes.require(CONTEXT, name, verb, "child_contexts") for name in wanted]
        above = self._graph.ancestors(parent) | {parent}
        for child in children:
            if child["name"] in above:
                text = f"{child['name']} cannot be a child of {parent}: that would be a cycle."
                raise invalid(text, ["child_contexts"])
            parents = child.get("parent_contexts", [])
            if parent not in parents and len(parents) >= PARENTS_MAX:
                text = f"{child['name']} has {PARENTS_MAX} parent contexts already, which is the most."
                raise invalid(text, ["child_contexts"])
        with self._graph.db.transaction():
            for child in children:
                self._graph.link(parent, child["name"])
        return {}

    async def remove_children(self, _: Call, message: Document) -> Document:
        """Undo :meth:`add_children`; pairs that are not there are skipped."""
        verb = "RemoveContextChildren"
        parent = self._nodes.require(CONTEXT, message.get("context", ""), verb, "context")["name"]
        wanted = message.get("child_contexts", [])
        children = [self._nodes.require(CONTEXT, name, verb, "child_contexts")["name"] for name in wanted]
        with self._graph.db.transaction():
            for child in children:
                self._graph.unlink(parent, child)
        return {}

    async def add_events(self, _: Call, message: Document) -> Document:
        """Connect an execution with its inputs and outputs; existing pairs are skipped."""
        verb = "AddExecutionEvents"
        execution = self._nodes.require(EXECUTION, message.get("execution", ""), verb, "execution")["name"]
        events = []
        for i, event in enumerate(message.get("events", [])):
            if event.get("type") not in _TYPES:
                field = f"events[{i}].type"
                raise invalid(f"The type of an event must be one of {', '.join(_TYPES)} ({field}).", [field])
            artifact = self._nodes.require(ARTIFACT, event.get("artifact", ""), verb, "events.artifact")[
                "name"
            ]
            events.append(
                {"event_time": self._graph.now(), **event, "artifact": artifact, "execution": execution}
            )
        with self._graph.db.transaction():
            for event in events:
                self._graph.add_event(event)
        return {}

    async def query_execution(self, _: Call, message: Document) -> Document:
        """Return an execution with its inputs and outputs."""
        verb = "QueryExecutionInputsAndOutputs"
        execution = self._nodes.require(EXECUTION, message.get("execution", ""), verb, "execution")["name"]
        events = list(self._graph.events(execution))
        return self._subgraph({e["artifact"] for e in events}, {execution}, events)

    async def query_context(self, _: Call, message: Document) -> Document:
        """Return a context's artifacts and executions with the events between them."""
        verb = "QueryContextLineageSubgraph"
        context = self._nodes.require(CONTEXT, message.get("context", ""), verb, "context")["name"]
        members = set(self._graph.members(context))
        artifacts = {name for name in members if "/artifacts/" in name}
        executions = members - artifacts
        between = (e for name in executions for e in self._graph.events(name) if e["artifact"] in artifacts)
        return self._subgraph(artifacts, executions, list(between))

    async def query_artifact(self, call: Call, message: Document) -> Document:
        """Return what an artifact was made from and what was made of it."""
        verb = "QueryArtifactLineageSubgraph"
        start = self._nodes.require(ARTIFACT, message.get("artifact", ""), verb, "artifact")["name"]
        hops = int(message.get("max_hops") or 0)
        if hops < 0:
            raise invalid(f"max_hops must not be negative, but is {hops}.", ["max_hops"])
        # 0 and "not set" are the same on the gRPC wire; only REST can say 0
        endless = hops == 0 and "max_hops" not in call.explicit
        keep = self._artifact_filter(message.get("filter", ""))
        return self._walk(start, None if endless else hops, keep)

    def _artifact_filter(self, text: str) -> object:
        fields = FIELDS["artifact"]
        expression = fields.parse(text)
        decide = leaf(fields, self._graph, self._project)
        return lambda name: matches(expression, self._graph.node(ARTIFACT, name) or {}, decide)

    def _walk(self, start: str, hops: int | None, keep: object) -> Document:
        """Walk events in both directions, breadth first; each edge is one hop."""
        assert callable(keep)
        seen, edge = {start}, {start}
        events: dict[tuple[str, str], Document] = {}
        while edge and (hops is None or hops > 0):
            found = [event for name in edge for event in self._graph.events(name)]
            found = [event for event in found if event["artifact"] in seen or keep(event["artifact"])]
            events |= {(e["execution"], e["artifact"]): e for e in found}
            edge = {n for e in found for n in (e["execution"], e["artifact"])} - seen
            seen |= edge
            _within(seen)
            hops = hops if hops is None else hops - 1
        artifacts = {name for name in seen if "/artifacts/" in name}
        kept = [e for e in events.values() if e["execution"] in seen and e["artifact"] in seen]
        return self._subgraph(artifacts, seen - artifacts, kept)

    def _subgraph(self, artifacts: set[str], executions: set[str], events: list[Document]) -> Document:
        for found in (artifacts, executions, events):
            _within(found)
        nodes_a = (self._graph.node(ARTIFACT, name) for name in sorted(artifacts))
        nodes_e = (self._graph.node(EXECUTION, name) for name in sorted(executions))
        return {
            "artifacts": [node for node in nodes_a if node],
            "executions": [node for node in nodes_e if node],
            "events": events,
        }


def _within(found: Iterable[object]) -> None:
    if sum(1 for _ in found) > SUBGRAPH_MAX:
        text = f"The lineage subgraph has more than {SUBGRAPH_MAX} artifacts, executions or events."
        raise GoogleError("FAILED_PRECONDITION", text)
