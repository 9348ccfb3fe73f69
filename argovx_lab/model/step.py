"""One step as immutable data: StepSpec, its canonical JSON and its digest.

Owns the versioned document ``argovx.step/1`` that travels by digest from the kernel to launcher and
runner. Holds only fields that are implemented; a document with an unknown field, version or value
is refused by name, never read loosely.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Union

from argovx_lab.errors import SpecError
from argovx_lab.model.names import is_step_name

SCHEMA = "argovx.step/1"

#: An output's codec when it is left to the value's type.
AUTO = "auto"

#: The same for an output that nobody named, found by analysis: it is left out when it cannot travel.
MAYBE = "auto?"

Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]


@dataclass(frozen=True)
class ArtifactRef:
    """A value in the bucket.

    Either by content (``uri``, ``digest``, ``codec``) or as an output of a step execution
    (``manifest``, ``output``): then the launcher reads the producer's manifest and records the
    digest that it used.

    Parameters
    ----------
    digest : str
        SHA-256 of the encoded bytes, hexadecimal; empty for an output reference.
    codec : str
        Name of the codec, such as ``numpy``; empty for an output reference.
    size_bytes : int
        Length of the encoded bytes; 0 when not known yet.
    manifest : str
        ``gs://`` URI of the producer's ``manifest.json``; empty for a value by content.
    output : str
        Name of the output inside that manifest.
    step : str
        Name of the producing step, for people; empty when the notebook sent the value.
    """

    uri: str = ""
    digest: str = ""
    codec: str = ""
    size_bytes: int = 0
    manifest: str = ""
    output: str = ""
    step: str = ""


@dataclass(frozen=True)
class Source:
    """The code of a step.

    Parameters
    ----------
    digest : str
        SHA-256 of the source document (``argovx.source/1``: cell text and what travels along).
    uri : str
        Where the document lies.
    notebook : str
        Notebook path relative to the Jupyter root; empty when unknown.
    cell_id : str
        nbformat cell id; empty when unknown.
    cell_number : int
        Execution count shown to the user, for messages; 0 when unknown.
    """

    digest: str
    uri: str
    notebook: str = ""
    cell_id: str = ""
    cell_number: int = 0


@dataclass(frozen=True)
class Environment:
    """Where the code runs: container image, pinned requirements and the kernel's Python minor."""

    image: str
    requirements: tuple[str, ...] = ()
    python: str = ""


#: How Vertex finds machines. Source: ``aiplatform.v1.Scheduling.Strategy``, less what is deprecated.
STRATEGIES = ("STANDARD", "SPOT", "FLEX_START")


@dataclass(frozen=True)
class Machine:
    """What it runs on, and how Vertex finds it.

    Parameters
    ----------
    type, accelerator, accelerator_count : str, str, int
        Vertex machine type, accelerator type (enum name or empty) and how many of it.
    replicas : int
        How many machines in all; the first is the primary, whose outputs are the step's.
    strategy : str
        One of :data:`STRATEGIES`. ``SPOT`` may be preempted and is then started anew by Vertex.
    disk_gb : int
        Size of the boot disk, in GB; 0 means Vertex's own default.
    persistent : str
        Id of the persistent resource whose machines are used; empty for machines of the job's own.
    """

    type: str = "n1-standard-4"
    accelerator: str = ""
    accelerator_count: int = 0
    replicas: int = 1
    strategy: str = STRATEGIES[0]
    disk_gb: int = 0
    persistent: str = ""


@dataclass(frozen=True)
class Runner:
    """The in-job bootstrap: one zipapp, by digest."""

    digest: str
    uri: str


