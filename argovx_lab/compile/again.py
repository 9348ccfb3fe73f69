"""Retry: a new Workflow with the same code and inputs as an older one of the same run."""

from __future__ import annotations

import copy
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.model import names

Manifest = dict[str, Any]

_KEPT_LABELS = (names.LABEL_USER, names.LABEL_RUN, names.LABEL_STEP)


def again(workflow: Manifest, name: str) -> Manifest:
    """Return a copy of a Workflow that can be submitted under a new name.

    Only our own labels and annotations and the spec travel; status, shutdown and what the controller
    added do not.

    Raises
    ------
    SpecError
        When the Workflow is not one of ours.
    """
    meta = workflow["metadata"]
    labels = meta.get("labels") or {}
    if names.LABEL_RUN not in labels:
        raise SpecError(
            f"Workflow {meta['name']} was not made from a notebook cell",
            hint="Retry it with the tool that submitted it.",
        )
    spec = copy.deepcopy(workflow["spec"])
    for field in ("shutdown", "suspend"):
        spec.pop(field, None)
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k.startswith(names.PREFIX)}
    notes.pop(names.ANNOTATION_SHUTDOWN_AT, None)
    return {
        "apiVersion": workflow["apiVersion"],
        "kind": workflow["kind"],
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {key: labels[key] for key in _KEPT_LABELS if key in labels},
            "annotations": notes,
        },
        "spec": spec,
    }
