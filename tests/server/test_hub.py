"""The hub's verbs on steps, with runs and a cluster of the test's own."""

from types import SimpleNamespace

import pytest

from argovx_lab.compile.manifest import step_reference, workflow_spec
from argovx_lab.errors import Conflict, NotFound, Unavailable
from argovx_lab.model.run import ArgoSide, Node, Phase, Run
from argovx_lab.server.hub import RETRY_PATIENCE_S, Hub

LABELS = {"argovx.dev/run": "r", "argovx.dev/user": "ada"}


class Cluster:
    """One finished Workflow, and what was created from it."""

    def __init__(self):
        self.made, self.asked = [], []
        self.workflows = {
            "train-1": {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "metadata": {"name": "train-1", "namespace": "n", "labels": LABELS},
                "spec": workflow_spec("ada", [{"name": "train", "templateRef": step_reference()}]),
                "status": {"phase": "Failed"},
            }
        }

    def get_workflow(self, name):
        self.asked.append(name)
        return self.workflows.get(name)

    def create_workflow(self, body, *, patience_s):
        assert patience_s == RETRY_PATIENCE_S
        self.made.append(body)
        return body


@pytest.fixture
def hub():
    """Return a hub whose run ``r`` has the step ``train`` in a phase that the test sets."""
    made = Hub("root")
    made.nodes = (Node("train", "train", Phase.FAILED, argo=ArgoSide("train-1", "u", "n", "Failed")),)
    cluster = Cluster()
    made._services = SimpleNamespace(cluster=cluster, profile=SimpleNamespace(user="ada"))
    follower = SimpleNamespace(look=lambda run_id: None)
    store = SimpleNamespace(
        get=lambda run_id: (
            Run(id="r", name="r", phase=Phase.RUNNING, nodes=made.nodes) if run_id == "r" else None
        )
    )
    made._read_path = SimpleNamespace(follower=follower, store=store)
    made.cluster = cluster
    return made


def in_phase(hub, phase):
    hub.nodes = (Node("train", "train", phase, argo=ArgoSide("train-1", "u", "n", "Running")),)


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.final])
def test_a_step_that_still_runs_is_not_retried(hub, phase):
    in_phase(hub, phase)
    with pytest.raises(
        Conflict, match=f"train is {phase.value.lower()}; it can be retried when it has ended"
    ):
        hub.retry_step("r", "train")
    assert (hub.cluster.made, hub.cluster.asked) == ([], [])


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.STOPPED, Phase.SUCCEEDED])
def test_a_step_that_has_ended_is_submitted_once_more_under_a_name_of_its_own(hub, phase):
    in_phase(hub, phase)
    name = hub.retry_step("r", "train")["workflow"]
    (made,) = hub.cluster.made
    assert made["metadata"]["name"] == name
    assert name != "train-1"
    assert "status" not in made


def test_a_step_that_was_never_submitted_is_not_retried(hub):
    hub.nodes = (Node("train", "train", Phase.SKIPPED),)
    with pytest.raises(Conflict):
        hub.retry_step("r", "train")


def test_a_workflow_that_is_gone_is_said(hub):
    hub.cluster.workflows.clear()
    with pytest.raises(NotFound, match="train-1 is gone") as caught:
        hub.retry_step("r", "train")
    assert caught.value.hint == "Run the cell again."


def test_a_busy_cluster_is_an_error_of_the_panel_too(hub, monkeypatch):
    def busy(body, *, patience_s):
        raise Unavailable("HTTP 429")

    monkeypatch.setattr(hub.cluster, "create_workflow", busy)
    with pytest.raises(Unavailable):
        hub.retry_step("r", "train")


@pytest.mark.parametrize(("run", "step"), [("nowhere", "train"), ("r", "other")])
def test_what_is_not_there_is_not_retried(hub, run, step):
    with pytest.raises(NotFound):
        hub.retry_step(run, step)
