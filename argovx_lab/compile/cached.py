"""A step's Workflow with its cache key, or as the record of results that are there: pure.

A cached step is a Workflow whose task Argo skips: no pod, no job, no sweep. Where its results come from
stands in the annotation that describes its steps.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from argovx_lab.model import names

Manifest = dict[str, Any]

#: What Argo evaluates in the place of running a cached step.
NEVER = "false"


def keyed(manifest: Manifest, task: str, key: str, parts: Mapping[str, str]) -> Manifest:
    """Return the Workflow with what decides its result; with a key it may answer later ones."""
    made = copy.deepcopy(manifest)
    if key:
        made["metadata"]["labels"][names.LABEL_CACHE] = key
    return _noted(made, task, {"parts": dict(parts)})


def answered(manifest: Manifest, task: str, cached: Mapping[str, Any]) -> Manifest:
    """Return the Workflow that runs nothing because the results are there already."""
    made = copy.deepcopy(manifest)
    made["metadata"]["labels"].pop(names.LABEL_CACHE, None)
    made["spec"].pop("hooks", None)
    for template in made["spec"]["templates"]:
        for item in template.get("dag", {}).get("tasks", ()):
            item["when"] = NEVER
    return _noted(made, task, {"cached": dict(cached)})


def simple(manifest: Manifest) -> bool:
    """Tell whether this is one task without a condition or a loop: what a cached result can stand for."""
    found = [task for t in manifest["spec"]["templates"] for task in t.get("dag", {}).get("tasks", ())]
    odd = {"when", "withItems", "withParam", "withSequence", "depends", "dependencies"}
    return len(found) == 1 and not odd & found[0].keys()


def without_answer(notes: Mapping[str, str]) -> dict[str, str]:
    """Return a Workflow's annotations without what is said of cached results: what runs is not cached."""
    kept = dict(notes)
    try:
        steps = json.loads(kept.get(names.ANNOTATION_STEPS, ""))
        plain = {task: {k: v for k, v in about.items() if k != "cached"} for task, about in steps.items()}
    except (ValueError, AttributeError, RecursionError):
        return kept
    kept[names.ANNOTATION_STEPS] = json.dumps(plain, ensure_ascii=False)
    return kept


def _noted(manifest: Manifest, task: str, said: Mapping[str, Any]) -> Manifest:
    notes = manifest["metadata"]["annotations"]
    steps = json.loads(notes[names.ANNOTATION_STEPS])
    steps[task] = {**steps[task], **said}
    notes[names.ANNOTATION_STEPS] = json.dumps(steps, ensure_ascii=False)
    return manifest
