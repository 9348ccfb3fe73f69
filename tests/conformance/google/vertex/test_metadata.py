"""ML Metadata and experiments, judged by the vendor's clients over both transports."""

from __future__ import annotations

import pytest

LINEAGE = [
    "store True",
    "parents ['exp']",
    "cycle refused",
    "execution COMPLETE {'n': 1.0}",
    "inputs and outputs ['data', 'model'] ['INPUT', 'OUTPUT']",
    "context ['data', 'model'] ['train'] 2",
    "closure ['data', 'model']",
    "one hop ['model'] 1",
    "negative hops refused",
    "filter ['model']",
    "filter ['data']",
    "filter ['data', 'model']",
    "children ['run']",
    "filter refused",
    "filter refused",
    "filter refused",
    "pages [['model'], ['data']]",
    "stale etag True",
    "already exists",
    "not found True",
    "schema not found",
    "id refused",
    "after the delete ['model'] 0 0",
    "contexts left []",
]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_lineage(end, transport):
    assert end.run("lineage.py", transport) == LINEAGE


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_experiments(end, transport):
    assert end.run("experiments.py", transport) == [
        "first COMPLETE {'depth': 0.0, 'kind': 'tree'} {'accuracy': 0.9, 'loss': 0.1}",
        "second COMPLETE {'depth': 1.0, 'kind': 'tree'} {'accuracy': 0.75, 'loss': 0.1}",
        "['metric.accuracy', 'metric.loss', 'param.depth', 'param.kind'] 2",
        "artifact gs://lab/x system.Dataset",
        "metadata {'rows': 3.0}",
        "experiments left []",
    ]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_curves(end, transport):
    assert end.run("curves.py", transport) == [
        "columns ['accuracy', 'loss', 'step', 'wall_time'] 6 0.1",
        "board True",
        "series [('loss', 'SCALAR', 6)]",
        "three points [1, 3, 6]",
        "late points [5, 6]",
        "export [4, 2]",
        "overwritten 6 [7.0]",
        "already exists",
        "not found",
        "batch ['b0', 'b1']",
        "updated b0 d",
        "deleted",
    ]