@dataclass(frozen=True)
class StepSpec:
    """Everything that decides what a step does; equal specs have equal digests.

    Parameters
    ----------
    inputs : dict of str to ArtifactRef
        Name in the cell → value.
    outputs : dict of str to str
        Name in the cell → codec name, :data:`AUTO` or :data:`MAYBE`.
    timeout_s : int
        Longest running time of the custom job, in seconds.
    retries : int
        How often Argo may repeat an attempt that failed for the platform's reasons.
    retry_failures : bool
        Whether an attempt that failed in the user's own code is repeated as well: the user asked.
    run_as : str
        E-mail of the Google service account that the custom job runs as.
    """

    name: str
    source: Source
    environment: Environment
    runner: Runner
    run_as: str
    inputs: Mapping[str, ArtifactRef] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    machine: Machine = Machine()
    timeout_s: int = 7200
    retries: int = 2
    retry_failures: bool = False
    kind: str = "custom_job"

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain JSON data."""
        data = asdict(self)
        data["schema"] = SCHEMA
        data["environment"]["requirements"] = list(self.environment.requirements)
        data["inputs"] = {k: asdict(v) for k, v in self.inputs.items()}
        data["outputs"] = dict(self.outputs)
        return data

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical(self.to_dict())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes: the step's identity."""
        return hashlib.sha256(self.encode()).hexdigest()

    @classmethod
    def decode(cls, data: bytes) -> StepSpec:
        """Read a document, refusing what this version does not know.

        Raises
        ------
        SpecError
            For another schema, unknown or missing fields, or values of the wrong type.
        """
        try:
            doc = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise SpecError("the step document is not JSON") from error
        if not isinstance(doc, dict) or doc.pop("schema", None) != SCHEMA:
            raise SpecError(
                f"the step document is not {SCHEMA}", hint="Submit the cell again with this version."
            )
        inputs = _mapping(doc, "inputs")
        env = _mapping(doc, "environment")
        env["requirements"] = _texts(env.get("requirements"), "requirements")
        _texts(list(_mapping(doc, "outputs").values()), "outputs")
        doc.update(
            source=_build(Source, _mapping(doc, "source")),
            environment=_build(Environment, env),
            runner=_build(Runner, _mapping(doc, "runner")),
            machine=_build(Machine, _mapping(doc, "machine")),
            inputs={k: _build(ArtifactRef, v) for k, v in inputs.items()},
        )
        spec: StepSpec = _build(cls, doc)
        if not is_step_name(spec.name):
            raise SpecError(f"{spec.name!r} cannot name a step")
        if spec.machine.strategy not in STRATEGIES:
            raise SpecError(
                f"{spec.machine.strategy!r} is not a strategy", hint=f"Allowed: {', '.join(STRATEGIES)}."
            )
        return spec


def fits(declared: str, codec: str) -> bool:
    """Tell whether an output may be written by ``codec``.

    A pickle must be declared, since reading it runs it.
    """
    return codec == declared or (declared in (AUTO, MAYBE) and codec != "pickle")


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys, no blanks and UTF-8: the bytes that digests are taken of."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _mapping(doc: dict[str, Any], key: str) -> dict[str, Any]:
    value = doc.get(key)
    if not isinstance(value, dict):
        raise SpecError(f"the step document lacks the object {key!r}")
    return dict(value)


def _build(cls: type[Any], doc: Any) -> Any:
    if not isinstance(doc, dict):
        raise SpecError(f"{cls.__name__} must be an object")
    unknown = sorted(set(doc) - {f.name for f in fields(cls)})
    if unknown:
        raise SpecError(f"{cls.__name__} has unknown fields: {', '.join(unknown)}")
    for part in fields(cls):
        kind = _PLAIN.get(str(part.type))
        if kind is not None and part.name in doc and type(doc[part.name]) is not kind:
            raise SpecError(f"{cls.__name__}.{part.name} must be {part.type}, not {doc[part.name]!r:.40}")
    try:
        return cls(**doc)
    except TypeError as error:
        raise SpecError(f"{cls.__name__} lacks a field") from error


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SpecError(f"{name} must be texts, not {value!r:.40}")
    return tuple(value)


#: Fields whose type is checked as they are read. A boolean is no number here.
_PLAIN: dict[str, type] = {"str": str, "int": int, "bool": bool}
