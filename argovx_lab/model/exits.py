"""The launcher's exit codes, and what each one means to the person whose step it was. Pure.

Owns the one table from code to error type, words and hint; the launcher's own errors carry the codes. Refuses
to guess: a code that is not in it is said as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from argovx_lab.errors import (
    ArgovxError,
    CredentialError,
    InternalError,
    OutputsMissing,
    PermissionMissing,
    PolicyDenied,
    RemoteError,
    RunError,
    SpecError,
    StepCancelled,
    StepFailed,
    StepTimedOut,
)

#: First word of the output ``exit-reason`` while a step waits for its job to be made; no end begins with it.
WAITING = "Waiting"


@dataclass(frozen=True)
class Meaning:
    """What an exit code means.

    Parameters
    ----------
    error : type
        The error that a notebook raises for it.
    words : str
        What the step did, after its name: ``failed``, ``was denied by the policy``.
    hint : str
        What to do next.
    """

    error: type[ArgovxError]
    words: str
    hint: str


_NO_CODE = Meaning(
    RemoteError,
    "was ended by Argo before its launcher could say how",
    "The message is Argo's own; Retry repeats the same code and inputs.",
)

_EXECUTOR = Meaning(
    RemoteError,
    "failed in Argo's own executor, outside the launcher",
    "Its pod's log in the cluster tells more; Retry repeats the same code and inputs.",
)

#: Source: ARCHITECTURE.md, launcher exit codes; 64 and 65 belong to Argo's executor.
_MEANINGS = {
    1: Meaning(StepFailed, "failed", "Mend the cell and run it again: what succeeded stays."),
    10: Meaning(
        SpecError, "was refused", "The step document does not match its Workflow; submit the cell again."
    ),
    11: Meaning(
        PolicyDenied, "was denied by the policy", "A rule of the policy refuses; the message names it."
    ),
    20: Meaning(CredentialError, "had no credential", "No credential; run: argovx doctor"),
    21: Meaning(PermissionMissing, "lacks a permission", "A grant is missing; run: argovx doctor"),
    30: Meaning(
        RemoteError,
        "failed at the platform, not in your code",
        "The platform failed; Retry repeats the same code and inputs.",
    ),
    31: Meaning(
        StepTimedOut,
        "timed out",
        "It ran longer than --timeout allows; raise it or choose a larger machine.",
    ),
    40: Meaning(
        OutputsMissing,
        "ended without its outputs",
        "Outputs are missing or not what the manifest says; run the cell again.",
    ),
    64: _EXECUTOR,
    65: _EXECUTOR,
    70: Meaning(
        InternalError, "met a bug of argovx-lab", "A bug of argovx-lab; the launcher's log tells more."
    ),
    130: Meaning(StepCancelled, "was cancelled at Vertex", "Run the cell again when it may go on."),
    137: Meaning(
        RemoteError,
        "lost its launcher: it was killed, or its pod evicted or lost",
        "Retry starts it anew; a job that was left is cancelled at the Workflow's end.",
    ),
    143: Meaning(StepCancelled, "was stopped", "Run the cell again when it may go on."),
}


def meaning(code: Optional[int]) -> Meaning:
    """Return what an exit code means.

    Parameters
    ----------
    code : int or None
        Exit code of the launcher; ``None`` when there is none: it was never started, or lost.
    """
    if code is None:
        return _NO_CODE
    known = _MEANINGS.get(code)
    return known or Meaning(RunError, f"failed with exit code {code}", "Its launcher's log tells more.")
