"""Retry: a new Workflow with the same code and inputs as an older one of the same run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from argovx_lab.compile.cached import without_answer
from argovx_lab.compile.manifest import refuse_tags, step_reference, task_name, workflow_spec
from argovx_lab.errors import Conflict, PolicyDenied
from argovx_lab.model import names
from argovx_lab.model.ours import leaves, nodes_of, refusal
from argovx_lab.model.step import canonical

Manifest = dict[str, Any]

#: What Argo replaces by a producer's manifest.
_TAG = re.compile(r"\{\{[^{}]*\}\}")

_KEPT_LABELS = (names.LABEL_USER, names.LABEL_RUN, names.LABEL_STEP, names.LABEL_CACHE)


def again(workflow: Manifest, name: str, user: str, *, step: str = "") -> Manifest:
    """Return a Workflow that does once more what an older one did, under a new name.

    Only our own labels, annotations and arguments travel; everything else is made anew, so that nothing
    that somebody has planted is submitted in the user's name. What the step read of others of its Workflow
    is what they had handed on.

    Parameters
    ----------
    step : str
        Name of the step; may be left out where the Workflow has but one.

    Raises
    ------
    PolicyDenied
        When the Workflow is not one of the user's steps.
    Conflict
        When a step before it has left no manifest that it could go on from.
    """
    meta = workflow["metadata"]
    why = refusal(workflow, user)
    alone = names.ANNOTATION_OWN_RUN in (meta.get("annotations") or {})
    if why or not (alone or names.LABEL_RUN in (meta.get("labels") or {})):
        raise PolicyDenied(
            f"Workflow {meta['name']} is not one of your steps: {why or 'it belongs to no run'}",
            hint="Retry it with the tool that submitted it.",
        )
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k.startswith(names.PREFIX)}
    notes.pop(names.ANNOTATION_SHUTDOWN_AT, None)
    notes.pop(names.ANNOTATION_OWN_RUN, None)
    notes = without_answer(notes)
    steps = [leaf for leaf in leaves(workflow["spec"]) if leaf.kind == "step"]
    kept = [leaf for leaf in steps if not step or leaf.name == task_name(step)]
    if len(kept) < len(steps):
        about = json.loads(notes.get(names.ANNOTATION_STEPS) or "{}")
        mine = {task: entry for task, entry in about.items() if task == task_name(step)}
        notes[names.ANNOTATION_STEPS] = json.dumps(mine, ensure_ascii=False)
    handed = _Handed(workflow)
    fresh = [
        {
            "name": leaf.name,
            "templateRef": step_reference(),
            "arguments": {"parameters": _parameters(leaf.task, handed)},
        }
        for leaf in kept
    ]
    labels = {key: meta["labels"][key] for key in _KEPT_LABELS if key in meta["labels"]}
    labels.setdefault(names.LABEL_RUN, meta["name"])
    if step:
        labels[names.LABEL_STEP] = step
    return {
        "apiVersion": workflow["apiVersion"],
        "kind": workflow["kind"],
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": labels, "annotations": notes},
        "spec": workflow_spec(user, fresh),
    }


class _Handed:
    """What the steps of a Workflow have handed on: their manifests, by name of the step."""

    def __init__(self, workflow: Manifest) -> None:
        self._name = workflow["metadata"]["name"]
        self._nodes = nodes_of(workflow.get("status") or {})
        self._places = {leaf.name: leaf.path for leaf in leaves(workflow["spec"])}

    def inputs(self, text: str) -> str:
        """Return the argument ``inputs`` with the manifests themselves where Argo was to put them."""
        refs = json.loads(_TAG.sub("null", text))
        for ref in refs.values():
            if ref.get("manifest") is None:
                ref["manifest"] = self._manifest(str(ref.get("step") or ""))
        return canonical(refs).decode()

    def _manifest(self, step: str) -> Any:
        place = self._places.get(task_name(step), "")
        node = self._nodes.get(names.node_id(self._name, f"{self._name}.{place}")) or {}
        for parameter in (node.get("outputs") or {}).get("parameters") or []:
            if parameter.get("name") == "manifest" and parameter.get("value"):
                return json.loads(parameter["value"])
        raise Conflict(
            f"{step} has left no results to go on from", hint=f"Retry {step} first.", service="kubernetes"
        )


def _parameters(task: Mapping[str, Any], handed: _Handed) -> list[Manifest]:
    given = (task.get("arguments") or {}).get("parameters") or []
    found = {str(item["name"]): str(item["value"]) for item in given}
    if "inputs" in found and "{{" in found["inputs"]:
        found["inputs"] = handed.inputs(found["inputs"])
    refuse_tags(found)
    return [{"name": key, "value": value} for key, value in found.items()]
