"""One step of several is ended without the others."""

import pytest

from argovx_lab.errors import Conflict
from argovx_lab.model.principal import Principal
from argovx_lab.model.run import ArgoSide, Node, Phase, VertexSide
from argovx_lab.runs.stopping import stop_step

BY = Principal(account="system:serviceaccount:a:nb-ada", user="ada", google="", run_as="")
REF = {"name": "argovx-vertex-step", "template": "step", "clusterScope": True}


class Cluster:
    """One Workflow, and what was patched."""

    def __init__(self, *names, gate=""):
        tasks = [{"name": name, "templateRef": REF} for name in names]
        templates = [{"name": "main", "dag": {"tasks": tasks}}]
        self.workflow = {
            "metadata": {"name": "w"},
            "spec": {"entrypoint": "main", "templates": templates},
            "status": {"phase": "Running", "nodes": {}},
        }
        if gate:
            tasks.append({"name": gate, "template": "gate"})
            templates.append({"name": "gate", "suspend": {}})
            node = {"type": "Suspend", "phase": "Running", "displayName": gate}
            self.workflow["status"]["nodes"]["w-1"] = node
        self.patches = []

    def get_workflow(self, name):
        return self.workflow if name == "w" else None

    def patch_workflow(self, name, patch):
        self.patches.append(patch)
        return self.workflow


class Jobs:
    """Jobs that were cancelled."""

    def __init__(self):
        self.cancelled = []

    def cancel(self, name):
        self.cancelled.append(name)


def node(name="a", **changes):
    fields = {"argo": ArgoSide("w", "u", "w-1", "Running"), "phase": Phase.RUNNING}
    return Node(id=name, name=name, **{**fields, **changes})


def test_a_step_that_is_alone_takes_its_workflow_with_it():
    cluster, jobs = Cluster("a"), Jobs()
    assert stop_step(cluster, jobs, node(), BY) == "w"
    assert cluster.patches[0]["spec"] == {"shutdown": "Stop"}
    assert jobs.cancelled == []


def test_one_of_several_ends_by_its_job_alone():
    cluster, jobs = Cluster("a", "b"), Jobs()
    with pytest.raises(Conflict, match="has no job of its own yet"):
        stop_step(cluster, jobs, node(), BY)
    assert stop_step(cluster, jobs, node(vertex=VertexSide("jobs/7")), BY) == "jobs/7"
    assert (jobs.cancelled, cluster.patches) == (["jobs/7"], [])
    with pytest.raises(Conflict, match="has ended"):
        stop_step(cluster, jobs, node(phase=Phase.SUCCEEDED), BY)


def test_a_gate_ends_by_being_denied():
    cluster = Cluster("a", gate="ok")
    stop_step(cluster, Jobs(), node("ok", kind="approval", phase=Phase.WAITING), BY)
    (change,) = cluster.patches[0]["status"]["nodes"].values()
    assert (change["phase"], change["message"]) == ("Failed", "denied by ada")
