"""The Workflow of many steps: one DAG whose tasks hand their results on by reference.

Owns the shape of a whole notebook's Workflow: which task waits for which, fan-outs and their limit, gates,
and the nesting of graphs that are larger than one DAG may be. Pure. Refuses names that Argo cannot tell
apart and objects that are too large, before anything is sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Union

from argovx_lab.compile.manifest import (
    MANIFEST_MAX,
    Placement,
    arguments,
    machine_text,
    refuse_tags,
    step_reference,
    task_name,
    workflow_spec,
)
from argovx_lab.compile.nest import nest
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.condition import Condition, Known
from argovx_lab.model.run import Cell
from argovx_lab.model.step import ArtifactRef, StepSpec, canonical

Manifest = dict[str, Any]

#: Most that all annotations of an object may hold. Unit: bytes. Source: Kubernetes, ``ValidateAnnotations``.
ANNOTATIONS_MAX = 256 * 1024

#: The template of every gate: Argo waits in it until somebody resumes the node.
GATE = "gate"

_MARK = re.compile(r'"\\u0001([a-z0-9_-]+)\\u0002"')


@dataclass(frozen=True)
class StepNode:
    """A step of the graph.

    Parameters
    ----------
    after : tuple of str
        Nodes that must have succeeded although no value flows from them.
    when : Condition or None
        What must hold of earlier results for it to run.
    known : mapping
        ``(step, name)`` → value of results that ``when`` reads and that are there already.
    fan, item : str
        Of a member of a fan-out: the fan-out's name, and what this one was given, as people read it.
    """

    spec: StepSpec
    spec_uri: str
    cell: Cell
    after: tuple[str, ...] = ()
    when: Condition | None = None
    known: Known = field(default_factory=dict)
    fan: str = ""
    item: str = ""

    @property
    def name(self) -> str:
        """The step's name."""
        return self.spec.name


@dataclass(frozen=True)
class Fan:
    """One step cell for each of several values: members that run side by side, at most ``parallelism``."""

    name: str
    members: tuple[StepNode, ...]
    parallelism: int


@dataclass(frozen=True)
class Gate:
    """Waits for a person, who is asked ``prompt``."""

    name: str
    prompt: str
    cell: Cell
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Await:
    """Waits for a step of another Workflow, and hands its results on as if it were here."""

    step: str
    workflow: str
    uid: str
    node: str

    @property
    def name(self) -> str:
        """What stands for the step in this Workflow."""
        return self.step


GraphNode = Union[StepNode, Fan, Gate, Await]


def pending(ref: ArtifactRef) -> bool:
    """Tell whether a reference names a step's output that is still to be made."""
    return bool(ref.step and ref.output) and not (ref.manifest or ref.digest or ref.uri)


def graph(nodes: Sequence[GraphNode], place: Placement, *, step: str = "") -> Manifest:
    """Return the Workflow object that runs a graph.

    Parameters
    ----------
    nodes : sequence
        In an order in which each comes after those it needs.
    step : str
        The one step that it is about; empty for a whole notebook.

    Raises
    ------
    SpecError
        When two names are one to Argo, an argument holds a tag, or the object would be too large.
    """
    wires = _Wires(nodes)
    tasks, templates = [], []
    for node in nodes:
        task, extra = wires.task(node)
        tasks.append(task)
        templates += extra
    body: Manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": place.workflow,
            "namespace": place.namespace,
            "labels": {names.LABEL_USER: place.user, names.LABEL_RUN: place.run},
            "annotations": _annotations(nodes, place),
        },
        "spec": workflow_spec(place.user, []),
    }
    if step:
        body["metadata"]["labels"][names.LABEL_STEP] = step
    if any(isinstance(node, Gate) for node in nodes):
        templates.append({"name": GATE, "suspend": {}})
    body["spec"]["templates"] = [*nest(tasks), *templates]
    digest = hashlib.sha256(canonical([body["spec"], place.namespace, place.user, place.policy])).hexdigest()
    body["metadata"]["annotations"][names.ANNOTATION_PLAN] = digest
    refuse_large(body)
    return body


