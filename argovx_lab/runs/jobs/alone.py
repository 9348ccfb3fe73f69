"""From a custom job to a ``Run`` of one node: pure.

Owns which jobs belong to no Argo step, and their words. No phase of Argo is made up for them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from argovx_lab.model import names
from argovx_lab.model.run import Exit, Experiment, Node, Phase, Run, Stop, Times, VertexSide
from argovx_lab.runs.lines import line, scarcity
from argovx_lab.runs.merge import About, run_phase
from argovx_lab.runs.shapes import items, mapping, text, whole
from argovx_lab.runs.stream import Stream
from argovx_lab.runs.table import judge_job

#: Id of the one node. It is no name of the job's: that may be any text.
NODE = "job"

#: What begins the id of such a run.
PREFIX = "vertex-"

_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/customJobs/([A-Za-z0-9_-]{1,64})\Z")


@dataclass(frozen=True)
class Alone:
    """What is known of one job.

    Parameters
    ----------
    job : dict
        The CustomJob as Vertex shows it.
    metrics : dict
        Last value of each metric: of its curves, else the summary of its experiment run.
    """

    job: Mapping[str, Any]
    console_url: str = ""
    experiment: Experiment | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


def number_of(job: Mapping[str, Any]) -> str:
    """Return the number in a job's resource name, which its logs and curves are found by; empty for none."""
    found = _NAME.match(text(job.get("name")))
    return found.group(1) if found else ""


def run_id(job: Mapping[str, Any]) -> str:
    """Return the id of a job's run; empty where Vertex gave it no name that can be one."""
    number = number_of(job)
    return f"{PREFIX}{number}" if number else ""


def is_alone(job: Mapping[str, Any], user: str, workflows: Collection[str] | None) -> bool:
    """Tell whether a job is one that no Argo step of anybody has.

    Parameters
    ----------
    user : str
        Whose Workflows are known: jobs of other people's steps are theirs to show.
    workflows : collection of str or None
        Unique ids of the Workflows that are there; ``None`` while nobody knows.
    """
    labels = mapping(job.get("labels"))
    workflow = text(labels.get(names.JOB_LABEL_WORKFLOW))
    if not workflow and not labels.get(names.JOB_LABEL_KEY):
        return True
    mine = labels.get(names.JOB_LABEL_USER) == user
    return mine and workflows is not None and workflow not in workflows


def run_of(known: Alone, about: About, stale_s: float = 0.0) -> Run:
    """Return the run of a job."""
    node = _node(known)
    active = not node.phase.final
    labels = mapping(known.job.get("labels"))
    return Run(
        id=run_id(known.job),
        name=node.name,
        phase=run_phase([node.phase]),
        user=text(labels.get(names.JOB_LABEL_USER)),
        profile=about.profile,
        created_at=node.times.queued_at,
        finished_at=node.times.finished_at,
        note=(about.note_now if active else "") or about.note,
        nodes=(node,),
        counts={node.phase.value: 1},
        stale_s=stale_s,
        actions=("open", "stop") if active else ("open",),
        source="vertex",
    )


def machine_of(job: Mapping[str, Any]) -> str:
    """Return the machines as people write them: ``4 × n1-standard-8+NVIDIA_TESLA_T4*2``."""
    found = []
    for pool in items(mapping(job.get("jobSpec")).get("workerPoolSpecs")):
        machine = mapping(pool.get("machineSpec"))
        kind, accelerator = text(machine.get("machineType")), text(machine.get("acceleratorType"))
        count = whole(machine.get("acceleratorCount"))
        if accelerator and accelerator != "ACCELERATOR_TYPE_UNSPECIFIED":
            kind = f"{kind}+{accelerator}" + (f"*{count}" if count > 1 else "")
        replicas = whole(pool.get("replicaCount"))
        if kind:
            found.append(f"{replicas} × {kind}" if replicas > 1 else kind)
    return ", ".join(found)


def _node(known: Alone) -> Node:
    job = known.job
    verdict = judge_job(text(job.get("state")))
    spec, error = mapping(job.get("jobSpec")), text(mapping(job.get("error")).get("message"))
    failed = verdict.phase is Phase.FAILED
    ended = text(job.get("endTime")) or text(job.get("updateTime")) or None
    node = Node(
        id=NODE,
        name=text(job.get("displayName")) or run_id(job),
        phase=verdict.phase,
        message=error,
        hint="Its log tells more; a new job is started where this one was." if failed else "",
        vertex=VertexSide(
            job=text(job.get("name")),
            state=text(job.get("state")),
            error=error,
            console_url=known.console_url,
            account=text(spec.get("serviceAccount")),
        ),
        times=Times(
            queued_at=text(job.get("createTime")) or None,
            running_at=text(job.get("startTime")) or None,
            finished_at=ended if verdict.phase.final else None,
        ),
        machine=machine_of(job),
        metrics=dict(known.metrics),
        exit=Exit(error=error) if failed else None,
        stop=Stop("Vertex", at=ended) if verdict.phase is Phase.STOPPED else None,
        attempt_uri=text(mapping(spec.get("baseOutputDirectory")).get("outputUriPrefix")),
        experiment=known.experiment,
        actions=("open", "logs") if verdict.phase.final else ("open", "logs", "stop"),
    )
    words = scarcity(job) if verdict.phase in (Phase.QUEUED, Phase.PROVISIONING) else ""
    words = words or ("" if error else verdict.words) or line(node, Stream())
    under = known.experiment
    return replace(node, line=words or (f"{under.name} · {under.run}".rstrip(" ·") if under else ""))
