"""From a step to the body of ``customJobs.create``: plain JSON, built without asking anybody.

Owns what a job of ours looks like, and the comparison of a job that was found with the one that would be
created. Refuses a step that this version cannot express. Pure.

Notes
-----
Source: ``google.cloud.aiplatform.v1.CustomJob``; a test parses the body into that message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.step import STRATEGIES, StepSpec
from argovx_lab.vertex.bootstrap import BOOTSTRAP

#: Longest display name. Unit: characters. Source: CustomJob.display_name.
DISPLAY_MAX = 128

#: Boot disk of a step that names a size. Source: the default of CustomJob's DiskSpec.
DISK_TYPE = "pd-ssd"

#: Machines that Vertex may take away; it starts the job anew, and the cell finds its checkpoint folder.
SPOT = "SPOT"

#: The only kind that becomes a custom job in this version.
KIND = "custom_job"


@dataclass(frozen=True)
class JobIdentity:
    """What ties a job to one attempt of one step.

    Parameters
    ----------
    key : str
        Attempt key, 32 hexadecimal digits.
    task : str
        Node name without its retry suffix.
    intent_uri, intent_digest : str
        The record that the runner reads, and its SHA-256.
    prefix : str
        The attempt's folder, ``gs://…/``.
    """

    key: str
    workflow_uid: str
    task: str
    user: str
    intent_uri: str
    intent_digest: str
    prefix: str


def build(spec: StepSpec, identity: JobIdentity) -> dict[str, Any]:
    """Return the body of the create call.

    Raises
    ------
    SpecError
        For another kind, a missing image or account.
    """
    if spec.kind != KIND:
        raise SpecError(f"kind {spec.kind!r} is not a custom job", hint=f"Allowed is {KIND}.")
    if not spec.environment.image:
        raise SpecError(f"step {spec.name} names no image", hint="Pass --image.")
    if not spec.run_as:
        raise SpecError(f"step {spec.name} names no service account to run as")
    job: dict[str, Any] = {
        "workerPoolSpecs": _pools(spec, identity),
        "scheduling": _scheduling(spec),
        "serviceAccount": spec.run_as,
        "baseOutputDirectory": {"outputUriPrefix": identity.prefix},
    }
    if spec.machine.persistent:
        job["persistentResourceId"] = spec.machine.persistent
    return {
        "displayName": f"{spec.name} · {identity.task}"[:DISPLAY_MAX],
        "labels": labels(spec, identity),
        "jobSpec": job,
    }


def _pools(spec: StepSpec, identity: JobIdentity) -> list[dict[str, Any]]:
    """Return the primary's pool and, with several machines, one of equal workers."""
    machine: dict[str, Any] = {"machineType": spec.machine.type}
    if spec.machine.accelerator:
        machine["acceleratorType"] = spec.machine.accelerator
        machine["acceleratorCount"] = spec.machine.accelerator_count
    container = {
        "imageUri": spec.environment.image,
        "command": ["python3", "-c", BOOTSTRAP],
        "args": [spec.runner.uri, spec.runner.digest, identity.intent_uri, identity.intent_digest],
    }
    pool: dict[str, Any] = {"machineSpec": machine, "containerSpec": container}
    if spec.machine.disk_gb:
        pool["diskSpec"] = {"bootDiskType": DISK_TYPE, "bootDiskSizeGb": spec.machine.disk_gb}
    workers = spec.machine.replicas - 1
    counts = ["1", str(workers)] if workers else ["1"]
    return [{**pool, "replicaCount": count} for count in counts]


def _scheduling(spec: StepSpec) -> dict[str, Any]:
    """Return the time-out and who may start the job anew.

    Vertex may only where it is what takes the machine away; everything else is repeated by Argo, so that
    there is one authority.
    """
    return {
        "timeout": f"{spec.timeout_s}s",
        "disableRetries": spec.machine.strategy != SPOT,
        "strategy": spec.machine.strategy,
    }


def labels(spec: StepSpec, identity: JobIdentity) -> dict[str, str]:
    """Return the labels of a job; the specification's digest is cut to 32 digits to fit."""
    return {
        names.JOB_LABEL_KEY: identity.key,
        names.JOB_LABEL_WORKFLOW: identity.workflow_uid,
        names.JOB_LABEL_TASK: names.slug(identity.task),
        names.JOB_LABEL_USER: identity.user,
        names.JOB_LABEL_SPEC: spec.digest[:32],
    }


def differences(job: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Return in which respects a job that was found is not the one that ``body`` asks for.

    An empty list means that it may be adopted: labels, service account, image, command, arguments, machines,
    how they are found and the output folder are the same.
    """
    found = [
        f"label {name} is {(job.get('labels') or {}).get(name, '')!r}, not {value!r}"
        for name, value in body["labels"].items()
        if (job.get("labels") or {}).get(name, "") != value
    ]
    theirs, ours = job.get("jobSpec") or {}, body["jobSpec"]
    if theirs.get("serviceAccount") != ours["serviceAccount"]:
        found.append(f"it runs as {theirs.get('serviceAccount')!r}, not {ours['serviceAccount']!r}")
    pools = theirs.get("workerPoolSpecs") or []
    wanted = ours["workerPoolSpecs"]
    if len(pools) != len(wanted):
        return [*found, f"it has {len(pools)} worker pools, not {len(wanted)}"]
    for have, want in zip(pools, wanted, strict=True):
        found += _pool_differences(have, want)
    folder = (theirs.get("baseOutputDirectory") or {}).get("outputUriPrefix")
    if folder != ours["baseOutputDirectory"]["outputUriPrefix"]:
        found.append("its output folder differs")
    strategy = (theirs.get("scheduling") or {}).get("strategy") or STRATEGIES[0]
    if strategy != ours["scheduling"]["strategy"]:
        found.append(f"its strategy is {strategy!r}, not {ours['scheduling']['strategy']!r}")
    if (theirs.get("persistentResourceId") or "") != ours.get("persistentResourceId", ""):
        found.append("it runs on another persistent resource")
    return found


def _pool_differences(have: Mapping[str, Any], want: Mapping[str, Any]) -> list[str]:
    """Compare what a pool asks for; what Vertex fills in by itself does not count."""
    found = []
    for part, fields in (
        ("containerSpec", ("imageUri", "command", "args")),
        ("machineSpec", ("machineType", "acceleratorType")),
        ("diskSpec", ("bootDiskType", "bootDiskSizeGb")),
    ):
        theirs, ours = have.get(part) or {}, want.get(part)
        if ours is not None:
            found += [f"its {name} differs" for name in fields if theirs.get(name) != ours.get(name)]
    if str(have.get("replicaCount") or 1) != want["replicaCount"]:
        found.append("its number of machines differs")
    return found
