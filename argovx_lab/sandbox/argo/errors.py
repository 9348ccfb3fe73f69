"""What can go wrong while a workflow is read or moved on, and what each becomes in its status.

``InvalidSpec`` fails the workflow before anything runs; ``Unsupported`` names a field that this engine
does not honour; ``NodeError`` ends one node; ``TooManyNodes`` ends the workflow;
``GlobalsError`` fails a workflow whose own parameters cannot be had;
``ParallelismReached`` only means "later".
"""

from __future__ import annotations

from argovx_lab.errors import SpecError


class InvalidSpec(SpecError):
    """The workflow cannot run as written; the message is Argo's own."""


class Unsupported(SpecError):
    """A field or value of Argo's that this engine does not honour; the message names it."""


class GlobalsError(SpecError):
    """``workflow.*`` values cannot be made: the workflow is Failed with this message."""


class NodeError(SpecError):
    """One node cannot go on: phase Error with this message."""


class TooManyNodes(SpecError):
    """The workflow makes more nodes than this engine bears; it ends as it was before."""


class ParallelismReached(SpecError):
    """A limit of parallelism forbids another node for now."""
