"""Handles: results of steps that are not here yet, or need not be.

A handle is passed to the next step by reference and brought here by ``.get()``. Any other use of it raises
one line that says what it is. Equality asks nobody; ``repr`` reads the manifest once, never the value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from argovx_lab.errors import (
    ArgovxError,
    NotFound,
    OutputsMissing,
    PolicyDenied,
    RunError,
    SpecError,
    shorten,
)
from argovx_lab.model.layout import split_uri
from argovx_lab.model.step import AUTO, ArtifactRef, fits
from argovx_lab.notebook.remote import Producer, Remote, Resolved, Told
from argovx_lab.notebook.uses import USES

if TYPE_CHECKING:
    from argovx_lab.notebook.preview import Preview
    from argovx_lab.notebook.provenance import Told as Provenance

FINAL = ("Succeeded", "Failed", "Error")


class Handle:
    """A typed reference to one output of one execution of a step.

    Parameters
    ----------
    step, name : str
        The producing step and the output's name in its cell.
    workflow, task : str
        The execution: Workflow and DAG task; for what was made on this machine its id and the step.
    resolved : Resolved, optional
        What is known already; without a manifest it was made on this machine.
    """

    __slots__ = ("_name", "_remote", "_resolved", "_step", "_task", "_workflow")

    def __init__(
        self,
        remote: Remote,
        step: str,
        name: str,
        workflow: str,
        task: str,
        resolved: Resolved | None = None,
    ) -> None:
        self._remote = remote
        self._step = step
        self._name = name
        self._workflow = workflow
        self._task = task
        self._resolved = resolved

    def get(self) -> Any:
        """Bring the value here, after its bytes were checked against the manifest's digest.

        Raises
        ------
        RunError
            When the step has not succeeded.
        OutputsMissing
            When the bytes are gone or are not what the manifest says.
        """
        from argovx_lab import codecs

        found = self.resolve()
        bucket, name = split_uri(found.uri)
        try:
            data = self._remote.read(bucket, name)
        except NotFound as error:
            raise OutputsMissing(f"{self._name} of step {self._step} is gone from the bucket") from error
        if hashlib.sha256(data).hexdigest() != found.digest:
            raise OutputsMissing(
                f"{self._name} of step {self._step} is not what its manifest says",
                hint="Run the step again; somebody has changed the object.",
            )
        return codecs.decode(data, found.codec, name=self._name)

    def preview(self) -> Preview:
        """Look at the value by a bounded read: all of a small one, the beginning of a large text.

        Raises
        ------
        RunError
            When the step has not succeeded.
        OutputsMissing
            When a small value's bytes are gone or are not what the manifest says.
        """
        from argovx_lab.notebook.preview import READ_MAX, preview

        found = self.resolve()
        try:
            data = self._remote.read_first(*split_uri(found.uri), min(found.size_bytes, READ_MAX))
        except NotFound as error:
            raise OutputsMissing(f"{self._name} of step {self._step} is gone from the bucket") from error
        if len(data) < min(found.size_bytes, READ_MAX) or (
            len(data) == found.size_bytes and hashlib.sha256(data).hexdigest() != found.digest
        ):
            raise OutputsMissing(f"{self._name} of step {self._step} is not what its manifest says")
        return preview(repr(self), found.codec, data, found.size_bytes, self._name)

    def lineage(self) -> Provenance:
        """Return what it was made from, step by step back to the notebook's own values."""
        from argovx_lab.notebook.provenance import Told as Lines
        from argovx_lab.notebook.provenance import lineage

        if self._here:
            return Lines((f"{self._name}: step {self._step} · ran on this machine · {self._workflow}",))
        return lineage(self._name, self._workflow, self._task, self._remote.executions(self._workflow))

    def history(self) -> Provenance:
        """Return every execution of its step in its run, newest first."""
        from argovx_lab.notebook.provenance import Told as Lines
        from argovx_lab.notebook.provenance import history

        if self._here:
            return Lines((f"step {self._step} · ran on this machine · {self._workflow}",))
        return history(self._step, self._remote.executions(self._workflow))

    @property
    def _here(self) -> bool:
        """Whether it was made on this machine."""
        return self._resolved is not None and not self._resolved.manifest

    def path(self) -> str:
        """Return where its bytes lie, as ``gs://…``; raises :class:`RunError` while it is not finished."""
        return self.resolve().uri

    def reference(self) -> ArtifactRef:
        """Return how the next step names this value; raises :class:`RunError` while it is not finished."""
        found = self.resolve()
        return ArtifactRef(
            uri=found.uri,
            digest=found.digest,
            codec=found.codec,
            size_bytes=found.size_bytes,
            manifest=found.manifest,
            output=self._name,
            step=self._step,
        )

    @property
    def step(self) -> str:
        """The producing step."""
        return self._step

    def unfinished(self) -> Producer | None:
        """Return who is still making this value, or ``None`` when it has ended, well or not."""
        if self._resolved is not None:
            return None
        told = self._remote.told(self._workflow, self._task)
        if told.phase in (*FINAL, "Stopped", "Skipped", "Omitted") or not told.uid:
            return None
        codec = told.codecs.get(self._name, "")
        return Producer(self._step, self._name, self._workflow, told.uid, told.node, codec)

    def resolve(self) -> Resolved:
        """Return what the manifest says of it; reads it once, never the value.

        Raises
        ------
        RunError
            When the step has not succeeded.
        OutputsMissing, PolicyDenied
            When the manifest is gone, was changed, or speaks of what lies elsewhere.
        """
        if self._resolved is None:
            told = self._remote.told(self._workflow, self._task)
            phase = told.phase
            if phase == "Stopped":
                raise RunError(
                    f"{self._name} was not made: step {self._step} was stopped",
                    hint=f"Run the cell of {self._step} again when it may go on.",
                )
            if phase in ("Skipped", "Omitted"):
                raise RunError(
                    f"{self._name} was not made: step {self._step} was {phase.lower()}",
                    hint=f"%argovx status says why; run the cell of {self._step} again.",
                )
            if phase in ("Failed", "Error"):
                raise RunError(
                    f"{self._name} was not made: step {self._step} failed",
                    hint=f"Mend the cell of {self._step} and run it again; or %argovx pull {self._step}.",
                )
            if phase != "Succeeded":
                raise RunError(
                    f"{self._name} is not there yet: step {self._step} is {phase.lower() or 'queued'}",
                    hint=f"Wait for it: %argovx status shows where {self._step} stands.",
                )
            self._resolved = self._from_manifest(told)
        return self._resolved

    def absent(self) -> bool:
        """Tell whether the step has ended well without it; raises as :meth:`resolve` does."""
        _, document = self._manifest(self._remote.told(self._workflow, self._task))
        return self._name not in document["outputs"]

    def _manifest(self, told: Told) -> tuple[str, dict[str, Any]]:
        """Return where the manifest lies and what it says, when it is the one that Argo recorded."""
        try:
            pointer = json.loads(told.outputs.get("manifest", ""))
            self._within(pointer["uri"], told.folder, "manifest")
            data = self._remote.read(*split_uri(pointer["uri"]))
        except (ValueError, KeyError, TypeError, NotFound) as error:
            raise OutputsMissing(f"step {self._step} has no manifest", hint="Run the step again.") from error
        if hashlib.sha256(data).hexdigest() != pointer.get("digest"):
            raise OutputsMissing(f"the manifest of step {self._step} was changed", hint="Run the step again.")
        return pointer["uri"], json.loads(data)

    def _from_manifest(self, told: Told) -> Resolved:
        uri, document = self._manifest(told)
        made = document["outputs"].get(self._name)
        if made is None:
            why = (document.get("left_out") or {}).get(self._name)
            left = f"{self._name} was left out of step {self._step}: {shorten(str(why))}"
            raise OutputsMissing(left if why else f"step {self._step} wrote no {self._name}")
        self._within(made["uri"], uri.removesuffix("manifest.json"), self._name)
        declared = told.codecs.get(self._name) or AUTO
        if not fits(declared, made["codec"]):
            raise PolicyDenied(
                f"{self._name} of step {self._step} is {made['codec']}, but was declared {declared}",
                hint="Do not use it; run the step again.",
            )
        fields = {key: made[key] for key in ("codec", "summary", "size_bytes", "digest", "uri")}
        return Resolved(**fields, manifest=uri, generation=int(made.get("generation") or 0))

    def _within(self, uri: str, folder: str, what: str) -> None:
        """Refuse what lies elsewhere, such as where a neighbour may write."""
        if not uri.startswith(folder) or {"", ".", ".."} & set(uri[len(folder) :].split("/")):
            raise PolicyDenied(
                f"the {what} of step {self._step} lies outside of its own folder",
                hint="Do not use it; run the step again.",
            )

    def __repr__(self) -> str:
        from argovx_lab.codecs import size_text

        try:
            found = self.resolve()
        except ArgovxError as error:
            return f"<{' · '.join(part for part in (error.message, error.hint) if part)}>"
        size = size_text(found.size_bytes)
        about = f"{self._name}: {found.summary} · {size} · {found.digest[:8]}… · from step {self._step}"
        about += "" if found.manifest else " · ran on this machine"
        return f"<{about} · {self._name}.get() brings it here>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Handle):
            return NotImplemented
        return (self._workflow, self._task, self._name) == (other._workflow, other._task, other._name)

    def __hash__(self) -> int:
        return hash((self._workflow, self._task, self._name))

    def __reduce__(self) -> NoReturn:
        raise SpecError(
            f"{self._name} is a handle and cannot be pickled", hint=f"Use {self._name}.get() first."
        )

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("_"):
            raise AttributeError(attribute)  # what IPython and copy look for is simply not there
        self._refuse(f".{attribute}")

    def _refuse(self, use: str) -> NoReturn:
        try:
            what = f"({self.resolve().summary}); {self._name}.get() brings it here."
        except ArgovxError as error:
            what = f"and has no value here: {error.message}"
        raise SpecError(
            f"{self._name} is a result of step {self._step} {what}",
            hint=f"{self._name}{use} needs the value itself." if use else "",
        )


def _refusing(use: str) -> Callable[..., NoReturn]:
    def method(self: Handle, *_args: object) -> NoReturn:
        self._refuse(use)

    return method


for _operator, _use in USES.items():
    setattr(Handle, _operator, _refusing(_use))
