"""Joins the two sides into one graph: pure.

Argo's side is the run's nodes (Workflow arguments and output parameters); Vertex's side is ML Metadata.
Equal digests are one artifact. Whatever one side has and the other lacks is a finding, never mended here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from argovx_lab.lineage.vertex import VertexArtifact, VertexExecution
from argovx_lab.model.lineage import Finding, Lineage, LineageEdge, LineageNode
from argovx_lab.model.run import Node, Phase, Run

_STATES = {
    Phase.SUCCEEDED: ("COMPLETE", "CACHED"),
    Phase.FAILED: ("FAILED",),
    Phase.STOPPED: ("CANCELLED", "FAILED"),
}


class _Graph:
    """Nodes by id; a second mention adds the system that mentions it."""

    def __init__(self) -> None:
        self.nodes: dict[str, LineageNode] = {}
        self.edges: dict[tuple[str, str, str], LineageEdge] = {}
        self.findings: list[Finding] = []

    def node(self, node: LineageNode) -> str:
        old = self.nodes.get(node.id)
        if old is not None:
            seen = tuple(dict.fromkeys([*old.seen_in, *node.seen_in]))
            node = LineageNode(
                id=old.id,
                kind=old.kind,
                name=old.name or node.name,
                seen_in=seen,
                digest=old.digest or node.digest,
                uri=old.uri or node.uri,
                step=old.step or node.step,
                workflow=old.workflow or node.workflow,
                state=node.state or old.state,
                schema_title=node.schema_title or old.schema_title,
            )
        self.nodes[node.id] = node
        return node.id

    def edge(self, source: str, target: str, kind: str, name: str) -> None:
        """Add an edge; Argo's name of the artifact, which comes first, stays."""
        self.edges.setdefault((source, target, kind), LineageEdge(source, target, kind, name))


def join(run: Run, executions: Sequence[VertexExecution], step: str = "") -> Lineage:
    """Return the lineage of a run.

    Parameters
    ----------
    step : str
        Keep only this step and what it read and wrote; empty keeps all.
    """
    graph = _Graph()
    nodes = [node for node in run.nodes if node.argo and step in ("", node.id)]
    for node in nodes:
        _argo(graph, node)
    known = {node.argo.workflow_uid: node for node in nodes if node.argo}
    for execution in executions:
        if step and execution.step != step:
            continue
        _vertex(graph, execution, known.get(execution.workflow_uid))
    for node in nodes:
        _compare(
            graph, node, [e for e in executions if node.argo and e.workflow_uid == node.argo.workflow_uid]
        )
    return Lineage(tuple(graph.nodes.values()), tuple(graph.edges.values()), tuple(graph.findings))


def _argo(graph: _Graph, node: Node) -> None:
    assert node.argo is not None
    execution = graph.node(
        LineageNode(
            id=_execution_id(node.argo.workflow_uid, node.id),
            kind="execution",
            name=node.name,
            seen_in=("argo",),
            step=node.id,
            workflow=node.argo.workflow,
            state=node.argo.phase,
        )
    )
    for item in node.inputs:
        if item.digest:
            artifact = _by_digest(item.digest, item.name, "argo", step=item.step)
            graph.edge(graph.node(artifact), execution, "input", item.name)
    for output in node.outputs:
        if output.digest:
            artifact = _by_digest(output.digest, output.name, "argo", uri=output.uri, step=node.id)
            graph.edge(execution, graph.node(artifact), "output", output.name)


def _vertex(graph: _Graph, execution: VertexExecution, node: Node | None) -> None:
    step = node.id if node else execution.step
    identifier = graph.node(
        LineageNode(
            id=_execution_id(execution.workflow_uid, step),
            kind="execution",
            name=execution.step,
            seen_in=("vertex",),
            step=step,
            workflow=execution.workflow,
            state=execution.state,
            schema_title=execution.schema_title,
        )
    )
    for artifact in execution.inputs:
        graph.edge(graph.node(_vertex_artifact(artifact)), identifier, "input", artifact.name)
    for artifact in execution.outputs:
        graph.edge(identifier, graph.node(_vertex_artifact(artifact, step)), "output", artifact.name)
    if node is None:
        graph.findings.append(
            Finding(
                "argo-node-missing",
                f"Vertex has an execution of {execution.step}, but Workflow {execution.workflow} is gone",
                "The Workflow was deleted or its time to live ended; the record at Vertex stays.",
                step,
            )
        )


def _compare(graph: _Graph, node: Node, executions: Sequence[VertexExecution]) -> None:
    if node.phase not in _STATES:
        return
    if node.phase is Phase.SUCCEEDED and any(o.state == "declared" for o in node.outputs):
        graph.findings.append(
            Finding(
                "manifest-differs",
                f"the manifest of {node.name} in the bucket is not the one that Argo recorded, or is gone",
                "Do not use its results; run the step again.",
                node.id,
            )
        )
    if not executions:
        if node.vertex is not None:
            graph.findings.append(
                Finding(
                    "vertex-execution-missing",
                    f"{node.name} ran in Argo and has a Vertex job, but ML Metadata has no execution of it",
                    "It was deleted there, or the launcher could not write it; its log tells. "
                    "Run the step again to record it.",
                    node.id,
                )
            )
        return
    newest = max(executions, key=lambda execution: execution.ordinal)
    if newest.state not in _STATES[node.phase]:
        graph.findings.append(
            Finding(
                "state-differs",
                f"{node.name} is {node.phase.value} in Argo but {newest.state or 'without state'} at Vertex",
                "Argo's word decides; the record at Vertex is out of date.",
                node.id,
            )
        )
    _compare_side(graph, node, "output", _digests(node.outputs), newest.outputs)
    _compare_side(graph, node, "input", _digests(node.inputs), newest.inputs)


def _compare_side(
    graph: _Graph, node: Node, side: str, digests: dict[str, str], artifacts: Sequence[VertexArtifact]
) -> None:
    there = {artifact.digest for artifact in artifacts}
    for digest, name in digests.items():
        if digest not in there:
            graph.findings.append(
                Finding(
                    f"vertex-{side}-missing",
                    f"{side} {name} of {node.name} is not in ML Metadata with digest {digest[:8]}…",
                    "Somebody changed the record at Vertex, or it was not written.",
                    node.id,
                )
            )
    for artifact in artifacts:
        if artifact.digest not in digests:
            graph.findings.append(
                Finding(
                    f"argo-{side}-missing",
                    f"Vertex says that {node.name} has {side} {artifact.name}, which Argo does not name",
                    "Compare the two before you trust this lineage.",
                    node.id,
                )
            )


def _digests(items: Iterable[object]) -> dict[str, str]:
    pairs = ((getattr(item, "digest", ""), getattr(item, "name", "")) for item in items)
    return {digest: name for digest, name in pairs if digest}


def _execution_id(workflow_uid: str, step: str) -> str:
    return f"execution:{workflow_uid}:{step}"


def _by_digest(digest: str, name: str, system: str, *, uri: str = "", step: str = "") -> LineageNode:
    return LineageNode(
        id=f"artifact:{digest}",
        kind="artifact",
        name=name,
        seen_in=(system,),
        digest=digest,
        uri=uri,
        step=step,
    )


def _vertex_artifact(artifact: VertexArtifact, step: str = "") -> LineageNode:
    return LineageNode(
        id=f"artifact:{artifact.digest or artifact.id}",
        kind="artifact",
        name=artifact.name,
        seen_in=("vertex",),
        digest=artifact.digest,
        uri=artifact.uri,
        step=step,
        schema_title=artifact.schema_title,
    )
