"""What a Workflow object says of the step in it: one ``Execution`` per DAG task.

Owns the reading of Argo's status: Retry nodes and their attempts, compressed nodes, Workflows that
never got a node. Refuses nothing: what it does not understand stays visible as Argo's own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from argovx_lab.model import names
from argovx_lab.model.layout import Attempt, Layout
from argovx_lab.model.ours import Leaf, leaves, tasks
from argovx_lab.model.run import Stop
from argovx_lab.runs import cached
from argovx_lab.runs.actors import asked
from argovx_lab.runs.nodes import attempts_of, nodes_of, ordinal_of, outputs_of, pod_of, without_ordinal
from argovx_lab.runs.shapes import digits, items, mapping, parsed, text, texts, whole

Object = dict[str, Any]

#: What Argo replaces by a producer's manifest when the task starts.
_TAG = re.compile(r"\{\{[^{}]*\}\}")

FINAL = frozenset({"Succeeded", "Failed", "Error"})

#: Exit codes of a launcher whose job was cancelled: at Vertex, and by Argo.
STOP_CODES = (130, 143)


@dataclass(frozen=True)
class Try:
    """One attempt as Argo has it: ordinal from 0, Argo's phase, times, exit code."""

    ordinal: int
    phase: str
    message: str = ""
    pod: str = ""
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True)
class Wait:
    """A task that waits for a step of another Workflow: its name, Argo's phase, and why it failed."""

    task: str
    phase: str
    message: str = ""


@dataclass(frozen=True)
class Execution:
    """One task of one Workflow.

    Parameters
    ----------
    about : dict
        The step's entry in the annotation ``argovx.dev/steps``; empty for a foreign Workflow.
    phase : str
        Argo phase of the latest attempt; ``""`` before there is a node; ``Pending`` between attempts.
    ordinal : int
        Retry ordinal of the latest attempt.
    between : bool
        Whether an attempt has failed and Argo waits before it starts the next.
    tries : tuple of Try
        All attempts; one also where the step has no retries.
    asked : Stop or None
        Who asked for the shutdown and when, where there is one.
    outputs : dict
        Output parameters of the latest attempt, by name.
    path : str
        The task's place in the Workflow: names of the tasks above it and its own, joined by dots.
    waits : tuple of Wait
        Steps of other Workflows that its Workflow waits for.
    alone : bool
        Whether its Workflow has no other step.
    ours : bool
        Whether it is one of the steps of whoever looks; whoever makes it ``False`` has judged the Workflow.
    """

    workflow: str
    uid: str
    namespace: str
    user: str
    run: str
    notebook: str
    created_at: str
    task: str
    about: dict[str, Any]
    phase: str = ""
    message: str = ""
    node_id: str = ""
    node_name: str = ""
    pod: str = ""
    ordinal: int = 0
    between: bool = False
    tries: tuple[Try, ...] = ()
    asked: Stop | None = None
    workflow_started_at: str = ""
    workflow_phase: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    progress: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    path: str = ""
    waits: tuple[Wait, ...] = ()
    alone: bool = True
    ours: bool = True

    @property
    def step(self) -> str:
        """The step's name."""
        return str(self.about.get("name") or self.task)

    @property
    def final(self) -> bool:
        """Whether Argo will do no more for it."""
        return self.phase in FINAL or self.phase in ("Skipped", "Omitted")

    @property
    def exit_code(self) -> int | None:
        """Exit code of the launcher, if it has one."""
        code = self.outputs.get("exitCode", "")
        return int(code) if digits(code) else None

    @property
    def cached(self) -> bool:
        """Whether nothing was to run because the results were there: Argo skipped it, as it was told."""
        return "cached" in self.about and self.phase in ("", "Pending", "Running", "Skipped", "Omitted")

    @property
    def good(self) -> bool:
        """Whether its results are there: it succeeded, or was answered by what had succeeded."""
        return self.phase == "Succeeded" or self.cached

    @property
    def stopped(self) -> bool:
        """Whether it did not fail by itself: its Workflow was shut down, or its job cancelled."""
        ended = self.phase in ("Failed", "Error")
        return ended and (self.asked is not None or self.exit_code in STOP_CODES)

    def attempt(self, bucket: str, prefix: str) -> Attempt | None:
        """Return the bucket folder of the latest attempt, or ``None`` before the Workflow started."""
        if not self.workflow_started_at or self.about.get("kind") == "approval":
            return None
        task = without_ordinal(self.node_name) or f"{self.workflow}.{self.task}"
        key = names.attempt_key(self.uid, task, self.ordinal, self.workflow_started_at)
        return Layout(bucket, self.user, prefix).attempt(self.uid, task, self.ordinal, key)


