"""The experiment run of a job: how the job names it, and what was logged there."""

import pytest

from argovx_lab.runs.jobs.experiment import VALUE_MAX, read
from argovx_lab.vertex.experiments import named

CONTEXTS = "projects/7/locations/us-central1/metadataStores/default/contexts"


def variables(**given):
    env = [{"name": name, "value": value} for name, value in given.items()]
    return {"workerPoolSpecs": [{"pythonPackageSpec": {"env": env}}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ("", "")),
        ({"experiment": f"{CONTEXTS}/e", "experimentRun": f"{CONTEXTS}/e-r"}, ("e", "e-r")),
        ({"experiment": f"{CONTEXTS}/e"}, ("e", "")),
        (variables(AIP_EXPERIMENT_NAME="e", AIP_EXPERIMENT_RUN_NAME="r"), ("e", "e-r")),
        (variables(AIP_EXPERIMENT_RUN_NAME="r"), ("", "")),
        ({"experiment": 7, "workerPoolSpecs": [None]}, ("", "")),
        ({"workerPoolSpecs": [{"containerSpec": {"env": [7, {"name": "AIP_EXPERIMENT_NAME"}]}}]}, ("", "")),
    ],
)
def test_how_a_job_names_it(spec, expected):
    assert named({"jobSpec": spec}) == expected


class Metadata:
    def __init__(self, **nodes):
        self.nodes = nodes

    def get(self, kind, node_id):
        return self.nodes.get(f"{kind}_{node_id}")


JOB = {"jobSpec": {"experiment": f"{CONTEXTS}/e", "experimentRun": f"{CONTEXTS}/e-r"}}


def test_what_was_logged():
    noted = {
        "_state": "RUNNING",
        "_params": {"depth": 4.0, "rate": 0.5, "kind": "tree", "deep": {"a": 1}, "long": "x" * 9000},
        "_metrics": {"accuracy": 0.9, "name": "no number", "bad": float("nan")},
    }
    context = {"displayName": "run", "metadata": noted}
    board = {"metadata": {"resourceName": "projects/7/x"}}
    logged = read(Metadata(**{"contexts_e-r": context, "artifacts_e-r-tb-run": board}), JOB)
    assert (logged.experiment.name, logged.experiment.run, logged.experiment.state) == ("e", "run", "RUNNING")
    params = logged.experiment.params
    assert (params["depth"], params["rate"], params["kind"], params["deep"]) == (
        "4",
        "0.5",
        "tree",
        "{'a': 1}",
    )
    assert len(params["long"]) == VALUE_MAX
    assert logged.metrics == {"accuracy": 0.9}
    assert logged.board_run == "projects/7/x"


def test_one_that_is_not_there_is_named_all_the_same():
    logged = read(Metadata(), JOB)
    assert (logged.experiment.name, logged.experiment.run, logged.experiment.params) == ("e", "r", {})


def test_a_job_without_one():
    assert read(Metadata(), {}) is None
