"""What a finished step leaves in ML Metadata: ids, nodes, edges, in an order that survives a crash.

Owns the mapping from a step to contexts, an execution and artifacts. Ids come from places and unique ids,
never from names that are used again. Refuses to write a running state over an end.

Notes
-----
Order: contexts, execution (running), inputs with events and membership; then outputs likewise, execution
(end). Any beginning of it is valid, and the whole can be replayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.errors import NotFound
from argovx_lab.model.names import slug
from argovx_lab.vertex.metadata import SCHEMA_VERSION, Metadata

RUNNING = "RUNNING"
COMPLETE = "COMPLETE"
FAILED = "FAILED"
CANCELLED = "CANCELLED"

_ENDED = frozenset({COMPLETE, FAILED, CANCELLED, "CACHED"})

_DATASET = "system.Dataset"
_MODEL = "system.Model"
_ARTIFACT = "system.Artifact"


@dataclass(frozen=True)
class LineageArtifact:
    """A value that a step read or wrote.

    Parameters
    ----------
    digest : str
        SHA-256 of its bytes; empty when unknown.
    generation : int
        Of the object behind ``uri``; 0 when unknown.
    """

    name: str
    uri: str
    digest: str = ""
    codec: str = ""
    generation: int = 0
    summary: str = ""


@dataclass(frozen=True)
class StepLineage:
    """Everything that is written about one attempt of a step.

    Parameters
    ----------
    node : str
        Node name without its retry suffix.
    state : str
        ``COMPLETE``, ``FAILED`` or ``CANCELLED``.
    metrics : dict
        Last values.
    replayed : bool
        Whether an earlier life may have written some of it.
    """

    notebook: str
    run: str
    workflow: str
    workflow_uid: str
    namespace: str
    user: str
    step: str
    node: str
    attempt_key: str
    ordinal: int
    job: str
    image: str
    source_digest: str
    state: str
    inputs: Sequence[LineageArtifact] = ()
    outputs: Sequence[LineageArtifact] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    replayed: bool = False


def experiment_id(notebook: str) -> str:
    """Return the id of the context of a notebook."""
    return f"argovx-{slug(notebook or 'unnamed', 100)}"


def workflow_id(uid: str) -> str:
    """Return the id of the context of a Workflow."""
    return f"argovx-wf-{slug(uid, 100)}"


def execution_id(attempt_key: str) -> str:
    """Return the id of the execution of an attempt; its key holds Workflow, node and attempt already."""
    return f"argovx-ex-{hashlib.sha256(attempt_key.encode()).hexdigest()[:40]}"


def artifact_id(artifact: LineageArtifact) -> str:
    """Return an id by place and generation.

    What a step wrote and another read is one artifact; the same number out of two runs is two. Values that
    the notebook sends lie under their digest, so equal ones are one artifact.
    """
    text = f"{artifact.uri}#{artifact.generation}"
    return f"argovx-ar-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def begin(metadata: Metadata, step: StepLineage) -> str:
    """Write what is known while the job starts and return the id of the execution.

    A replay leaves an execution that has ended as it is.

    Raises
    ------
    ArgovxError
        As the service answers; the step itself is not affected.
    """
    experiment, workflow, execution = _ids(step)
    try:
        metadata.upsert("contexts", experiment, _experiment(step))
    except NotFound:  # the store itself is made on first use
        metadata.ensure_store()
        metadata.upsert("contexts", experiment, _experiment(step))
    metadata.upsert("contexts", workflow, _workflow(step))
    metadata.add_child(experiment, workflow)
    there = metadata.get("executions", execution) if step.replayed else None
    if there is None or there.get("state") not in _ENDED:
        metadata.upsert("executions", execution, _execution(step, RUNNING))
    _join(metadata, step, workflow, execution, inputs=step.inputs, outputs=())
    return execution


def finish(metadata: Metadata, step: StepLineage) -> str:
    """Write the outputs and the end; :func:`begin` must have succeeded, in this life or an earlier one.

    Raises
    ------
    ArgovxError
        As the service answers; the step itself is not affected.
    """
    _, workflow, execution = _ids(step)
    if step.outputs:
        _join(metadata, step, workflow, execution, inputs=(), outputs=step.outputs)
    metadata.upsert("executions", execution, _execution(step, step.state))
    return execution


def _ids(step: StepLineage) -> tuple[str, str, str]:
    return experiment_id(step.notebook), workflow_id(step.workflow_uid), execution_id(step.attempt_key)


def _join(
    metadata: Metadata,
    step: StepLineage,
    workflow: str,
    execution: str,
    *,
    inputs: Sequence[LineageArtifact],
    outputs: Sequence[LineageArtifact],
) -> None:
    """Write artifacts, join them to the execution, and put all into the Workflow's context."""
    for artifact in (*inputs, *outputs):
        metadata.upsert("artifacts", artifact_id(artifact), _artifact(artifact, step))
    read = list(dict.fromkeys(map(artifact_id, inputs)))
    made = list(dict.fromkeys(map(artifact_id, outputs)))
    if read or made:
        metadata.add_events(execution, read, made)
    metadata.add_members(workflow, list(dict.fromkeys([*read, *made])), [execution])


def _experiment(step: StepLineage) -> dict[str, Any]:
    return {
        "displayName": (step.notebook or "unnamed notebook")[:128],
        "schemaTitle": "system.Experiment",
        "schemaVersion": SCHEMA_VERSION,
        "metadata": {"argovx_notebook": step.notebook, "experiment_deleted": False},
    }


def _workflow(step: StepLineage) -> dict[str, Any]:
    return {
        "displayName": step.workflow[:128],
        "schemaTitle": "system.PipelineRun",
        "schemaVersion": SCHEMA_VERSION,
        "metadata": {
            "argovx_run": step.run,
            "argovx_user": step.user,
            "argo_namespace": step.namespace,
            "argo_workflow": step.workflow,
            "argo_workflow_uid": step.workflow_uid,
        },
    }


def _artifact(artifact: LineageArtifact, step: StepLineage) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "argovx_digest": artifact.digest,
        "argovx_codec": artifact.codec,
        "argovx_summary": artifact.summary[:512],
        "argovx_user": step.user,
    }
    if artifact.generation:
        metadata["argovx_generation"] = str(artifact.generation)
    return {
        "displayName": artifact.name[:128],
        "uri": artifact.uri,
        "state": "LIVE",
        "schemaTitle": _title(artifact.codec),
        "schemaVersion": SCHEMA_VERSION,
        "metadata": metadata,
    }


def _title(codec: str) -> str:
    if codec.startswith(("sklearn", "skops")):
        return _MODEL
    return _DATASET if codec in ("numpy", "pandas", "arrow", "parquet") else _ARTIFACT


def _execution(step: StepLineage, state: str) -> dict[str, Any]:
    return {
        "displayName": step.step[:128],
        "state": state,
        "schemaTitle": "system.CustomJobExecution",
        "schemaVersion": SCHEMA_VERSION,
        "metadata": {
            "resourceName": step.job,
            "argovx_step": step.step,
            "argovx_run": step.run,
            "argovx_user": step.user,
            "argovx_image": step.image,
            "argovx_source": step.source_digest,
            "argovx_attempt": step.attempt_key,
            "argo_node": step.node,
            "argo_ordinal": step.ordinal,
            "argo_workflow": step.workflow,
            "argo_workflow_uid": step.workflow_uid,
            **{f"metric_{name}": value for name, value in step.metrics.items()},
        },
    }