def executions(workflow: Object) -> list[Execution]:
    """Return the executions of one of our Workflows; an empty list for anybody else's.

    Whatever the object looks like, this does not raise: one Workflow must never hide the others.
    """
    meta, status = mapping(workflow.get("metadata")), mapping(workflow.get("status"))
    labels, notes = mapping(meta.get("labels")), mapping(meta.get("annotations"))
    name, uid = text(meta.get("name")), text(meta.get("uid"))
    run = text(labels.get(names.LABEL_RUN))
    if not run and labels.get(names.LABEL_USER) and names.ANNOTATION_OWN_RUN in notes:
        run = name  # made from a schedule or an exported file: each is a run of its own
    if not (run and name and uid):
        return []
    nodes = nodes_of(status)
    known = Execution(
        workflow=name,
        uid=uid,
        namespace=text(meta.get("namespace")),
        user=text(labels.get(names.LABEL_USER)),
        run=run,
        notebook=text(notes.get(names.ANNOTATION_NOTEBOOK)),
        created_at=text(meta.get("creationTimestamp")),
        task="",
        about={},
        asked=asked(workflow),
        workflow_started_at=text(status.get("startedAt")),
        workflow_phase=text(status.get("phase")),
    )
    spec = mapping(workflow.get("spec"))
    there = {leaf.name: leaf for leaf in leaves(spec)}
    known = replace(known, alone=sum(leaf.kind != "await" for leaf in there.values()) <= 1)
    arguments = input_arguments(spec)
    waits = _waits(known, nodes, there)
    found = {
        task: cached.believed(
            _with_inputs(about, arguments.get(task)), there[task].task if task in there else {}
        )
        for task, about in _steps(notes, labels, set(there)).items()
    }
    return [
        _execution(
            nodes,
            status,
            replace(
                known,
                task=task,
                path=there[task].path if task in there else task,
                about=about,
                waits=waits,
            ),
        )
        for task, about in found.items()
    ]


def _waits(known: Execution, nodes: dict[str, Object], there: Mapping[str, Leaf]) -> tuple[Wait, ...]:
    """Return what the Workflow waits for outside of itself, and what came of it."""
    found = []
    for leaf in there.values():
        if leaf.kind == "await":
            node = nodes.get(names.node_id(known.workflow, f"{known.workflow}.{leaf.path}"), {})
            outputs = outputs_of(mapping(node.get("outputs")))
            reason = outputs.get("exit-reason", "").partition(": ")[2]
            message = reason or text(node.get("message"))
            found.append(Wait(leaf.name, text(node.get("phase")), message))
    return tuple(found)


def input_arguments(spec: Object) -> dict[str, Object]:
    """Return the ``inputs`` argument of each DAG task: what Argo was given, and the launcher has checked."""
    found: dict[str, Object] = {}
    for task in tasks(spec):
        for parameter in items(mapping(task.get("arguments")).get("parameters")):
            if parameter.get("name") == "inputs":
                value = _TAG.sub("null", text(parameter.get("value")))
                found[text(task.get("name"))] = mapping(parsed(value))
    return found


