"""Handles: results of steps that are not here yet, or need not be.

A handle is passed to the next step by reference and brought here by ``.get()``. Any other use of it raises
one line that says what it is. Equality asks nobody; ``repr`` reads the manifest once, never the value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

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

FINAL = ("Succeeded", "Failed", "Error")


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
    """A step of another Workflow that has not ended: what an ``await`` needs to know."""

    step: str
    output: str
    workflow: str
    uid: str
    node: str


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
        return Producer(self._step, self._name, self._workflow, told.uid, told.node)

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

    def _from_manifest(self, told: Told) -> Resolved:
        try:
            pointer = json.loads(told.outputs.get("manifest", ""))
            self._within(pointer["uri"], told.folder, "manifest")
            data = self._remote.read(*split_uri(pointer["uri"]))
        except (ValueError, KeyError, TypeError, NotFound) as error:
            raise OutputsMissing(f"step {self._step} has no manifest", hint="Run the step again.") from error
        if hashlib.sha256(data).hexdigest() != pointer.get("digest"):
            raise OutputsMissing(f"the manifest of step {self._step} was changed", hint="Run the step again.")
        document = json.loads(data)
        made = document["outputs"].get(self._name)
        if made is None:
            why = (document.get("left_out") or {}).get(self._name)
            left = f"{self._name} was left out of step {self._step}: {shorten(str(why))}"
            raise OutputsMissing(left if why else f"step {self._step} wrote no {self._name}")
        self._within(made["uri"], pointer["uri"].removesuffix("manifest.json"), self._name)
        declared = told.codecs.get(self._name) or AUTO
        if not fits(declared, made["codec"]):
            raise PolicyDenied(
                f"{self._name} of step {self._step} is {made['codec']}, but was declared {declared}",
                hint="Do not use it; run the step again.",
            )
        fields = {key: made[key] for key in ("codec", "summary", "size_bytes", "digest", "uri")}
        return Resolved(**fields, manifest=pointer["uri"], generation=int(made.get("generation") or 0))

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


for _operator, _use in {
    "__len__": "",
    "__iter__": "",
    "__getitem__": "[…]",
    "__setitem__": "[…] = …",
    "__delitem__": "[…]",
    "__next__": "",
    "__await__": "",
    "__round__": "",
    "__abs__": "",
    "__complex__": "",
    "__contains__": "",
    "__call__": "(…)",
    "__bool__": "",
    "__float__": "",
    "__int__": "",
    "__index__": "",
    "__array__": "",
    "__add__": " + …",
    "__radd__": "",
    "__sub__": " - …",
    "__rsub__": "",
    "__mul__": " * …",
    "__rmul__": "",
    "__truediv__": " / …",
    "__rtruediv__": "",
    "__floordiv__": " // …",
    "__rfloordiv__": "",
    "__mod__": " % …",
    "__rmod__": "",
    "__pow__": " ** …",
    "__rpow__": "",
    "__matmul__": " @ …",
    "__rmatmul__": "",
    "__and__": " & …",
    "__rand__": "",
    "__or__": " | …",
    "__ror__": "",
    "__xor__": " ^ …",
    "__rxor__": "",
    "__lt__": " < …",
    "__le__": " <= …",
    "__gt__": " > …",
    "__ge__": " >= …",
    "__enter__": "",
    "__neg__": "",
    "__pos__": "",
    "__invert__": "",
}.items():
    setattr(Handle, _operator, _refusing(_use))
