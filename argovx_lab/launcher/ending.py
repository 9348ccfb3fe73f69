"""How the launcher ends: a code of the table, a word, a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from argovx_lab.errors import ArgovxError, StepFailed

SUCCEEDED = "Succeeded"
STOPPED = "Stopped"
EVICTED = "Evicted"

#: Exit code of a launcher whose pod is lost: Argo repeats it, and the repetition adopts the job. Source: the
#: code of a container that was killed, which an eviction ends in as well when it is not quick.
LOST = 137


@dataclass(frozen=True)
class Ending:
    """The end of this process.

    Parameters
    ----------
    code : int
        Exit code.
    reason : str
        A word: ``Succeeded``, ``Stopped``, ``Evicted`` or the name of one of our errors.
    record : bool
        Whether ``exit.json`` is written; not while a job may be running, so that a retry adopts it.
    state : str
        The job's last state at Vertex, where it matters.
    traceback : tuple of str
        Lines of the user's own traceback, outermost first.
    """

    code: int
    reason: str
    message: str = ""
    record: bool = True
    state: str = ""
    traceback: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The output ``exit-reason``: the word, then the sentence."""
        return f"{self.reason}: {self.message}" if self.message else self.reason


def of_error(error: ArgovxError, *, record: bool = True) -> Ending:
    """Return the end that an error means."""
    message = error.message
    if error.hint and not isinstance(error, StepFailed):
        message = f"{message}. {error.hint}"
    trace = tuple(error.traceback) if isinstance(error, StepFailed) else ()
    return Ending(error.exit_code, error.name, message, record=record, traceback=trace)
