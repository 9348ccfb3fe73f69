"""The Workflow of one step: a DAG of one task that refers to the platform's template.

What a policy must judge travels in the open, as arguments; the cell itself never does. What the read
path needs and Argo does not keep (cell, inputs, outputs) stands in one annotation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.run import Cell, Input
from argovx_lab.model.step import StepSpec, canonical

Manifest = dict[str, Any]

#: Largest object that is submitted. Unit: bytes. Source: etcd's request limit, less what Argo's status adds.
MANIFEST_MAX = 1024 * 1024


#: How the strategies are called where a machine is named; the usual one is not.
_STRATEGY_WORDS = {"STANDARD": "", "SPOT": "Spot", "FLEX_START": "Flex-start"}


@dataclass(frozen=True)
class Placement:
    """Where and as whom a Workflow is submitted.

    Parameters
    ----------
    workflow : str
        Name of the Workflow object.
    run : str
        Run that it belongs to.
    policy : str
        Digest of the policy bundle that judged it.
    """

    workflow: str
    namespace: str
    user: str
    run: str
    notebook: str
    policy: str


def machine_text(spec: StepSpec) -> str:
    """Return the machine as people write it: ``4 × n1-standard-8+NVIDIA_TESLA_T4*2, Spot``."""
    machine = spec.machine
    text = machine.type
    if machine.accelerator:
        count = f"*{machine.accelerator_count}" if machine.accelerator_count > 1 else ""
        text = f"{text}+{machine.accelerator}{count}"
    if machine.replicas > 1:
        text = f"{machine.replicas} × {text}"
    notes = (_STRATEGY_WORDS[machine.strategy], f"on {machine.persistent}" if machine.persistent else "")
    return ", ".join(part for part in (text, *notes) if part)


def task_name(step: str) -> str:
    """Return the name of a step's DAG task: Argo takes letters, digits and ``-`` only."""
    return step.replace("_", "-")


def arguments(spec: StepSpec, spec_uri: str) -> dict[str, str]:
    """Return the task's arguments: what the launcher compares with the spec."""
    refs = {name: asdict(ref) for name, ref in spec.inputs.items()}
    return {
        "spec": spec_uri,
        "spec-digest": spec.digest,
        "inputs": canonical(refs).decode(),
        "kind": spec.kind,
        "image": spec.environment.image,
        "machine-type": spec.machine.type,
        "accelerator": spec.machine.accelerator,
        "accelerator-count": str(spec.machine.accelerator_count),
        "replicas": str(spec.machine.replicas),
        "strategy": spec.machine.strategy,
        "disk-gb": str(spec.machine.disk_gb),
        "persistent-resource": spec.machine.persistent,
        "timeout": str(spec.timeout_s),
        "retries": str(spec.retries),
        "retry-failures": "true" if spec.retry_failures else "false",
        "run-as": spec.run_as,
    }


def workflow(
    spec: StepSpec, spec_uri: str, place: Placement, *, cell: Cell, inputs: Sequence[Input]
) -> Manifest:
    """Return the Workflow object that runs one step.

    Raises
    ------
    SpecError
        When an argument could be read as an Argo tag, or the object would exceed 1 MiB.
    """
    args = arguments(spec, spec_uri)
    refuse_tags(args)
    parameters = [{"name": name, "value": value} for name, value in args.items()]
    task = {
        "name": task_name(spec.name),
        "templateRef": step_reference(),
        "arguments": {"parameters": parameters},
    }
    body: Manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": _metadata(spec, place, cell, inputs),
        "spec": workflow_spec(place.user, [task]),
    }
    size = len(canonical(body))
    if size > MANIFEST_MAX:
        raise SpecError(
            f"the Workflow of step {spec.name} is {size:,} bytes; at most {MANIFEST_MAX:,} can be submitted",
            hint="Pass fewer or larger-grained inputs.",
        )
    return body


def step_reference() -> Manifest:
    """Return the reference to the platform's template ``step``."""
    return {"name": names.STEP_TEMPLATE, "template": "step", "clusterScope": True}


def workflow_spec(user: str, tasks: Sequence[Manifest]) -> Manifest:
    """Return the spec of a Workflow of ``user``'s that runs these DAG tasks and sweeps after itself."""
    sweep = {"parameters": [{"name": "workflow-uid", "value": "{{workflow.uid}}"}]}
    return {
        "entrypoint": "main",
        "serviceAccountName": names.workflow_account(user),
        "templates": [{"name": "main", "dag": {"tasks": list(tasks)}}],
        "hooks": {"exit": {"templateRef": {**step_reference(), "template": "sweep"}, "arguments": sweep}},
    }


def _metadata(spec: StepSpec, place: Placement, cell: Cell, inputs: Sequence[Input]) -> Manifest:
    """Return names, labels and the annotations that the read path needs."""
    about = {
        "name": spec.name,
        "cell": asdict(cell),
        "machine": machine_text(spec),
        "inputs": [asdict(item) for item in inputs],
        "outputs": [{"name": name, "codec": codec} for name, codec in spec.outputs.items()],
    }
    return {
        "name": place.workflow,
        "namespace": place.namespace,
        "labels": {
            names.LABEL_USER: place.user,
            names.LABEL_RUN: place.run,
            names.LABEL_STEP: spec.name,
        },
        "annotations": {
            names.ANNOTATION_NOTEBOOK: place.notebook,
            names.ANNOTATION_POLICY: place.policy,
            names.ANNOTATION_STEPS: json.dumps({task_name(spec.name): about}, ensure_ascii=False),
            names.ANNOTATION_PLAN: plan_digest(spec, place),
        },
    }


def plan_digest(spec: StepSpec, place: Placement) -> str:
    """Return the digest of what would be done; equal plans have equal digests."""
    plan = {"spec": spec.digest, "namespace": place.namespace, "user": place.user, "policy": place.policy}
    return hashlib.sha256(canonical(plan)).hexdigest()


def refuse_tags(args: dict[str, str]) -> None:
    """Raise when an argument holds double braces, which Argo would expand."""
    for name, value in args.items():
        if "{{" in value:
            raise SpecError(
                f"argument {name} contains '{{{{', which Argo would expand",
                hint="Rename the value so that it has no double braces.",
            )
