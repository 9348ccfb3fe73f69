"""Control verbs are the patches that Argo's own client writes."""

from datetime import UTC, datetime, timedelta

import pytest

from argovx_lab.cluster import control
from argovx_lab.errors import Conflict
from argovx_lab.model.principal import Principal

ADA = Principal(
    "ada", "system:serviceaccount:argovx:nb-ada", "principal://x", "u-ada@p.iam.gserviceaccount.com"
)


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
    verb(cluster, "w", ADA)
    ((name, patch),) = cluster.patches
    assert (name, patch["spec"]) == ("w", {"shutdown": strategy})
    prefix = "workflows.argoproj.io/"
    assert patch["metadata"]["labels"] == {
        f"{prefix}action": strategy,
        f"{prefix}actor": "system-serviceaccount-argovx-nb-ada",
        f"{prefix}actor-preferred-username": "ada",
        f"{prefix}actor-email": None,
    }
    at = datetime.fromisoformat(patch["metadata"]["annotations"]["argovx.dev/shutdown-at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


@pytest.mark.parametrize("phase", [None, "Succeeded", "Failed", "Error"])
def test_what_has_ended_is_not_stopped(phase):
    cluster = Cluster(phase)
    with pytest.raises(Conflict, match="nothing to stop"):
        control.stop(cluster, "w", ADA)
    assert cluster.patches == []
