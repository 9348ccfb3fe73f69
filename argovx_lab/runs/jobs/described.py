"""A custom job in words and as a document, for the views of one step: pure.

Owns what of a job is not shown: values of environment variables, and whatever looks like a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from argovx_lab.model.detail import StepDocument, StepEvents
from argovx_lab.redact import redact
from argovx_lab.runs.jobs.alone import machine_of
from argovx_lab.runs.shapes import items, mapping, text, whole
from argovx_lab.runs.told import of_job

#: What stands for the value of an environment variable: people put secrets there.
NOT_SHOWN = "(not shown)"


def said(job: Mapping[str, Any]) -> StepEvents:
    """Return what Vertex said of a job, the oldest first."""
    return StepEvents(events=of_job(job))


def described(job: Mapping[str, Any]) -> StepDocument:
    """Return a job as it was created."""
    spec = mapping(job.get("jobSpec"))
    pool = next(iter(items(spec.get("workerPoolSpecs"))), {})
    container, package = mapping(pool.get("containerSpec")), mapping(pool.get("pythonPackageSpec"))
    machine, scheduling = mapping(pool.get("machineSpec")), mapping(spec.get("scheduling"))
    several = len(items(spec.get("workerPoolSpecs"))) > 1
    arguments = {
        "image": text(container.get("imageUri")) or text(package.get("executorImageUri")),
        "machine-type": text(machine.get("machineType")),
        "accelerator": text(machine.get("acceleratorType")),
        "accelerator-count": str(whole(machine.get("acceleratorCount")) or ""),
        "machines": machine_of(job) if several else "",
        "replicas": str(whole(pool.get("replicaCount")) or ""),
        "run-as": text(spec.get("serviceAccount")),
        "strategy": text(scheduling.get("strategy")),
        "timeout": text(scheduling.get("timeout")),
        "output": text(mapping(spec.get("baseOutputDirectory")).get("outputUriPrefix")),
        "tensorboard": text(spec.get("tensorboard")),
        "vertex-job": text(job.get("name")),
    }
    shown = {key: job[key] for key in ("displayName", "labels", "jobSpec") if key in job}
    document = json.dumps(_covered(shown), indent=2, ensure_ascii=False, sort_keys=True, default=str)
    return StepDocument(
        workflow="",
        created_at=text(job.get("createTime")) or None,
        arguments={name: value for name, value in arguments.items() if value},
        document=text(redact(document)),
    )


def _covered(value: Any, key: str = "") -> Any:
    if isinstance(value, list):
        return [_covered(item, key) for item in value]
    if isinstance(value, dict):
        covered = {name: _covered(item, name) for name, item in value.items()}
        return {**covered, "value": NOT_SHOWN} if key == "env" and "value" in covered else covered
    return value
