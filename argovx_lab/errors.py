"""Every error that argovx-lab raises on purpose, and what each one means to the outside.

::

    ArgovxError
    ├── SpecError                  the user's cell, flags or values            400  exit 10
    │   └── CodecError             a value that cannot be encoded or decoded   400  exit 10
    │       └── NotDefinedHere     bytes need a class or codec that is not here 400 exit 10
    ├── PolicyDenied               a rule says no                              403  exit 11
    ├── CredentialError            a token could not be had                    401  exit 20
    ├── PermissionMissing          the token is good, the grant is not there   403  exit 21
    ├── RemoteError                a remote end failed (service, status, …)    502  exit 30
    │   ├── NotFound               the named object is not there               404  exit 30
    │   ├── Conflict               precondition, etag or name taken            409  exit 30
    │   └── Unavailable            429, 5xx, reset, time-out: worth a retry    503  exit 30
    ├── RunError                   a run did not end well
    │   ├── StepFailed             the user's code failed                      409  exit 1
    │   ├── StepCancelled          somebody stopped it                         409  exit 130
    │   ├── StepTimedOut           it ran longer than it may                   409  exit 31
    │   └── OutputsMissing         outputs absent or not what the manifest says 409 exit 40
    ├── SandboxError               the local stand-in is not there or broken   503  exit 69
    └── InternalError              a bug of ours                               500  exit 70

This module owns the tree and the table; it refuses to know any library's exceptions: they are
mapped where they are caught. Standard library only and Python 3.9 syntax, because the runner
carries it into jobs. Messages say what failed, with which value, and what is allowed; ``hint`` says
what to do next. No token, no path of a foreign machine and at most 256 characters of a remote body
may stand in either.
"""

from __future__ import annotations

from typing import Optional

#: Remote bodies are cut here, because logs and notebooks leak. Unit: characters.
REMOTE_TEXT_MAX = 256

_DOCS = "docs/errors.md"


class ArgovxError(Exception):
    """Base of all errors of this project.

    Parameters
    ----------
    message : str
        What failed, with the value and the allowed values; one line.
    hint : str, optional
        What to do next; one line, with the command to copy where there is one.
    """

    http_status = 500
    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def name(self) -> str:
        """The error's type name, as HTTP answers and the CLI print it."""
        return type(self).__name__

    @property
    def docs(self) -> str:
        """The place in the documentation that explains this error."""
        return "%s#%s" % (_DOCS, self.name.lower())

    def to_dict(self) -> dict[str, str]:
        """Return ``{error, message, hint, docs}``, the shape of every HTTP error of ours."""
        return {"error": self.name, "message": self.message, "hint": self.hint, "docs": self.docs}

    def _render_traceback_(self) -> list[str]:
        """Show one readable line and the hint in a notebook, instead of a traceback.

        Notes
        -----
        Source: IPython calls this method on exceptions that have it.
        """
        lines = [self.message]
        if self.hint:
            lines.append("  " + self.hint)
        return lines


class SpecError(ArgovxError):
    """The user's cell, flags or values cannot become a step."""

    http_status = 400
    exit_code = 10


class CodecError(SpecError):
    """A value cannot be encoded, or bytes cannot be decoded."""


class NotDefinedHere(CodecError):
    """Bytes need a codec or a class of the user's own that is not defined where they are read."""


class PolicyDenied(ArgovxError):
    """A rule of the policy bundle refuses."""

    http_status = 403
    exit_code = 11


class CredentialError(ArgovxError):
    """A token could not be had."""

    http_status = 401
    exit_code = 20


class PermissionMissing(ArgovxError):
    """The caller is known, the grant is missing."""

    http_status = 403
    exit_code = 21


class RemoteError(ArgovxError):
    """A remote end answered with an error.

    Parameters
    ----------
    service : str
        Which one, in its own name: ``kubernetes``, ``aiplatform``, ``storage``, ``sts`` …
    status : int, optional
        HTTP status; ``None`` when no answer came.
    reason : str
        The remote end's canonical reason, such as ``AlreadyExists`` or ``RESOURCE_EXHAUSTED``.
    """

    http_status = 502
    exit_code = 30

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        service: str = "",
        status: Optional[int] = None,
        reason: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.service = service
        self.status = status
        self.reason = reason


class NotFound(RemoteError):
    """The named object is not there."""

    http_status = 404


class Conflict(RemoteError):
    """A precondition, an etag or a name is taken."""

    http_status = 409


class Unavailable(RemoteError):
    """The remote end is busy or out of reach; the same call may succeed later.

    Attributes
    ----------
    retry_after_s : float or None
        Wait that the remote end asked for, in seconds.
    """

    http_status = 503
    retry_after_s: Optional[float] = None


class RunError(ArgovxError):
    """A run did not end well."""

    http_status = 409
    exit_code = 1


class StepFailed(RunError):
    """The user's code failed.

    Parameters
    ----------
    traceback : list of str
        The cell's own traceback lines, as Jupyter would show them; shown instead of the message, the hint
        below them.
    """

    def __init__(self, message: str, *, hint: str = "", traceback: Optional[list[str]] = None) -> None:
        super().__init__(message, hint=hint)
        self.traceback = list(traceback or [])

    def _render_traceback_(self) -> list[str]:
        if not self.traceback:
            return super()._render_traceback_()
        return [*self.traceback, *(["  " + self.hint] if self.hint else [])]


class StepCancelled(RunError):
    """Somebody stopped the step."""

    exit_code = 130


class StepTimedOut(RunError):
    """The step ran longer than it may."""

    exit_code = 31


class OutputsMissing(RunError):
    """Outputs are absent or not what the manifest says."""

    exit_code = 40


class SandboxError(ArgovxError):
    """The local stand-in for the remote systems is not there, or broken."""

    http_status = 503
    exit_code = 69


class InternalError(ArgovxError):
    """A bug of ours."""


def shorten(text: str, limit: int = REMOTE_TEXT_MAX) -> str:
    """Return ``text`` as one line of at most ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