def refuse_large(body: Manifest) -> None:
    """Raise when an object, or what is said about its steps, is more than Kubernetes takes.

    Raises
    ------
    SpecError
        Naming both sizes.
    """
    size = len(canonical(body))
    if size > MANIFEST_MAX:
        raise SpecError(
            f"the Workflow is {size:,} bytes; at most {MANIFEST_MAX:,} can be submitted",
            hint="Run fewer steps at once: %argovx run NAMES.",
        )
    notes = sum(len(k.encode()) + len(v.encode()) for k, v in body["metadata"]["annotations"].items())
    if notes > ANNOTATIONS_MAX:
        raise SpecError(
            f"the annotations of the Workflow are {notes:,} bytes; Kubernetes takes {ANNOTATIONS_MAX:,}",
            hint="Run fewer steps at once: %argovx run NAMES.",
        )


class _Wires:
    """Which task stands for which step, and how another reads its outputs."""

    def __init__(self, nodes: Sequence[GraphNode]) -> None:
        self._task: dict[str, str] = {}
        self._fan: dict[str, str] = {}
        taken: dict[str, str] = {"main": "main"}
        for node in nodes:
            members = node.members if isinstance(node, Fan) else ()
            for name in (node.name, *(member.name for member in members)):
                other = taken.setdefault(task_name(name), name)
                if other != name or (name in self._task):
                    raise SpecError(
                        f"{name} and {other} are one name to Argo"
                        if other != name
                        else f"two nodes are named {name}",
                        hint="Give one of them another name.",
                    )
                self._task[name] = task_name(name)
            self._fan.update({member.name: node.name for member in members})

    def task(self, node: GraphNode) -> tuple[Manifest, list[Manifest]]:
        """Return a node's task, and the templates that it needs beside it."""
        if isinstance(node, Await):
            values = {
                "workflow": node.workflow,
                "workflow-uid": node.uid,
                "node": node.node,
                "step": node.step,
            }
            refuse_tags(values)
            reference = {**step_reference(), "template": "await"}
            return {"name": task_name(node.name), "templateRef": reference, "arguments": _given(values)}, []
        if isinstance(node, Gate):
            return self._gate(node), []
        if isinstance(node, Fan):
            return self._fanned(node)
        return self._step(node, self._outside), []

    def _outside(self, step: str, output: str) -> str:
        """Return the tag body of an output of a step, seen from the main DAG."""
        fan = self._fan.get(step)
        if fan is not None:
            return f"tasks.{self._task[fan]}.outputs.parameters.{self._task[step]}-{output}"
        return f"tasks.{self._task[step]}.outputs.parameters.{output}"

    def _step(self, node: StepNode, read: Callable[[str, str], str]) -> Manifest:
        values = arguments(node.spec, node.spec_uri)
        refuse_tags(values)
        values["inputs"] = wired(node.spec.inputs, lambda step: read(step, "manifest"))
        task: Manifest = {
            "name": self._task[node.name],
            "templateRef": step_reference(),
            "arguments": _given(values),
        }
        return {**task, **self._order(node, sources(node.spec))}

    def _order(self, node: StepNode, values: Sequence[str]) -> Manifest:
        """Return the fields that say after what, and whether, a node runs."""
        found: Manifest = {}
        condition = node.when
        reads = (
            [step for step, name in condition.reads if (step, name) not in node.known] if condition else []
        )
        before = [*values, *node.after, *reads]
        waits = dict.fromkeys(self._task[self._fan.get(name, name)] for name in before)
        if waits:
            found["depends"] = " && ".join(f"{name}.Succeeded" for name in waits)
        if condition is not None:
            found["when"] = condition.argo(lambda step: _indexed(self._outside(step, "values")), node.known)
        return found

    def _gate(self, node: Gate) -> Manifest:
        task: Manifest = {"name": self._task[node.name], "template": GATE}
        if node.after:
            waits = dict.fromkeys(self._task[self._fan.get(name, name)] for name in node.after)
            task["depends"] = " && ".join(f"{name}.Succeeded" for name in waits)
        return task

    def _fanned(self, node: Fan) -> tuple[Manifest, list[Manifest]]:
        """Return the task of a fan-out, and the DAG of its members, which get what they need handed in."""
        template = f"each-{self._task[node.name]}"
        first = node.members[0]
        handed: dict[str, str] = {}

        def read(step: str, output: str) -> str:
            name = f"{self._task[step]}-{output}"
            handed[name] = f"{{{{{self._outside(step, output)}}}}}"
            return f"inputs.parameters.{name}"

        plain = [replace(member, after=(), when=None) for member in node.members]
        members = [{**self._step(member, read)} for member in plain]
        for member in members:
            member.pop("depends", None)  # all that they read is there before the fan-out begins
        outputs = [
            {
                "name": f"{member['name']}-{output}",
                "valueFrom": {"parameter": f"{{{{tasks.{member['name']}.outputs.parameters.{output}}}}}"},
            }
            for member in members
            for output in ("manifest", "values")
        ]
        dag: Manifest = {
            "name": template,
            "parallelism": node.parallelism,
            "dag": {"tasks": members, "failFast": False},
            "outputs": {"parameters": outputs},
        }
        read_by_all = [step for member in node.members for step in sources(member.spec)]
        task: Manifest = {
            "name": self._task[node.name],
            "template": template,
            **self._order(first, read_by_all),
        }
        if handed:
            dag["inputs"] = {"parameters": [{"name": name} for name in handed]}
            task["arguments"] = _given(handed)
        return task, [dag]