def _with_inputs(about: dict[str, Any], arguments: Object | None) -> dict[str, Any]:
    """Return the step's entry with the inputs that Argo has; the annotation only fills in for old ones."""
    if arguments is None:
        return about
    inputs = [
        {
            "name": name,
            **{key: text(mapping(ref).get(key)) for key in ("step", "output", "digest", "codec")},
            "size_bytes": whole(mapping(ref).get("size_bytes")),
        }
        for name, ref in arguments.items()
    ]
    return {**about, "inputs": inputs}


def _steps(notes: Object, labels: Object, there: set[str]) -> dict[str, dict[str, Any]]:
    """Return the entries of the annotation for tasks that are there, else the step of the label alone."""
    label = text(labels.get(names.LABEL_STEP)) or "step"
    steps = mapping(parsed(notes.get(names.ANNOTATION_STEPS)))  # whole: longer than a view's text
    there = there or {label}
    found = {
        task: _about(about) for task, about in steps.items() if task in there and isinstance(about, dict)
    }
    return found or {label: {}}


def _about(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a step's entry with exactly the fields and types of ``model/run.py``."""
    cell = mapping(entry.get("cell"))
    about: dict[str, Any] = {
        **cached.read(entry),
        "name": text(entry.get("name")),
        "machine": text(entry.get("machine")),
        **{
            key: text(entry[key]) for key in ("kind", "when", "item", "fan", "prompt") if text(entry.get(key))
        },
        "after": texts(entry.get("after")),
        "inputs": [
            {
                **{key: text(item.get(key)) for key in ("name", "step", "output", "digest", "codec")},
                "size_bytes": whole(item.get("size_bytes")),
            }
            for item in items(entry.get("inputs"))
        ],
        "outputs": [
            {"name": text(item["name"]), "codec": text(item.get("codec"))}
            for item in items(entry.get("outputs"))
            if text(item.get("name"))
        ],
    }
    if cell:
        about["cell"] = {
            "notebook": text(cell.get("notebook")),
            "cell_id": text(cell.get("cell_id")),
            "number": whole(cell.get("number")),
        }
    return about


def _execution(nodes: dict[str, Object], status: Object, known: Execution) -> Execution:
    name = f"{known.workflow}.{known.path}"
    node = nodes.get(names.node_id(known.workflow, name))
    if node is None:
        ended = known.workflow_phase in FINAL
        passed_over = ended and not known.alone and len(nodes) > 1  # others ran; this one was never reached
        return replace(
            known,
            phase=("Omitted" if passed_over else known.workflow_phase) if ended else "",
            message=text(status.get("message")),
            finished_at=text(status.get("finishedAt")) or None if ended else None,
        )
    attempts = attempts_of(nodes, node)
    attempts = attempts or ([] if node.get("type") == "Retry" else [node])
    latest = attempts[-1] if attempts else node
    waits = node.get("type") == "Retry" and bool(attempts) and node.get("phase") == "Running"
    between = waits and latest.get("phase") in FINAL
    phase = text(latest.get("phase")) or "Pending"
    if node.get("phase") in FINAL:
        phase = text(node["phase"])
    return replace(
        known,
        phase="Pending" if between else phase,
        message=text(latest.get("message")) or text(node.get("message")),
        node_id=text(latest.get("id")),
        node_name=text(latest.get("name")),
        pod=pod_of(known.workflow, latest),
        ordinal=ordinal_of(text(latest.get("name"))),
        between=between,
        tries=tuple(_try(known.workflow, attempt) for attempt in attempts),
        started_at=text(latest.get("startedAt")) or None,
        finished_at=text(latest.get("finishedAt")) or None if phase in FINAL else None,
        progress=text(latest.get("progress")),
        outputs=outputs_of(mapping(latest.get("outputs"))),
    )


def _try(workflow: str, node: Object) -> Try:
    phase = text(node.get("phase"))
    return Try(
        ordinal=ordinal_of(text(node.get("name"))),
        phase=phase,
        message=text(node.get("message")),
        pod=pod_of(workflow, node),
        started_at=text(node.get("startedAt")) or None,
        finished_at=text(node.get("finishedAt")) or None if phase in FINAL else None,
    )
