"""Whether a Workflow is one of a user's steps: what may be believed, bound to names and submitted again.

Labels are what anybody writes who may create Workflows in the namespace. Ours are those that also run as the
user's step account and do nothing but refer to the platform's template or wait for a person; what such a
Workflow claims about results counts only where it lies in the user's own folder (see ``notebook.handles``).
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.model import names

#: What may stand in a template beside its name: how its tasks hang together, and what flows through them.
_SHAPE = frozenset({"name", "dag", "suspend", "parallelism", "failFast"})

#: What Argo fills in, empty; in ours only parameters flow.
_FLOWS = frozenset({"inputs", "outputs", "metadata"})

#: Templates of the platform's that a task may refer to.
_LEAVES = ("step", "await")

#: Task fields that would run something else beside the template.
_BESIDE = ("hooks", "onExit", "inline")

#: How deep templates may lie in each other. Reason: ours do three levels; a circle must end.
DEPTH_MAX = 8


@dataclass(frozen=True)
class Leaf:
    """A task that does something itself: a step, an ``await``, or a gate.

    Parameters
    ----------
    path : str
        Names of the tasks above it and its own, joined by dots: its node's name without the Workflow's.
    kind : str
        ``step``, ``await`` or ``gate``; ``""`` for what is none of ours.
    """

    path: str
    task: Mapping[str, Any]
    kind: str

    @property
    def name(self) -> str:
        """The task's own name; in our Workflows no two leaves share one."""
        return str(self.task.get("name") or "")


def refusal(workflow: Mapping[str, Any], user: str) -> str:
    """Return why a Workflow is not one of ``user``'s steps; the empty string when it is."""
    labels = _mapping(_mapping(workflow.get("metadata")).get("labels"))
    spec = _mapping(workflow.get("spec"))
    if labels.get(names.LABEL_USER) != user:
        return f"it belongs to {str(labels.get(names.LABEL_USER) or 'nobody')[:63]}"
    account = spec.get("serviceAccountName")
    if account != names.workflow_account(user):
        return f"it runs as {str(account or 'default')[:63]}"
    if not _only_dags(spec) or not all(_refers(task, spec) for task in tasks(spec)):
        return f"it does something else than refer to {names.STEP_TEMPLATE}"
    return ""


def tasks(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the DAG tasks of a Workflow's spec, whatever shape it has."""
    for template in _items(spec.get("templates")):
        yield from _items(_mapping(template.get("dag")).get("tasks"))


def leaves(spec: Mapping[str, Any]) -> list[Leaf]:
    """Return the tasks that do something themselves, with the place of their nodes.

    Whatever shape the spec has, this does not raise; circles and what lies too deep are left out.
    """
    known = _templates(spec)
    entry = known.get(str(spec.get("entrypoint") or "main"))
    return list(_below(entry, known, "", 0)) if entry is not None else []


def _below(
    template: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], path: str, depth: int
) -> Iterator[Leaf]:
    for task in _items(_mapping(template.get("dag")).get("tasks")):
        place = f"{path}{task.get('name') or ''}"
        inner = known.get(str(task.get("template") or ""))
        if inner is not None and "dag" in inner:
            if depth < DEPTH_MAX:
                yield from _below(inner, known, f"{place}.", depth + 1)
            continue
        yield Leaf(place, task, "gate" if inner is not None and "suspend" in inner else _platform(task))


def _templates(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(template.get("name") or ""): template for template in _items(spec.get("templates"))}


def _platform(task: Mapping[str, Any]) -> str:
    ref = _mapping(task.get("templateRef"))
    ours = ref.get("name") == names.STEP_TEMPLATE and ref.get("clusterScope") is True
    template = ref.get("template")
    return str(template) if ours and template in _LEAVES else ""


def _refers(task: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    if any(task.get(key) for key in _BESIDE):
        return False
    return bool(_platform(task)) or str(task.get("template") or "") in _templates(spec)


def _only_dags(spec: Mapping[str, Any]) -> bool:
    templates = list(_items(spec.get("templates")))
    return bool(templates) and all(_only_dag(template) for template in templates)


def _only_dag(template: Mapping[str, Any]) -> bool:
    if ("dag" in template) == ("suspend" in template):
        return False
    return all(
        key in _SHAPE or (key in _FLOWS and set(_mapping(value)) <= {"parameters"})
        for key, value in template.items()
    )


def nodes_of(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the nodes of a status, unpacking what the controller compressed."""
    nodes: Mapping[str, Any] = status.get("nodes") or {}
    packed = status.get("compressedNodes")
    if packed and not nodes:
        try:
            unpacked = json.loads(gzip.decompress(base64.b64decode(packed)))
        except (ValueError, OSError, EOFError):
            return {}
        return unpacked if isinstance(unpacked, dict) else {}
    return nodes


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()
