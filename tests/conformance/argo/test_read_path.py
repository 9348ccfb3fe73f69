"""Whatever a real Argo made of a workflow goes through the read path: nothing lost, each phase right.

Recordings are not ours, so labels and annotations are added that make each top-level task a step.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import argo_replay as replay
import pytest

from argovx_lab.model import names
from argovx_lab.model.run import Phase, Run
from argovx_lab.runs.argo import executions
from argovx_lab.runs.merge import About, Seen, merge

CONTROL = Path(__file__).parent / "recordings" / "control"
ABOUT = About("sandbox", "default", "ran on this machine")
#: What a node's phase may look like without a job: a failure is a stop where somebody asked for it.
SHOWN = {
    "": {Phase.QUEUED},
    "Pending": {Phase.QUEUED},
    "Running": {Phase.QUEUED},
    "Succeeded": {Phase.SUCCEEDED},
    "Failed": {Phase.FAILED, Phase.STOPPED},
    "Error": {Phase.FAILED, Phase.STOPPED},
    "Skipped": {Phase.SKIPPED},
    "Omitted": {Phase.SKIPPED},
}
FINALS = [name for name in replay.names() if "create" not in replay.load(name, "final.json")]


def ours(workflow: dict) -> tuple[dict, dict[str, dict]]:
    """Return a workflow as if we had submitted it, and its top-level nodes by task."""
    found = copy.deepcopy(workflow)
    meta = found["metadata"]
    top = f"{meta['name']}."
    nodes = {
        node["name"].removeprefix(top): node
        for node in (found["status"].get("nodes") or {}).values()
        if node["name"].startswith(top) and node["displayName"] == node["name"].removeprefix(top)
    }
    meta["labels"] = {**(meta.get("labels") or {}), names.LABEL_RUN: "r", names.LABEL_USER: "ada"}
    steps = {task: {"name": task} for task in nodes}
    if nodes:  # steps count only where the Workflow has their tasks
        tasks = [{"name": task} for task in nodes]
        found["spec"] = {"templates": [{"name": "main", "dag": {"tasks": tasks}}]}
    meta["annotations"] = {**(meta.get("annotations") or {}), names.ANNOTATION_STEPS: json.dumps(steps)}
    return found, nodes


def shown(workflow: dict) -> tuple[Run, dict[str, dict]]:
    """Merge a workflow and require that no step is lost and each has its phase."""
    found, nodes = ours(workflow)
    run = merge("r", [Seen(execution) for execution in executions(found)], ABOUT)
    if not nodes:
        assert len(run.nodes) == 1
        return run, nodes
    assert {node.name for node in run.nodes} == set(nodes)
    for node in run.nodes:
        assert node.phase in SHOWN[nodes[node.name]["phase"]], (node.name, nodes[node.name])
        if node.phase.final and nodes[node.name].get("message"):
            assert node.argo.message
    return run, nodes


def recorded(name: str) -> dict:
    """Return a recording's end as a Workflow object."""
    final = replay.load(name, "final.json")
    spec = replay.objects(name)[-1]["spec"]
    meta = {"name": name, "namespace": "default", "uid": f"uid-{name}", "labels": final.get("labels") or {}}
    status = {key: value for key, value in final.items() if key != "labels"}
    stamp = "2026-11-24T00:00:00Z"
    return {
        "metadata": {**meta, "creationTimestamp": stamp},
        "spec": spec,
        "status": {"startedAt": stamp, **status},
    }


@pytest.mark.parametrize("name", FINALS)
def test_every_end_is_shown(name):
    run, nodes = shown(recorded(name))
    ended = {"Succeeded", "Failed", "Error", "Skipped", "Omitted"}
    assert not nodes or all(node["phase"] in ended for node in nodes.values())
    assert run.phase.final


@pytest.mark.parametrize("name", FINALS)
def test_every_state_on_the_way_is_shown(name):
    end = recorded(name)
    by_suffix = {identity[-6:]: node for identity, node in (end["status"].get("nodes") or {}).items()}
    lines = (replay.ROOT / name / "timeline.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        state, nodes = json.loads(line), {}
        if "phase" not in state:  # it is gone: ttlStrategy
            continue
        for key, (phase, message, progress) in state.get("nodes", {}).items():
            known = by_suffix.get(key.rsplit("#", 1)[1])
            if known is not None:
                now = {"phase": phase, "message": message, "progress": progress}
                nodes[known["id"]] = {**known, **now}
        status = {**end["status"], "phase": state["phase"] or "", "message": state["message"], "nodes": nodes}
        shown({**end, "status": status})


@pytest.mark.parametrize("name", sorted(path.name for path in CONTROL.iterdir()))
def test_every_object_of_a_control_verb_is_shown(name):
    verb = json.loads((CONTROL / name / "verb.json").read_text())
    objects = [verb[key] for key in ("before", "after") if verb.get(key)]
    created = verb.get("created") or []
    objects += created.values() if isinstance(created, dict) else created
    assert objects
    for found in objects:
        shown({**found, "status": found.get("status") or {}})