def wired(inputs: Mapping[str, ArtifactRef], manifest_of: Callable[[str], str]) -> str:
    """Return the argument ``inputs``: JSON in which Argo puts the manifests of what is still to be made."""
    refs = {
        name: {**asdict(ref), "manifest": f"\x01{ref.step}\x02"} if pending(ref) else asdict(ref)
        for name, ref in inputs.items()
    }
    text = canonical(refs).decode()
    return _MARK.sub(lambda mark: f"{{{{{manifest_of(mark.group(1))}}}}}", text)


def sources(spec: StepSpec) -> list[str]:
    """Return the steps of the same graph whose results a step reads, each once."""
    return list(dict.fromkeys(ref.step for ref in spec.inputs.values() if pending(ref)))


def _indexed(dotted: str) -> str:
    """Return a dotted name as expr-lang reads it: a ``-`` would be a minus."""
    head, *rest = dotted.split(".")
    return head + "".join(f"['{part}']" if "-" in part else f".{part}" for part in rest)


def _given(values: Mapping[str, str]) -> Manifest:
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}


def _annotations(nodes: Sequence[GraphNode], place: Placement) -> dict[str, str]:
    about: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, Gate):
            about[task_name(node.name)] = {
                "name": node.name,
                "kind": "approval",
                "cell": asdict(node.cell),
                "prompt": node.prompt,
                "after": list(node.after),
            }
        for step in node.members if isinstance(node, Fan) else (node,) if isinstance(node, StepNode) else ():
            about[task_name(step.name)] = _about(step)
    return {
        names.ANNOTATION_NOTEBOOK: place.notebook,
        names.ANNOTATION_POLICY: place.policy,
        names.ANNOTATION_STEPS: json.dumps(about, ensure_ascii=False, separators=(",", ":")),
    }


def _about(step: StepNode) -> Manifest:
    """Return what the read path needs of a step; its inputs stand in the task's arguments."""
    found: Manifest = {
        "name": step.name,
        "cell": asdict(step.cell),
        "machine": machine_text(step.spec),
        "outputs": [{"name": name, "codec": codec} for name, codec in step.spec.outputs.items()],
    }
    if step.when is not None:
        found["when"] = step.when.text
        known = [[*read, step.known[read]] for read in step.when.reads if read in step.known]
        found |= {"known": known} if known else {}
    if step.fan:
        found |= {"fan": step.fan, "item": step.item}
    if step.after:
        found["after"] = list(step.after)
    return found
