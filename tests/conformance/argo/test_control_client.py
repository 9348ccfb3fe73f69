"""Our control verbs leave what Argo's own client left, field by field; times and who asked apart."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from argovx_lab.cluster import control
from argovx_lab.errors import Conflict
from argovx_lab.model.principal import Principal
from argovx_lab.sandbox.kubernetes.patches import merge

CONTROL = Path(__file__).parent / "recordings" / "control"
BY = Principal(
    "ada", "system:serviceaccount:argovx:nb-ada", "principal://x", "u-ada@p.iam.gserviceaccount.com"
)


class Cluster:
    """One Workflow that takes merge patches."""

    def __init__(self, workflow) -> None:
        self.workflow = copy.deepcopy(workflow)

    def get_workflow(self, name):
        return copy.deepcopy(self.workflow) if self.workflow["metadata"]["name"] == name else None

    def patch_workflow(self, name, patch):
        assert name == self.workflow["metadata"]["name"]
        self.workflow = merge(self.workflow, patch)
        return self.workflow


VERBS = {
    "stop": lambda cluster, name: control.stop(cluster, name, BY),
    "terminate": lambda cluster, name: control.terminate(cluster, name, BY),
    "suspend": lambda cluster, name: control.suspend(cluster, name, BY),
    "resume-gate": lambda cluster, name: control.resume(cluster, name, BY),
    "set-supplied": lambda cluster, name: control.supply(cluster, name, "w", {"ans": "yes"}),
}


def recording(name: str):
    return json.loads((CONTROL / name / "verb.json").read_text())


def plain(workflow):
    """Return a Workflow without what says who and when."""
    found = copy.deepcopy(workflow)
    for part in ("labels", "annotations"):
        entries = found["metadata"].get(part) or {}
        kept = {
            k: v for k, v in entries.items() if "/actor" not in k and "/action" not in k and "argovx" not in k
        }
        found["metadata"][part] = kept
    for key in ("resourceVersion", "generation", "managedFields"):
        found["metadata"].pop(key, None)
    for node in ((found.get("status") or {}).get("nodes") or {}).values():
        if node["type"] == "Suspend" and node.get("finishedAt"):
            node["finishedAt"] = "<time>"
    if found["spec"].get("suspend") is None:
        found["spec"].pop("suspend", None)
    return found


@pytest.mark.parametrize("name", VERBS)
def test_equals_what_argos_client_left(name):
    verb = recording(name)
    cluster = Cluster(verb["before"])
    VERBS[name](cluster, verb["before"]["metadata"]["name"])
    assert plain(cluster.workflow) == plain(verb["after"])


def test_one_gate_of_two_is_resumed():
    before = recording("resume-one-gate")["before"]
    nodes = before["status"]["nodes"].values()
    waiting = sorted(n["displayName"] for n in nodes if n["type"] == "Suspend" and n["phase"] == "Running")
    cluster = Cluster(before)
    control.resume(cluster, before["metadata"]["name"], BY, node=waiting[0])
    after = cluster.workflow["status"]["nodes"].values()
    left = sorted(n["displayName"] for n in after if n["type"] == "Suspend" and n["phase"] == "Running")
    assert left == waiting[1:]


def test_a_node_that_waits_for_a_value_is_not_resumed_without_it():
    before = recording("set-supplied")["before"]
    name = before["metadata"]["name"]
    with pytest.raises(Conflict, match="waits for the value of ans"):
        control.resume(Cluster(before), name, BY)
    cluster = Cluster(before)
    control.supply(cluster, name, "w", {"ans": "yes"})
    control.resume(cluster, name, BY)
    with pytest.raises(Conflict, match="no output parameter other"):
        control.supply(Cluster(before), name, "w", {"other": "1"})
    with pytest.raises(Conflict, match="no suspended node"):
        control.supply(Cluster(before), name, "nobody", {"ans": "1"})
