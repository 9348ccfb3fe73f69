"""From executions to one ``Run``: pure, so that recordings can go through it.

Owns the second line of each node, times, allowed actions and edges. The phase itself comes from
``table``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from argovx_lab.model.exits import meaning
from argovx_lab.model.run import (
    ArgoSide,
    Attempt,
    Cell,
    Edge,
    Exit,
    Input,
    Node,
    Output,
    Phase,
    Run,
    Stop,
    Times,
    VertexSide,
)
from argovx_lab.model.run import (
    Execution as Past,
)
from argovx_lab.model.step import AUTO, MAYBE
from argovx_lab.runs import cached
from argovx_lab.runs.argo import Execution, Try
from argovx_lab.runs.lines import line, taken_away, waits
from argovx_lab.runs.shapes import mapping, number, parsed, text, texts, whole
from argovx_lab.runs.stream import Stream
from argovx_lab.runs.table import ARGO, VERTEX, Verdict, judge

#: A name in a gate's question.
_BRACED = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)


@dataclass(frozen=True)
class Seen:
    """Everything known of one execution from the three ends.

    Parameters
    ----------
    job : dict
        The CustomJob as Vertex shows it; empty before it was read.
    manifest : dict
        The attempt's manifest; empty before it exists.
    manifest_digest : str
        SHA-256 of the manifest's bytes; it counts only when Argo's output parameter names the same.
    """

    execution: Execution
    stream: Stream = field(default_factory=Stream)
    job: Mapping[str, Any] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    manifest_digest: str = ""
    attempt_uri: str = ""
    console_url: str = ""


@dataclass(frozen=True)
class About:
    """What is said of every run of a profile: its name and the note that each view must carry.

    Parameters
    ----------
    note_now : str
        The note while a run is under way; empty: the same.
    """

    profile: str
    namespace: str
    note: str = ""
    note_now: str = ""


def merge(run_id: str, seen: Iterable[Seen], about: About, *, stale_s: float = 0.0) -> Run:
    """Return the run made of all executions; the newest execution of a step is its node."""
    by_step: dict[str, list[Seen]] = {}
    for item in sorted(seen, key=lambda s: (s.execution.created_at, s.execution.uid)):
        by_step.setdefault(item.execution.step, []).append(item)
    nodes = _asked([_node(items) for items in by_step.values()], by_step)
    newest = [items[-1].execution for items in by_step.values()]
    phase = run_phase([node.phase for node in nodes])
    counts = dict(Counter(node.phase.value for node in nodes))
    active = any(not node.phase.final for node in nodes)
    ended = [node.times.finished_at for node in nodes if node.times.finished_at]
    return Run(
        id=run_id,
        name=run_id,
        phase=phase,
        notebook=newest[-1].notebook if newest else "",
        user=newest[-1].user if newest else "",
        profile=about.profile,
        namespace=about.namespace,
        created_at=min(
            (e.created_at for items in by_step.values() for e in [items[0].execution]), default=None
        ),
        finished_at=max(ended) if ended and not active else None,
        note=(about.note_now if active else "") or about.note,
        nodes=nodes,
        edges=edges(nodes, {e.step: e.about.get("after") or () for e in newest}),
        counts=counts,
        stale_s=stale_s,
        actions=("open", "stop") if active else ("open",),
    )


def run_phase(phases: Sequence[Phase]) -> Phase:
    """Return the phase of a whole run: what is most urgent to know of its steps."""
    for phase in (Phase.RUNNING, Phase.UPLOADING, Phase.PROVISIONING, Phase.QUEUED, Phase.WAITING):
        if phase in phases:
            return Phase.RUNNING if phase is Phase.UPLOADING else phase
    for phase in (Phase.FAILED, Phase.STOPPED):
        if phase in phases:
            return phase
    if phases and all(phase is Phase.CACHED for phase in phases):
        return Phase.CACHED
    return Phase.SUCCEEDED if phases else Phase.PLANNED


def edges(
    nodes: Iterable[Node], after: Mapping[str, Iterable[str]] = MappingProxyType({})
) -> tuple[Edge, ...]:
    """Return one edge per pair of steps between which values flow, or of which one waits for the other.

    Parameters
    ----------
    after : mapping
        Step → steps that it waits for although no value flows.
    """
    nodes = list(nodes)
    known = {node.id for node in nodes}
    flows: dict[tuple[str, str], list[str]] = {}
    for node in nodes:
        for item in node.inputs:
            if item.step in known and item.step != node.id:
                flows.setdefault((item.step, node.id), []).append(item.name)
        for before in after.get(node.id, ()):
            if before in known and before != node.id:
                flows.setdefault((before, node.id), [])
    return tuple(Edge(source, target, tuple(names)) for (source, target), names in flows.items())


def _node(items: list[Seen]) -> Node:
    latest = items[-1]
    execution, stream = latest.execution, latest.stream
    state = text(latest.job.get("state"))
    verdict = _verdict(latest, state)
    cell = execution.about.get("cell") or {}
    ended = _exit(latest) if verdict.phase in (Phase.FAILED, Phase.STOPPED) else None
    node = Node(
        id=execution.step,
        name=_title(execution),
        phase=verdict.phase,
        kind=str(execution.about.get("kind") or "custom_job"),
        message=execution.message,
        argo=ArgoSide(
            workflow=execution.workflow,
            workflow_uid=execution.uid,
            node_id=execution.node_id,
            phase=execution.phase,
            message=execution.message,
            pod=execution.pod,
            attempts=execution.ordinal + 1,
        ),
        vertex=_vertex(latest, state),
        times=_times(latest, verdict.phase),
        progress=stream.progress,
        machine=str(execution.about.get("machine") or ""),
        cell=Cell(**cell) if cell else None,
        inputs=tuple(Input(**item) for item in execution.about.get("inputs") or ()),
        outputs=_outputs(latest),
        metrics=_metrics(latest),
        exit=ended,
        hint=meaning(ended.code).hint if ended and verdict.phase is Phase.FAILED else "",
        attempts=tuple(_attempt(item, verdict.phase, execution) for item in execution.tries),
        stop=_stop(latest) if verdict.phase is Phase.STOPPED else None,
        cached=cached.source(execution.about) if verdict.phase is Phase.CACHED else None,
        parts=dict(execution.about.get("parts") or {}),
        history=tuple(_past(item) for item in items[:-1]),
        attempt_uri=latest.attempt_uri,
        actions=_actions(verdict.phase, str(execution.about.get("kind") or "")),
    )
    words = _own_words(execution, verdict) or waits(verdict.phase, execution, latest.job) or verdict.words
    return replace(node, line=words or line(node, stream))


def _asked(nodes: list[Node], by_step: Mapping[str, list[Seen]]) -> tuple[Node, ...]:
    """Return the nodes with what a gate asks filled in: a small result as it is, another by what it is."""
    if all(node.phase is not Phase.WAITING for node in nodes):
        return tuple(nodes)
    known = {output.name: output.summary for node in nodes for output in node.outputs if output.summary}
    for items in by_step.values():
        values = mapping(parsed(items[-1].execution.outputs.get("values")))
        known.update({name: str(value)[:60] for name, value in values.items()})
    return tuple(
        replace(node, line=_BRACED.sub(lambda found: known.get(found.group(1), found.group()), node.line))
        if node.phase is Phase.WAITING
        else node
        for node in nodes
    )


def _title(execution: Execution) -> str:
    item = execution.about.get("item")
    return f"{execution.step} ({item})" if item else execution.step


def _own_words(execution: Execution, verdict: Verdict) -> str:
    """Return the line of what only a graph has: a gate, a wait for another Workflow, a step left out."""
    if verdict.phase is Phase.CACHED:
        return ""
    if verdict.phase is Phase.WAITING:
        return str(execution.about.get("prompt") or "")
    if execution.phase == "Skipped":
        return f"skipped: {execution.about.get('when') or execution.message}"
    if execution.phase == "Omitted":
        failed = [wait.message for wait in execution.waits if wait.phase in ("Failed", "Error")]
        return failed[0] if failed else "omitted: a step before it did not succeed"
    if not execution.phase:
        waiting = [
            wait.task for wait in execution.waits if wait.phase not in ("Succeeded", "Failed", "Error")
        ]
        return f"waits for {', '.join(waiting)}" if waiting else ""
    return ""


def _verdict(seen: Seen, state: str) -> Verdict:
    execution = seen.execution
    if execution.cached:
        return Verdict(Phase.CACHED)
    if execution.between:
        return Verdict(Phase.QUEUED, f"attempt {execution.ordinal + 1} failed, retrying")
    if taken_away(execution, seen.stream, seen.job):
        return Verdict(Phase.PROVISIONING, "its Spot machine was taken away, another is looked for")
    if execution.about.get("kind") == "approval" and execution.phase == "Running":
        return Verdict(Phase.WAITING)
    argo = execution.phase if execution.phase in ARGO else ""  # words that are newer than the table
    verdict = judge(argo, state if state in VERTEX else "", seen.stream.phase)
    if verdict.phase is Phase.FAILED and execution.stopped:
        return Verdict(Phase.STOPPED)
    return verdict


def _vertex(seen: Seen, state: str) -> VertexSide | None:
    job = text(seen.job.get("name")) or seen.execution.outputs.get("vertex-job", "")
    if not job:
        return None
    error = text(mapping(seen.job.get("error")).get("message"))
    url = seen.execution.outputs.get("console-url") or seen.console_url
    return VertexSide(job=job, state=state, error=error, console_url=url)


def _times(seen: Seen, phase: Phase) -> Times:
    stream, execution = seen.stream, seen.execution
    running = stream.running_at or text(seen.job.get("startTime")) or None
    return Times(
        queued_at=execution.created_at or None,
        provisioning_at=text(seen.job.get("createTime")) or None,
        running_at=running,
        uploading_at=stream.uploading_at,
        finished_at=execution.finished_at if phase.final else None,
    )


def _outputs(seen: Seen) -> tuple[Output, ...]:
    if seen.execution.cached:
        return cached.outputs(seen.execution.about)
    manifest = _trusted(seen)
    made, behind = mapping(manifest.get("outputs")), mapping(manifest.get("left_out"))
    declared = {item["name"]: item["codec"] for item in seen.execution.about.get("outputs") or []}
    outputs = []
    for name in dict.fromkeys([*declared, *made]):
        got = mapping(made.get(name))
        if not got:
            outputs.append(_absent(name, declared.get(name, ""), text(behind.get(name))))
            continue
        outputs.append(
            Output(
                name,
                codec=text(got.get("codec")),
                summary=text(got.get("summary")),
                size_bytes=whole(got.get("size_bytes")),
                digest=text(got.get("digest")),
                uri=text(got.get("uri")),
                state="ready",
            )
        )
    return tuple(outputs)


def _absent(name: str, declared: str, reason: str) -> Output:
    """Return an output that the manifest does not have: not there yet, or left out for a reason."""
    if declared != MAYBE:
        return Output(name, codec=declared)
    return Output(name, codec=AUTO, summary=reason, state="left-out" if reason else "declared")


def _trusted(seen: Seen) -> Mapping[str, Any]:
    """Return the manifest that Argo recorded; another one in its place is as good as none."""
    pointer = mapping(parsed(seen.execution.outputs.get("manifest")))
    return seen.manifest if seen.manifest_digest and pointer.get("digest") == seen.manifest_digest else {}


def _metrics(seen: Seen) -> dict[str, float]:
    """Return the last value of each metric; what is no finite number is no metric."""
    if seen.stream.series:
        return seen.stream.metrics
    last = mapping(parsed(seen.execution.outputs.get("metrics")))
    every = {**last, **mapping(_trusted(seen).get("metrics"))}
    values = {name: number(value) for name, value in every.items()}
    return {name: value for name, value in values.items() if value is not None}


def _exit(seen: Seen) -> Exit:
    error = mapping(seen.stream.error)
    said, kind = text(error.get("message")), text(error.get("type"))
    return Exit(
        code=seen.execution.exit_code,
        reason=seen.execution.outputs.get("exit-reason", ""),
        error=f"{kind}: {said}" if kind and said else kind or said,
        place=text(error.get("place")),
        traceback=tuple(texts(error.get("traceback"))),
    )


def _past(seen: Seen) -> Past:
    verdict = _verdict(seen, text(seen.job.get("state")))
    execution = seen.execution
    return Past(
        workflow=execution.workflow,
        phase=verdict.phase,
        finished_at=execution.finished_at,
        message=execution.message,
        created_at=execution.created_at or None,
    )


def _attempt(item: Try, phase: Phase, execution: Execution) -> Attempt:
    """Return one attempt; the latest has the step's own phase, earlier ones have ended."""
    if item.ordinal == execution.ordinal and not execution.between:
        mine = phase
    else:
        mine = Phase.SUCCEEDED if item.phase == "Succeeded" else Phase.FAILED
    return Attempt(item.ordinal + 1, mine, item.started_at, item.finished_at, item.message)


def _stop(seen: Seen) -> Stop:
    """Return who stopped it: by Argo's records, else Vertex cancelled the job, which keeps no name."""
    if seen.execution.asked is not None:
        return seen.execution.asked
    return Stop("Vertex", at=text(seen.job.get("endTime")) or None)


def _actions(phase: Phase, kind: str = "") -> tuple[str, ...]:
    if kind == "approval":
        return ("open", "cell") if phase.final else ("open", "cell", "stop")
    actions = ["open", "cell", "logs"]
    if phase in (Phase.FAILED, Phase.STOPPED, Phase.SUCCEEDED):
        actions.append("retry")
    if not phase.final:
        actions.append("stop")
    return tuple(actions)
