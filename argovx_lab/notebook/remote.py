"""What handles ask the remote ends, and what they are told. Data and one protocol, no calls of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argovx_lab.runs.argo import Execution


@dataclass(frozen=True)
class Told:
    """What Argo says of an execution.

    Parameters
    ----------
    phase : str
        Argo's phase; ``Stopped`` when somebody ended it, empty before there is a node.
    outputs : dict
        Output parameters.
    folder : str
        URI below which everything of its Workflow lies, in the user's own folder: nobody else writes there,
        so that only what lies there is believed.
    codecs : dict
        Output → codec as it was declared; ``auto`` and ``auto?`` leave it to the value's type.
    uid, node : str
        The Workflow's uid, and the full name of the node that makes it.
    """

    phase: str
    outputs: Mapping[str, str]
    folder: str
    codecs: Mapping[str, str]
    uid: str = ""
    node: str = ""


class Remote(Protocol):
    """What a handle needs of the remote ends."""

    def told(self, workflow: str, task: str) -> Told:
        """Return what Argo says of an execution."""

    def read(self, bucket: str, name: str) -> bytes:
        """Return an object's bytes."""

    def executions(self, workflow: str) -> list[Execution]:
        """Return the user's own executions of the run that a Workflow belongs to."""

    def read_first(self, bucket: str, name: str, length: int) -> bytes:
        """Return an object's first bytes, at most ``length``."""


@dataclass(frozen=True)
class Resolved:
    """What the producing step's manifest says of one output."""

    codec: str
    summary: str
    size_bytes: int
    digest: str
    uri: str
    manifest: str
    generation: int = 0


@dataclass(frozen=True)
class Producer:
    """A step of another Workflow that has not ended: what an ``await`` needs, and the declared codec."""

    step: str
    output: str
    workflow: str
    uid: str
    node: str
    codec: str = ""
