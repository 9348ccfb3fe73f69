"""A run as people see it: one graph of steps with one revision number.

Owns the display vocabulary and the document that server, panel and notebook share
(``labextension/schema`` and its TypeScript types are generated from these classes). Frozen data;
merging is done in ``runs``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Optional


class Phase(str, Enum):
    """Display phases, the words of the state vocabulary."""

    PLANNED = "Planned"
    QUEUED = "Queued"
    PROVISIONING = "Provisioning"
    RUNNING = "Running"
    UPLOADING = "Uploading"
    SUCCEEDED = "Succeeded"
    CACHED = "Cached"
    FAILED = "Failed"
    STOPPED = "Stopped"
    WAITING = "Waiting for you"
    SKIPPED = "Skipped"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to this execution by itself."""
        return self in _FINAL


_FINAL = frozenset({Phase.SUCCEEDED, Phase.CACHED, Phase.FAILED, Phase.STOPPED, Phase.SKIPPED})


@dataclass(frozen=True)
class ArgoSide:
    """What Argo says of the node."""

    workflow: str
    workflow_uid: str
    node_id: str
    phase: str
    message: str = ""
    pod: str = ""
    attempts: int = 1


@dataclass(frozen=True)
class VertexSide:
    """What Vertex says of the custom job: resource name, ``JOB_STATE_*``, error text, console link.

    Parameters
    ----------
    account : str
        Service account that it runs as, as Vertex names it; empty where it names none.
    """

    job: str
    state: str = ""
    error: str = ""
    console_url: str = ""
    account: str = ""


@dataclass(frozen=True)
class Experiment:
    """The Vertex experiment, and the run in it, that a custom job was created under.

    Parameters
    ----------
    run : str
        Empty where the job names an experiment only.
    state : str
        As ML Metadata has it: ``RUNNING``, ``COMPLETE`` …; empty while it was not read.
    params : dict
        What was logged as parameters, as text. Its summary metrics are the node's metrics.
    """

    name: str
    run: str = ""
    state: str = ""
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Times:
    """When each part began, RFC 3339 in UTC; ``None`` when it has not."""

    queued_at: Optional[str] = None
    provisioning_at: Optional[str] = None
    running_at: Optional[str] = None
    uploading_at: Optional[str] = None
    finished_at: Optional[str] = None


@dataclass(frozen=True)
class Cell:
    """The notebook cell of a step; ``number`` is its position among the code cells, from 1."""

    notebook: str
    cell_id: str = ""
    number: int = 0


@dataclass(frozen=True)
class Input:
    """An input: its name in the cell, the producing step (empty: the notebook), digest and codec."""

    name: str
    step: str = ""
    output: str = ""
    digest: str = ""
    codec: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class Output:
    """An output: codec, readable summary (``numpy array, 1797×64``), size, digest and place.

    ``state`` is ``declared`` before the manifest exists, then ``ready``; or ``left-out`` when nobody named it
    and it could not travel: ``summary`` says why.
    """

    name: str
    codec: str = ""
    summary: str = ""
    size_bytes: int = 0
    digest: str = ""
    uri: str = ""
    state: str = "declared"


@dataclass(frozen=True)
class Exit:
    """How an execution ended: launcher exit code, reason in a word, the user's own last lines."""

    code: Optional[int] = None
    reason: str = ""
    error: str = ""
    place: str = ""
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True)
class Execution:
    """An older execution of the same step, kept as history."""

    workflow: str
    phase: Phase
    finished_at: Optional[str] = None
    message: str = ""
    created_at: Optional[str] = None


@dataclass(frozen=True)
class Attempt:
    """One attempt of Argo at a step, counted from 1: a pod of its own, with its own times."""

    number: int
    phase: Phase
    started_at: Optional[str] = None
    finished_at: Optional[str] = None
    message: str = ""


@dataclass(frozen=True)
class Stop:
    """Who ended an execution and when, as it is recorded; empty where nobody wrote it down.

    Parameters
    ----------
    how : str
        ``Stop`` or ``Terminate`` (Argo's shutdown strategies), or ``Vertex``: the job was cancelled there.
    by : str
        The person, or the account where no person is named.
    at : str or None
        When it was asked for, RFC 3339.
    """

    how: str
    by: str = ""
    at: Optional[str] = None


@dataclass(frozen=True)
class Cached:
    """Which execution's results stand for a cached step's: its run, its Workflow, and when it ended."""

    run: str
    workflow: str = ""
    at: Optional[str] = None


@dataclass(frozen=True)
class Node:
    """One step of a run.

    Parameters
    ----------
    id : str
        Step name; unique in a run, the same while planned and after.
    line : str
        The second line of the node card (design: state vocabulary).
    progress : tuple of int or None
        ``(done, total)`` as the code reports it.
    metrics : dict
        Last value of each logged metric.
    attempts : tuple of Attempt
        Argo's attempts at the newest execution, the first one first.
    stop : Stop or None
        Only where the phase is Stopped.
    experiment : Experiment or None
        Of a custom job that was created under one, outside the notebook's steps.
    cached : Cached or None
        Only where the phase is Cached.
    parts : dict
        What decided the result, as digests (``capture.fingerprint``): tells what has changed since.
    stale : tuple of str
        Why its result is not of what stands in the notebook now; filled in by whoever knows the notebook.
    actions : tuple of str
        What may be done now, in the fixed order: ``open``, ``cell``, ``logs``, ``retry``, ``stop``.
    """

    id: str
    name: str
    phase: Phase
    kind: str = "custom_job"
    line: str = ""
    message: str = ""
    hint: str = ""
    argo: Optional[ArgoSide] = None
    vertex: Optional[VertexSide] = None
    times: Times = Times()
    progress: Optional[tuple[int, int]] = None
    machine: str = ""
    cell: Optional[Cell] = None
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    exit: Optional[Exit] = None
    attempts: tuple[Attempt, ...] = ()
    stop: Optional[Stop] = None
    cached: Optional[Cached] = None
    parts: dict[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    history: tuple[Execution, ...] = ()
    attempt_uri: str = ""
    experiment: Optional[Experiment] = None
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """Data that flows from one step to another; ``names`` are the values."""

    source: str
    target: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """All Workflows of one notebook session as one graph; or one custom job that no Workflow started.

    Parameters
    ----------
    id : str
        Value of the label ``argovx.dev/run``; ``vertex-`` and the job's number for a custom job alone.
    source : str
        Who started it: ``argo``, or ``vertex`` for a custom job outside the notebook's steps: it has one node
        without Argo's side.
    revision : int
        Grows by one whenever anything in this document changes.
    note : str
        What must be said of every view; for the sandbox "ran on this machine, no T4, no charge"
        (while it is under way: "runs on …").
    stale_s : float
        Seconds since the remote ends were last heard; 0 while live.
    """

    id: str
    name: str
    phase: Phase
    revision: int = 0
    notebook: str = ""
    user: str = ""
    profile: str = ""
    namespace: str = ""
    created_at: Optional[str] = None
    finished_at: Optional[str] = None
    note: str = ""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    stale_s: float = 0.0
    actions: tuple[str, ...] = ()
    source: str = "argo"


def to_json(value: Any) -> Any:
    """Return a frozen document as plain JSON data (enums by value, tuples as lists, times in RFC 3339)."""
    return _plain(asdict(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
