"""Control verbs are the patches that Argo's own client writes."""

import pytest

from argovx_lab.cluster import control
from argovx_lab.errors import Conflict


class Cluster:
    def __init__(self, phase):
        self.phase = phase
        self.patches = []

    def get_workflow(self, name):
        return None if self.phase is None else {"metadata": {"name": name}, "status": {"phase": self.phase}}

    def patch_workflow(self, name, patch):
        self.patches.append((name, patch))
        return {}


@pytest.mark.parametrize(("verb", "strategy"), [(control.stop, "Stop"), (control.terminate, "Terminate")])
def test_the_patch(verb, strategy):
    cluster = Cluster("Running")
    verb(cluster, "w")
    assert cluster.patches == [("w", {"spec": {"shutdown": strategy}})]


@pytest.mark.parametrize("phase", [None, "Succeeded", "Failed", "Error"])
def test_what_has_ended_is_not_stopped(phase):
    cluster = Cluster(phase)
    with pytest.raises(Conflict, match="nothing to stop"):
        control.stop(cluster, "w")
    assert cluster.patches == []
