"""Retry: a new Workflow with the same code and inputs as an older one of the same run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from argovx_lab.compile.cached import without_answer
from argovx_lab.compile.manifest import refuse_tags, step_reference, task_name, workflow_spec
from argovx_lab.errors import Conflict, PolicyDenied
from argovx_lab.model import names
from argovx_lab.model.condition import parse
from argovx_lab.model.ours import Leaf, leaves, nodes_of, refusal
from argovx_lab.model.step import canonical

Manifest = dict[str, Any]

#: What Argo replaces by a producer's manifest.
_TAG = re.compile(r"\{\{[^{}]*\}\}")

_KEPT_LABELS = (names.LABEL_USER, names.LABEL_RUN, names.LABEL_STEP, names.LABEL_CACHE)


def again(workflow: Manifest, name: str, user: str, *, step: str = "") -> Manifest:
    """Return a Workflow that does once more what an older one did, under a new name.

    Only our own labels, annotations and arguments travel; everything else is made anew, so that nothing
    that somebody has planted is submitted in the user's name. What the step read of others of its Workflow
    is what they had handed on; a condition is written anew from its text, with the values that it had read.

    Parameters
    ----------
    step : str
        Name of the step; may be left out where the Workflow has but one.

    Raises
    ------
    PolicyDenied
        When the Workflow is not one of the user's steps.
    Conflict
        When a step before it has left no manifest or value that it could go on from.
    SpecError
        When its condition cannot be read.
    """
    meta = workflow["metadata"]
    why = refusal(workflow, user)
    alone = names.ANNOTATION_OWN_RUN in (meta.get("annotations") or {})
    if why or not (alone or names.LABEL_RUN in (meta.get("labels") or {})):
        raise PolicyDenied(
            f"Workflow {meta['name']} is not one of your steps: {why or 'it belongs to no run'}",
            hint="Retry it with the tool that submitted it.",
        )
    steps = [leaf for leaf in leaves(workflow["spec"]) if leaf.kind == "step"]
    kept = [leaf for leaf in steps if not step or leaf.name == task_name(step)]
    handed = _Handed(workflow)
    notes, about = _notes(meta, kept, handed)
    fresh = [
        {
            "name": leaf.name,
            "templateRef": step_reference(),
            "arguments": {"parameters": _parameters(leaf.task, handed)},
            **_condition(about.get(leaf.name) or {}),
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


def _notes(
    meta: Mapping[str, Any], kept: Sequence[Leaf], handed: _Handed
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Return our annotations for what is kept, and the entries of its steps, with what conditions read."""
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k.startswith(names.PREFIX)}
    notes.pop(names.ANNOTATION_SHUTDOWN_AT, None)
    notes.pop(names.ANNOTATION_OWN_RUN, None)
    notes = without_answer(notes)
    try:
        every = dict(json.loads(notes.get(names.ANNOTATION_STEPS) or "{}"))
    except (ValueError, TypeError, RecursionError):
        every = {}
    about = {leaf.name: every[leaf.name] for leaf in kept if isinstance(every.get(leaf.name), dict)}
    for entry in about.values():
        if entry.get("when"):
            entry["known"] = handed.known(entry)
    notes[names.ANNOTATION_STEPS] = json.dumps(about, ensure_ascii=False)
    return notes, about


class _Handed:
    """What the steps of a Workflow have handed on: manifests and small values, by name of the step."""

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

    def known(self, about: Mapping[str, Any]) -> list[list[Any]]:
        """Return what a step's condition reads: ``[step, name, value]`` of each result."""
        known = _known(about)
        return [
            [step, name, known[step, name] if (step, name) in known else self._small(step, name)]
            for step, name in parse(str(about["when"])).reads
        ]

    def _manifest(self, step: str) -> Any:
        return json.loads(self._output(step, "manifest"))

    def _small(self, step: str, name: str) -> Any:
        values = json.loads(self._output(step, "values"))
        if name not in values:
            raise Conflict(
                f"{step} has left no {name} that the condition could read",
                hint=f"Retry {step} first.",
                service="kubernetes",
            )
        return values[name]

    def _output(self, step: str, output: str) -> str:
        place = self._places.get(task_name(step), "")
        node = self._nodes.get(names.node_id(self._name, f"{self._name}.{place}")) or {}
        for parameter in (node.get("outputs") or {}).get("parameters") or []:
            if parameter.get("name") == output and parameter.get("value"):
                return str(parameter["value"])
        raise Conflict(
            f"{step} has left no results to go on from", hint=f"Retry {step} first.", service="kubernetes"
        )


def _condition(about: Mapping[str, Any]) -> dict[str, str]:
    """Return the field ``when`` of a step that has a condition: nothing of the older one's but its text."""
    if not about.get("when"):
        return {}
    return {"when": parse(str(about["when"])).argo(lambda step: step, _known(about))}


def _known(about: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Return ``(step, name)`` → value of what an entry says; anything else in it is passed over."""
    listed = about.get("known")
    triples = [one for one in listed if isinstance(one, list)] if isinstance(listed, list) else []
    return {(str(one[0]), str(one[1])): one[2] for one in triples if len(one) == 3}


def _parameters(task: Mapping[str, Any], handed: _Handed) -> list[Manifest]:
    given = (task.get("arguments") or {}).get("parameters") or []
    found = {str(item["name"]): str(item["value"]) for item in given}
    if "inputs" in found and "{{" in found["inputs"]:
        found["inputs"] = handed.inputs(found["inputs"])
    refuse_tags(found)
    return [{"name": key, "value": value} for key, value in found.items()]
