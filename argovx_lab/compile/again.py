"""Retry: a new Workflow with the same code and inputs as an older one of the same run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.compile.manifest import refuse_tags, step_reference, workflow_spec
from argovx_lab.errors import PolicyDenied
from argovx_lab.model import names
from argovx_lab.model.ours import refusal, tasks

Manifest = dict[str, Any]

_KEPT_LABELS = (names.LABEL_USER, names.LABEL_RUN, names.LABEL_STEP)


def again(workflow: Manifest, name: str, user: str) -> Manifest:
    """Return a Workflow that does once more what an older one did, under a new name.

    Only our own labels, annotations and arguments travel; everything else is made anew, so that nothing
    that somebody has planted is submitted in the user's name.

    Raises
    ------
    PolicyDenied
        When the Workflow is not one of the user's steps.
    """
    meta = workflow["metadata"]
    why = refusal(workflow, user)
    if why or names.LABEL_RUN not in (meta.get("labels") or {}):
        raise PolicyDenied(
            f"Workflow {meta['name']} is not one of your steps: {why or 'it belongs to no run'}",
            hint="Retry it with the tool that submitted it.",
        )
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k.startswith(names.PREFIX)}
    notes.pop(names.ANNOTATION_SHUTDOWN_AT, None)
    kept = [
        {
            "name": task["name"],
            "templateRef": step_reference(),
            "arguments": {"parameters": _parameters(task)},
        }
        for task in tasks(workflow["spec"])
    ]
    labels = {key: meta["labels"][key] for key in _KEPT_LABELS if key in meta["labels"]}
    return {
        "apiVersion": workflow["apiVersion"],
        "kind": workflow["kind"],
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": labels, "annotations": notes},
        "spec": workflow_spec(user, kept),
    }


def _parameters(task: Mapping[str, Any]) -> list[Manifest]:
    given = (task.get("arguments") or {}).get("parameters") or []
    found = [{"name": str(item["name"]), "value": str(item["value"])} for item in given]
    refuse_tags({item["name"]: item["value"] for item in found})
    return found
