"""The second line of a step: what there is to say beyond its phase, which stands beside it already.

Owns the words (design: state vocabulary). Times are left to the view: it has a clock and a time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.codecs import size_text
from argovx_lab.model.exits import WAITING
from argovx_lab.model.run import Node, Phase
from argovx_lab.runs.argo import Execution
from argovx_lab.runs.shapes import mapping, text
from argovx_lab.runs.stream import Stream
from argovx_lab.vertex import states
from argovx_lab.vertex.capacity import scarce
from argovx_lab.vertex.custom_job import SPOT

#: States of a job that may still start a machine anew.
_GOES_ON = ("", states.QUEUED, states.PENDING, states.RUNNING, states.UPDATING)


def line(node: Node, stream: Stream) -> str:
    """Return the second line; empty where the phase says it all."""
    if node.phase is Phase.PROVISIONING:
        return f"starting {node.machine}" if node.machine else "starting"
    if node.phase is Phase.RUNNING:
        return _running(node)
    if node.phase is Phase.UPLOADING:
        return _uploading(stream)
    if node.phase is Phase.SUCCEEDED:
        return ", ".join(output.name for output in node.outputs if output.state != "left-out")
    if node.phase is Phase.CACHED:
        return f"same code and data as run {node.cached.run}" if node.cached else ""
    if node.phase is Phase.STOPPED:
        return _stopped(node)
    if node.exit and node.exit.error:
        return " · ".join(part for part in (node.exit.error, node.exit.place) if part)
    return node.message.partition("\n")[0]  # the launcher's last words go on with the traceback


def waits(phase: Phase, execution: Execution, job: Mapping[str, Any]) -> str:
    """Return what a step waits for; empty when nothing unusual holds it.

    Before there is a job that is its launcher's word, which stands in ``exit-reason`` until then; afterwards
    it is what the job asked for.
    """
    if phase is Phase.QUEUED:
        word, _, reason = execution.outputs.get("exit-reason", "").partition(": ")
        return reason if word == WAITING and execution.phase == "Running" else ""
    return scarcity(job) if phase is Phase.PROVISIONING else ""


def scarcity(job: Mapping[str, Any]) -> str:
    """Return what a job that does not run yet waits for; empty when nothing unusual holds it."""
    spec = mapping(job.get("jobSpec"))
    scheduling = {"strategy": text(mapping(spec.get("scheduling")).get("strategy"))}
    held = text(spec.get("persistentResourceId"))
    known = {"scheduling": scheduling, "persistentResourceId": held}
    return scarce({"state": text(job.get("state")), "jobSpec": known})


def taken_away(execution: Execution, stream: Stream, job: Mapping[str, Any]) -> bool:
    """Tell whether the last life of a Spot job's machine ended by its loss, and no new one has begun.

    The runner is told to stop then, as by a cancellation; that one shows in the job's state or in Argo.
    """
    told = stream.phase == "closed" and text(mapping(stream.error).get("type")) == "Cancelled"
    scheduling = mapping(mapping(job.get("jobSpec")).get("scheduling"))
    goes_on = text(job.get("state")) in _GOES_ON and execution.phase == "Running" and execution.asked is None
    return told and goes_on and text(scheduling.get("strategy")) == SPOT


def _running(node: Node) -> str:
    parts = []
    if node.progress:
        parts.append(f"{node.progress[0]}/{node.progress[1]}")
    parts.extend(f"{name} {value:.4g}" for name, value in list(node.metrics.items())[:2])
    return " · ".join(parts)


def _uploading(stream: Stream) -> str:
    if stream.uploading is None:
        return "writing outputs"
    name, done, size = stream.uploading
    return f"writing {name} · {size_text(done)} of {size_text(size)}" if size else f"writing {name}"


def _stopped(node: Node) -> str:
    """Return who stopped a step; nobody is named where nobody is recorded."""
    if node.stop is None or node.stop.how == "Vertex":
        return "cancelled at Vertex"
    return f"by {node.stop.by}" if node.stop.by else "nobody recorded who"
