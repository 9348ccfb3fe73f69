"""One lineage graph out of two systems, and where they disagree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LineageNode:
    """An artifact or an execution.

    Parameters
    ----------
    id : str
        Metadata resource id, or the Argo node's when Vertex has none.
    kind : str
        ``artifact`` or ``execution``.
    seen_in : tuple of str
        The systems that know it: ``argo``, ``vertex``.
    digest : str
        SHA-256 of an artifact's bytes; empty for executions.
    """

    id: str
    kind: str
    name: str
    seen_in: tuple[str, ...]
    digest: str = ""
    uri: str = ""
    step: str = ""
    workflow: str = ""
    state: str = ""
    schema_title: str = ""


@dataclass(frozen=True)
class LineageEdge:
    """``input``: artifact → execution; ``output``: execution → artifact.

    Parameters
    ----------
    name : str
        What the artifact is called there: equal bytes are one artifact, however many names they have.
    """

    source: str
    target: str
    kind: str
    name: str = ""


@dataclass(frozen=True)
class Finding:
    """A difference between the systems, in one sentence, with what to do."""

    code: str
    message: str
    hint: str
    node: str = ""


@dataclass(frozen=True)
class Lineage:
    """The graph that answers "where does this come from, and who used it"."""

    nodes: tuple[LineageNode, ...] = ()
    edges: tuple[LineageEdge, ...] = ()
    findings: tuple[Finding, ...] = ()
