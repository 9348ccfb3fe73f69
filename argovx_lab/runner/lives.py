"""Which machine of the job this is, and how often it was started: ``r<replica>.<restart>``.

Owns the claim: two lives never write below the same name, whatever Vertex starts anew and when.
"""

from __future__ import annotations

import json
import os
import platform
from typing import Any

from argovx_lab import __version__
from argovx_lab.errors import Conflict, SpecError
from argovx_lab.runner import documents
from argovx_lab.runner.bucket import Bucket
from argovx_lab.runner.messages import line

#: How often Vertex may start one replica anew before the runner gives up. Unit: lives.
LIVES_MAX = 64


def replica_number(cluster: str) -> int:
    """Return this machine's number: 0 for the primary, then the workers in their pool's order.

    Notes
    -----
    Source: Vertex AI, ``CLUSTER_SPEC`` of distributed training; jobs of ours have a pool of one primary and
    one of workers.
    """
    if not cluster:
        return 0
    try:
        task = json.loads(cluster)["task"]
        pool, index = str(task["type"]), int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise SpecError("CLUSTER_SPEC does not say which machine this is") from error
    return 0 if pool == "workerpool0" else index + 1


def claim(bucket: Bucket, prefix: str, replica: int) -> int:
    """Take the first free ``r<replica>.<restart>`` by writing its ``opened`` message; returns the restart."""
    params = {"python": platform.python_version(), "pid": os.getpid()}
    for restart in range(LIVES_MAX):
        try:
            name = "%sr%d.%d/events/part-00001" % (prefix, replica, restart)
            bucket.create(name, line(1, "opened", params))
        except Conflict:
            continue
        return restart
    raise SpecError("this attempt was started %d times already" % LIVES_MAX, hint="Run the cell again.")


def about(
    intent: documents.Intent, step: documents.Step, source: documents.SourceDocument, life: tuple[int, int]
) -> dict[str, Any]:
    """Return what a cell may know of the run it is part of: the fields of `facade.Context`."""
    replica, restart = life
    return {
        "step": step.name,
        "notebook": source.notebook,
        "cell": source.cell.label,
        "workflow": intent.workflow,
        "workflow_uid": intent.workflow_uid,
        "task": intent.task,
        "namespace": intent.namespace,
        "user": intent.user,
        "attempt": intent.ordinal,
        "restart": restart,
        "replica": replica,
        "job": os.environ.get("CLOUD_ML_JOB_ID", ""),
        "python": platform.python_version(),
        "version": __version__,
    }
