"""Workflow objects as Argo writes them."""

import json

import pytest

from argovx_lab.model import names


def make_workflow(
    name="train-1",
    step="train",
    *,
    run="first-step-ab",
    nodes=None,
    status=None,
    created="2026-11-24T08:00:00Z",
    about=None,
    spec=None,
    uid="",
):
    steps = {
        step: {
            "name": step,
            "cell": {"notebook": "n.ipynb", "cell_id": "c1", "number": 2},
            "machine": "n1-standard-4",
            "inputs": [],
            "outputs": [{"name": "model", "codec": "auto"}],
            **(about or {}),
        }
    }
    return {
        "metadata": {
            "name": name,
            "uid": uid or f"uid-{name}",
            "namespace": "argovx",
            "creationTimestamp": created,
            "resourceVersion": "1",
            "labels": {names.LABEL_RUN: run, names.LABEL_USER: "ada", names.LABEL_STEP: step},
            "annotations": {
                names.ANNOTATION_STEPS: json.dumps(steps),
                names.ANNOTATION_NOTEBOOK: "n.ipynb",
            },
        },
        "spec": spec or {},
        "status": {"startedAt": created, "phase": "Running", **(status or {}), "nodes": nodes or {}},
    }


def make_node(workflow, path, **fields):
    name = f"{workflow}{path}"
    identifier = names.node_id(workflow, name)
    return identifier, {"id": identifier, "name": name, "type": "Pod", "templateName": "step", **fields}


@pytest.fixture
def workflow():
    return make_workflow


@pytest.fixture
def node():
    return make_node
