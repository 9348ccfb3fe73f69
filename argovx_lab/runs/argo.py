"""What a Workflow object says of the step in it: one ``Execution`` per DAG task.

Owns the reading of Argo's status: Retry nodes and their attempts, compressed nodes, Workflows that
never got a node. Refuses nothing: what it does not understand stays visible as Argo's own words.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from argovx_lab.model import names
from argovx_lab.model.layout import Attempt, Layout

Object = dict[str, Any]

FINAL = frozenset({"Succeeded", "Failed", "Error"})
_ORDINAL = re.compile(r"\((\d+)\)\Z")


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
    outputs : dict
        Output parameters of the latest attempt, by name.
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
    shutdown: str = ""
    workflow_started_at: str = ""
    workflow_phase: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    progress: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

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
        return int(code) if code.isdigit() else None

    def attempt(self, bucket: str, prefix: str) -> Attempt | None:
        """Return the bucket folder of the latest attempt, or ``None`` before the Workflow started."""
        if not self.workflow_started_at:
            return None
        task = _ORDINAL.sub("", self.node_name) or f"{self.workflow}.{self.task}"
        key = names.attempt_key(self.uid, task, self.ordinal, self.workflow_started_at)
        return Layout(bucket, self.user, prefix).attempt(self.uid, task, self.ordinal, key)


def executions(workflow: Object) -> list[Execution]:
    """Return the executions of one of our Workflows; an empty list for anybody else's."""
    meta, status = workflow["metadata"], workflow.get("status") or {}
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    if names.LABEL_RUN not in labels:
        return []
    nodes = _nodes(status)
    spec = workflow.get("spec") or {}
    return [
        _execution(
            nodes,
            status,
            Execution(
                workflow=meta["name"],
                uid=meta["uid"],
                namespace=meta.get("namespace", ""),
                user=labels.get(names.LABEL_USER, ""),
                run=labels[names.LABEL_RUN],
                notebook=notes.get(names.ANNOTATION_NOTEBOOK, ""),
                created_at=meta.get("creationTimestamp", ""),
                task=task,
                about=about,
                shutdown=spec.get("shutdown") or "",
                workflow_started_at=status.get("startedAt") or "",
                workflow_phase=status.get("phase") or "",
            ),
        )
        for task, about in _steps(notes, labels).items()
    ]


def _steps(notes: dict[str, str], labels: dict[str, str]) -> dict[str, dict[str, Any]]:
    try:
        steps = json.loads(notes.get(names.ANNOTATION_STEPS, "{}"))
    except ValueError:
        steps = {}
    if isinstance(steps, dict) and steps:
        return {str(task): about for task, about in steps.items() if isinstance(about, dict)}
    return {labels.get(names.LABEL_STEP, "step"): {}}


def _nodes(status: Object) -> dict[str, Object]:
    """Return the status' nodes, unpacking what the controller compressed with gzip."""
    nodes: dict[str, Object] = status.get("nodes") or {}
    packed = status.get("compressedNodes")
    if packed and not nodes:
        raw = base64.b64decode(packed)
        nodes = json.loads(gzip.decompress(raw)) if raw[:2] == b"\x1f\x8b" else {}
    return nodes


def _execution(nodes: dict[str, Object], status: Object, known: Execution) -> Execution:
    name = f"{known.workflow}.{known.task}"
    node = nodes.get(names.node_id(known.workflow, name))
    if node is None:
        ended = status.get("phase") in FINAL
        return replace(
            known,
            phase=(status.get("phase") or "") if ended else "",
            message=status.get("message") or "",
            finished_at=status.get("finishedAt") if ended else None,
        )
    attempts = _attempts(nodes, node)
    latest = attempts[-1] if attempts else node
    between = bool(attempts) and node.get("phase") == "Running" and latest.get("phase") in FINAL
    outputs = latest.get("outputs") or {}
    values = {p["name"]: str(p.get("value") or "") for p in outputs.get("parameters") or []}
    if outputs.get("exitCode"):
        values["exitCode"] = str(outputs["exitCode"])
    phase = latest.get("phase") or "Pending"
    if node.get("phase") in FINAL:
        phase = node["phase"]
    return replace(
        known,
        phase="Pending" if between else phase,
        message=latest.get("message") or node.get("message") or "",
        node_id=latest.get("id", ""),
        node_name=latest.get("name", ""),
        pod=_pod(known.workflow, latest),
        ordinal=_ordinal(latest.get("name", "")),
        between=between,
        started_at=latest.get("startedAt"),
        finished_at=latest.get("finishedAt") if phase in FINAL else None,
        progress=latest.get("progress") or "",
        outputs=values,
    )


def _attempts(nodes: dict[str, Object], node: Object) -> list[Object]:
    if node.get("type") != "Retry":
        return []
    found = [nodes[child] for child in node.get("children") or [] if child in nodes]
    own = [child for child in found if (child.get("nodeFlag") or {}).get("retried")]
    return sorted(own, key=lambda child: _ordinal(child["name"]))


def _ordinal(name: str) -> int:
    match = _ORDINAL.search(name)
    return int(match.group(1)) if match else 0


def _pod(workflow: str, node: Object) -> str:
    if node.get("type") != "Pod":
        return ""
    template = node.get("templateName") or (node.get("templateRef") or {}).get("template") or ""
    return names.pod_name(workflow, node["name"], template)
