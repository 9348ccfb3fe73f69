"""What a view asks for one step only: what was said of it, and the document that it was submitted as.

Owns the answers of ``GET runs/{id}/nodes/{node}/events`` and ``…/spec``; they are not part of ``Run``, so
that the stream of changes stays small. Frozen data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class StepEvent:
    """Something that Argo, the launcher, Vertex or the runner said of a step.

    Parameters
    ----------
    source : str
        ``argo``, ``launcher``, ``vertex`` or ``runner``.
    method : str
        What was said, in the speaker's own word: a phase of Argo, a state of Vertex, a method of the
        launcher or of the runner.
    attempt : int
        Argo's attempt, from 1; 0 where it is about the whole Workflow.
    count : int
        How many messages of this kind came in a row; ``at`` and ``text`` are those of the last.
    """

    at: str
    source: str
    method: str
    text: str = ""
    attempt: int = 0
    count: int = 1


@dataclass(frozen=True)
class StepEvents:
    """What was said of a step, the oldest first, and what could not be asked."""

    workflow: str = ""
    events: tuple[StepEvent, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class StepDocument:
    """A step as it was submitted: what Argo was given in the open, and the document behind its digest.

    Parameters
    ----------
    submitter : str
        The person, from the label ``argovx.dev/user``.
    creator : str
        Who created the Workflow, where Argo or Kubernetes recorded it; else empty.
    service_account : str
        Kubernetes account of the step's pod.
    policy : str
        Digest of the policy that judged the submission.
    arguments : dict
        The arguments of the DAG task, as they are.
    document : str
        The step document, its bytes checked against the digest; empty with ``problem`` set where it cannot
        be shown.
    """

    workflow: str
    workflow_uid: str = ""
    namespace: str = ""
    submitter: str = ""
    creator: str = ""
    service_account: str = ""
    policy: str = ""
    created_at: Optional[str] = None
    arguments: dict[str, str] = field(default_factory=dict)
    document: str = ""
    problem: str = ""
